//! The columns of Log Analytics: PascalCase, without an envelope, some of them JSON inside a text.
//!
//! Queries, exports and data-export blobs have them, and service principal sign-ins of mid-2025 came
//! like this through diagnostic settings. Three names change their meaning against Graph:
//! `TenantId` is a workspace, `ResourceId` a path and `Location` a country; `AADTenantId`,
//! `ResourceIdentity` and `LocationDetails` are what Graph calls so.

use super::code::code;
use super::graph::SignIn;
use super::{Dialect, Key, Part, Raw, Reader, Stop, is_sign_in, text};

/// The columns of Log Analytics, as records.
pub(super) static LOG_ANALYTICS: Dialect = Dialect {
    name: "log_analytics",
    title: "Log Analytics and Sentinel tables (also flat diagnostic settings)",
    told_by: "PascalCase columns such as `ResultType`, `AADTenantId` or `TimeGenerated`",
    lacks: "what the query leaves out; without `CreatedDateTime` the time of the event",
    claims: |seen| {
        let columns = [
            Key::AadTenantId,
            Key::ResultType,
            Key::TimeGenerated,
            Key::Category,
            Key::ResourceIdentity,
        ];
        is_sign_in(seen) && seen.is_pascal() && seen.count(&columns) > 0
    },
    ..Dialect::of_parts::<Columns>()
};

struct Columns;

impl Part for Columns {
    fn read<'de>(raw: &mut Raw<'de>, key: Key, from: &mut Reader<'de, '_>) -> Result<(), Stop> {
        match key {
            Key::TimeGenerated | Key::Time => text(&mut raw.ingested, from),
            Key::Category => text(&mut raw.category, from),
            // The name of the table: says the same, so it only counts where there is no category.
            Key::Type => text(&mut raw.operation, from),
            Key::AadTenantId => text(&mut raw.log_tenant, from),
            Key::ResultType => code(&mut raw.result_code, from),
            Key::ResultDescription => text(&mut raw.result_description, from),
            Key::Identity => text(&mut raw.identity, from),
            Key::Location => text(&mut raw.envelope_country, from),
            Key::TenantId | Key::ResourceId | Key::ResourcePath => from.skip(),
            _ => SignIn::read(raw, key, from),
        }
    }

    fn done(raw: &mut Raw<'_>) {
        if raw.category.is_none() {
            raw.category = raw.operation.take();
        }
    }
}
