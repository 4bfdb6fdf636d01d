//! The same sign-ins as the unified audit log has them: bare AuditData, one a line. No text of the
//! failure, no country, no name of the application, whole seconds; an error 50053 is `IdsLocked`
//! whatever its reason.

use std::io::{self, Write};
use std::net::IpAddr;

use super::chance::{coin, hash};
use super::diagnostic::{device, id, name, sign_in_id, stamp};
use super::event::{Client, Event, Outcome, Secret, Who};
use super::world::World;

fn logon_error(outcome: Outcome) -> Option<&'static str> {
    match outcome {
        Outcome::Success => None,
        Outcome::Locked | Outcome::Malicious | Outcome::HighRisk => Some("IdsLocked"),
        Outcome::BadPassword => Some("InvalidUserNameOrPassword"),
        Outcome::UnknownUser => Some("UserAccountNotFound"),
        Outcome::Expired => Some("InvalidPasswordExpiredPassword"),
        Outcome::MfaNotPassed => Some("UserStrongAuthClientAuthNRequiredInterrupt"),
        Outcome::MfaNeeded => Some("UserStrongAuthClientAuthNRequired"),
        Outcome::PolicyBlock => Some("BlockedByConditionalAccess"),
        Outcome::NoSession => Some("UserInformationNotProvided"),
        Outcome::StaySignedIn => Some("KmsiInterrupt"),
        Outcome::BadSecret => Some("InvalidClientSecretProvided"),
    }
}

/// Share of the records that come twice, since pages of an export overlap.
const TWICE: f64 = 0.05;

/// Writes one sign-in; those of service principals are not in this log.
pub(crate) fn write(out: &mut impl Write, world: &World, event: &Event) -> io::Result<()> {
    if matches!(event.attempt.who, Who::Service(_)) {
        return Ok(());
    }
    line(out, world, event)?;
    match coin(&[world.seed, 62, event.number]) < TWICE {
        true => line(out, world, event),
        false => Ok(()),
    }
}

fn line(out: &mut impl Write, world: &World, event: &Event) -> io::Result<()> {
    let attempt = &event.attempt;
    let mut who = name(world, attempt.who);
    // Unlike the others, this log keeps the capitals of a name.
    if let Who::Account(account) = attempt.who
        && account.is_multiple_of(3)
    {
        who.upn.replace_range(..1, "U");
    }
    let sign_in = sign_in_id(world, event);
    let user = match attempt.who {
        Who::Nobody(_) => "Not Available",
        _ => who.id.as_str(),
    };
    let operation = match event.outcome {
        Outcome::Success | Outcome::StaySignedIn => "UserLoggedIn",
        _ => "UserLoginFailed",
    };
    let request = match (attempt.secret, attempt.tool.client) {
        (Secret::Token, _) => "OAuth2:Token",
        (_, Client::Browser) => "Login:login",
        _ => "OAuth2:Token",
    };
    // One in four addresses comes with a port.
    let port = hash(&[world.seed, 61, event.number]);
    let ip = match attempt.from {
        ip if !port.is_multiple_of(4) => ip.to_string(),
        IpAddr::V4(v4) => format!("{v4}:{}", 16_000 + port / 4 % 40_000),
        IpAddr::V6(v6) => format!("[{v6}]:{}", 16_000 + port / 4 % 40_000),
    };
    let at = stamp(event.at);
    let (tenant, resource) = (&world.tenant, "00000003-0000-0000-c000-000000000000");
    write!(
        out,
        r#"{{"CreationTime":"{}","Id":"{sign_in}","Operation":"{operation}","OrganizationId":"{tenant}","RecordType":15,"ResultStatus":"Success","UserKey":"{user}","UserType":0,"Version":1,"Workload":"AzureActiveDirectory","ClientIP":"{ip}","ObjectId":"{resource}","UserId":"{upn}","AzureActiveDirectoryEventType":1,"ExtendedProperties":[{{"Name":"ResultStatusDetail","Value":"Success"}},{{"Name":"UserAgent","Value":"{}"}},{{"Name":"UserAuthenticationMethod","Value":"1"}},{{"Name":"RequestType","Value":"{request}"}}],"ModifiedProperties":[],"Actor":[{{"ID":"{user}","Type":0}},{{"ID":"{upn}","Type":5}}],"ActorContextId":"{tenant}","ActorIpAddress":"{ip}","InterSystemsId":"{}","IntraSystemId":"{sign_in}","SupportTicketId":"","Target":[{{"ID":"{resource}","Type":0}}],"TargetContextId":"{tenant}","ApplicationId":"{}","DeviceProperties":["#,
        &at[..19],
        attempt.tool.agent.text(),
        id(&[world.seed, 57, event.number]),
        world.apps[attempt.tool.app],
        upn = who.upn,
    )?;
    let (system, browser) = attempt.tool.agent.device();
    if attempt.tool.managed {
        let device = device(world, event);
        write!(
            out,
            r#"{{"Name":"Id","Value":"{device}"}},{{"Name":"TrustType","Value":"1"}},{{"Name":"IsCompliant","Value":"True"}},"#
        )?;
    }
    let browser = browser.split(' ').next().unwrap_or_default();
    write!(
        out,
        r#"{{"Name":"OS","Value":"{system}"}},{{"Name":"BrowserType","Value":"{browser}"}},{{"Name":"IsCompliantAndManaged","Value":"{}"}}],"ErrorNumber":"{}""#,
        if attempt.tool.managed {
            "True"
        } else {
            "False"
        },
        event.outcome.code()
    )?;
    if let Some(error) = logon_error(event.outcome) {
        write!(out, r#","LogonError":"{error}""#)?;
    }
    writeln!(out, "}}")
}
