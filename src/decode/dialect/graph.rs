//! Microsoft Graph: the `signIn` resource, which is also what the other dialects wrap or rename.
//!
//! v1.0, beta and the JSON download of the portal differ only in which fields they have. Objects of
//! the PowerShell SDK have the same fields in PascalCase, and put those that the SDK does not know
//! under `AdditionalProperties`.

use super::code::code;
use super::{
    Dialect, Key, Part, Raw, Reader, Stop, flag, float, integer, is_sign_in, list, nested, text,
};

/// Graph API and portal download.
pub(super) static GRAPH: Dialect = Dialect {
    name: "graph",
    title: "Microsoft Graph signIn (v1.0, beta, portal download)",
    told_by: "camelCase fields such as `createdDateTime`, `status` and `ipAddress`",
    lacks: "v1.0: user agent, ASN, authentication steps, which log it belongs to",
    claims: |seen| is_sign_in(seen) && !seen.is_pascal(),
    ..Dialect::of_parts::<SignIn>()
};

/// Objects of the PowerShell SDK, turned into JSON.
pub(super) static GRAPH_POWERSHELL: Dialect = Dialect {
    name: "graph_powershell",
    title: "Microsoft Graph signIn in PascalCase (PowerShell SDK, dotted CSV of tools)",
    told_by: "the same fields in PascalCase, without those of Log Analytics",
    lacks: "what the tool leaves out",
    claims: |seen| is_sign_in(seen) && seen.is_pascal(),
    ..Dialect::of_parts::<SignIn>()
};

/// The `signIn` resource.
pub(super) struct SignIn;

impl Part for SignIn {
    fn read<'de>(raw: &mut Raw<'de>, key: Key, from: &mut Reader<'de, '_>) -> Result<(), Stop> {
        let row = &mut raw.row;
        match key {
            Key::Id => text(&mut row.sign_in_id, from),
            Key::CreatedDateTime => text(&mut raw.created, from),
            Key::UserId => text(&mut row.user_id, from),
            Key::UserPrincipalName => text(&mut row.user_principal_name, from),
            Key::UserDisplayName => text(&mut row.user_display_name, from),
            Key::UserType => text(&mut row.user_type, from),
            Key::IpAddress => text(&mut raw.ip, from),
            Key::AutonomousSystemNumber => integer(&mut row.asn, from),
            Key::Location | Key::LocationDetails => nested::<Location>(raw, from),
            Key::AppId => text(&mut row.app_id, from),
            Key::AppDisplayName => text(&mut row.app_display_name, from),
            Key::ResourceId | Key::ResourceIdentity => text(&mut row.resource_id, from),
            Key::ResourceDisplayName => text(&mut row.resource_display_name, from),
            Key::ServicePrincipalId => text(&mut raw.service_principal_id, from),
            Key::ServicePrincipalName => text(&mut raw.service_principal_name, from),
            Key::ClientAppUsed => text(&mut row.client_app, from),
            Key::AuthenticationProtocol => text(&mut row.authentication_protocol, from),
            Key::IncomingTokenType => text(&mut row.incoming_token_type, from),
            Key::UserAgent => text(&mut row.user_agent, from),
            Key::DeviceDetail => nested::<Device>(raw, from),
            Key::Status => nested::<Status>(raw, from),
            Key::AuthenticationDetails => nested::<Step>(raw, from),
            Key::IsInteractive => flag(&mut row.is_interactive, from),
            Key::SignInEventTypes => list(&mut raw.event_types, from),
            Key::AuthenticationRequirement => text(&mut row.authentication_requirement, from),
            Key::ConditionalAccessStatus => text(&mut row.conditional_access_status, from),
            Key::RiskLevelDuringSignIn => text(&mut raw.risk_during, from),
            Key::RiskLevelAggregated => text(&mut raw.risk_aggregated, from),
            Key::RiskState => text(&mut row.risk_state, from),
            Key::RiskEventTypes => list(&mut raw.risk_types, from),
            Key::RiskEventTypesV2 => list(&mut raw.risk_types_v2, from),
            Key::NetworkLocationDetails => nested::<Network>(raw, from),
            Key::CorrelationId => text(&mut row.correlation_id, from),
            Key::SessionId => text(&mut row.session_id, from),
            Key::TenantId => text(&mut raw.tenant, from),
            Key::ResourceTenantId => text(&mut raw.resource_tenant, from),
            Key::HomeTenantId => text(&mut raw.home_tenant, from),
            Key::AdditionalProperties => nested::<SignIn>(raw, from),
            // Tables that tools make have the parts as columns of their own. Where both are there, the part itself counts,
            // whichever comes first.
            _ if is_known(raw, key) => from.skip(),
            Key::ErrorCode | Key::FailureReason | Key::AdditionalDetails => {
                Status::read(raw, key, from)
            }
            Key::DeviceId
            | Key::OperatingSystem
            | Key::Browser
            | Key::IsCompliant
            | Key::IsManaged
            | Key::TrustType => Device::read(raw, key, from),
            Key::City | Key::State | Key::CountryOrRegion | Key::Latitude | Key::Longitude => {
                Location::read(raw, key, from)
            }
            _ => from.skip(),
        }
    }
}

/// Whether a value is there already that a column of this name would say too.
fn is_known(raw: &Raw<'_>, key: Key) -> bool {
    let row = &raw.row;
    match key {
        Key::ErrorCode => raw.status_code.is_some(),
        Key::FailureReason => raw.status_reason.is_some(),
        Key::AdditionalDetails => row.additional_details.is_some(),
        Key::DeviceId => row.device_id.is_some(),
        Key::OperatingSystem => row.device_os.is_some(),
        Key::Browser => row.device_browser.is_some(),
        Key::IsCompliant => row.device_compliant.is_some(),
        Key::IsManaged => row.device_managed.is_some(),
        Key::TrustType => row.device_trust_type.is_some(),
        Key::City => row.city.is_some(),
        Key::State => row.state.is_some(),
        Key::CountryOrRegion => row.country.is_some(),
        Key::Latitude => row.latitude.is_some(),
        Key::Longitude => row.longitude.is_some(),
        _ => false,
    }
}

/// `status`: the result and Microsoft's words for it.
pub(super) struct Status;

impl Part for Status {
    fn read<'de>(raw: &mut Raw<'de>, key: Key, from: &mut Reader<'de, '_>) -> Result<(), Stop> {
        match key {
            Key::ErrorCode => code(&mut raw.status_code, from),
            Key::FailureReason => text(&mut raw.status_reason, from),
            Key::AdditionalDetails => text(&mut raw.row.additional_details, from),
            Key::AdditionalProperties => nested::<Status>(raw, from),
            _ => from.skip(),
        }
    }
}

/// `deviceDetail`.
pub(super) struct Device;

impl Part for Device {
    fn read<'de>(raw: &mut Raw<'de>, key: Key, from: &mut Reader<'de, '_>) -> Result<(), Stop> {
        let row = &mut raw.row;
        match key {
            Key::DeviceId => text(&mut row.device_id, from),
            Key::OperatingSystem => text(&mut row.device_os, from),
            Key::Browser => text(&mut row.device_browser, from),
            Key::IsCompliant => flag(&mut row.device_compliant, from),
            Key::IsManaged => flag(&mut row.device_managed, from),
            Key::TrustType => text(&mut row.device_trust_type, from),
            Key::AdditionalProperties => nested::<Device>(raw, from),
            _ => from.skip(),
        }
    }
}

/// `location`, with its `geoCoordinates`.
pub(super) struct Location;

impl Part for Location {
    fn read<'de>(raw: &mut Raw<'de>, key: Key, from: &mut Reader<'de, '_>) -> Result<(), Stop> {
        let row = &mut raw.row;
        match key {
            Key::City => text(&mut row.city, from),
            Key::State => text(&mut row.state, from),
            Key::CountryOrRegion => text(&mut row.country, from),
            Key::Latitude => float(&mut row.latitude, from),
            Key::Longitude => float(&mut row.longitude, from),
            Key::GeoCoordinates | Key::AdditionalProperties => nested::<Location>(raw, from),
            _ => from.skip(),
        }
    }
}

/// One step of `authenticationDetails`.
pub(super) struct Step;

impl Part for Step {
    fn read<'de>(raw: &mut Raw<'de>, key: Key, from: &mut Reader<'de, '_>) -> Result<(), Stop> {
        match key {
            Key::AuthenticationMethod => text(&mut raw.step_method, from),
            Key::AuthenticationStepResultDetail => text(&mut raw.step_detail, from),
            Key::Succeeded => flag(&mut raw.step_succeeded, from),
            _ => from.skip(),
        }
    }

    fn done(raw: &mut Raw<'_>) {
        raw.end_step();
    }
}

/// One of `networkLocationDetails`.
pub(super) struct Network;

impl Part for Network {
    fn read<'de>(raw: &mut Raw<'de>, key: Key, from: &mut Reader<'de, '_>) -> Result<(), Stop> {
        match key {
            Key::NetworkType => text(&mut raw.network_type, from),
            Key::NetworkNames => list(&mut raw.network_names, from),
            _ => from.skip(),
        }
    }

    fn list(raw: &mut Raw<'_>) {
        raw.begin_networks();
    }

    fn done(raw: &mut Raw<'_>) {
        raw.end_network();
    }
}
