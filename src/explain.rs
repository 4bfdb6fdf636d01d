//! One finding, explained from a folder of results: the numbers that made it, when it happened, each
//! refusal, who got in, and what to do. Nothing is judged anew.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::error::{Error, Result};
use crate::results::{ResultFolder, Row};

/// Findings that are named when the one that was asked for is not there.
const NAMED: usize = 5;

/// Bars of a timeline at most.
const BARS: i64 = 24;

/// Lengths of time that people read easily, in seconds.
const STEPS: [i64; 17] = [
    1, 5, 10, 30, 60, 300, 600, 900, 1800, 3600, 10_800, 21_600, 43_200, 86_400, 259_200, 604_800,
    2_592_000,
];

/// One finding and what belongs to it.
#[derive(Debug, Serialize)]
pub struct Explained {
    /// The row of `findings`.
    pub finding: Finding,
    /// Reasons of its refusals, with what they rest on, most frequent first.
    pub reasons: Vec<Reason>,
    /// When its refusals happened; empty where the log gives no times.
    pub timeline: Timeline,
    /// Its refusals: the first of them, or all.
    pub events: Vec<Event>,
    /// How many refusals there are.
    pub events_total: u64,
    /// The sign-ins by which somebody got in: the first of them, or all.
    pub break_ins: Vec<BreakIn>,
    /// How many of them there are.
    pub break_ins_total: u64,
}

/// A row of `findings`.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct Finding {
    /// Its id.
    pub finding_id: String,
    /// Its tenant.
    pub tenant_id: Option<String>,
    /// Why it happened.
    pub cause: String,
    /// What its refusals were, or `mixed`.
    pub reason: Option<String>,
    /// How bad it is.
    pub severity: String,
    /// How sure the cause is, 0 to 1.
    #[serde(deserialize_with = "number")]
    pub confidence: Option<f64>,
    /// One line.
    pub title: Option<String>,
    /// First refusal.
    pub first_seen: Option<String>,
    /// Last refusal.
    pub last_seen: Option<String>,
    /// Refusals.
    #[serde(deserialize_with = "count")]
    pub refusal_count: i64,
    /// Lockouts among them.
    #[serde(deserialize_with = "count")]
    pub lockouts: i64,
    /// Blocks of addresses among them.
    #[serde(deserialize_with = "count")]
    pub malicious_ip_blocks: i64,
    /// Blocks for risk among them.
    #[serde(deserialize_with = "count")]
    pub risk_blocks: i64,
    /// Wrong passwords beside them.
    #[serde(deserialize_with = "count")]
    pub bad_passwords: i64,
    /// Accounts refused.
    #[serde(deserialize_with = "count")]
    pub user_count: i64,
    /// Their names.
    pub users: Option<Vec<String>>,
    /// Those that matter most.
    pub vips: Option<Vec<String>>,
    /// Accounts tried.
    #[serde(deserialize_with = "count")]
    pub accounts_tried: i64,
    /// Addresses.
    #[serde(deserialize_with = "count")]
    pub ip_count: i64,
    /// The addresses.
    pub ip_addresses: Option<Vec<String>>,
    /// Their owners.
    pub asns: Option<Vec<i64>>,
    /// Their countries.
    pub countries: Option<Vec<String>>,
    /// Applications.
    pub app_names: Option<Vec<String>>,
    /// Kinds of clients.
    pub client_apps: Option<Vec<String>>,
    /// User agents.
    pub user_agents: Option<Vec<String>>,
    /// Accounts that got in.
    pub compromised_users: Option<Vec<String>>,
    /// When the first of them did.
    pub first_success: Option<String>,
    /// Indicators of the analyst that it matches.
    pub indicators: Option<Vec<String>>,
    /// The numbers that were compared.
    pub evidence: Option<Vec<Evidence>>,
    /// MITRE ATT&CK techniques.
    pub attack_techniques: Option<Vec<String>>,
    /// What the cause means.
    pub explanation: Option<String>,
    /// What to do.
    pub advice: Option<String>,
    /// Where Microsoft says so.
    pub advice_source: Option<String>,
}

/// One number beside its threshold.
#[derive(Debug, Deserialize, Serialize)]
pub struct Evidence {
    /// What was counted.
    pub feature: Option<String>,
    /// The number.
    pub value: Option<f64>,
    /// What it was compared with.
    pub threshold: Option<f64>,
}

/// A reason of some refusals.
#[derive(Debug, Serialize)]
pub struct Reason {
    /// lockout, malicious_ip, high_confidence_risk or unknown.
    pub reason: String,
    /// stated, inferred or none.
    pub basis: String,
    /// Refusals.
    pub refusals: u64,
    /// What it rests on, for the first of them.
    pub evidence: Vec<String>,
}

/// A row of `events`.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct Event {
    /// The sign-in.
    pub sign_in_id: Option<String>,
    /// When.
    pub time: Option<String>,
    /// Who.
    pub user_principal_name: Option<String>,
    /// Who, by id.
    pub user_id: Option<String>,
    /// From where.
    pub ip_address: Option<String>,
    /// The country of it.
    pub country: Option<String>,
    /// To what.
    pub app_display_name: Option<String>,
    /// With what.
    pub client_app: Option<String>,
    /// With what program.
    pub user_agent: Option<String>,
    /// What it was.
    pub reason: Option<String>,
    /// On what that rests.
    pub reason_basis: Option<String>,
    /// The words or numbers on which it rests.
    pub reason_evidence: Option<Vec<Option<String>>>,
    /// Indicators of the analyst that it matches.
    pub indicators: Option<Vec<String>>,
}

/// Refusals over time.
#[derive(Debug, Default, Serialize)]
pub struct Timeline {
    /// Seconds from one bar to the next.
    pub step_seconds: i64,
    /// From the first refusal to the last, without a gap.
    pub bars: Vec<Bar>,
}

/// The refusals of one step.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Bar {
    /// When it begins.
    pub from: String,
    /// Lockouts.
    pub lockouts: u64,
    /// Blocks of addresses.
    pub malicious_ip_blocks: u64,
    /// Blocks for risk.
    pub risk_blocks: u64,
    /// Refusals whose reason is unknown.
    pub unknown_reason: u64,
}

impl Bar {
    /// All of them.
    pub fn refusals(&self) -> u64 {
        self.lockouts + self.malicious_ip_blocks + self.risk_blocks + self.unknown_reason
    }
}

/// A row of `break_ins`: a sign-in by which somebody got in.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct BreakIn {
    /// The sign-in.
    pub sign_in_id: Option<String>,
    /// When.
    pub time: Option<String>,
    /// Who.
    pub user_principal_name: Option<String>,
    /// Who, by id.
    pub user_id: Option<String>,
    /// From where.
    pub ip_address: Option<String>,
    /// To what.
    pub app_display_name: Option<String>,
    /// With what.
    pub client_app: Option<String>,
    /// success, or password_right where something else stopped it.
    pub outcome: Option<String>,
    /// What stopped it, in Microsoft's words.
    pub failure_reason: Option<String>,
    /// Why it is counted: source, client, new place or first guess.
    pub how: Option<String>,
}

/// Explains the finding whose id begins with `id`, with `most` of its events.
///
/// # Errors
/// A folder without results, an id that is not there or not unique, a table that cannot be read.
pub fn explain(folder: &ResultFolder, id: &str, most: usize) -> Result<Explained> {
    let finding = find(folder, id)?;
    let mut explained = Explained {
        reasons: Vec::new(),
        timeline: Timeline::default(),
        events: Vec::new(),
        events_total: 0,
        break_ins: Vec::new(),
        break_ins_total: 0,
        finding,
    };
    let mut times: Vec<(i64, String)> = Vec::new();
    let own = explained.finding.finding_id.clone();
    let of_it = Some(("finding_id", own.as_str()));
    folder.rows("events", of_it, |row| {
        let event: Event = typed(row)?;
        explained.events_total += 1;
        let reason = event.reason.clone().unwrap_or_default();
        let basis = event.reason_basis.clone().unwrap_or_default();
        let mut known = explained.reasons.iter_mut();
        match known.find(|known| known.reason == reason && known.basis == basis) {
            Some(known) => known.refusals += 1,
            None => {
                let evidence = event.reason_evidence.iter().flatten().flatten();
                explained.reasons.push(Reason {
                    reason: reason.clone(),
                    basis,
                    refusals: 1,
                    evidence: evidence.cloned().collect(),
                });
            }
        }
        let time = event.time.as_deref().and_then(|time| time.parse().ok());
        if let Some(time) = time.map(jiff::Timestamp::as_second) {
            times.push((time, reason));
        }
        if explained.events.len() < most {
            explained.events.push(event);
        }
        Ok(())
    })?;
    let reasons = &mut explained.reasons;
    reasons.sort_by(|a, b| (b.refusals, &a.reason).cmp(&(a.refusals, &b.reason)));
    explained.timeline = timeline(&times);
    // Results of an earlier version do not have it.
    if folder.has("break_ins") {
        folder.rows("break_ins", of_it, |row| {
            explained.break_ins_total += 1;
            if explained.break_ins.len() < most {
                explained.break_ins.push(typed(row)?);
            }
            Ok(())
        })?;
    }
    Ok(explained)
}

/// The one finding that is meant.
fn find(folder: &ResultFolder, id: &str) -> Result<Finding> {
    let id = id.trim().to_ascii_lowercase();
    let mut found: Vec<Finding> = Vec::new();
    let mut named = Vec::new();
    let mut total = 0_u64;
    folder.rows("findings", None, |row| {
        total += 1;
        let own = row.get("finding_id").and_then(Value::as_str);
        let own = own.unwrap_or_default().to_owned();
        let is_meant = !id.is_empty() && own.starts_with(&id);
        if named.len() < NAMED {
            let title = row.get("title").and_then(Value::as_str).unwrap_or_default();
            named.push(format!("\n  {own}  {title}"));
        }
        if is_meant && found.len() < NAMED {
            found.push(typed(row)?);
        }
        Ok(())
    })?;
    let line = |finding: &Finding| {
        let title = finding.title.as_deref().unwrap_or_default();
        format!("\n  {}  {title}", finding.finding_id)
    };
    match (found.len(), found.pop()) {
        (1, Some(finding)) => Ok(finding),
        (0, _) | (_, None) => {
            let more = total.saturating_sub(named.len() as u64);
            let more = match more {
                0 => String::new(),
                more => format!("\n  … and {more} more"),
            };
            let reason = match total {
                0 => "there is no finding in these results".to_owned(),
                _ => format!(
                    "no finding has an id that begins so; there are:{}{more}",
                    named.concat()
                ),
            };
            Err(Error::setting(format!("{id:?}"), reason))
        }
        (_, Some(last)) => {
            let lines: String = found.iter().chain([&last]).map(line).collect();
            let reason =
                format!("several findings have ids that begin so; type more of it:{lines}");
            Err(Error::setting(format!("{id:?}"), reason))
        }
    }
}

/// Bars over the whole time, of a length at which there are not too many.
fn timeline(times: &[(i64, String)]) -> Timeline {
    let seconds = || times.iter().map(|(time, _)| *time);
    let (Some(first), Some(last)) = (seconds().min(), seconds().max()) else {
        return Timeline::default();
    };
    let bars = |step: i64| last.div_euclid(step) - first.div_euclid(step) + 1;
    let longest = STEPS[STEPS.len() - 1];
    let fits = STEPS.into_iter().find(|step| bars(*step) <= BARS);
    // Years of them: as many of the longest as it takes.
    let step = fits.unwrap_or_else(|| longest * (bars(longest) / BARS + 1));
    let start = first.div_euclid(step);
    let mut line: Vec<Bar> = (0..bars(step))
        .map(|nth| Bar {
            from: jiff::Timestamp::from_second((start + nth) * step)
                .map(|time| time.to_string())
                .unwrap_or_default(),
            ..Bar::default()
        })
        .collect();
    for (time, reason) in times {
        let Some(bar) = line.get_mut((time.div_euclid(step) - start) as usize) else {
            continue;
        };
        match reason.as_str() {
            "lockout" => bar.lockouts += 1,
            "malicious_ip" => bar.malicious_ip_blocks += 1,
            "high_confidence_risk" => bar.risk_blocks += 1,
            _ => bar.unknown_reason += 1,
        }
    }
    Timeline {
        step_seconds: step,
        bars: line,
    }
}

fn typed<T: serde::de::DeserializeOwned>(row: Row) -> Result<T> {
    serde_json::from_value(Value::Object(row)).map_err(|error| {
        Error::setting(
            "these results",
            format!("are not as this signsift writes them ({error}); analyse the logs again"),
        )
    })
}

/// A number, which is text in a CSV.
fn number<'de, D: Deserializer<'de>>(value: D) -> Result<Option<f64>, D::Error> {
    Ok(match Value::deserialize(value)? {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    })
}

/// A count, which is text in a CSV.
fn count<'de, D: Deserializer<'de>>(value: D) -> Result<i64, D::Error> {
    number(value).map(|number| number.unwrap_or_default() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(times: &[i64]) -> (i64, Vec<u64>) {
        let times: Vec<_> = times.iter().map(|at| (*at, "lockout".to_owned())).collect();
        let line = timeline(&times);
        (
            line.step_seconds,
            line.bars.iter().map(Bar::refusals).collect(),
        )
    }

    #[test]
    fn steps_follow_the_length_of_the_episode() {
        assert_eq!(steps(&[]), (0, vec![]));
        assert_eq!(steps(&[1_772_409_600]), (1, vec![1]));
        assert_eq!(steps(&[3, 0, 0]), (1, vec![2, 0, 0, 1]));
        let (step, bars) = steps(&[0, 7200]);
        assert_eq!((step, bars.len()), (600, 13));
        let (step, bars) = steps(&[-90_000, 0]);
        assert_eq!(
            (step, bars.first(), bars.last()),
            (10_800, Some(&1), Some(&1))
        );
        let (step, bars) = steps(&[0, 40 * 365 * 86_400]);
        assert!(bars.len() <= BARS as usize && step > 2_592_000);
        assert_eq!(bars.iter().sum::<u64>(), 2);
    }
}
