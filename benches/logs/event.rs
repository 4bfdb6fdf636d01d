//! What happens: one sign-in, how it ended, and when.

use super::random::Random;
use super::tenant::{Address, Tool};

/// Ticks of 100 nanoseconds, the precision of the logs.
pub(crate) const SECOND: u64 = 10_000_000;
pub(crate) const HOUR: u64 = 3600 * SECOND;
/// All archives begin on Monday 2 March 2026, 00:00 UTC: days since 1970.
const FIRST_DAY: u64 = 20_514;

const LOCKED: &str = "The account is locked, you've tried to sign in too many times with an incorrect user ID or password.";
const MALICIOUS: &str =
    "Sign-in was blocked because it came from an IP address with malicious activity";
const MALICIOUS_STOP: &str =
    "Sign-in was blocked because it came from an IP address with malicious activity.";
const HIGH_RISK: &str =
    "Sign-in was blocked by built-in protections due to high confidence of risk.";
const BOTH: &str = "This error can result from two different reasons: the account is locked because the user tried to sign in too many times with an incorrect user ID or password; or sign-in was blocked because it came from an IP address with malicious activity.";

/// How a sign-in ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum End {
    Success,
    BadPassword,
    UnknownUser,
    Locked,
    Malicious,
    MaliciousStop,
    HighRisk,
    BothReasons,
    StaySignedIn,
    MfaNotPassed,
    MfaNeeded,
    NoSession,
    NoConsent,
    Expired,
    PolicyBlock,
}

impl End {
    pub(crate) fn code_and_text(self) -> (&'static str, &'static str) {
        match self {
            Self::Success => ("0", ""),
            Self::BadPassword => (
                "50126",
                "Error validating credentials due to invalid username or password.",
            ),
            Self::UnknownUser => ("50034", "The user account does not exist in the directory."),
            Self::Locked => ("50053", LOCKED),
            Self::Malicious => ("50053", MALICIOUS),
            Self::MaliciousStop => ("50053", MALICIOUS_STOP),
            Self::HighRisk => ("50053", HIGH_RISK),
            Self::BothReasons => ("50053", BOTH),
            Self::StaySignedIn => (
                "50140",
                "This error occurred due to 'Keep me signed in' interrupt when the user was signing-in.",
            ),
            Self::MfaNotPassed => ("50074", "User did not pass the MFA challenge."),
            Self::MfaNeeded => (
                "50076",
                "Due to a configuration change made by your administrator, or because you moved to a new location, you must use multi-factor authentication to access the resource.",
            ),
            Self::NoSession => (
                "50058",
                "Session information is not sufficient for single-sign-on.",
            ),
            Self::NoConsent => (
                "65001",
                "The user or administrator has not consented to use the application.",
            ),
            Self::Expired => ("50055", "The password is expired."),
            Self::PolicyBlock => (
                "53003",
                "Access has been blocked by Conditional Access policies. The access policy does not allow token issuance.",
            ),
        }
    }
}

/// One sign-in. Its line depends on nothing else, so that a second delivery repeats it byte for byte.
#[derive(Clone, Copy)]
pub(crate) struct Event {
    /// Ticks since the archive begins.
    pub(crate) created: u64,
    pub(crate) seed: u64,
    pub(crate) user: u32,
    pub(crate) from: Address,
    pub(crate) tool: Tool,
    pub(crate) end: End,
    pub(crate) attack: bool,
}

impl Event {
    /// When the record reaches the archive: 28 to 1077 seconds after the event.
    pub(crate) fn arrival(&self) -> u64 {
        self.created + 28 * SECOND + Random::new(self.seed, 2).below(1049 * SECOND)
    }
}

/// Year, month and day of a moment in ticks since the archive begins (Gregorian calendar).
pub(crate) fn date(ticks: u64) -> (u64, u64, u64) {
    // Count years from March, so that the leap day is the last of its year.
    let days = FIRST_DAY + ticks / (24 * HOUR) + 719_468;
    let era = days / 146_097;
    let of_era = days % 146_097;
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year + era * 400 + u64::from(month <= 2), month, day)
}
