//! One sign-in of the simulation: what was tried, how it ended, and who is truly behind it.

use std::net::IpAddr;

use super::words::Agent;

/// Milliseconds since Monday 2 March 2026, 00:00 UTC.
pub(crate) type Time = u64;
pub(crate) const SECOND: Time = 1000;
pub(crate) const MINUTE: Time = 60 * SECOND;
pub(crate) const HOUR: Time = 60 * MINUTE;
pub(crate) const DAY: Time = 24 * HOUR;

/// The name under which somebody signs in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Who {
    /// An account of the tenant.
    Account(u32),
    /// A name that the tenant does not have.
    Nobody(u32),
    /// A service principal.
    Service(u32),
}

/// The kind of client, as the log names it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Client {
    Browser,
    Modern,
    ActiveSync,
    Imap,
    Smtp,
}

impl Client {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Browser => "Browser",
            Self::Modern => "Mobile Apps and Desktop clients",
            Self::ActiveSync => "Exchange ActiveSync",
            Self::Imap => "IMAP4",
            Self::Smtp => "Authenticated SMTP",
        }
    }

    /// Whether it knows no second factor.
    pub(crate) fn is_legacy(self) -> bool {
        !matches!(self, Self::Browser | Self::Modern)
    }
}

/// What a sign-in is made with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Tool {
    pub(crate) agent: Agent,
    /// A place in `words::APPS`.
    pub(crate) app: usize,
    pub(crate) client: Client,
    /// Registered in the tenant and managed: the log names it.
    pub(crate) managed: bool,
}

/// What is presented.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Secret {
    /// The password, typed or from the session.
    Right,
    /// A wrong one; equal numbers are equal passwords.
    Wrong(u64),
    /// A token that is renewed without anybody at the keyboard.
    Token,
}

/// A sign-in before anybody has judged it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attempt {
    pub(crate) who: Who,
    pub(crate) from: IpAddr,
    pub(crate) tool: Tool,
    pub(crate) secret: Secret,
    /// Whether whoever tries can also pass the second factor.
    pub(crate) second_factor: bool,
    /// What comes between a right password and success this time.
    pub(crate) interrupt: Option<Outcome>,
}

/// How a sign-in ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Outcome {
    Success,
    BadPassword,
    UnknownUser,
    Locked,
    Malicious,
    HighRisk,
    Expired,
    MfaNotPassed,
    MfaNeeded,
    PolicyBlock,
    NoSession,
    StaySignedIn,
    BadSecret,
}

impl Outcome {
    /// The error code.
    pub(crate) fn code(self) -> u32 {
        match self {
            Self::Success => 0,
            Self::BadPassword => 50126,
            Self::UnknownUser => 50034,
            Self::Locked | Self::Malicious | Self::HighRisk => 50053,
            Self::Expired => 50055,
            Self::MfaNotPassed => 50074,
            Self::MfaNeeded => 50076,
            Self::PolicyBlock => 53003,
            Self::NoSession => 50058,
            Self::StaySignedIn => 50140,
            Self::BadSecret => 7_000_215,
        }
    }

    /// Why it was refused with 50053, if it was.
    pub(crate) fn reason(self) -> Option<&'static str> {
        match self {
            Self::Locked => Some("lockout"),
            Self::Malicious => Some("malicious_ip"),
            Self::HighRisk => Some("high_confidence_risk"),
            _ => None,
        }
    }

    /// Whether it shows that the password was right.
    pub(crate) fn proves_password(self) -> bool {
        matches!(
            self,
            Self::Success
                | Self::Expired
                | Self::MfaNotPassed
                | Self::MfaNeeded
                | Self::PolicyBlock
                | Self::StaySignedIn
        )
    }
}

/// Who acts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Role {
    /// A person at work.
    Person,
    /// A program with a service principal.
    Service,
    /// An honest person or device in trouble.
    Honest,
    /// An attacker with a plan.
    Attacker,
    /// One of the lone attempts that every tenant sees every day.
    Stray,
}

impl Role {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Service => "service",
            Self::Honest => "honest",
            Self::Attacker => "attacker",
            Self::Stray => "stray",
        }
    }
}

/// Whoever acts, and for which incident.
#[derive(Clone, Copy, Debug)]
pub(crate) struct By {
    pub(crate) role: Role,
    pub(crate) incident: Option<u32>,
}

/// A sign-in that happened.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Event {
    /// Counts the sign-ins of a simulation; everything accidental in a record follows from it.
    pub(crate) number: u64,
    pub(crate) at: Time,
    pub(crate) attempt: Attempt,
    pub(crate) outcome: Outcome,
    pub(crate) role: Role,
    /// The incident that this sign-in belongs to: the one for which the address of an honest person
    /// is blocked, or else that of the actor.
    pub(crate) incident: Option<u32>,
    /// The incident that locked the account, when this sign-in met a lock.
    pub(crate) behind: Option<u32>,
}
