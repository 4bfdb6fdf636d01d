//! CSV downloads of the Entra portal: labels as the page shows them.
//!
//! Interactive and non-interactive sign-ins have the same columns, so nothing inside such a file
//! says which it holds; only the name that the portal gave it does, and only that is asked
//! ([`category_of_file`]). Columns are found by name: there have been versions with 54, 55 and 57.

use super::code::code;
use super::graph::SignIn;
use super::{Dialect, Key, Part, Raw, Reader, Stop, list, text};

/// Sign-ins of users, applications and managed identities.
pub(super) static PORTAL: Dialect = Dialect {
    name: "portal",
    title: "Entra portal download, CSV",
    told_by: "columns `Date (UTC)` and `Sign-in error code`",
    lacks: "authentication steps (they are in the AuthDetails file), risk, user agent of applications; \
        interactive or not is told by the file's name alone",
    claims: |seen| seen.has(Key::DateUtc) && seen.has(Key::SignInErrorCode),
    ..Dialect::of_parts::<Row>()
};

/// The companion file with one row for each step of a sign-in.
pub(super) static PORTAL_AUTH_DETAILS: Dialect = Dialect {
    name: "portal_auth_details",
    title: "Entra portal download, CSV of authentication details",
    told_by: "columns `Request ID` and `Result detail` without an error code",
    lacks: "everything but what the steps say about the password; never read as sign-ins",
    claims: |seen| {
        seen.has(Key::Id)
            && seen.has(Key::AuthenticationStepResultDetail)
            && !seen.has(Key::SignInErrorCode)
            && !seen.has(Key::ErrorCode)
    },
    ..Dialect::of_parts::<StepRow>()
};

struct Row;

impl Part for Row {
    fn read<'de>(raw: &mut Raw<'de>, key: Key, from: &mut Reader<'de, '_>) -> Result<(), Stop> {
        match key {
            Key::DateUtc => text(&mut raw.created, from),
            Key::ResourcePath => text(&mut raw.row.resource_display_name, from),
            Key::SignInErrorCode => code(&mut raw.status_code, from),
            // Success, Failure or Interrupted: a word that the code says better, unless it is
            // missing.
            Key::Status => code(&mut raw.result_code, from),
            Key::Location => {
                let mut place = None;
                text(&mut place, from)?;
                if let Some(place) = place {
                    raw.place(place);
                }
                Ok(())
            }
            Key::ManagedIdentityType => {
                let mut kind = None;
                text(&mut kind, from)?;
                if kind.is_some_and(|kind| !kind.eq_ignore_ascii_case("none")) {
                    raw.event_types = Some(vec!["managedIdentity".into()]);
                }
                Ok(())
            }
            Key::SignInEventTypes => list(&mut raw.event_types, from),
            _ => SignIn::read(raw, key, from),
        }
    }
}

struct StepRow;

impl Part for StepRow {
    fn read<'de>(raw: &mut Raw<'de>, key: Key, from: &mut Reader<'de, '_>) -> Result<(), Stop> {
        match key {
            Key::Id => text(&mut raw.row.sign_in_id, from),
            _ => super::graph::Step::read(raw, key, from),
        }
    }

    fn done(raw: &mut Raw<'_>) {
        raw.end_step();
        raw.is_step = true;
    }
}

/// The category that the portal's own file names tell, where the rows do not.
pub(in crate::decode) fn category_of_file(name: &str) -> Option<&'static str> {
    let name = name.rsplit(['/', '\\']).next().unwrap_or(name);
    let known = [
        ("NonInteractiveSignIns", "non_interactive"),
        ("InteractiveSignIns", "interactive"),
        ("ApplicationSignIns", "service_principal"),
        ("MSISignIns", "managed_identity"),
    ];
    known
        .into_iter()
        .find(|(part, _)| name.contains(part))
        .map(|(_, category)| category)
}
