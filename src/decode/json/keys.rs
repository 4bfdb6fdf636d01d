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
    Id: "id", "Id";
    CreatedDateTime: "createdDateTime", "CreatedDateTime";
    UserId: "userId", "UserId";
    UserPrincipalName: "userPrincipalName", "UserPrincipalName";
    UserDisplayName: "userDisplayName", "UserDisplayName";
    UserType: "userType", "UserType";
    IpAddress: "ipAddress", "IPAddress", "IpAddress";
    AutonomousSystemNumber: "autonomousSystemNumber", "AutonomousSystemNumber";
    AppId: "appId", "AppId";
    AppDisplayName: "appDisplayName", "AppDisplayName";
    ResourceId: "resourceId", "ResourceId";
    ResourceIdentity: "resourceIdentity", "ResourceIdentity";
    ResourceDisplayName: "resourceDisplayName", "ResourceDisplayName";
    ServicePrincipalId: "servicePrincipalId", "ServicePrincipalId";
    ServicePrincipalName: "servicePrincipalName", "ServicePrincipalName";
    ClientAppUsed: "clientAppUsed", "ClientAppUsed";
    AuthenticationProtocol: "authenticationProtocol", "AuthenticationProtocol";
    IncomingTokenType: "incomingTokenType", "IncomingTokenType";
    UserAgent: "userAgent", "UserAgent";
    CorrelationId: "correlationId", "CorrelationId";
    SessionId: "sessionId", "SessionId";
    IsInteractive: "isInteractive", "IsInteractive";
    SignInEventTypes: "signInEventTypes", "SignInEventTypes";
    AuthenticationRequirement: "authenticationRequirement", "AuthenticationRequirement";
    ConditionalAccessStatus: "conditionalAccessStatus", "ConditionalAccessStatus";
    RiskLevelDuringSignIn: "riskLevelDuringSignIn", "RiskLevelDuringSignIn";
    RiskLevelAggregated: "riskLevelAggregated", "RiskLevelAggregated";
    RiskState: "riskState", "RiskState";
    RiskEventTypes: "riskEventTypes", "RiskEventTypes";
    RiskEventTypesV2: "riskEventTypes_v2", "RiskEventTypes_V2", "RiskEventTypes_v2", "RiskEventTypesV2",
        "riskEventTypesV2";
    TenantId: "tenantId", "TenantId";
    ResourceTenantId: "resourceTenantId", "ResourceTenantId";
    HomeTenantId: "homeTenantId", "HomeTenantId";
    AdditionalProperties: "AdditionalProperties", "additionalProperties";

    // Its parts. A KQL union adds the type to the name of a column that exists as two types.
    Status: "status", "Status", "Status_dynamic", "Status_string";
    ErrorCode: "errorCode", "ErrorCode";
    FailureReason: "failureReason", "FailureReason";
    AdditionalDetails: "additionalDetails", "AdditionalDetails";
    DeviceDetail: "deviceDetail", "DeviceDetail", "DeviceDetail_dynamic", "DeviceDetail_string";
    DeviceId: "deviceId", "DeviceId";
    OperatingSystem: "operatingSystem", "OperatingSystem";
    Browser: "browser", "Browser";
    IsCompliant: "isCompliant", "IsCompliant";
    IsManaged: "isManaged", "IsManaged";
    TrustType: "trustType", "TrustType";
    Location: "location", "Location";
    LocationDetails: "locationDetails", "LocationDetails", "LocationDetails_dynamic", "LocationDetails_string";
    City: "city", "City";
    State: "state", "State";
    CountryOrRegion: "countryOrRegion", "CountryOrRegion";
    GeoCoordinates: "geoCoordinates", "GeoCoordinates";
    Latitude: "latitude", "Latitude";
    Longitude: "longitude", "Longitude";
    AuthenticationDetails: "authenticationDetails", "AuthenticationDetails", "AuthenticationDetails_dynamic",
        "AuthenticationDetails_string";
    AuthenticationMethod: "authenticationMethod", "AuthenticationMethod";
    AuthenticationStepResultDetail: "authenticationStepResultDetail", "AuthenticationStepResultDetail";
    Succeeded: "succeeded", "Succeeded";
    NetworkLocationDetails: "networkLocationDetails", "NetworkLocationDetails", "NetworkLocationDetails_dynamic",
        "NetworkLocationDetails_string";
    NetworkType: "networkType", "NetworkType";
    NetworkNames: "networkNames", "NetworkNames";

    // The envelope of diagnostic settings, and its columns in Log Analytics.
    Time: "time", "Time";
    TimeGenerated: "timeGenerated", "TimeGenerated";
    Category: "category", "Category";
    OperationName: "operationName", "OperationName";
    ResultType: "resultType", "ResultType";
    ResultDescription: "resultDescription", "ResultDescription";
    CallerIpAddress: "callerIpAddress", "CallerIpAddress", "callerIPAddress";
    Identity: "identity", "Identity";
    Properties: "properties";
    AadTenantId: "AADTenantId", "aadTenantId";
    Type: "Type";

    // What tells other things from sign-ins.
    Value: "value";
    Records: "records";
    Tables: "tables";
    Results: "results", "Results";
    ActivityDateTime: "activityDateTime", "ActivityDateTime";
    AuditLogRecordType: "auditLogRecordType", "AuditLogRecordType";
    DetectedDateTime: "detectedDateTime", "DetectedDateTime";
    CreationTime: "CreationTime";
    Workload: "Workload";
    AuditData: "AuditData", "auditData";
    Timestamp: "@timestamp";
    Raw: "_raw", "result";
    ClassUid: "class_uid";
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
