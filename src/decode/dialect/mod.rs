//! What the fields of a record are called. A dialect is a value in a list, not a type: adding one
//! is a file and a line.

use std::fmt;

use super::json::{
    Key, Memory, Part, Reader, Seen, Stop, Unreadable, flag, float, integer, list, nested, read,
    text,
};
use super::judge::Raw;

mod code;
mod diagnostic;
mod flat;
mod graph;

/// Every dialect, most specific first: the first that claims a record reads it.
pub static DIALECTS: &[&Dialect] = &[
    &diagnostic::DIAGNOSTIC_SETTINGS,
    &flat::DIAGNOSTIC_SETTINGS_FLAT,
    &graph::GRAPH_POWERSHELL,
    &graph::GRAPH,
];

/// One way to name the fields of a sign-in.
pub struct Dialect {
    /// The name in `snake_case`, as it stands in column `spelling`.
    pub name: &'static str,
    /// Where such records come from, for people.
    pub title: &'static str,
    /// Whether the outermost fields of a record are those of this dialect.
    pub(super) claims: fn(Seen) -> bool,
    /// Reads one record that may nest so many levels deep. What was read before an error stays in
    /// [`Raw`].
    pub(super) read:
        for<'a> fn(&'a str, usize, &mut Memory, &mut Raw<'a>) -> Result<(), Unreadable>,
}

impl fmt::Debug for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl Dialect {
    /// The dialect that claims a record with these outermost fields.
    pub(super) fn of(seen: Seen) -> Option<&'static Dialect> {
        DIALECTS
            .iter()
            .find(|dialect| (dialect.claims)(seen))
            .copied()
    }
}

/// Fields that a sign-in has and few other things do.
const OF_SIGN_INS: &[Key] = &[
    Key::Status,
    Key::ClientAppUsed,
    Key::ConditionalAccessStatus,
    Key::IsInteractive,
    Key::SignInEventTypes,
    Key::RiskLevelDuringSignIn,
    Key::ResourceDisplayName,
    Key::IpAddress,
    Key::ResultType,
];

/// Fields that a sign-in has, but other things have too.
const COMMON: &[Key] = &[
    Key::AppId,
    Key::AppDisplayName,
    Key::UserPrincipalName,
    Key::UserId,
    Key::CorrelationId,
    Key::ServicePrincipalId,
    Key::DeviceDetail,
];

/// Fields that no sign-in has.
const OF_OTHERS: &[Key] = &[
    Key::ActivityDateTime,
    Key::AuditLogRecordType,
    Key::DetectedDateTime,
    Key::Properties,
];

/// Whether an object without an envelope looks like a sign-in: enough of its fields, and none of
/// something else's.
fn is_sign_in(seen: Seen) -> bool {
    let typical = seen.count(OF_SIGN_INS);
    let all = typical + seen.count(COMMON);
    let enough = if seen.has(Key::CreatedDateTime) { 2 } else { 4 };
    typical >= 1 && all >= enough && seen.count(OF_OTHERS) == 0
}
