//! What a pipeline is watched by: counters in the text form of Prometheus, in a file that is written
//! and renamed, so that a collector never sees half of it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// Everything that is counted from the first line on, across restarts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Counters {
    /// Lines that came.
    pub(super) lines: u64,
    /// Records met in them.
    pub(super) records: u64,
    /// Sign-ins that are new.
    pub(super) sign_ins: u64,
    /// Refusals among them.
    pub(super) refusals: u64,
    /// Copies of sign-ins that were known.
    pub(super) duplicates: u64,
    /// Records that are no sign-ins.
    pub(super) other: u64,
    /// Records or lines that could not be read.
    pub(super) rejected: u64,
    /// Sign-ins that came later than the lateness allows, and were used.
    pub(super) late: u64,
    /// Sign-ins that came so late that nothing of their time is remembered; not used.
    pub(super) too_late: u64,
    /// Sign-ins that were forgotten early for want of memory.
    pub(super) forgotten: u64,
    /// Findings told, revisions included, by cause.
    pub(super) findings: BTreeMap<String, u64>,
}

/// What changes both ways.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Gauges {
    /// Sign-ins that are remembered.
    pub(super) history: usize,
    /// Memory that they take, in bytes.
    pub(super) history_bytes: usize,
    /// Findings that are not final.
    pub(super) open: usize,
    /// Bytes that have been read and not dealt with.
    pub(super) waiting: usize,
    /// How far the events lag behind our clock, in seconds.
    pub(super) lag: Option<f64>,
    /// How long the last step of judgement took, in seconds.
    pub(super) step: f64,
    /// Lines that are safe: sent again from the next one, nothing is lost.
    pub(super) safe_lines: Option<u64>,
}

/// Writes both to `path`.
pub(super) fn write(path: &Path, counters: &Counters, gauges: &Gauges) -> Result<()> {
    let mut hidden = path.as_os_str().to_owned();
    hidden.push(".new");
    fs::write(&hidden, text(counters, gauges))
        .and_then(|()| fs::rename(&hidden, path))
        .map_err(Error::write(path))
}

fn text(counters: &Counters, gauges: &Gauges) -> String {
    let mut text = String::new();
    let mut one = |name: &str, kind: &str, help: &str, value: f64| {
        // Writing into a string cannot fail.
        let _ = writeln!(text, "# HELP signsift_stream_{name} {help}");
        let _ = writeln!(text, "# TYPE signsift_stream_{name} {kind}");
        let _ = writeln!(text, "signsift_stream_{name} {value}");
    };
    for (name, help, value) in [
        ("lines_total", "Lines that came.", counters.lines),
        ("records_total", "Records met in them.", counters.records),
        ("sign_ins_total", "New sign-ins.", counters.sign_ins),
        (
            "refusals_total",
            "New refusals (error 50053).",
            counters.refusals,
        ),
        (
            "duplicates_total",
            "Copies of known sign-ins.",
            counters.duplicates,
        ),
        (
            "other_total",
            "Records that are no sign-ins.",
            counters.other,
        ),
        (
            "rejected_total",
            "Records or lines that could not be read.",
            counters.rejected,
        ),
        (
            "late_total",
            "Sign-ins later than the lateness, used.",
            counters.late,
        ),
        (
            "too_late_total",
            "Sign-ins older than the history, not used.",
            counters.too_late,
        ),
        (
            "forgotten_total",
            "Sign-ins forgotten early for want of memory.",
            counters.forgotten,
        ),
    ] {
        one(name, "counter", help, value as f64);
    }
    for (name, help, value) in [
        (
            "history_sign_ins",
            "Sign-ins remembered.",
            Some(gauges.history as f64),
        ),
        (
            "history_bytes",
            "Memory of the history.",
            Some(gauges.history_bytes as f64),
        ),
        (
            "open_findings",
            "Findings that are not final.",
            Some(gauges.open as f64),
        ),
        (
            "waiting_bytes",
            "Input read and not dealt with.",
            Some(gauges.waiting as f64),
        ),
        (
            "lag_seconds",
            "Our clock less the latest event.",
            gauges.lag,
        ),
        (
            "step_seconds",
            "Time of the last step of judgement.",
            Some(gauges.step),
        ),
        (
            "safe_lines",
            "Lines that are safe on disk: after a crash send again what came after them.",
            gauges.safe_lines.map(|lines| lines as f64),
        ),
    ] {
        if let Some(value) = value {
            one(name, "gauge", help, value);
        }
    }
    let _ = writeln!(
        text,
        "# HELP signsift_stream_findings_total Findings told, revisions included."
    );
    let _ = writeln!(text, "# TYPE signsift_stream_findings_total counter");
    for (cause, count) in &counters.findings {
        // Causes are names in our own files, but a folder of queries may say anything.
        let cause = cause.replace(['\\', '"', '\n'], "_");
        let _ = writeln!(
            text,
            "signsift_stream_findings_total{{cause=\"{cause}\"}} {count}"
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_in_the_text_form_and_never_half_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("signsift.prom");
        let counters = Counters {
            lines: 7,
            findings: BTreeMap::from([("a\"b".to_owned(), 2)]),
            ..Counters::default()
        };
        write(&path, &counters, &Gauges::default()).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains("\nsignsift_stream_lines_total 7\n"), "{text}");
        assert!(
            text.contains("signsift_stream_findings_total{cause=\"a_b\"} 2\n"),
            "{text}"
        );
        assert!(
            !text.contains("safe_lines"),
            "nothing is safe without a state: {text}"
        );
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let (name, value) = line.rsplit_once(' ').unwrap();
            assert!(value.parse::<f64>().is_ok(), "{line}");
            let name = name.split('{').next().unwrap();
            assert!(text.contains(&format!("# TYPE {name} ")), "{line}");
            assert!(text.contains(&format!("# HELP {name} ")), "{line}");
        }
        assert_eq!(folder.path().read_dir().unwrap().count(), 1);
    }
}
