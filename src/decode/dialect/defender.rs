//! Advanced hunting of Defender XDR: `EntraIdSignInEvents`, before December 2025
//! `AADSignInEventsBeta`.
//!
//! Levels and states are numbers here. No column says why a sign-in failed, so a 50053 has no
//! stated reason unless another copy of the sign-in has one.

use std::borrow::Cow;

use super::code::code;
use super::graph::SignIn;
use super::{Dialect, Key, Part, Raw, Reader, Stop, flag, integer, list, text};

pub(super) static DEFENDER_XDR: Dialect = Dialect {
    name: "defender_xdr",
    title: "Defender XDR advanced hunting (EntraIdSignInEvents, AADSignInEventsBeta)",
    told_by: "fields `Timestamp`, `ErrorCode` and `RequestId` or `AccountUpn`",
    lacks: "the text of the failure (no stated reason), steps, ASN, tenant that logged it",
    claims: |seen| {
        let of_accounts = [Key::Id, Key::UserPrincipalName, Key::UserId];
        seen.has(Key::Timestamp) && seen.has(Key::ErrorCode) && seen.count(&of_accounts) > 0
    },
    ..Dialect::of_parts::<Event>()
};

struct Event;

impl Part for Event {
    fn read<'de>(raw: &mut Raw<'de>, key: Key, from: &mut Reader<'de, '_>) -> Result<(), Stop> {
        let named = |from: &mut Reader<'de, '_>, names: &[(i64, &'static str)]| {
            let mut number = None;
            integer(&mut number, from)?;
            let name = names.iter().find(|(known, _)| Some(*known) == number);
            Ok(name.map(|(_, name)| Cow::Borrowed(*name)))
        };
        match key {
            Key::Timestamp => text(&mut raw.created, from),
            Key::ErrorCode => code(&mut raw.status_code, from),
            Key::LogonType => list(&mut raw.event_types, from),
            Key::IsGuestUser => {
                let mut guest = None;
                flag(&mut guest, from)?;
                raw.row.user_type =
                    guest.map(|guest| Cow::Borrowed(if guest { "guest" } else { "member" }));
                Ok(())
            }
            Key::RiskLevelAggregated => {
                raw.risk_aggregated = named(from, &RISK_LEVELS)?;
                Ok(())
            }
            Key::RiskState => {
                raw.row.risk_state = named(from, &RISK_STATES)?;
                Ok(())
            }
            Key::ConditionalAccessStatus => {
                raw.row.conditional_access_status = named(from, &CONDITIONAL_ACCESS)?;
                Ok(())
            }
            _ => SignIn::read(raw, key, from),
        }
    }
}

/// Numbers of the columns, as Microsoft's page of the table explains them.
const RISK_LEVELS: [(i64, &str); 5] = [
    (0, "none"),
    (1, "none"),
    (10, "low"),
    (50, "medium"),
    (100, "high"),
];
const RISK_STATES: [(i64, &str); 6] = [
    (0, "none"),
    (1, "confirmedSafe"),
    (2, "remediated"),
    (3, "dismissed"),
    (4, "atRisk"),
    (5, "confirmedCompromised"),
];
const CONDITIONAL_ACCESS: [(i64, &str); 3] = [(0, "success"), (1, "failure"), (2, "notApplied")];
