//! The flat form: PascalCase columns without an envelope, some of them JSON inside a text.
//!
//! Service principal sign-ins of mid-2025 came like this through diagnostic settings, and Log
//! Analytics has always named its columns so. Three names change their meaning against Graph:
//! `TenantId` is a workspace, `ResourceId` a path and `Location` a country; `AADTenantId`,
//! `ResourceIdentity` and `LocationDetails` are what Graph calls so.

use super::code::code;
use super::graph::SignIn;
use super::{Dialect, Key, Part, Raw, Reader, Stop, is_sign_in, read, text};

/// The columns of Log Analytics, as records.
pub(super) static DIAGNOSTIC_SETTINGS_FLAT: Dialect = Dialect {
    name: "diagnostic_settings_flat",
    title: "Entra diagnostic settings, flat (Log Analytics column names)",
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
    read: read::<Columns>,
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
            Key::TenantId | Key::ResourceId => from.skip(),
            _ => SignIn::read(raw, key, from),
        }
    }

    fn done(raw: &mut Raw<'_>) {
        if raw.category.is_none() {
            raw.category = raw.operation.take();
        }
    }
}
