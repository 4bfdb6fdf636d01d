//! Diagnostic settings: an envelope of Azure Monitor around the `signIn` resource of Graph.
//!
//! Storage blobs and Event Hubs carry the same records. The envelope's `time` is the ingestion
//! clock, minutes behind the event; its `location` is a country and its `resourceId` a path, unlike
//! the fields of those names inside.

use super::code::code;
use super::graph::SignIn;
use super::{Dialect, Key, Part, Raw, Reader, Stop, nested, text};

/// Records of every log that diagnostic settings deliver; what is no sign-in is told by its
/// category.
pub(super) static DIAGNOSTIC_SETTINGS: Dialect = Dialect {
    name: "diagnostic_settings",
    title: "Entra diagnostic settings (storage account, Event Hub)",
    told_by: "an envelope with `category` or `resultType` around `properties`",
    lacks: "nothing",
    claims: |seen| {
        let envelope = [
            Key::Category,
            Key::OperationName,
            Key::ResultType,
            Key::Time,
        ];
        seen.has(Key::Properties) && seen.count(&envelope) > 0
    },
    ..Dialect::of_parts::<Envelope>()
};

struct Envelope;

impl Part for Envelope {
    fn read<'de>(raw: &mut Raw<'de>, key: Key, from: &mut Reader<'de, '_>) -> Result<(), Stop> {
        match key {
            Key::Time => text(&mut raw.ingested, from),
            Key::Category => text(&mut raw.category, from),
            Key::OperationName => text(&mut raw.operation, from),
            Key::TenantId => text(&mut raw.log_tenant, from),
            Key::ResultType => code(&mut raw.result_code, from),
            Key::ResultDescription => text(&mut raw.result_description, from),
            Key::CallerIpAddress => text(&mut raw.caller_ip, from),
            Key::CorrelationId => text(&mut raw.envelope_correlation, from),
            Key::Identity => text(&mut raw.identity, from),
            Key::Location => text(&mut raw.envelope_country, from),
            Key::Properties => nested::<SignIn>(raw, from),
            _ => from.skip(),
        }
    }

    fn done(raw: &mut Raw<'_>) {
        // Without a category only the name of the operation tells a sign-in from anything else.
        if raw.category.is_none() && raw.operation.as_deref() != Some("Sign-in activity") {
            raw.category = Some("other".into());
        }
    }
}
