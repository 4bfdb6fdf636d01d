//! Microsoft Graph: the `signIn` resource, which is also what the other dialects wrap or rename.
//!
//! v1.0, beta and the JSON download of the portal differ only in which fields they have. Objects of
//! the PowerShell SDK have the same fields in PascalCase, and put those that the SDK does not know
//! under `AdditionalProperties`.

use serde::de::MapAccess;

use super::code::code;
use super::{
    Dialect, Key, Part, Raw, flag, float, integer, is_sign_in, list, nested, read, skip, text,
};

/// Graph API and portal download.
pub(super) static GRAPH: Dialect = Dialect {
    name: "graph",
    title: "Microsoft Graph signIn (v1.0, beta, portal download)",
    claims: |seen| is_sign_in(seen) && !seen.is_pascal(),
    read: read::<SignIn>,
};

/// Objects of the PowerShell SDK, turned into JSON.
pub(super) static GRAPH_POWERSHELL: Dialect = Dialect {
    name: "graph_powershell",
    title: "Microsoft Graph signIn from the PowerShell SDK (PascalCase)",
    claims: |seen| is_sign_in(seen) && seen.is_pascal(),
    read: read::<SignIn>,
};

/// The `signIn` resource.
pub(super) struct SignIn;

impl Part for SignIn {
    fn read<'de, A: MapAccess<'de>>(
        raw: &mut Raw<'de>,
        key: Key,
        map: &mut A,
    ) -> Result<(), A::Error> {
        let row = &mut raw.row;
        match key {
            Key::Id => text(&mut row.sign_in_id, map),
            Key::CreatedDateTime => text(&mut raw.created, map),
            Key::UserId => text(&mut row.user_id, map),
            Key::UserPrincipalName => text(&mut row.user_principal_name, map),
            Key::UserDisplayName => text(&mut row.user_display_name, map),
            Key::UserType => text(&mut row.user_type, map),
            Key::IpAddress => text(&mut raw.ip, map),
            Key::AutonomousSystemNumber => integer(&mut row.asn, map),
            Key::Location | Key::LocationDetails => nested::<Location, A>(raw, map),
            Key::AppId => text(&mut row.app_id, map),
            Key::AppDisplayName => text(&mut row.app_display_name, map),
            Key::ResourceId | Key::ResourceIdentity => text(&mut row.resource_id, map),
            Key::ResourceDisplayName => text(&mut row.resource_display_name, map),
            Key::ServicePrincipalId => text(&mut raw.service_principal_id, map),
            Key::ServicePrincipalName => text(&mut raw.service_principal_name, map),
            Key::ClientAppUsed => text(&mut row.client_app, map),
            Key::AuthenticationProtocol => text(&mut row.authentication_protocol, map),
            Key::IncomingTokenType => text(&mut row.incoming_token_type, map),
            Key::UserAgent => text(&mut row.user_agent, map),
            Key::DeviceDetail => nested::<Device, A>(raw, map),
            Key::Status => nested::<Status, A>(raw, map),
            Key::AuthenticationDetails => nested::<Step, A>(raw, map),
            Key::IsInteractive => flag(&mut row.is_interactive, map),
            Key::SignInEventTypes => list(&mut raw.event_types, map),
            Key::AuthenticationRequirement => text(&mut row.authentication_requirement, map),
            Key::ConditionalAccessStatus => text(&mut row.conditional_access_status, map),
            Key::RiskLevelDuringSignIn => text(&mut raw.risk_during, map),
            Key::RiskLevelAggregated => text(&mut raw.risk_aggregated, map),
            Key::RiskState => text(&mut row.risk_state, map),
            Key::RiskEventTypes => list(&mut raw.risk_types, map),
            Key::RiskEventTypesV2 => list(&mut raw.risk_types_v2, map),
            Key::NetworkLocationDetails => nested::<Network, A>(raw, map),
            Key::CorrelationId => text(&mut row.correlation_id, map),
            Key::SessionId => text(&mut row.session_id, map),
            Key::TenantId => text(&mut raw.tenant, map),
            Key::ResourceTenantId => text(&mut raw.resource_tenant, map),
            Key::HomeTenantId => text(&mut raw.home_tenant, map),
            Key::AdditionalProperties => nested::<SignIn, A>(raw, map),
            _ => skip(map),
        }
    }
}

/// `status`: the result and Microsoft's words for it.
pub(super) struct Status;

impl Part for Status {
    fn read<'de, A: MapAccess<'de>>(
        raw: &mut Raw<'de>,
        key: Key,
        map: &mut A,
    ) -> Result<(), A::Error> {
        match key {
            Key::ErrorCode => code(&mut raw.status_code, map),
            Key::FailureReason => text(&mut raw.status_reason, map),
            Key::AdditionalDetails => text(&mut raw.row.additional_details, map),
            Key::AdditionalProperties => nested::<Status, A>(raw, map),
            _ => skip(map),
        }
    }
}

/// `deviceDetail`.
pub(super) struct Device;

impl Part for Device {
    fn read<'de, A: MapAccess<'de>>(
        raw: &mut Raw<'de>,
        key: Key,
        map: &mut A,
    ) -> Result<(), A::Error> {
        let row = &mut raw.row;
        match key {
            Key::DeviceId => text(&mut row.device_id, map),
            Key::OperatingSystem => text(&mut row.device_os, map),
            Key::Browser => text(&mut row.device_browser, map),
            Key::IsCompliant => flag(&mut row.device_compliant, map),
            Key::IsManaged => flag(&mut row.device_managed, map),
            Key::TrustType => text(&mut row.device_trust_type, map),
            Key::AdditionalProperties => nested::<Device, A>(raw, map),
            _ => skip(map),
        }
    }
}

/// `location`, with its `geoCoordinates`.
pub(super) struct Location;

impl Part for Location {
    fn read<'de, A: MapAccess<'de>>(
        raw: &mut Raw<'de>,
        key: Key,
        map: &mut A,
    ) -> Result<(), A::Error> {
        let row = &mut raw.row;
        match key {
            Key::City => text(&mut row.city, map),
            Key::State => text(&mut row.state, map),
            Key::CountryOrRegion => text(&mut row.country, map),
            Key::Latitude => float(&mut row.latitude, map),
            Key::Longitude => float(&mut row.longitude, map),
            Key::GeoCoordinates | Key::AdditionalProperties => nested::<Location, A>(raw, map),
            _ => skip(map),
        }
    }
}

/// One step of `authenticationDetails`.
pub(super) struct Step;

impl Part for Step {
    fn read<'de, A: MapAccess<'de>>(
        raw: &mut Raw<'de>,
        key: Key,
        map: &mut A,
    ) -> Result<(), A::Error> {
        match key {
            Key::AuthenticationMethod => text(&mut raw.step_method, map),
            Key::AuthenticationStepResultDetail => text(&mut raw.step_detail, map),
            Key::Succeeded => flag(&mut raw.step_succeeded, map),
            _ => skip(map),
        }
    }

    fn done(raw: &mut Raw<'_>) {
        raw.end_step();
    }
}

/// One of `networkLocationDetails`.
pub(super) struct Network;

impl Part for Network {
    fn read<'de, A: MapAccess<'de>>(
        raw: &mut Raw<'de>,
        key: Key,
        map: &mut A,
    ) -> Result<(), A::Error> {
        match key {
            Key::NetworkType => text(&mut raw.network_type, map),
            Key::NetworkNames => list(&mut raw.network_names, map),
            _ => skip(map),
        }
    }

    fn list(raw: &mut Raw<'_>) {
        raw.begin_networks();
    }

    fn done(raw: &mut Raw<'_>) {
        raw.end_network();
    }
}
