//! The unified audit log of Microsoft 365: other names, fewer facts, and no text of the failure.
//!
//! `UserLoggedIn` and `UserLoginFailed` are sign-ins, everything else is not. The outcome is
//! `ErrorNumber` (the schema calls it `ErrorCode`): `ResultStatus` says "Success" even of refused
//! sign-ins. `LogonError` is the name of the code and states no reason. Times are UTC without a
//! zone.

use super::code::code;
use super::{Code, Dialect, Key, Part, Raw, Reader, Stop, nested, text};

/// Bare records: the Management Activity API, and tools that keep only `AuditData`.
pub(super) static UNIFIED_AUDIT_LOG: Dialect = Dialect {
    name: "unified_audit_log",
    title: "Microsoft 365 unified audit log, bare records (Management Activity API)",
    told_by: "fields `CreationTime` and `Operation`",
    lacks: "the text of the failure (no stated reason), country, application name, steps, risk, \
        conditional access, interactive or not; whole seconds only",
    claims: |seen| seen.has(Key::CreationTime) && seen.has(Key::Operation),
    ..Dialect::of_parts::<Audit>()
};

/// Rows around `AuditData`: `Search-UnifiedAuditLog`, Purview, Graph `auditLogQuery`.
pub(super) static UNIFIED_AUDIT_EXPORT: Dialect = Dialect {
    name: "unified_audit_export",
    title: "Microsoft 365 unified audit log, rows with AuditData (Search-UnifiedAuditLog, Purview, Graph)",
    told_by: "field `AuditData`",
    lacks: "the same as unified_audit_log",
    claims: |seen| seen.has(Key::AuditData),
    ..Dialect::of_parts::<Export>()
};

/// A row around `AuditData`. Its own columns only matter where `AuditData` is empty.
struct Export;

impl Part for Export {
    fn read<'de>(raw: &mut Raw<'de>, key: Key, from: &mut Reader<'de, '_>) -> Result<(), Stop> {
        match key {
            Key::AuditData => nested::<Audit>(raw, from),
            Key::Operation => text(&mut raw.outer_operation, from),
            _ => from.skip(),
        }
    }

    fn done(raw: &mut Raw<'_>) {
        if raw.operation.is_none() && is_sign_in(raw.outer_operation.as_deref()) {
            raw.wrong = Some("its AuditData is empty or not whole");
        } else if raw.operation.is_none() {
            raw.category = Some("UnifiedAuditLog".into());
        }
    }
}

struct Audit;

impl Part for Audit {
    fn read<'de>(raw: &mut Raw<'de>, key: Key, from: &mut Reader<'de, '_>) -> Result<(), Stop> {
        let row = &mut raw.row;
        match key {
            Key::Id => text(&mut row.sign_in_id, from),
            Key::CreationTime => text(&mut raw.created, from),
            Key::Operation => text(&mut raw.operation, from),
            Key::ErrorNumber => code(&mut raw.status_code, from),
            Key::ErrorCode => code(&mut raw.result_code, from),
            Key::LogonError => text(&mut row.additional_details, from),
            Key::UserId => text(&mut row.user_principal_name, from),
            Key::AuditUser => text(&mut row.user_id, from),
            Key::ClientIp => text(&mut raw.ip, from),
            Key::ActorIpAddress => text(&mut raw.caller_ip, from),
            Key::AppId => text(&mut row.app_id, from),
            Key::ObjectId => text(&mut row.resource_id, from),
            Key::OrganizationId => text(&mut raw.log_tenant, from),
            Key::ActorContextId => text(&mut raw.tenant, from),
            Key::InterSystemsId => text(&mut row.correlation_id, from),
            Key::ExtendedProperties | Key::DeviceProperties => nested::<Pair>(raw, from),
            _ => from.skip(),
        }
    }

    fn done(raw: &mut Raw<'_>) {
        if !is_sign_in(raw.operation.as_deref()) {
            raw.category = Some("UnifiedAuditLog".into());
        } else if raw.status_code.is_none()
            && raw.result_code.is_none()
            && raw.operation.as_deref() == Some("UserLoggedIn")
        {
            raw.status_code = Some(Code::Number(0));
        }
        // An account that does not exist has no id, and some records say so in words.
        raw.row
            .user_id
            .take_if(|id| id.len() != 36 || id.starts_with("00000000-0000-0000"));
    }
}

/// One `{"Name":…,"Value":…}`.
struct Pair;

impl Part for Pair {
    fn read<'de>(raw: &mut Raw<'de>, key: Key, from: &mut Reader<'de, '_>) -> Result<(), Stop> {
        match key {
            Key::Name => text(&mut raw.pair_name, from),
            Key::PairValue => text(&mut raw.pair_value, from),
            _ => from.skip(),
        }
    }

    fn done(raw: &mut Raw<'_>) {
        let value = raw.pair_value.take();
        let row = &mut raw.row;
        match raw.pair_name.take().as_deref() {
            Some("UserAgent") => row.user_agent = value,
            Some("OS") => row.device_os = value,
            Some("BrowserType") => row.device_browser = value,
            Some("SessionId") => row.session_id = value,
            Some("Id") => row.device_id = value,
            Some("TrustType") => row.device_trust_type = value,
            Some("IsCompliant") => row.device_compliant = value.and_then(|it| truth(&it)),
            _ => {}
        }
    }
}

fn truth(text: &str) -> Option<bool> {
    match text {
        "True" | "true" => Some(true),
        "False" | "false" => Some(false),
        _ => None,
    }
}

fn is_sign_in(operation: Option<&str>) -> bool {
    matches!(operation, Some("UserLoggedIn" | "UserLoginFailed"))
}
