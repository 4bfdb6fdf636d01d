//! Every vendor name of a field that decoding knows, once, with the column-like word it stands for.
//!
//! A record has about a hundred keys. Comparing each with every known name would cost more than
//! parsing it, so the names are put into a small hash table when the program is compiled.

/// Makes the enum and the list of names.
macro_rules! keys {
    ($($key:ident: $($name:literal),+;)+) => {
        /// A field that decoding knows, whatever the letter case in which it is spelled.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u16)]
        pub(crate) enum Key { $($key),+ }

        /// Every known name.
        const NAMES: &[(&str, Key)] = &[$($(($name, Key::$key)),+),+];

        // `Seen` has one bit a key.
        const _: () = assert!([$(Key::$key),+].len() <= WORDS * 64);
    };
}

keys! {
    // The sign-in itself, in the words of Microsoft Graph; PascalCase is PowerShell and Log
    // Analytics.
    Id: "id", "Id", "Request ID", "RequestId", "azure.signinlogs.properties.id";
    CreatedDateTime: "createdDateTime", "CreatedDateTime", "created_at", "azure.signinlogs.properties.created_at";
    UserId: "userId", "UserId", "User ID", "user_id", "AccountObjectId", "azure.signinlogs.properties.user_id";
    UserPrincipalName: "userPrincipalName", "UserPrincipalName", "Username", "user_principal_name", "AccountUpn", "azure.signinlogs.properties.user_principal_name";
    UserDisplayName: "userDisplayName", "UserDisplayName", "User", "user_display_name", "AccountDisplayName", "azure.signinlogs.properties.user_display_name";
    UserType: "userType", "UserType", "User type", "user_type", "azure.signinlogs.properties.user_type";
    IpAddress: "ipAddress", "IPAddress", "IpAddress", "IP address", "ip_address", "azure.signinlogs.properties.ip_address";
    AutonomousSystemNumber: "autonomousSystemNumber", "AutonomousSystemNumber", "Autonomous system number", "autonomous_system_number", "ASN", "azure.signinlogs.properties.autonomous_system_number";
    AppId: "appId", "AppId", "Application ID", "app_id", "ApplicationId", "azure.signinlogs.properties.app_id";
    AppDisplayName: "appDisplayName", "AppDisplayName", "Application", "app_display_name", "azure.signinlogs.properties.app_display_name";
    ResourceId: "resourceId", "ResourceId", "Resource ID", "resource_id", "azure.signinlogs.properties.resource_id";
    ResourceIdentity: "resourceIdentity", "ResourceIdentity";
    ResourceDisplayName: "resourceDisplayName", "ResourceDisplayName", "resource_display_name", "azure.signinlogs.properties.resource_display_name";
    ServicePrincipalId: "servicePrincipalId", "ServicePrincipalId", "Service principal ID", "service_principal_id", "azure.signinlogs.properties.service_principal_id";
    ServicePrincipalName: "servicePrincipalName", "ServicePrincipalName", "Service principal name", "service_principal_name", "azure.signinlogs.properties.service_principal_name";
    ClientAppUsed: "clientAppUsed", "ClientAppUsed", "Client app", "client_app_used", "azure.signinlogs.properties.client_app_used";
    AuthenticationProtocol: "authenticationProtocol", "AuthenticationProtocol", "Authentication Protocol", "authentication_protocol", "azure.signinlogs.properties.authentication_protocol";
    IncomingTokenType: "incomingTokenType", "IncomingTokenType", "Incoming token type", "incoming_token_type", "azure.signinlogs.properties.incoming_token_type";
    UserAgent: "userAgent", "UserAgent", "User agent", "user_agent", "azure.signinlogs.properties.user_agent";
    CorrelationId: "correlationId", "CorrelationId", "Correlation ID", "correlation_id", "azure.signinlogs.properties.correlation_id";
    SessionId: "sessionId", "SessionId", "Session ID", "session_id", "azure.signinlogs.properties.session_id";
    IsInteractive: "isInteractive", "IsInteractive", "is_interactive", "azure.signinlogs.properties.is_interactive";
    SignInEventTypes: "signInEventTypes", "SignInEventTypes", "sign_in_event_types", "azure.signinlogs.properties.sign_in_event_types";
    AuthenticationRequirement: "authenticationRequirement", "AuthenticationRequirement", "Authentication requirement", "authentication_requirement", "azure.signinlogs.properties.authentication_requirement";
    ConditionalAccessStatus: "conditionalAccessStatus", "ConditionalAccessStatus", "Conditional Access", "conditional_access_status", "azure.signinlogs.properties.conditional_access_status";
    RiskLevelDuringSignIn: "riskLevelDuringSignIn", "RiskLevelDuringSignIn", "risk_level_during_signin", "risk_level_during_sign_in", "azure.signinlogs.properties.risk_level_during_signin";
    RiskLevelAggregated: "riskLevelAggregated", "RiskLevelAggregated", "risk_level_aggregated", "azure.signinlogs.properties.risk_level_aggregated";
    RiskState: "riskState", "RiskState", "risk_state", "azure.signinlogs.properties.risk_state";
    RiskEventTypes: "riskEventTypes", "RiskEventTypes", "RiskEventTypes_dynamic", "RiskEventTypes_string", "risk_event_types", "azure.signinlogs.properties.risk_event_types";
    RiskEventTypesV2: "riskEventTypes_v2", "RiskEventTypes_V2", "RiskEventTypes_v2", "RiskEventTypesV2",
        "riskEventTypesV2", "RiskEventTypes_V2_dynamic", "RiskEventTypes_V2_string", "risk_event_types_v2", "azure.signinlogs.properties.risk_event_types_v2";
    TenantId: "tenantId", "TenantId", "tenant_id";
    ResourceTenantId: "resourceTenantId", "ResourceTenantId", "Resource tenant ID", "resource_tenant_id", "azure.signinlogs.properties.resource_tenant_id";
    HomeTenantId: "homeTenantId", "HomeTenantId", "Home tenant ID", "home_tenant_id", "azure.signinlogs.properties.home_tenant_id";
    AdditionalProperties: "AdditionalProperties", "additionalProperties";

    // Its parts. A KQL union adds the type to the name of a column that exists as two types.
    Status: "status", "Status", "Status_dynamic", "Status_string";
    ErrorCode: "errorCode", "ErrorCode", "error_code", "Status.ErrorCode", "status.errorCode", "azure.signinlogs.properties.status.error_code";
    FailureReason: "failureReason", "FailureReason", "failure_reason", "Failure reason", "Status.FailureReason", "status.failureReason", "azure.signinlogs.properties.status.failure_reason";
    AdditionalDetails: "additionalDetails", "AdditionalDetails", "additional_details", "Status.AdditionalDetails", "status.additionalDetails", "azure.signinlogs.properties.status.additional_details";
    DeviceDetail: "deviceDetail", "DeviceDetail", "DeviceDetail_dynamic", "DeviceDetail_string", "device_detail";
    DeviceId: "deviceId", "DeviceId", "device_id", "Device ID", "DeviceDetail.DeviceId", "deviceDetail.deviceId", "azure.signinlogs.properties.device_detail.device_id", "EntraIdDeviceId", "AadDeviceId";
    OperatingSystem: "operatingSystem", "OperatingSystem", "operating_system", "Operating System", "DeviceDetail.OperatingSystem", "deviceDetail.operatingSystem", "azure.signinlogs.properties.device_detail.operating_system", "OSPlatform", "OS";
    Browser: "browser", "Browser", "DeviceDetail.Browser", "deviceDetail.browser", "azure.signinlogs.properties.device_detail.browser";
    IsCompliant: "isCompliant", "IsCompliant", "is_compliant", "Compliant", "DeviceDetail.IsCompliant", "deviceDetail.isCompliant", "azure.signinlogs.properties.device_detail.is_compliant";
    IsManaged: "isManaged", "IsManaged", "is_managed", "Managed", "DeviceDetail.IsManaged", "deviceDetail.isManaged", "azure.signinlogs.properties.device_detail.is_managed";
    TrustType: "trustType", "TrustType", "trust_type", "Join Type", "DeviceDetail.TrustType", "deviceDetail.trustType", "azure.signinlogs.properties.device_detail.trust_type", "DeviceTrustType";
    Location: "location", "Location";
    LocationDetails: "locationDetails", "LocationDetails", "LocationDetails_dynamic", "LocationDetails_string";
    City: "city", "City", "city_name", "Location.City", "location.city";
    State: "state", "State", "region_name", "Location.State", "location.state";
    CountryOrRegion: "countryOrRegion", "CountryOrRegion", "Country", "country", "country_iso_code", "Location.CountryOrRegion", "location.countryOrRegion";
    GeoCoordinates: "geoCoordinates", "GeoCoordinates", "Location.GeoCoordinates";
    Latitude: "latitude", "Latitude", "Location.GeoCoordinates.Latitude";
    Longitude: "longitude", "Longitude", "Location.GeoCoordinates.Longitude";
    AuthenticationDetails: "authenticationDetails", "AuthenticationDetails", "AuthenticationDetails_dynamic",
        "AuthenticationDetails_string", "authentication_details";
    AuthenticationMethod: "authenticationMethod", "AuthenticationMethod", "authentication_method", "Authentication method";
    AuthenticationStepResultDetail: "authenticationStepResultDetail", "AuthenticationStepResultDetail", "authentication_step_result_detail", "Result detail";
    Succeeded: "succeeded", "Succeeded";
    NetworkLocationDetails: "networkLocationDetails", "NetworkLocationDetails", "NetworkLocationDetails_dynamic",
        "NetworkLocationDetails_string", "network_location_details";
    NetworkType: "networkType", "NetworkType", "network_type";
    NetworkNames: "networkNames", "NetworkNames", "network_names";

    // The envelope of diagnostic settings, and its columns in Log Analytics.
    Time: "time", "Time";
    TimeGenerated: "timeGenerated", "TimeGenerated";
    Category: "category", "Category", "azure.signinlogs.category";
    OperationName: "operationName", "OperationName", "operation_name", "azure.signinlogs.operation_name";
    ResultType: "resultType", "ResultType", "result_type";
    ResultDescription: "resultDescription", "ResultDescription", "result_description", "azure.signinlogs.result_description";
    CallerIpAddress: "callerIpAddress", "CallerIpAddress", "callerIPAddress", "caller_ip_address", "azure.signinlogs.caller_ip_address";
    Identity: "identity", "Identity", "azure.signinlogs.identity";
    Properties: "properties";
    AadTenantId: "AADTenantId", "aadTenantId";
    Type: "Type";

    // What tells other things from sign-ins.
    Value: "value";
    Records: "records";
    Tables: "tables";
    Columns: "columns", "Columns";
    ColumnName: "ColumnName";
    Results: "results", "Results";
    ActivityDateTime: "activityDateTime", "ActivityDateTime";
    AuditLogRecordType: "auditLogRecordType", "AuditLogRecordType";
    DetectedDateTime: "detectedDateTime", "DetectedDateTime";
    CreationTime: "CreationTime";
    Workload: "Workload";
    AuditData: "AuditData", "auditData";
    Elastic: "@timestamp";
    // Columns that only signsift's own tables have.
    OwnResult: "finding_id", "stated_reason";

    // The portal's CSV.
    DateUtc: "Date (UTC)";
    ResourcePath: "Resource";
    SignInErrorCode: "Sign-in error code";
    ManagedIdentityType: "Managed Identity type";

    // The unified audit log of Microsoft 365.
    Operation: "Operation", "operation", "Operations";
    ErrorNumber: "ErrorNumber";
    LogonError: "LogonError";
    AuditUser: "UserKey";
    ClientIp: "ClientIP", "ClientIPAddress";
    ActorIpAddress: "ActorIpAddress";
    ObjectId: "ObjectId";
    ExtendedProperties: "ExtendedProperties";
    DeviceProperties: "DeviceProperties";
    ActorContextId: "ActorContextId";
    OrganizationId: "OrganizationId";
    InterSystemsId: "InterSystemsId";
    IntraSystemId: "IntraSystemId";
    Name: "Name", "name", "full_name";
    PairValue: "Value";

    // Advanced hunting of Defender XDR.
    Timestamp: "Timestamp", "Timestamp [UTC]";
    LogonType: "LogonType", "logon_type";
    IsGuestUser: "IsGuestUser";
    ReportId: "ReportId";

    // What others put around a record, and how they name it.
    Message: "message";
    Body: "body";
    Log: "log";
    Raw: "_raw";
    Result: "result";
    Event: "event";
    Original: "original", "event.original";
    Input: "input";
    Document: "_source";
    RawData: "raw_data";
    Hits: "hits";

    // Documents of Elastic.
    Azure: "azure";
    SignInLogs: "signinlogs";
    ElasticResultType: "azure.signinlogs.result_type";
    ElasticTenantId: "azure.tenant_id", "azure.signinlogs.tenant_id";
    Source: "source";
    SourceIp: "source.ip";
    SourceAsn: "source.as.number";
    SourceCity: "source.geo.city_name";
    SourceCountry: "source.geo.country_iso_code";
    SourceLocation: "source.geo.location";
    Geo: "geo";
    As: "as", "autonomous_system";
    Number: "number";
    UserAgentOriginal: "user_agent.original";

    // OCSF.
    ClassUid: "class_uid";
    Metadata: "metadata";
    Uid: "uid";
    CorrelationUid: "correlation_uid";
    OcsfUser: "user";
    Email: "email_addr";
    Service: "service";
    SrcEndpoint: "src_endpoint";
    Ip: "ip";
    Coordinates: "lat", "source.geo.location.lat";
    CoordinatesLong: "long", "lon", "source.geo.location.lon";
    StatusCode: "status_code";
    StatusDetail: "status_detail";
    HttpRequest: "http_request";
    Session: "session";
    Cloud: "cloud";
}

/// More than twice as many slots as names, so that a search ends after one or two of them.
const SLOTS: usize = 2048;
const _: () = assert!(NAMES.len() * 2 < SLOTS);

/// 0 is an empty slot, otherwise the number of a name plus one.
static TABLE: [u16; SLOTS] = table();

const fn table() -> [u16; SLOTS] {
    let mut table = [0; SLOTS];
    let mut name = 0;
    while name < NAMES.len() {
        let mut slot = slot(NAMES[name].0.as_bytes());
        while table[slot] != 0 {
            slot = (slot + 1) % SLOTS;
        }
        table[slot] = (name + 1) as u16;
        name += 1;
    }
    table
}

/// The slot where the search for `name` begins: made of its length and three of its bytes.
const fn slot(name: &[u8]) -> usize {
    if name.is_empty() {
        return 0;
    }
    let length = name.len();
    let mixed = (length as u32)
        .wrapping_mul(0x9E37)
        .wrapping_add((name[0] as u32).wrapping_mul(0x85EB))
        .wrapping_add((name[length / 2] as u32).wrapping_mul(0xC2B3))
        .wrapping_add((name[length - 1] as u32).wrapping_mul(0x27D5));
    ((mixed ^ (mixed >> 9)) as usize) % SLOTS
}

impl Key {
    /// The field that is spelled `name`, if decoding knows it.
    pub(crate) fn of(name: &str) -> Option<Key> {
        let mut slot = slot(name.as_bytes());
        loop {
            let number = usize::from(*TABLE.get(slot)?).checked_sub(1)?;
            let (known, key) = NAMES.get(number)?;
            if *known == name {
                return Some(*key);
            }
            slot = (slot + 1) % SLOTS;
        }
    }
}

/// Whether any dialect knows a field of this name.
pub(crate) fn is_field(name: &str) -> bool {
    Key::of(name).is_some()
}

/// Words of 64 bits that `Seen` has, one bit a key.
const WORDS: usize = 4;

/// Which known fields an object has. Kept for the outermost object of each record: it tells the
/// dialect.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    keys: [u64; WORDS],
    /// How many known fields begin with a capital letter, and how many do not.
    upper: u16,
    lower: u16,
}

impl Seen {
    /// Notes one more field.
    pub(crate) fn note(&mut self, key: Key, upper: bool) {
        if let Some(word) = self.keys.get_mut(key as usize / 64) {
            *word |= 1 << (key as usize % 64);
        }
        self.upper = self.upper.saturating_add(u16::from(upper));
        self.lower = self.lower.saturating_add(u16::from(!upper));
    }

    /// How many of `keys` it has.
    pub(crate) fn count(self, keys: &[Key]) -> u32 {
        keys.iter().map(|key| u32::from(self.has(*key))).sum()
    }

    /// Whether it has `key`.
    pub(crate) fn has(self, key: Key) -> bool {
        let word = self.keys.get(key as usize / 64);
        word.is_some_and(|word| word >> (key as usize % 64) & 1 == 1)
    }

    /// Whether most of its fields begin with a capital letter.
    pub(crate) fn is_pascal(self) -> bool {
        self.upper > self.lower
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_found_and_nothing_else_is() {
        for (name, key) in NAMES {
            assert_eq!(Key::of(name), Some(*key), "{name}");
            assert_eq!(Key::of(&format!("{name}x")), None, "{name}");
            assert_eq!(
                NAMES.iter().filter(|(other, _)| other == name).count(),
                1,
                "{name}"
            );
        }
        assert_eq!(Key::of(""), None);
        assert_eq!(Key::of("IPADDRESS"), None);
    }

    #[test]
    fn seen_counts_and_knows_the_letter_case() {
        let mut seen = Seen::default();
        seen.note(Key::Id, true);
        seen.note(Key::ClassUid, true);
        seen.note(Key::Status, false);
        assert!(seen.has(Key::ClassUid) && !seen.has(Key::UserId) && seen.is_pascal());
        assert_eq!(seen.count(&[Key::Id, Key::Status, Key::UserId]), 2);
    }
}
