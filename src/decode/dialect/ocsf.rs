//! OCSF, class 3002 (Authentication): what pipelines make of sign-ins for many tools at once.
//!
//! The mapping is the one that Tenzir publishes for Entra. Where the raw record was kept
//! (`raw_data`), it is read instead.

use super::code::code;
use super::{Dialect, Key, Part, Raw, Reader, Stop, float, integer, nested, text};

pub(super) static OCSF: Dialect = Dialect {
    name: "ocsf",
    title: "OCSF Authentication (class 3002)",
    told_by: "field `class_uid`",
    lacks: "steps, risk, conditional access, device, session; the id where `metadata.uid` is not set",
    claims: |seen| seen.has(Key::ClassUid),
    ..Dialect::of_parts::<Authentication>()
};

struct Authentication;

impl Part for Authentication {
    fn read<'de>(raw: &mut Raw<'de>, key: Key, from: &mut Reader<'de, '_>) -> Result<(), Stop> {
        match key {
            Key::ClassUid => text(&mut raw.operation, from),
            Key::Time => text(&mut raw.created, from),
            Key::RawData => super::wrapped::inner(raw, from),
            Key::Metadata => nested::<Metadata>(raw, from),
            Key::OcsfUser => nested::<User>(raw, from),
            Key::Service => nested::<Service>(raw, from),
            Key::SrcEndpoint => nested::<Endpoint>(raw, from),
            Key::StatusCode => code(&mut raw.status_code, from),
            Key::StatusDetail => text(&mut raw.status_reason, from),
            Key::HttpRequest => nested::<Request>(raw, from),
            Key::LogonType => {
                let mut kind = None;
                text(&mut kind, from)?;
                raw.event_types = kind.map(|kind| vec![kind]);
                Ok(())
            }
            Key::Session => nested::<Session>(raw, from),
            Key::Cloud => from.skip(),
            _ => from.skip(),
        }
    }

    fn done(raw: &mut Raw<'_>) {
        if raw.operation.take().as_deref() != Some("3002") {
            raw.category = Some("OCSF events of another class".into());
        }
    }
}

struct Metadata;

impl Part for Metadata {
    fn read<'de>(raw: &mut Raw<'de>, key: Key, from: &mut Reader<'de, '_>) -> Result<(), Stop> {
        match key {
            Key::Uid => text(&mut raw.row.sign_in_id, from),
            Key::CorrelationUid => text(&mut raw.row.correlation_id, from),
            Key::TenantId => text(&mut raw.log_tenant, from),
            _ => from.skip(),
        }
    }
}

struct User;

impl Part for User {
    fn read<'de>(raw: &mut Raw<'de>, key: Key, from: &mut Reader<'de, '_>) -> Result<(), Stop> {
        match key {
            Key::Uid => text(&mut raw.row.user_id, from),
            Key::Email => text(&mut raw.row.user_principal_name, from),
            Key::Name => text(&mut raw.row.user_display_name, from),
            _ => from.skip(),
        }
    }
}

struct Service;

impl Part for Service {
    fn read<'de>(raw: &mut Raw<'de>, key: Key, from: &mut Reader<'de, '_>) -> Result<(), Stop> {
        match key {
            Key::Uid => text(&mut raw.row.app_id, from),
            Key::Name => text(&mut raw.row.app_display_name, from),
            _ => from.skip(),
        }
    }
}

struct Endpoint;

impl Part for Endpoint {
    fn read<'de>(raw: &mut Raw<'de>, key: Key, from: &mut Reader<'de, '_>) -> Result<(), Stop> {
        match key {
            Key::Ip => text(&mut raw.ip, from),
            Key::Location => nested::<Endpoint>(raw, from),
            Key::As => nested::<Endpoint>(raw, from),
            Key::Number => integer(&mut raw.row.asn, from),
            Key::City => text(&mut raw.row.city, from),
            Key::State => text(&mut raw.row.state, from),
            Key::CountryOrRegion => text(&mut raw.row.country, from),
            Key::Coordinates => float(&mut raw.row.latitude, from),
            Key::CoordinatesLong => float(&mut raw.row.longitude, from),
            _ => from.skip(),
        }
    }
}

struct Request;

impl Part for Request {
    fn read<'de>(raw: &mut Raw<'de>, key: Key, from: &mut Reader<'de, '_>) -> Result<(), Stop> {
        match key {
            Key::UserAgent => text(&mut raw.row.user_agent, from),
            _ => from.skip(),
        }
    }
}

struct Session;

impl Part for Session {
    fn read<'de>(raw: &mut Raw<'de>, key: Key, from: &mut Reader<'de, '_>) -> Result<(), Stop> {
        match key {
            Key::Uid => text(&mut raw.row.session_id, from),
            _ => from.skip(),
        }
    }
}
