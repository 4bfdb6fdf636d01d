//! What the fields of a record are called. A dialect is a value in a list, not a type: adding one
//! is a file and a line.

use std::borrow::Cow;
use std::fmt;

use super::json::{
    Key, Memory, Part, Reader, Seen, Stop, Unreadable, flag, float, integer, list, nested, read,
    read_cells, read_list, text, unwrap_value,
};
use super::judge::{Code, Raw};

mod code;
mod defender;
mod diagnostic;
mod elastic;
mod graph;
mod log_analytics;
mod ocsf;
mod portal;
mod unified_audit;
mod wrapped;

pub(super) use portal::category_of_file;

/// Every dialect, most specific first: the first that claims a record reads it.
pub static DIALECTS: &[&Dialect] = &[
    &diagnostic::DIAGNOSTIC_SETTINGS,
    &ocsf::OCSF,
    &elastic::ELASTIC,
    &portal::PORTAL,
    &portal::PORTAL_AUTH_DETAILS,
    &unified_audit::UNIFIED_AUDIT_EXPORT,
    &unified_audit::UNIFIED_AUDIT_LOG,
    &defender::DEFENDER_XDR,
    &log_analytics::LOG_ANALYTICS,
    &graph::GRAPH_POWERSHELL,
    &graph::GRAPH,
    &wrapped::WRAPPED,
];

/// The dialect that is tried first where nothing is known yet.
pub(super) static ANY: &Dialect = &diagnostic::DIAGNOSTIC_SETTINGS;

type ReadCells = for<'a> fn(&[Option<Key>], &'a [Cow<'a, str>], &mut Memory, &mut Raw<'a>);
type ReadList =
    for<'a> fn(&[Option<Key>], &'a str, usize, &mut Memory, &mut Raw<'a>) -> Result<(), Unreadable>;

/// One way to name the fields of a sign-in.
pub struct Dialect {
    /// The name in `snake_case`, as it stands in column `spelling`.
    pub name: &'static str,
    /// Where such records come from, for people.
    pub title: &'static str,
    /// What it is recognised by, for people.
    pub told_by: &'static str,
    /// What it cannot tell, for people.
    pub lacks: &'static str,
    /// Whether the outermost fields of a record are those of this dialect.
    pub(super) claims: fn(Seen) -> bool,
    /// Reads one record that may nest so many levels deep. What was read before an error stays in
    /// [`Raw`].
    pub(super) read:
        for<'a> fn(&'a str, usize, &mut Memory, &mut Raw<'a>) -> Result<(), Unreadable>,
    /// Reads the cells of one row of a table under columns that have been named before.
    pub(super) read_cells: ReadCells,
    /// Reads one JSON array of cells in the same way.
    pub(super) read_list: ReadList,
}

impl fmt::Debug for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl Dialect {
    /// A dialect without words, whose outermost object is a `P`.
    const fn of_parts<P: Part>() -> Dialect {
        Dialect {
            name: "",
            title: "",
            told_by: "",
            lacks: "",
            claims: |_| false,
            read: read::<P>,
            read_cells: read_cells::<P>,
            read_list: read_list::<P>,
        }
    }

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
    Key::ErrorCode,
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
    Key::OwnResult,
];

/// Whether an object without an envelope looks like a sign-in: enough of its fields, and none of
/// something else's.
fn is_sign_in(seen: Seen) -> bool {
    let typical = seen.count(OF_SIGN_INS);
    let all = typical + seen.count(COMMON);
    let enough = if seen.has(Key::CreatedDateTime) { 2 } else { 4 };
    typical >= 1 && all >= enough && seen.count(OF_OTHERS) == 0
}
