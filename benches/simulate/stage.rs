//! Where actors meet the service, and where the truth is kept.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::entra::Entra;
use super::event::{Attempt, By, Event, Outcome, Role, Time, Who};
use super::world::World;

/// Somebody who signs in, or tries to.
pub(crate) trait Actor {
    /// Does what is due at `now`; returns when it acts next, if ever.
    fn act(&mut self, now: Time, stage: &mut Stage<'_>) -> Option<Time>;
}

/// Why refusals happen: the causes that the findings name.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Cause {
    StaleCredential,
    ForgottenPassword,
    BruteForce,
    DistributedBruteForce,
    PasswordSpray,
    DistributedSpray,
    LowAndSlowSpray,
    CredentialStuffing,
    LockoutDenialOfService,
    BlockedAttack,
    FlaggedEgress,
    FlaggedVpn,
    HighRiskBlock,
}

impl Cause {
    pub(crate) const ALL: [Cause; 13] = [
        Self::StaleCredential,
        Self::ForgottenPassword,
        Self::BruteForce,
        Self::DistributedBruteForce,
        Self::PasswordSpray,
        Self::DistributedSpray,
        Self::LowAndSlowSpray,
        Self::CredentialStuffing,
        Self::LockoutDenialOfService,
        Self::BlockedAttack,
        Self::FlaggedEgress,
        Self::FlaggedVpn,
        Self::HighRiskBlock,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::StaleCredential => "stale_credential",
            Self::ForgottenPassword => "forgotten_password",
            Self::BruteForce => "brute_force",
            Self::DistributedBruteForce => "distributed_brute_force",
            Self::PasswordSpray => "password_spray",
            Self::DistributedSpray => "distributed_spray",
            Self::LowAndSlowSpray => "low_and_slow_spray",
            Self::CredentialStuffing => "credential_stuffing",
            Self::LockoutDenialOfService => "lockout_denial_of_service",
            Self::BlockedAttack => "blocked_attack",
            Self::FlaggedEgress => "flagged_egress",
            Self::FlaggedVpn => "flagged_vpn",
            Self::HighRiskBlock => "high_risk_block",
        }
    }

    pub(crate) fn is_attack(self) -> bool {
        !matches!(
            self,
            Self::StaleCredential
                | Self::ForgottenPassword
                | Self::FlaggedEgress
                | Self::FlaggedVpn
                | Self::HighRiskBlock
        )
    }
}

/// One incident, and what it turned out to be.
#[derive(Clone, Debug)]
pub(crate) struct Incident {
    pub(crate) id: u32,
    pub(crate) cause: Cause,
    pub(crate) attempts: u64,
    /// Refusals for a lock, a malicious address, a high risk.
    pub(crate) refused: [u64; 3],
    /// Attempts that were not refused for where they came from: neither as malicious nor as a risk.
    pub(crate) past: u64,
    pub(crate) first: Option<Time>,
    pub(crate) last: Time,
    pub(crate) accounts: BTreeSet<u32>,
    pub(crate) sources: BTreeSet<IpAddr>,
    /// Accounts that the attacker signed in to.
    pub(crate) entered: BTreeSet<u32>,
    /// Accounts of which the attacker learned that the password is right, entered or not.
    pub(crate) known: BTreeSet<u32>,
}

impl Incident {
    pub(crate) fn new(id: u32, cause: Cause) -> Self {
        Self {
            id,
            cause,
            attempts: 0,
            refused: [0; 3],
            past: 0,
            first: None,
            last: 0,
            accounts: BTreeSet::new(),
            sources: BTreeSet::new(),
            entered: BTreeSet::new(),
            known: BTreeSet::new(),
        }
    }

    pub(crate) fn refusals(&self) -> u64 {
        self.refused.iter().sum()
    }

    /// What was meant as an attack but never got as far as a password is a blocked attack. Whatever
    /// was refused for nothing but its high risk is a block of high risk.
    pub(crate) fn settle(&mut self) {
        let [lockouts, blocks, risks] = self.refused;
        let stopped = self.past == 0 || !self.cause.is_attack();
        if stopped && risks > 0 && lockouts + blocks == 0 {
            self.cause = Cause::HighRiskBlock;
        } else if self.past == 0 && self.cause.is_attack() {
            self.cause = Cause::BlockedAttack;
        }
    }
}

/// The service in front of the actors, and the book of what they did.
pub(crate) struct Stage<'a> {
    pub(crate) world: &'a World,
    pub(crate) entra: &'a mut Entra,
    pub(crate) incidents: &'a mut [Incident],
    pub(crate) events: Vec<Event>,
    pub(crate) sign_ins: u64,
}

impl Stage<'_> {
    /// Tries to sign in.
    pub(crate) fn attempt(&mut self, now: Time, by: By, attempt: Attempt) -> Outcome {
        let verdict = self.entra.sign_in(now, &attempt, by.incident);
        let outcome = verdict.outcome;
        let honest = by.role != Role::Attacker && by.role != Role::Stray;
        let listed = (honest && outcome == Outcome::Malicious)
            .then_some(verdict.owner)
            .flatten();
        // A phone with an old password behind a blocked exit is refused for the exit.
        let incident = listed.or(by.incident);
        let behind = (outcome == Outcome::Locked)
            .then_some(verdict.owner)
            .flatten();
        self.sign_ins += 1;
        self.events.push(Event {
            number: self.sign_ins,
            at: now,
            attempt,
            outcome,
            role: by.role,
            incident,
            behind,
        });
        if let Some(incident) = incident {
            self.note(now, incident, by, &attempt, outcome);
        }
        outcome
    }

    fn note(&mut self, now: Time, incident: u32, by: By, attempt: &Attempt, outcome: Outcome) {
        let incident = &mut self.incidents[incident as usize];
        incident.attempts += 1;
        match outcome {
            Outcome::Locked => incident.refused[0] += 1,
            Outcome::Malicious => incident.refused[1] += 1,
            Outcome::HighRisk => incident.refused[2] += 1,
            _ => {}
        }
        let stopped = matches!(outcome, Outcome::Malicious | Outcome::HighRisk);
        incident.past += u64::from(!stopped);
        incident.first.get_or_insert(now);
        incident.last = now;
        incident.sources.insert(attempt.from);
        if let Who::Account(account) = attempt.who {
            incident.accounts.insert(account);
            if by.role == Role::Attacker && outcome.proves_password() {
                incident.known.insert(account);
                if outcome == Outcome::Success {
                    incident.entered.insert(account);
                }
            }
        }
    }
}
