//! Compares findings with the truth.
//!
//! | number | what it counts |
//! |---|---|
//! | reason right, wrong, unknown | refusals whose `reason` is the true one, another one, or `unknown` |
//! | lost | refusals that are in no finding (there should never be one) |
//! | incidents | incidents with at least one refusal |
//! | found | incidents of which one finding, other than `insufficient_data`, holds at least half of the refusals |
//! | named | found ones for which the cause of that finding is the true one |
//! | wrong side | found attacks that were called honest, and found honest ones that were called an attack |
//! | split | incidents with more than two findings (other than `insufficient_data`) that hold at least two of its refusals |
//! | merged | findings of which each of two different attacks owns at least a fifth |
//! | false | findings of severity medium or higher (other than `insufficient_data`) of which no incident, or several together, own half |
//! | entered | accounts that the attacker of an incident with a refusal signed in to: named in `compromised_users` of a finding, or missed |
//! | named in error | accounts named there that nobody entered, and whose password no attacker learned |
//!
//! A refusal of an honest person whose account an incident had locked counts as that incident's when
//! false findings are told, but not when its own refusals are counted. A lone stray attempt that is
//! reported as `blocked_attack` or `high_risk_block` is no false finding, nor is an honest old client
//! that is reported as `high_risk_block`: that is what it was.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::Value;

use super::event::Role;
use super::run::{Truths, upn};
use super::{Cause, Incident, Story};

/// What the library wrote.
pub(crate) struct Results {
    pub(crate) events: Vec<Value>,
    pub(crate) findings: Vec<Value>,
}

/// Incidents of one cause.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Tally {
    pub(crate) incidents: u64,
    pub(crate) found: u64,
    pub(crate) named: u64,
}

/// How good the findings are.
#[derive(Clone, Default, Debug)]
pub(crate) struct Score {
    pub(crate) sign_ins: u64,
    pub(crate) refusals: u64,
    pub(crate) right: u64,
    pub(crate) wrong: u64,
    pub(crate) unknown: u64,
    pub(crate) lost: u64,
    pub(crate) causes: BTreeMap<&'static str, Tally>,
    /// True cause, cause of the finding that holds most of the incident.
    pub(crate) confusion: BTreeMap<(&'static str, String), u64>,
    pub(crate) wrong_side: u64,
    pub(crate) findings: u64,
    pub(crate) false_findings: u64,
    pub(crate) split: u64,
    pub(crate) merged: u64,
    pub(crate) entered: u64,
    pub(crate) entered_named: u64,
    pub(crate) named_in_error: u64,
    /// What went wrong, for whoever writes rules.
    pub(crate) misses: Vec<String>,
}

impl Score {
    /// Incidents of all causes.
    pub(crate) fn all(&self) -> Tally {
        let mut all = Tally::default();
        for tally in self.causes.values() {
            all.incidents += tally.incidents;
            all.found += tally.found;
            all.named += tally.named;
        }
        all
    }

    /// Adds another simulation.
    pub(crate) fn add(&mut self, other: Score) {
        self.sign_ins += other.sign_ins;
        self.refusals += other.refusals;
        self.right += other.right;
        self.wrong += other.wrong;
        self.unknown += other.unknown;
        self.lost += other.lost;
        for (cause, tally) in other.causes {
            let sum = self.causes.entry(cause).or_default();
            sum.incidents += tally.incidents;
            sum.found += tally.found;
            sum.named += tally.named;
        }
        for (pair, count) in other.confusion {
            *self.confusion.entry(pair).or_default() += count;
        }
        self.wrong_side += other.wrong_side;
        self.findings += other.findings;
        self.false_findings += other.false_findings;
        self.split += other.split;
        self.merged += other.merged;
        self.entered += other.entered;
        self.entered_named += other.entered_named;
        self.named_in_error += other.named_in_error;
        self.misses.extend(other.misses);
    }
}

/// Cause of the finding, as the library named it.
fn cause(finding: &Value) -> &str {
    finding["cause"].as_str().unwrap_or_default()
}

const NOTHING: &str = "insufficient_data";

/// Whether the library calls this cause an attack.
fn is_attack(cause: &str) -> bool {
    Cause::ALL
        .iter()
        .any(|known| known.name() == cause && known.is_attack())
}

/// The refusals of one finding, by whose they are.
#[derive(Default)]
struct Held {
    all: u64,
    /// By incident, its own.
    own: BTreeMap<u32, u64>,
    /// By incident, with those of honest people that it locked out.
    behind: BTreeMap<u32, u64>,
    /// Of nobody's incident: of strays, and others that were a high risk.
    strays: u64,
    risks: u64,
}

/// Compares `results` with what truly happened.
pub(crate) fn score(story: &Story, truths: &Truths, results: &Results) -> Score {
    let mut score = Score {
        sign_ins: story.sign_ins,
        refusals: truths.len() as u64,
        findings: results.findings.len() as u64,
        ..Score::default()
    };
    let held = score.reasons(truths, results);
    let findings: HashMap<&str, &Value> = results
        .findings
        .iter()
        .filter_map(|finding| Some((finding["finding_id"].as_str()?, finding)))
        .collect();
    for incident in story.incidents.iter().filter(|it| it.refusals() > 0) {
        score.incident(story, incident, &findings, &held);
    }
    for (id, held) in &held {
        if let Some(finding) = findings.get(id.as_str()) {
            score.finding(story, finding, held);
        }
    }
    score.entered(story, results);
    score
}

impl Score {
    /// Reasons of all refusals; returns what each finding holds.
    fn reasons(&mut self, truths: &Truths, results: &Results) -> BTreeMap<String, Held> {
        let mut held: BTreeMap<String, Held> = BTreeMap::new();
        let mut met = BTreeSet::new();
        let mut wrong: BTreeMap<(String, &str), u64> = BTreeMap::new();
        for event in &results.events {
            let id = event["sign_in_id"].as_str().unwrap_or_default();
            let Some(truth) = truths.get(id) else {
                continue;
            };
            met.insert(id);
            match event["reason"].as_str() {
                Some(reason) if reason == truth.reason => self.right += 1,
                Some("unknown") | None => self.unknown += 1,
                Some(reason) => {
                    self.wrong += 1;
                    *wrong.entry((reason.to_owned(), truth.reason)).or_default() += 1;
                }
            }
            let finding = event["finding_id"].as_str().unwrap_or_default();
            let held = held.entry(finding.to_owned()).or_default();
            held.all += 1;
            if let Some(incident) = truth.incident {
                *held.own.entry(incident).or_default() += 1;
            }
            match truth.incident.or(truth.behind) {
                Some(incident) => *held.behind.entry(incident).or_default() += 1,
                None if truth.role == Role::Stray => held.strays += 1,
                None => held.risks += u64::from(truth.reason == "high_confidence_risk"),
            }
        }
        self.lost = truths.len() as u64 - met.len() as u64;
        for ((said, truth), count) in wrong {
            self.misses
                .push(format!("WRONG REASON {count} x {said}, truly {truth}"));
        }
        held
    }

    fn incident(
        &mut self,
        story: &Story,
        incident: &Incident,
        findings: &HashMap<&str, &Value>,
        held: &BTreeMap<String, Held>,
    ) {
        // (refusals of the incident, the finding), the largest first.
        let mut parts: Vec<(u64, &Value)> = held
            .iter()
            .filter_map(|(id, held)| {
                let count = *held.own.get(&incident.id)?;
                Some((count, *findings.get(id.as_str())?))
            })
            .collect();
        parts
            .sort_by_key(|(count, finding)| (std::cmp::Reverse(*count), cause(finding) == NOTHING));
        let truth = incident.cause.name();
        let said = parts.first().map_or(NOTHING, |(_, finding)| cause(finding));
        *self.confusion.entry((truth, said.to_owned())).or_default() += 1;
        let best = parts.iter().find(|(_, finding)| cause(finding) != NOTHING);
        let found = best.is_some_and(|(count, _)| count * 2 >= incident.refusals());
        let named = found && best.is_some_and(|(_, finding)| cause(finding) == truth);
        let wrong_side =
            found && best.is_some_and(|(_, it)| is_attack(cause(it)) != incident.cause.is_attack());
        let pieces = parts
            .iter()
            .filter(|(count, finding)| *count >= 2 && cause(finding) != NOTHING);
        let split = pieces.count() > 2;
        let tally = self.causes.entry(truth).or_default();
        tally.incidents += 1;
        tally.found += u64::from(found);
        tally.named += u64::from(named);
        self.wrong_side += u64::from(wrong_side);
        self.split += u64::from(split);
        if !named || split {
            let what = match (found, named) {
                (false, _) => "NOT FOUND",
                (true, false) => "MISNAMED",
                _ => "SPLIT",
            };
            let mut text = format!("{what} {}", told(story, incident));
            for (count, finding) in parts.iter().take(6) {
                text += &format!("\n    {count:>5} of its refusals in {}", shown(finding));
            }
            if parts.len() > 6 {
                text += &format!("\n    and {} findings more", parts.len() - 6);
            }
            self.misses.push(text);
        }
    }

    fn finding(&mut self, story: &Story, finding: &Value, held: &Held) {
        let named = cause(finding);
        if named == NOTHING {
            return;
        }
        let attack = |incident: &u32| story.incidents[*incident as usize].cause.is_attack();
        let large = held
            .own
            .iter()
            .filter(|(incident, count)| attack(incident) && **count * 5 >= held.all);
        let large: Vec<String> = large
            .map(|(incident, count)| format!("{count} of #{incident}"))
            .collect();
        if large.len() > 1 {
            self.merged += 1;
            self.misses
                .push(format!("MERGED {}: {}", large.join(", "), shown(finding)));
        }
        let grave = matches!(
            finding["severity"].as_str(),
            Some("medium" | "high" | "critical")
        );
        let of_incidents: u64 = held.behind.values().sum();
        let explained = of_incidents
            + match named {
                "blocked_attack" => held.strays,
                "high_risk_block" => held.strays + held.risks,
                _ => 0,
            };
        if grave && explained * 2 < held.all {
            self.false_findings += 1;
            self.misses.push(format!(
                "FALSE {} of incidents, {} of strays: {}",
                of_incidents,
                held.strays,
                shown(finding)
            ));
        }
    }

    fn entered(&mut self, story: &Story, results: &Results) {
        let mut named: BTreeMap<&str, &Value> = BTreeMap::new();
        for finding in &results.findings {
            for user in finding["compromised_users"]
                .as_array()
                .into_iter()
                .flatten()
            {
                named.insert(user.as_str().unwrap_or_default(), finding);
            }
        }
        let mut known = BTreeSet::new();
        let mut entered: BTreeMap<String, &Incident> = BTreeMap::new();
        for incident in &story.incidents {
            known.extend(incident.known.iter().map(|user| upn(&story.world, *user)));
            // Without a refusal there is no finding that could name them.
            for user in incident.entered.iter().filter(|_| incident.refusals() > 0) {
                entered.insert(upn(&story.world, *user), incident);
            }
        }
        for (user, incident) in &entered {
            self.entered += 1;
            if named.contains_key(user.as_str()) {
                self.entered_named += 1;
            } else {
                self.misses
                    .push(format!("ENTERED UNSEEN {user}: {}", told(story, incident)));
            }
        }
        for (user, finding) in named {
            if !known.contains(user) {
                self.named_in_error += 1;
                self.misses
                    .push(format!("NAMED IN ERROR {user}: {}", shown(finding)));
            }
        }
    }
}

/// An incident in one line.
fn told(story: &Story, incident: &Incident) -> String {
    let [lockouts, blocks, risks] = incident.refused;
    let hours = |at: u64| at as f64 / super::event::HOUR as f64;
    format!(
        "seed {} #{} {}: {} attempts, {} accounts, {} sources, {lockouts} lockouts, {blocks} blocks, {risks} risks, \
         hours {:.1} to {:.1}",
        story.world.seed,
        incident.id,
        incident.cause.name(),
        incident.attempts,
        incident.accounts.len(),
        incident.sources.len(),
        hours(incident.first.unwrap_or_default()),
        hours(incident.last),
    )
}

/// A finding in one line.
fn shown(finding: &Value) -> String {
    let text = |key: &str| finding[key].as_str().unwrap_or_default().to_owned();
    format!(
        "{} {} [{}, {} refusals, {} accounts, {} addresses, {} to {}]",
        text("cause"),
        text("finding_id"),
        text("severity"),
        finding["refusal_count"],
        finding["user_count"],
        finding["ip_count"],
        text("first_seen"),
        text("last_seen"),
    )
}
