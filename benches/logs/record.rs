//! One sign-in as a line of a diagnostic-settings blob, in the shape delivered since 2025.

use super::event::{End, Event, SECOND, date};
use super::random::{Random, push_guid, push_number, push_padded};
use super::tenant::{Address, Tenant};
use super::words::{AGENTS, APPS, CLIENTS, POLICIES};

/// Appends each piece as bytes.
macro_rules! put {
    ($out:expr, $($piece:expr),+ $(,)?) => { $( $out.extend_from_slice(AsRef::<[u8]>::as_ref(&$piece)); )+ };
}

/// Appends the line of an event that arrives at `arrival`, with CR and LF.
pub(crate) fn push_line(out: &mut Vec<u8>, tenant: &Tenant, event: &Event, arrival: u64) {
    let random = &mut Random::new(event.seed, 3);
    let user = &tenant.users[event.user as usize % tenant.users.len()];
    let city = event.from.city();
    let (code, text) = event.end.code_and_text();
    let success = event.end == End::Success;
    let mut ip = Vec::with_capacity(40);
    event.from.push(&mut ip);
    let mut correlation = Vec::with_capacity(36);
    push_guid(&mut correlation, random);

    put! { out, r#"{ "time": ""# }
    push_time(out, arrival, "Z");
    put! { out, r#"", "resourceId": "/tenants/"#, tenant.id, r#"/providers/Microsoft.aadiam""# }
    put! { out, r#", "operationName": "Sign-in activity", "operationVersion": "1.0""# }
    put! { out, r#", "category": "SignInLogs", "tenantId": ""#, tenant.id,
        r#"", "resultType": ""#, code
    }
    put! { out, r#"", "resultSignature": ""#, if success { "SUCCESS" } else { "FAILURE" }, r#"""# }
    if !success {
        put! { out, r#", "resultDescription": ""#, text, r#"""# }
    }
    put! { out, r#", "durationMs": 0, "callerIpAddress": ""#, ip, r#"", "correlationId": ""#,
        correlation
    }
    put! { out, r#"", "identity": ""#, user.name, r#"", "# }
    put! { out, if random.below(10) == 0 { r#""level": "4""# } else { r#""Level": 4"# } }
    put! { out, r#", "location": ""#, city.2, r#"", "properties": {"id":""# }

    let mut id = Vec::with_capacity(36);
    push_guid(&mut id, random);
    let mut created = Vec::with_capacity(34);
    push_time(&mut created, event.created, "+00:00");
    put! { out, id, r#"","createdDateTime":""#, created, r#"","userDisplayName":""#, user.name }
    put! { out, r#"","userPrincipalName":""#, user.upn, r#"","userId":""#, user.id,
        r#"","appId":""#
    }
    put! { out, tenant.apps[event.tool.app], r#"","appDisplayName":""#, APPS[event.tool.app] }
    put! { out, r#"","ipAddress":""#, ip, r#"","status":{"errorCode":"#, code }
    if !success {
        put! { out, r#","failureReason":""#, text, r#"""# }
    } else if random.below(2) == 0 {
        put! { out, r#","additionalDetails":"MFA requirement satisfied by claim in the token""# }
    }
    put! { out, r#"},"clientAppUsed":""#, CLIENTS[event.tool.client] }
    push_device(out, event, &user.device);
    put! { out, r#","location":{"city":""#, city.0, r#"","state":""#, city.1,
        r#"","countryOrRegion":""#
    }
    put! { out, city.2, r#"","geoCoordinates":{"latitude":"#, city.3, r#","longitude":"#,
        city.4, "}}"
    }
    put! { out, r#","mfaDetail":{},"correlationId":""#, correlation,
        r#"","conditionalAccessStatus":""#
    }
    let access = if random.below(2) == 0 {
        "notApplied"
    } else {
        "success"
    };
    put! { out, if event.end == End::PolicyBlock { "failure" } else { access } }
    push_policies(out, tenant, random);
    put! { out, r#","authenticationContextClassReferences":[],"originalRequestId":""#, id }
    put! { out,
        r#"","isInteractive":true,"tokenIssuerName":"","tokenIssuerType":"AzureAD""#
    }
    put! { out, if random.below(2) == 0 { SCOPES } else { NO_SCOPES } }
    put! { out, r#","networkLocationDetails":["# }
    if let Address::Office(_) = event.from {
        put! { out, r#"{"networkType":"namedNetwork","networkNames":[""#, city.0,
            r#" office"]}"#
        }
    }
    put! { out, r#"],"clientCredentialType":"none","processingTimeInMilliseconds":"# }
    push_number(out, 40 + random.below(900));
    push_risk(out, event, random);
    put! { out,
        r#","resourceDisplayName":"Microsoft Graph","resourceId":"00000003-0000-0000-c000-000000000000""#
    }
    put! { out, r#","resourceTenantId":""#, tenant.id, r#"","homeTenantId":""#, tenant.id,
        r#"","tenantId":""#, tenant.id, r#"""#
    }
    push_steps(out, event, &created, random);
    put! { out,
        r#","authenticationRequirementPolicies":[{"requirementProvider":"multiConditionalAccess","detail":"Conditional Access"}]"#
    }
    put! { out, r#","sessionLifetimePolicies":[],"authenticationRequirement":""# }
    put! { out, if random.below(2) == 0 { "multi" } else { "single" },
        r#"FactorAuthentication","alternateSignInName":""#, user.upn
    }
    put! { out, r#"","signInIdentifier":""#, user.upn,
        r#"","servicePrincipalId":"","userType":"Member""#
    }
    put! { out,
        r#","flaggedForReview":false,"isTenantRestricted":false,"autonomousSystemNumber":"#
    }
    push_number(out, event.from.asn());
    put! { out,
        r#","crossTenantAccessType":"none","privateLinkDetails":{},"ssoExtensionVersion":"""#
    }
    put! { out, r#","uniqueTokenIdentifier":""# }
    push_token(out, random);
    put! { out,
        r#"","authenticationStrengths":[],"incomingTokenType":"none","authenticationProtocol":"none""#
    }
    put! { out, r#","appServicePrincipalId":null,"resourceServicePrincipalId":""#,
        tenant.apps[0], r#"","rngcStatus":0"#
    }
    put! { out,
        r#","signInTokenProtectionStatus":"none","tokenProtectionStatusDetails":{"signInSessionStatus":"unbound","signInSessionStatusCode":1002}"#
    }
    put! { out, r#","originalTransferMethod":"none","isThroughGlobalSecureAccess":false"# }
    put! { out,
        r#","conditionalAccessAudiences":[{"applicationId":"00000003-0000-0000-c000-000000000000","audienceReasons":"none"}],"sessionId":""#
    }
    push_guid(out, random);
    put! { out, r#"","appOwnerTenantId":""#, tenant.policies[0],
        r#"","resourceOwnerTenantId":""#, tenant.policies[0], "\"}}\r\n"
    }
}

const NO_SCOPES: &str =
    r#","authenticationProcessingDetails":[{"key":"Is CAE Token","value":"False"}]"#;
const SCOPES: &str = concat!(
    r#","authenticationProcessingDetails":[{"key":"Legacy TLS (TLS 1.0, 1.1, 3DES)","value":"False"},"#,
    "{\"key\":\"Oauth Scope Info\",\"value\":\"[\\\"Calendars.ReadWrite\\\",\\\"Contacts.ReadWrite\\\",\\\"Files.ReadWrite.All\\\",",
    "\\\"Mail.ReadWrite\\\",\\\"People.Read\\\",\\\"User.Read\\\",\\\"email\\\",\\\"openid\\\",\\\"profile\\\"]\"},",
    r#"{"key":"Is CAE Token","value":"False"}]"#
);

fn push_device(out: &mut Vec<u8>, event: &Event, device: &str) {
    let (agent, system, browser) = AGENTS[event.tool.agent];
    let managed = !event.attack && system == "Windows11";
    put! { out, r#"","userAgent":""#, agent, r#"","deviceDetail":{"deviceId":""# }
    if managed {
        put! { out, device, r#"","displayName":"LT-"#, device[..8] }
    }
    put! { out, r#"","operatingSystem":""#, system, r#"","browser":""#, browser, r#"""# }
    if managed {
        put! { out,
            r#","isCompliant":true,"isManaged":true,"trustType":"Hybrid Azure AD joined""#
        }
    }
    put! { out, "}" }
}

fn push_policies(out: &mut Vec<u8>, tenant: &Tenant, random: &mut Random) {
    const GRANTS: [&str; 4] = [
        "",
        r#""Mfa""#,
        r#""Block""#,
        r#""RequireCompliantDevice","RequireDomainJoinedDevice""#,
    ];
    const RESULTS: [&str; 4] = [
        "notApplied",
        "success",
        "notEnabled",
        "reportOnlyNotApplied",
    ];
    put! { out, r#"","appliedConditionalAccessPolicies":["# }
    let (count, first) = (random.between(1, 4) as usize, random.below(8) as usize);
    for n in 0..count {
        let policy = (first + n) % POLICIES.len();
        put! { out, if n > 0 { "," } else { "" }, r#"{"id":""#, tenant.policies[policy],
            r#"","displayName":""#, POLICIES[policy]
        }
        put! { out, r#"","enforcedGrantControls":["#, GRANTS[policy % 4],
            r#"],"enforcedSessionControls":[],"result":""#
        }
        put! { out, RESULTS[random.below(4) as usize], r#"","conditionsSatisfied":"# }
        push_number(out, random.below(24));
        put! { out, r#","conditionsNotSatisfied":"# }
        push_number(out, random.below(3));
        put! { out, "}" }
    }
    put! { out, "]" }
}

fn push_risk(out: &mut Vec<u8>, event: &Event, random: &mut Random) {
    let level = if event.attack {
        ["none", "low", "medium", "high"][random.below(4) as usize]
    } else {
        "none"
    };
    let (state, kinds) = if level == "none" {
        ("none", "")
    } else {
        ("atRisk", r#""unfamiliarFeatures""#)
    };
    put! { out, r#","riskDetail":"none","riskLevelAggregated":""#, level,
        r#"","riskLevelDuringSignIn":""#, level
    }
    put! { out, r#"","riskState":""#, state, r#"","riskEventTypes":["#, kinds,
        r#"],"riskEventTypes_v2":["#, kinds, "]"
    }
}

/// The steps tell whether the password was right; a refusal with 50053 tells nothing.
fn push_steps(out: &mut Vec<u8>, event: &Event, created: &[u8], random: &mut Random) {
    let step = match event.end {
        End::Success if random.below(2) == 0 => Some((
            "Previously satisfied",
            "true",
            "First factor requirement satisfied by claim in the token",
        )),
        End::Success
        | End::StaySignedIn
        | End::MfaNotPassed
        | End::MfaNeeded
        | End::NoConsent
        | End::PolicyBlock => Some(("Password", "true", "Correct password")),
        End::BadPassword => Some((
            "Password",
            "false",
            "Invalid username or password or Invalid on-premise username or password.",
        )),
        _ => None,
    };
    put! { out, r#","authenticationDetails":["# }
    if let Some((method, succeeded, detail)) = step {
        put! { out, r#"{"authenticationStepDateTime":""#, created,
            r#"","authenticationMethod":""#, method
        }
        put! { out, r#"","authenticationMethodDetail":"Password Hash Sync","succeeded":"#,
            succeeded
        }
        put! { out, r#","authenticationStepResultDetail":""#, detail }
        put! { out,
            r#"","authenticationStepRequirement":"Primary authentication","StatusSequence":0,"RequestSequence":1}"#
        }
    }
    if event.end == End::Success && random.below(2) == 0 {
        put! { out, r#",{"authenticationStepDateTime":""#, created,
            r#"","authenticationMethod":"Mobile app notification""#
        }
        put! { out,
            r#","succeeded":true,"authenticationStepResultDetail":"MFA completed in Azure AD""#
        }
        put! { out,
            r#","authenticationStepRequirement":"Multifactor authentication","StatusSequence":0,"RequestSequence":0}"#
        }
    }
    put! { out, "]" }
}

fn push_token(out: &mut Vec<u8>, random: &mut Random) {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    for _ in 0..2 {
        let mut bits = random.next();
        for _ in 0..10 {
            out.push(LETTERS[(bits & 63) as usize]);
            bits >>= 6;
        }
    }
    put! { out, "AA" }
}

fn push_time(out: &mut Vec<u8>, ticks: u64, zone: &str) {
    let (year, month, day) = date(ticks);
    let second = ticks / SECOND % 86_400;
    push_padded(out, year, 4);
    for (mark, number) in [
        (b'-', month),
        (b'-', day),
        (b'T', second / 3600),
        (b':', second / 60 % 60),
        (b':', second % 60),
    ] {
        out.push(mark);
        push_padded(out, number, 2);
    }
    out.push(b'.');
    push_padded(out, ticks % SECOND, 7);
    put! { out, zone }
}
