//! Why a record is not readable, for coverage and terminals: fixed words that quote nothing of it.

use crate::decode::Limits;
use crate::decode::json::Unreadable;

/// Why a record is not readable, in words that hold nothing of the record itself.
pub(super) fn words(error: &Unreadable, limits: Limits) -> String {
    match error {
        Unreadable::Depth => format!("nested deeper than {} levels, the limit", limits.max_depth),
        Unreadable::Trailing => "something follows the record on its line".to_owned(),
        Unreadable::Json(error) if error.is_eof() => {
            "the line ends inside a record (cut off?)".to_owned()
        }
        // What the parser says about syntax is fixed text and quotes no value.
        Unreadable::Json(error) => format!("not valid JSON: {error}"),
        Unreadable::Cells => "more or fewer cells than the header names (cut off?)".to_owned(),
        Unreadable::NoObject => "not a JSON object".to_owned(),
    }
}
