//! What has been told of each finding, so that it is told again only when there is something new to
//! say, under the same id and with a higher revision.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::step::Finding;

/// Version of the lines that are written.
pub(super) const SCHEMA_VERSION: u32 = 1;

/// A finding as it was told last.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Entry {
    pub(super) id: String,
    pub(super) revision: u32,
    /// Why nothing more is expected of it; none while it is open.
    pub(super) ended: Option<Why>,
    /// The finding that holds its refusals now.
    pub(super) replaced_by: Option<String>,
    pub(super) tenant: Option<String>,
    pub(super) cause: String,
    gravity: String,
    first_seen: Option<i64>,
    pub(super) last_seen: Option<i64>,
    ends_at: Option<i64>,
    anchor: Option<String>,
    body: String,
    /// When it was told, for how often it may be told again.
    #[serde(skip)]
    told_at: Option<Instant>,
    /// It has grown since.
    #[serde(skip)]
    has_grown: bool,
}

/// Why a finding is final.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Why {
    /// The log has come so far that nothing can join it any more.
    Over,
    /// Nothing has come from its tenant for a while.
    Idle,
    /// The input has ended.
    Eof,
    /// Its refusals belong to another finding now.
    Replaced,
    /// Its first refusals are older than what is remembered.
    History,
    /// Its first refusals had to be forgotten for want of memory.
    Memory,
}

/// From when on sign-ins are remembered, and why not longer.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Remembered {
    pub(super) since: Option<i64>,
    pub(super) cut_by_memory: bool,
}

/// Everything that was told and may be told again.
pub(super) struct Told {
    findings: BTreeMap<String, Entry>,
    /// A finding that has merely grown is told again no sooner.
    revise_every: Duration,
}

impl Told {
    pub(super) fn new(revise_every: Duration) -> Told {
        Told {
            findings: BTreeMap::new(),
            revise_every,
        }
    }

    /// Takes up what was told before a restart.
    pub(super) fn restore(&mut self, entries: Vec<Entry>) {
        for entry in entries {
            self.findings.insert(entry.id.clone(), entry);
        }
    }

    /// Forgets everything, to be restored from a later state.
    pub(super) fn clear(&mut self) {
        self.findings.clear();
    }

    pub(super) fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.findings.values()
    }

    /// Compares what is found now with what was told. Returns what must be told, in the order of ids.
    ///
    /// `now` is the watermark: what ended before it has ended. `owner` tells which finding holds a
    /// refusal now.
    pub(super) fn compare(
        &mut self,
        found: &[Finding],
        owner: &dyn Fn(&str) -> Option<String>,
        now: Option<i64>,
        remembered: Remembered,
    ) -> Vec<Entry> {
        let mut tell = Vec::new();
        let mut there = std::collections::BTreeSet::new();
        for finding in found {
            there.insert(finding.id.as_str());
            let is_over = finding
                .ends_at
                .zip(now)
                .is_some_and(|(end, now)| end <= now);
            let entry = self.findings.entry(finding.id.clone()).or_default();
            let is_new = entry.revision == 0;
            let is_graver = entry.gravity != finding.gravity;
            let was_replaced = entry.replaced_by.is_some();
            let has_changed = is_new || was_replaced || entry.body != finding.body;
            let ends = is_over && entry.ended.is_none();
            if has_changed {
                let finding = finding.clone();
                *entry = Entry {
                    id: finding.id,
                    revision: entry.revision,
                    ended: entry.ended,
                    replaced_by: None,
                    tenant: finding.tenant,
                    cause: finding.cause,
                    gravity: finding.gravity,
                    first_seen: finding.first_seen,
                    last_seen: finding.last_seen,
                    ends_at: finding.ends_at,
                    anchor: finding.anchor,
                    body: finding.body,
                    told_at: entry.told_at,
                    has_grown: true,
                };
            }
            let may_wait = entry
                .told_at
                .is_some_and(|told| told.elapsed() < self.revise_every);
            let must = is_new || was_replaced || is_graver || ends || entry.ended.is_some();
            if (entry.has_grown && (must || !may_wait)) || ends {
                entry.tell(is_over.then_some(Why::Over), &mut tell);
            }
        }
        let gone = self
            .findings
            .values_mut()
            .filter(|entry| entry.ended.is_none() && !there.contains(entry.id.as_str()));
        for entry in gone {
            let began = entry.first_seen;
            let is_cut = remembered
                .since
                .is_some_and(|since| began.is_some_and(|it| it < since));
            if is_cut {
                let why = if remembered.cut_by_memory {
                    Why::Memory
                } else {
                    Why::History
                };
                entry.tell(Some(why), &mut tell);
            } else {
                entry.replaced_by = entry.anchor.as_deref().and_then(owner);
                entry.tell(Some(Why::Replaced), &mut tell);
            }
        }
        tell
    }

    /// Findings that have grown and whose time to be told has come, without anything new.
    pub(super) fn outstanding(&mut self) -> Vec<Entry> {
        let mut tell = Vec::new();
        for entry in self.findings.values_mut().filter(|entry| entry.has_grown) {
            if entry
                .told_at
                .is_none_or(|told| told.elapsed() >= self.revise_every)
            {
                entry.tell(None, &mut tell);
            }
        }
        tell
    }

    /// Ends the open findings that `which` names.
    pub(super) fn end(&mut self, why: Why, which: impl Fn(&Entry) -> bool) -> Vec<Entry> {
        let mut tell = Vec::new();
        for entry in self.findings.values_mut() {
            if entry.ended.is_none() && which(entry) {
                entry.tell(Some(why), &mut tell);
            }
        }
        tell
    }

    /// Forgets findings that have ended before `age`.
    pub(super) fn forget(&mut self, age: i64) {
        self.findings.retain(|_, entry| {
            entry.ended.is_none() || entry.last_seen.is_none_or(|last| last >= age)
        });
    }
}

impl Entry {
    fn tell(&mut self, ended: Option<Why>, tell: &mut Vec<Entry>) {
        self.revision += 1;
        self.ended = ended;
        self.has_grown = false;
        self.told_at = Some(Instant::now());
        tell.push(self.clone());
    }

    /// Whether it was told so long ago.
    pub(super) fn is_older(&self, than: Duration) -> bool {
        self.told_at.is_none_or(|told| told.elapsed() >= than)
    }

    /// The line that tells it: what a stream says, then the finding as a batch says it.
    pub(super) fn line(&self) -> String {
        let head = Head {
            kind: "finding",
            schema_version: SCHEMA_VERSION,
            revision: self.revision,
            r#final: self.ended.is_some(),
            ended: self.ended,
            replaced_by: self.replaced_by.as_deref(),
        };
        // Neither can fail: there are no keys but text.
        let head = serde_json::to_string(&head).unwrap_or_default();
        let head = head.strip_suffix('}').unwrap_or_default();
        let body = self.body.strip_prefix('{').unwrap_or("}");
        format!("{head},{body}")
    }
}

#[derive(Serialize)]
struct Head<'e> {
    kind: &'static str,
    schema_version: u32,
    revision: u32,
    r#final: bool,
    ended: Option<Why>,
    replaced_by: Option<&'e str>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(id: &str, body: &str) -> Finding {
        Finding {
            id: id.to_owned(),
            body: format!("{{\"finding_id\":\"{id}\",\"refusal_count\":{body}}}"),
            first_seen: Some(10),
            last_seen: Some(20),
            ends_at: Some(30),
            anchor: Some("refusal".to_owned()),
            ..Finding::default()
        }
    }

    fn lines(entries: &[Entry]) -> Vec<(String, u32, Option<Why>)> {
        let of = |entry: &Entry| (entry.id.clone(), entry.revision, entry.ended);
        entries.iter().map(of).collect()
    }

    fn compare(told: &mut Told, found: Vec<Finding>, now: i64) -> Vec<(String, u32, Option<Why>)> {
        let owner = |_: &str| Some("b".to_owned());
        lines(&told.compare(&found, &owner, Some(now), Remembered::default()))
    }

    #[test]
    fn it_is_told_once_again_when_it_grows_and_when_it_ends() {
        let mut told = Told::new(Duration::ZERO);
        let of = |revision, ended| vec![("a".to_owned(), revision, ended)];
        assert_eq!(compare(&mut told, vec![finding("a", "1")], 0), of(1, None));
        assert_eq!(compare(&mut told, vec![finding("a", "1")], 0), []);
        assert_eq!(compare(&mut told, vec![finding("a", "2")], 0), of(2, None));
        let over = of(3, Some(Why::Over));
        assert_eq!(compare(&mut told, vec![finding("a", "2")], 30), over);
        assert_eq!(compare(&mut told, vec![finding("a", "2")], 40), []);
        let again = of(4, Some(Why::Over));
        assert_eq!(compare(&mut told, vec![finding("a", "3")], 40), again);
    }

    #[test]
    fn growth_waits_and_gravity_does_not() {
        let mut told = Told::new(Duration::from_secs(3600));
        compare(&mut told, vec![finding("a", "1")], 0);
        assert_eq!(compare(&mut told, vec![finding("a", "2")], 0), []);
        assert_eq!(told.outstanding(), []);
        let mut graver = finding("a", "3");
        graver.gravity = "critical".to_owned();
        let told_again = compare(&mut told, vec![graver], 0);
        assert_eq!(told_again, [("a".to_owned(), 2, None)]);
        let mut grown = finding("a", "4");
        grown.gravity = "critical".to_owned();
        assert_eq!(compare(&mut told, vec![grown], 0), []);
        told.revise_every = Duration::ZERO;
        assert_eq!(lines(&told.outstanding()).len(), 1);
    }

    #[test]
    fn what_took_its_place_is_named_unless_it_was_forgotten() {
        let mut told = Told::new(Duration::ZERO);
        compare(&mut told, vec![finding("a", "1")], 0);
        let owner = |refusal: &str| (refusal == "refusal").then(|| "b".to_owned());
        let replaced = told.compare(&[finding("b", "1")], &owner, None, Remembered::default());
        let line: serde_json::Value = serde_json::from_str(&replaced[1].line()).unwrap();
        assert_eq!(line["replaced_by"], "b");
        assert_eq!(
            (&line["final"], &line["ended"]),
            (&true.into(), &"replaced".into())
        );
        assert_eq!(
            (&line["finding_id"], &line["revision"]),
            (&"a".into(), &2.into())
        );
        let since = Remembered {
            since: Some(11),
            cut_by_memory: false,
        };
        let cut = told.compare(&[], &owner, None, since);
        assert_eq!(lines(&cut), [("b".to_owned(), 2, Some(Why::History))]);
        assert_eq!(cut[0].replaced_by, None);
        told.forget(21);
        assert_eq!(told.entries().count(), 0);
    }

    #[test]
    fn a_restart_goes_on_with_the_same_revisions() {
        let mut told = Told::new(Duration::ZERO);
        let entries = told.compare(&[finding("a", "1")], &|_| None, None, Remembered::default());
        let stored = serde_json::to_string(&entries).unwrap();
        let mut told = Told::new(Duration::ZERO);
        told.restore(serde_json::from_str(&stored).unwrap());
        assert_eq!(compare(&mut told, vec![finding("a", "1")], 0), []);
        assert_eq!(
            compare(&mut told, vec![finding("a", "2")], 0),
            [("a".to_owned(), 2, None)]
        );
        assert_eq!(
            lines(&told.end(Why::Eof, |_| true)),
            [("a".to_owned(), 3, Some(Why::Eof))]
        );
    }
}
