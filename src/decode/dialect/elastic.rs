//! Documents of Elastic's Azure integration: the diagnostic record in snake_case, spread over ECS.
//!
//! `event.original`, where it was kept, is the record itself and is read instead. `geo` has been
//! seen with a state in the place of the country, so only the country's code is believed.

use super::code::code;
use super::graph::SignIn;
use super::{Dialect, Key, Part, Raw, Reader, Stop, float, integer, nested, text};

pub(super) static ELASTIC: Dialect = Dialect {
    name: "elastic",
    title: "Elastic documents of azure.signinlogs",
    told_by: "fields `azure.signinlogs`, nested or dotted",
    lacks: "nothing where `event.original` was kept; otherwise steps, and the name of the country",
    claims: |seen| {
        (seen.has(Key::Azure) || seen.has(Key::ElasticResultType)) && !seen.has(Key::ClassUid)
    },
    ..Dialect::of_parts::<Document>()
};

struct Document;

impl Part for Document {
    fn read<'de>(raw: &mut Raw<'de>, key: Key, from: &mut Reader<'de, '_>) -> Result<(), Stop> {
        match key {
            Key::Azure => nested::<Azure>(raw, from),
            Key::Event => nested::<Event>(raw, from),
            Key::Original => super::wrapped::inner(raw, from),
            Key::Elastic => text(&mut raw.ingested, from),
            Key::Source => nested::<Source>(raw, from),
            Key::SourceIp => text(&mut raw.caller_ip, from),
            Key::SourceAsn => integer(&mut raw.row.asn, from),
            Key::SourceCity => text(&mut raw.row.city, from),
            Key::SourceCountry => text(&mut raw.envelope_country, from),
            Key::SourceLocation => nested::<Geo>(raw, from),
            Key::Coordinates => float(&mut raw.row.latitude, from),
            Key::CoordinatesLong => float(&mut raw.row.longitude, from),
            Key::UserAgent => nested::<Agent>(raw, from),
            Key::UserAgentOriginal => text(&mut raw.row.user_agent, from),
            Key::ElasticResultType => code(&mut raw.result_code, from),
            Key::ElasticTenantId => text(&mut raw.log_tenant, from),
            _ => Record::read(raw, key, from),
        }
    }
}

struct Azure;

impl Part for Azure {
    fn read<'de>(raw: &mut Raw<'de>, key: Key, from: &mut Reader<'de, '_>) -> Result<(), Stop> {
        match key {
            Key::SignInLogs => nested::<Record>(raw, from),
            Key::TenantId => text(&mut raw.log_tenant, from),
            Key::CorrelationId => text(&mut raw.envelope_correlation, from),
            _ => from.skip(),
        }
    }
}

/// `azure.signinlogs`: the envelope.
struct Record;

impl Part for Record {
    fn read<'de>(raw: &mut Raw<'de>, key: Key, from: &mut Reader<'de, '_>) -> Result<(), Stop> {
        match key {
            Key::Properties => nested::<SignIn>(raw, from),
            Key::ResultType => code(&mut raw.result_code, from),
            Key::ResultDescription => text(&mut raw.result_description, from),
            Key::Category => text(&mut raw.category, from),
            Key::TenantId => text(&mut raw.log_tenant, from),
            Key::Identity => text(&mut raw.identity, from),
            Key::CallerIpAddress => text(&mut raw.caller_ip, from),
            _ => SignIn::read(raw, key, from),
        }
    }
}

struct Event;

impl Part for Event {
    fn read<'de>(raw: &mut Raw<'de>, key: Key, from: &mut Reader<'de, '_>) -> Result<(), Stop> {
        match key {
            Key::Original => super::wrapped::inner(raw, from),
            _ => from.skip(),
        }
    }
}

struct Source;

impl Part for Source {
    fn read<'de>(raw: &mut Raw<'de>, key: Key, from: &mut Reader<'de, '_>) -> Result<(), Stop> {
        match key {
            Key::Ip => text(&mut raw.caller_ip, from),
            Key::As => nested::<Source>(raw, from),
            Key::Number => integer(&mut raw.row.asn, from),
            Key::Geo => nested::<Geo>(raw, from),
            _ => from.skip(),
        }
    }
}

struct Geo;

impl Part for Geo {
    fn read<'de>(raw: &mut Raw<'de>, key: Key, from: &mut Reader<'de, '_>) -> Result<(), Stop> {
        match key {
            Key::City => text(&mut raw.row.city, from),
            Key::CountryOrRegion => text(&mut raw.envelope_country, from),
            Key::Location => nested::<Geo>(raw, from),
            Key::Coordinates => float(&mut raw.row.latitude, from),
            Key::CoordinatesLong => float(&mut raw.row.longitude, from),
            _ => from.skip(),
        }
    }
}

struct Agent;

impl Part for Agent {
    fn read<'de>(raw: &mut Raw<'de>, key: Key, from: &mut Reader<'de, '_>) -> Result<(), Stop> {
        match key {
            Key::Original => text(&mut raw.row.user_agent, from),
            _ => from.skip(),
        }
    }
}
