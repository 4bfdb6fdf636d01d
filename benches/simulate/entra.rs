//! A model of what Entra does with a sign-in: reputation of addresses, built-in protection, smart
//! lockout, second factor.
//!
//! Documented (howto-password-smart-lockout): ten failures lock, for 60 seconds at first and longer
//! after each further lock; the first failure after a lock locks again; places that the account
//! knows and places that it does not have counters of their own; a password among the last three
//! wrong ones does not count again, but under pass-through authentication it does; a sign-in from a
//! malicious address is refused whatever the password. Not documented, and therefore drawn from the
//! seed: how quickly locks grow, when failures are forgotten, how late a lock is seen everywhere,
//! after how many failures an address is known as malicious, and for how long.

use std::collections::HashMap;
use std::net::IpAddr;

use super::chance::{coin, hash};
use super::event::{Attempt, DAY, HOUR, MINUTE, Outcome, SECOND, Secret, Time, Who};
use super::random::Random;

/// The numbers of the model.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    pub(crate) threshold: u32,
    pub(crate) first_lock: Time,
    /// Each further lock lasts this many times as long.
    pub(crate) growth: f64,
    pub(crate) longest_lock: Time,
    /// Without a failure for so long, everything is forgotten.
    pub(crate) forget_after: Time,
    /// Whether the last three wrong passwords are remembered, as without pass-through authentication.
    pub(crate) three_hashes: bool,
    /// A lock is seen everywhere within this time.
    pub(crate) lag: Time,
    /// Share of the addresses that nobody ever finds out.
    pub(crate) unnoticed: f64,
    /// How long an address that was found out stays blocked.
    pub(crate) blocked_for: Time,
    /// Share of the strange addresses from which old protocols are a high risk.
    pub(crate) risky: f64,
    pub(crate) seed: u64,
}

impl Rules {
    /// The documented numbers, and for the others what the seed says.
    pub(crate) fn new(seed: u64, three_hashes: bool) -> Self {
        let mut random = Random::new(seed, 11);
        Self {
            threshold: 10,
            first_lock: MINUTE,
            growth: 1.3 + 1.2 * random.unit(),
            longest_lock: random.between(10, 60) * MINUTE,
            forget_after: random.between(1, 6) * HOUR,
            three_hashes,
            lag: random.between(0, 15) * SECOND,
            unnoticed: 0.4 + 0.3 * random.unit(),
            blocked_for: random.between(6, 96) * HOUR,
            risky: 0.2 + 0.3 * random.unit(),
            seed,
        }
    }
}

/// One of the two counters of an account.
#[derive(Clone, Copy, Default, Debug)]
struct Counter {
    failures: u32,
    last: Time,
    hashes: [u64; 3],
    from: Time,
    until: Time,
    locks: i32,
    /// The next failure locks.
    on_probation: bool,
    /// For which incident it was locked.
    owner: Option<u32>,
}

/// One account.
#[derive(Clone, Default, Debug)]
struct Account {
    strange: Counter,
    familiar: Counter,
    /// Networks from which it signed in, as hashes.
    places: Vec<u64>,
    second_factor: bool,
}

/// When an address is blocked, and for which incident.
#[derive(Clone, Copy, Default, Debug)]
struct Reputation {
    failures: u32,
    from: Time,
    until: Time,
    owner: Option<u32>,
}

/// What a sign-in came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Verdict {
    pub(crate) outcome: Outcome,
    /// The incident for which the account was locked or the address is listed.
    pub(crate) owner: Option<u32>,
}

/// The service.
pub(crate) struct Entra {
    rules: Rules,
    accounts: Vec<Account>,
    addresses: HashMap<IpAddr, Reputation>,
    random: Random,
}

/// The network of an address: /24 or /64.
pub(crate) fn network(from: IpAddr) -> u64 {
    match from {
        IpAddr::V4(v4) => u64::from(u32::from(v4) >> 8),
        IpAddr::V6(v6) => (u128::from(v6) >> 64) as u64,
    }
}

/// An address as a number to hang chance on.
pub(crate) fn number(from: IpAddr) -> u64 {
    match from {
        IpAddr::V4(v4) => u64::from(u32::from(v4)),
        IpAddr::V6(v6) => hash(&[network(from), u128::from(v6) as u64]),
    }
}

impl Entra {
    /// A service with accounts, of which `second_factor` says whether they need one.
    pub(crate) fn new(rules: Rules, second_factor: impl Iterator<Item = bool>) -> Self {
        let accounts = second_factor.map(|second_factor| Account {
            second_factor,
            ..Account::default()
        });
        Self {
            random: Random::new(rules.seed, 12),
            accounts: accounts.collect(),
            addresses: HashMap::new(),
            rules,
        }
    }

    /// Lets an account know the network of `from`.
    pub(crate) fn learn(&mut self, account: u32, from: IpAddr) {
        let account = &mut self.accounts[account as usize];
        let place = network(from);
        if !account.places.contains(&place) {
            if account.places.len() >= 64 {
                account.places.remove(0);
            }
            account.places.push(place);
        }
    }

    /// Puts an address on the list of malicious ones.
    pub(crate) fn list(&mut self, from: IpAddr, since: Time, until: Time, owner: Option<u32>) {
        let known = self.addresses.entry(from).or_default();
        (known.from, known.until, known.owner) = (since, until, owner);
    }

    /// Self-service reset: ends the lock and forgets the failures.
    pub(crate) fn reset(&mut self, account: u32) {
        let account = &mut self.accounts[account as usize];
        (account.strange, account.familiar) = (Counter::default(), Counter::default());
    }

    /// After how many failures this address is found out, if ever.
    pub(crate) fn noticed_after(&self, from: IpAddr) -> Option<u32> {
        let seed = self.rules.seed;
        let noticed = coin(&[seed, 13, number(from)]) >= self.rules.unnoticed;
        let after = 5.0 * 60_f64.powf(coin(&[seed, 14, number(from)]));
        noticed.then_some(after as u32)
    }

    /// Whether old protocols from this address are refused as a high risk.
    pub(crate) fn is_risky(&self, from: IpAddr) -> bool {
        coin(&[self.rules.seed, 15, number(from)]) < self.rules.risky
    }

    /// Judges an attempt made at `now` for `incident`. Attempts come in the order of time.
    pub(crate) fn sign_in(
        &mut self,
        now: Time,
        attempt: &Attempt,
        incident: Option<u32>,
    ) -> Verdict {
        let plain = |outcome| Verdict {
            outcome,
            owner: None,
        };
        if attempt.secret == Secret::Token {
            if let (Who::Account(who), None) = (attempt.who, attempt.interrupt) {
                self.learn(who, attempt.from);
            }
            return plain(attempt.interrupt.unwrap_or(Outcome::Success));
        }
        if let Some(known) = self.addresses.get(&attempt.from)
            && (known.from..known.until).contains(&now)
        {
            return Verdict {
                outcome: Outcome::Malicious,
                owner: known.owner,
            };
        }
        let Who::Account(who) = attempt.who else {
            self.failed_from(now, attempt.from);
            return plain(Outcome::UnknownUser);
        };
        let knows = self.accounts[who as usize]
            .places
            .contains(&network(attempt.from));
        if attempt.tool.client.is_legacy() && !knows && self.is_risky(attempt.from) {
            return plain(Outcome::HighRisk);
        }
        let account = &mut self.accounts[who as usize];
        let counter = match knows {
            true => &mut account.familiar,
            false => &mut account.strange,
        };
        if (counter.from..counter.until).contains(&now) {
            // A data centre that has not heard of the lock yet still checks the password.
            let is_late = now < counter.from + 30 * SECOND && self.random.chance(0.03);
            if !is_late {
                return Verdict {
                    outcome: Outcome::Locked,
                    owner: counter.owner,
                };
            }
        }
        if let Secret::Wrong(password) = attempt.secret {
            counter.failed(now, password, incident, &self.rules, &mut self.random);
            if !knows {
                self.failed_from(now, attempt.from);
            }
            return plain(Outcome::BadPassword);
        }
        *counter = Counter::default();
        if let Some(interrupt) = attempt.interrupt {
            return plain(interrupt);
        }
        if account.second_factor && !attempt.second_factor && !attempt.tool.client.is_legacy() {
            return plain(Outcome::MfaNeeded);
        }
        self.learn(who, attempt.from);
        plain(Outcome::Success)
    }

    /// A failure from an address that the account does not know.
    fn failed_from(&mut self, now: Time, from: IpAddr) {
        let Some(limit) = self.noticed_after(from) else {
            return;
        };
        let known = self.addresses.entry(from).or_default();
        known.failures += 1;
        if known.failures >= limit && known.until <= now {
            known.failures = 0;
            known.owner = None;
            known.from = now + self.random.between(10, 1200) * SECOND;
            known.until = known.from + self.rules.blocked_for;
        }
    }
}

impl Counter {
    fn failed(
        &mut self,
        now: Time,
        password: u64,
        incident: Option<u32>,
        rules: &Rules,
        random: &mut Random,
    ) {
        if now > self.last.max(self.until) + rules.forget_after {
            *self = Self::default();
        }
        // The lock is decided, though not everybody knows it yet.
        if now < self.until {
            return;
        }
        self.last = now;
        let seen = self.hashes.contains(&password);
        if rules.three_hashes && seen && !self.on_probation {
            return;
        }
        if !seen {
            self.hashes.rotate_right(1);
            self.hashes[0] = password;
        }
        self.failures += 1;
        if self.failures < rules.threshold && !self.on_probation {
            return;
        }
        let length = rules.first_lock as f64 * rules.growth.powi(self.locks);
        // Locking again needs no counting, so it is seen at once.
        self.from = match self.on_probation {
            true => now + 1,
            false => now + 1 + random.below(rules.lag + 1),
        };
        self.until = self.from + (length as Time).min(rules.longest_lock.max(rules.first_lock));
        self.failures = 0;
        self.locks += 1;
        self.on_probation = true;
        self.owner = incident;
    }
}

/// The time that is surely after the end of any archive.
pub(crate) const NEVER: Time = 1_000_000 * DAY;
