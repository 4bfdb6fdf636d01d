//! Sign-ins as diagnostic settings deliver them: JSON lines, reasons stated, some delivered twice.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::net::IpAddr;

use super::chance::{coin, hash};
use super::event::{Event, HOUR, Outcome, SECOND, Secret, Time, Who};
use super::random::{Random, guid};
use super::words::{APPS, CITIES};
use super::world::World;

/// Share of the records that come twice.
const TWICE: f64 = 0.03;

const LOCKED: &str = "The account is locked, you've tried to sign in too many times with an incorrect user ID or password.";
/// The rarer wordings of a lock.
const LOCKED_TOO: [&str; 6] = [
    "The account is locked, you\u{2019}ve tried to sign in too many times with an incorrect user ID or password.",
    "Account is locked because user tried to sign in too many times with an incorrect user ID or password.",
    "IdsLocked - The account is locked because the user tried to sign in too many times with an incorrect user ID or password. The user is blocked due to repeated sign-in attempts.",
    "You've tried to sign in too many times with an incorrect user ID or password.",
    "Account is locked. The user has tried to sign in too many times with an incorrect user ID or password.",
    "Account is locked",
];
const MALICIOUS: &str =
    "Sign-in was blocked because it came from an IP address with malicious activity";
const MALICIOUS_STOP: &str =
    "Sign-in was blocked because it came from an IP address with malicious activity.";
const HIGH_RISK: &str =
    "Sign-in was blocked by built-in protections due to high confidence of risk.";
/// What the reference says of the number; it states no single reason.
const BOTH: &str = "This error can result from two different reasons: IdsLocked - The account is locked because the user tried to sign in too many times with an incorrect user ID or password. Or, sign-in was blocked because it came from an IP address with malicious activity.";

/// Microsoft's words for how a sign-in ended.
fn text(world: &World, event: &Event) -> &'static str {
    let (seed, number) = (world.seed, event.number);
    let rare = coin(&[seed, 51, number]);
    let is_refusal = event.outcome.reason().is_some();
    if is_refusal && rare < 0.002 {
        return BOTH;
    }
    match event.outcome {
        Outcome::Locked if rare < 0.03 => {
            LOCKED_TOO[(hash(&[seed, 52, number]) % LOCKED_TOO.len() as u64) as usize]
        }
        Outcome::Locked => LOCKED,
        Outcome::Malicious if rare < 0.1 => MALICIOUS_STOP,
        Outcome::Malicious => MALICIOUS,
        Outcome::HighRisk => HIGH_RISK,
        Outcome::Success => "",
        Outcome::BadPassword => "Error validating credentials due to invalid username or password.",
        Outcome::UnknownUser => {
            "The user account does not exist in the directory. To sign into this application, the account must be added to the directory."
        }
        Outcome::Expired => "The password is expired.",
        Outcome::MfaNotPassed => "Strong Authentication is required.",
        Outcome::MfaNeeded => {
            "Due to a configuration change made by your administrator, or because you moved to a new location, you must use multi-factor authentication to access the resource."
        }
        Outcome::PolicyBlock => {
            "Access has been blocked by Conditional Access policies. The access policy does not allow token issuance."
        }
        Outcome::NoSession => {
            "The application tried to perform a silent sign in and the user could not be silently signed in."
        }
        Outcome::StaySignedIn => {
            "This error occurred due to 'Keep me signed in' interrupt when the user was signing-in."
        }
        Outcome::BadSecret => "Invalid client secret is provided.",
    }
}

/// What the steps show of the password; a refusal shows nothing.
fn step(event: &Event) -> Option<(&'static str, &'static str)> {
    match (event.outcome, event.attempt.secret) {
        (Outcome::BadPassword, _) => Some((
            "false",
            "Invalid username or password or Invalid on-premise username or password.",
        )),
        _ if matches!(event.attempt.who, Who::Service(_)) => None,
        (Outcome::Success, Secret::Token) => Some((
            "true",
            "First factor requirement satisfied by claim in the token",
        )),
        (outcome, _) if outcome.proves_password() => Some(("true", "Correct password")),
        _ => None,
    }
}

/// Everything about the name that somebody signs in with.
pub(super) struct Name {
    pub(super) id: String,
    pub(super) upn: String,
    pub(super) shown: String,
    pub(super) kind: &'static str,
}

/// The id and name of an account.
pub(super) fn name(world: &World, who: Who) -> Name {
    match who {
        Who::Account(user) => {
            let guest = world.human(user).guest;
            Name {
                id: id(&[world.seed, 53, user.into()]),
                upn: match guest {
                    true => format!("user{user:03}_partner.example#ext#@contoso.example"),
                    false => format!("user{user:03}@contoso.example"),
                },
                shown: format!("User {user:03}"),
                kind: if guest { "Guest" } else { "Member" },
            }
        }
        Who::Nobody(number) => Name {
            id: "00000000-0000-0000-0000-000000000000".to_owned(),
            upn: format!("former{number:04}@contoso.example"),
            shown: format!("former{number:04}@contoso.example"),
            kind: "Member",
        },
        Who::Service(number) => Name {
            id: String::new(),
            upn: String::new(),
            shown: format!("Job {number:02}"),
            kind: "",
        },
    }
}

/// An id that hangs on `parts`.
pub(super) fn id(parts: &[u64]) -> String {
    guid(&mut Random::new(hash(parts), 2))
}

/// The id of a sign-in, in every spelling.
pub(crate) fn sign_in_id(world: &World, event: &Event) -> String {
    id(&[world.seed, 54, event.number])
}

/// `2026-03-02T08:00:00.1230000`: a moment, to ten millionths of a second.
pub(super) fn stamp(at: Time) -> String {
    // 2 March 2026 is day 20514 since 1970.
    let moment = jiff::Timestamp::from_millisecond((20_514 * 86_400_000 + at) as i64);
    let moment = moment.unwrap_or_default();
    format!("{:.7}", moment).trim_end_matches('Z').to_owned()
}

/// Writes JSON lines.
pub(crate) struct Diagnostic<W> {
    out: W,
    /// Records that will come a second time, with the time at which they do.
    again: VecDeque<(Time, Event)>,
}

impl<W: Write> Diagnostic<W> {
    pub(crate) fn new(out: W) -> Self {
        Self {
            out,
            again: VecDeque::new(),
        }
    }

    /// Writes one sign-in, after all that are due to come again by then.
    pub(crate) fn write(&mut self, world: &World, event: &Event) -> io::Result<()> {
        while self.again.front().is_some_and(|(due, _)| *due <= event.at) {
            if let Some((due, event)) = self.again.pop_front() {
                self.line(world, &event, due)?;
            }
        }
        let delay = 28 * SECOND + hash(&[world.seed, 55, event.number]) % (1049 * SECOND);
        self.line(world, event, event.at + delay)?;
        if coin(&[world.seed, 56, event.number]) < TWICE {
            self.again.push_back((event.at + HOUR, *event));
        }
        Ok(())
    }

    /// Writes what is still to come again.
    pub(crate) fn finish(mut self, world: &World) -> io::Result<W> {
        for (due, event) in std::mem::take(&mut self.again) {
            self.line(world, &event, due)?;
        }
        self.out.flush()?;
        Ok(self.out)
    }

    fn line(&mut self, world: &World, event: &Event, arrives: Time) -> io::Result<()> {
        let out = &mut self.out;
        let attempt = &event.attempt;
        let (code, text) = (event.outcome.code(), text(world, event));
        let who = name(world, attempt.who);
        let (id, place) = (sign_in_id(world, event), world.place(attempt.from));
        let (city, country, latitude, longitude) = CITIES[place.city];
        let token = attempt.secret == Secret::Token;
        let service = matches!(attempt.who, Who::Service(_));
        let category = match (service, token) {
            (true, _) => "ServicePrincipalSignInLogs",
            (_, true) => "NonInteractiveUserSignInLogs",
            _ => "SignInLogs",
        };
        let (tenant, ip) = (&world.tenant, attempt.from);
        let correlation = self::id(&[world.seed, 57, event.number]);
        let created = stamp(event.at);
        write!(
            out,
            r#"{{"time":"{}Z","resourceId":"/tenants/{tenant}/providers/Microsoft.aadiam","operationName":"Sign-in activity","operationVersion":"1.0","category":"{category}","tenantId":"{tenant}","resultType":"{code}","#,
            stamp(arrives)
        )?;
        match event.outcome {
            Outcome::Success => write!(out, r#""resultSignature":"SUCCESS","#)?,
            _ => write!(
                out,
                r#""resultSignature":"FAILURE","resultDescription":"{text}","#
            )?,
        }
        write!(
            out,
            r#""durationMs":0,"callerIpAddress":"{ip}","correlationId":"{correlation}","identity":"{}","Level":4,"location":"{country}","properties":{{"id":"{id}","createdDateTime":"{created}+00:00","#,
            who.shown
        )?;
        if service {
            write!(
                out,
                r#""userId":"","servicePrincipalId":"{}","servicePrincipalName":"{}","#,
                self::id(&[world.seed, 58, event.number % 7]),
                who.shown
            )?;
        } else {
            write!(
                out,
                r#""userDisplayName":"{}","userPrincipalName":"{}","userId":"{}","userType":"{}","#,
                who.shown, who.upn, who.id, who.kind
            )?;
        }
        let tool = &attempt.tool;
        write!(
            out,
            r#""appId":"{}","appDisplayName":"{}","ipAddress":"{ip}","status":{{"errorCode":{code}"#,
            world.apps[tool.app], APPS[tool.app]
        )?;
        match event.outcome {
            Outcome::Success if token && !service => write!(
                out,
                r#","additionalDetails":"MFA requirement satisfied by claim in the token""#
            )?,
            Outcome::Success => {}
            _ => write!(out, r#","failureReason":"{text}""#)?,
        }
        let (system, browser) = tool.agent.device();
        write!(
            out,
            r#"}},"clientAppUsed":"{}","userAgent":"{}","deviceDetail":{{"#,
            tool.client.name(),
            tool.agent.text()
        )?;
        if tool.managed {
            let device = device(world, event);
            write!(
                out,
                r#""deviceId":"{device}","displayName":"LT-{}","isCompliant":true,"isManaged":true,"trustType":"Azure AD joined","#,
                &device[..8]
            )?;
        }
        write!(
            out,
            r#""operatingSystem":"{system}","browser":"{browser}"}},"location":{{"city":"{city}","countryOrRegion":"{country}","geoCoordinates":{{"latitude":{latitude},"longitude":{longitude}}}}},"correlationId":"{correlation}","conditionalAccessStatus":"{}","isInteractive":{},"#,
            match event.outcome {
                Outcome::PolicyBlock => "failure",
                Outcome::Success => "success",
                _ => "notApplied",
            },
            !token
        )?;
        write!(out, r#""networkLocationDetails":["#)?;
        if let Some(office) = office(world, ip) {
            let kind = match world.trusted_office == Some(office) {
                true => "trustedNamedLocation",
                false => "namedNetwork",
            };
            write!(
                out,
                r#"{{"networkType":"{kind}","networkNames":["Office {office}"]}}"#
            )?;
        }
        write!(out, r#"],"authenticationDetails":["#)?;
        if let Some((succeeded, detail)) = step(event) {
            write!(
                out,
                r#"{{"authenticationStepDateTime":"{created}+00:00","authenticationMethod":"Password","succeeded":{succeeded},"authenticationStepResultDetail":"{detail}","authenticationStepRequirement":"Primary authentication","StatusSequence":0,"RequestSequence":1}}"#
            )?;
        }
        writeln!(
            out,
            "],\"riskState\":\"none\",\"riskLevelDuringSignIn\":\"none\",\"riskLevelAggregated\":\"none\",\"riskEventTypes_v2\":[],\"resourceDisplayName\":\"Microsoft Graph\",\"resourceId\":\"00000003-0000-0000-c000-000000000000\",\"resourceTenantId\":\"{tenant}\",\"homeTenantId\":\"{tenant}\",\"tenantId\":\"{tenant}\",\"authenticationRequirement\":\"{}\",\"autonomousSystemNumber\":{},\"incomingTokenType\":\"{}\",\"authenticationProtocol\":\"none\"}}}}\r",
            match event.outcome {
                Outcome::MfaNeeded | Outcome::MfaNotPassed => "multiFactorAuthentication",
                _ if attempt.second_factor => "multiFactorAuthentication",
                _ => "singleFactorAuthentication",
            },
            place.asn,
            if token { "primaryRefreshToken" } else { "none" },
        )
    }
}

/// The id of the device, for one that the tenant manages.
pub(super) fn device(world: &World, event: &Event) -> String {
    let Who::Account(user) = event.attempt.who else {
        return String::new();
    };
    let phone = event.attempt.tool.agent == world.human(user).phone;
    id(&[world.seed, 59, user.into(), phone.into()])
}

/// The office whose exit this is.
fn office(world: &World, from: IpAddr) -> Option<u32> {
    let IpAddr::V4(from) = from else {
        return None;
    };
    match from.octets() {
        [198, 51, 100, n] => Some(u32::from(n).saturating_sub(1)).filter(|n| *n < world.offices),
        _ => None,
    }
}
