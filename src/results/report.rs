//! What a person reads on the terminal: how many refusals, what they were, why, and what to do.

use std::fmt::Write;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::json::LineDelimitedWriter;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::escape::terminal;
use crate::batch::Analysis;
use crate::coverage::Coverage;
use crate::error::{Error, Result};

/// How the summary is drawn.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    /// Whether severities are coloured. The text says the same without.
    pub colour: bool,
    /// Findings to show.
    pub top: usize,
    /// Columns to wrap at.
    pub width: usize,
}

#[derive(Deserialize)]
struct Finding {
    finding_id: String,
    severity: String,
    title: Option<String>,
    cause: String,
    confidence: Option<f64>,
    first_seen: Option<String>,
    last_seen: Option<String>,
    refusal_count: i64,
    lockouts: i64,
    malicious_ip_blocks: i64,
    risk_blocks: i64,
    bad_passwords: i64,
    user_count: i64,
    users: Option<Vec<String>>,
    ip_count: i64,
    ip_addresses: Option<Vec<String>>,
    compromised_users: Option<Vec<String>>,
    first_success: Option<String>,
    advice: Option<String>,
    advice_source: Option<String>,
}

#[derive(Deserialize)]
struct CauseLine {
    cause: String,
    findings: i64,
    refusals: i64,
}

#[derive(Deserialize)]
struct ReasonLine {
    stated_reason: String,
    refusals: i64,
}

/// The whole summary. Everything that came out of a log is escaped for a terminal.
///
/// # Errors
/// Tables without the columns that the contract names (queries of one's own that leave them out).
pub fn summary(analysis: &Analysis, style: Style) -> Result<String> {
    let findings: Vec<Finding> = lines("findings", &analysis.findings, style.top)?;
    let causes: Vec<CauseLine> = lines("summary_causes", &analysis.causes, usize::MAX)?;
    let reasons: Vec<ReasonLine> = lines("summary_reasons", &analysis.reasons, usize::MAX)?;
    let total: usize = analysis.findings.iter().map(RecordBatch::num_rows).sum();
    let mut text = String::new();
    head(&mut text, &analysis.coverage, &reasons, &causes);
    if !findings.is_empty() {
        let shown = match findings.len() {
            all if all == total => format!("FINDINGS ({total})"),
            shown => format!("FINDINGS (the first {shown} of {total}; --top N shows more)"),
        };
        let _ = writeln!(text, "\n{shown}");
    }
    for finding in &findings {
        show(&mut text, finding, style);
    }
    unjudged(&mut text, &analysis.coverage, style);
    Ok(text)
}

fn head(text: &mut String, coverage: &Coverage, reasons: &[ReasonLine], causes: &[CauseLine]) {
    let totals = &coverage.totals;
    let refusals: i64 = reasons.iter().map(|line| line.refusals).sum();
    let _ = writeln!(
        text,
        "{} {} with error 50053 in {} {} ({} {} removed)",
        number(refusals),
        plural(refusals, "refusal", "refusals"),
        number(totals.distinct as i64),
        plural(totals.distinct as i64, "sign-in", "sign-ins"),
        number(totals.duplicates as i64),
        plural(totals.duplicates as i64, "duplicate", "duplicates"),
    );
    if let (Some(first), Some(last)) = (&totals.first_time, &totals.last_time) {
        let _ = writeln!(text, "{}", span(Some(first), Some(last)));
    }
    if totals.outside > 0 {
        let outside = totals.outside as i64;
        let _ = writeln!(
            text,
            "{} {} outside what was asked for {} left out",
            number(outside),
            plural(outside, "sign-in", "sign-ins"),
            plural(outside, "was", "were"),
        );
    }
    let table = |text: &mut String, title: &str, rows: Vec<(String, i64, String)>| {
        if rows.is_empty() {
            return;
        }
        let _ = writeln!(text, "\n{title}");
        let wide = rows
            .iter()
            .map(|(name, ..)| name.chars().count())
            .max()
            .unwrap_or(0);
        for (name, count, note) in rows {
            let line = format!("  {name:wide$}  {:>9}  {note}", number(count));
            let _ = writeln!(text, "{}", line.trim_end());
        }
    };
    let by_reason = reasons
        .iter()
        .map(|line| {
            (
                terminal(&line.stated_reason).into_owned(),
                line.refusals,
                String::new(),
            )
        })
        .collect();
    table(text, "What Microsoft states", by_reason);
    let by_cause = causes
        .iter()
        .map(|line| {
            let findings = plural(line.findings, "finding", "findings");
            let note = format!("in {} {findings}", number(line.findings));
            (terminal(&line.cause).into_owned(), line.refusals, note)
        })
        .collect();
    table(text, "Why it happened", by_cause);
}

fn show(text: &mut String, finding: &Finding, style: Style) {
    let title = finding.title.as_deref().unwrap_or(&finding.cause);
    let severity = severity(&finding.severity, style.colour);
    let _ = writeln!(text, "\n{severity}  {}", terminal(title));
    let mut counts = vec![format!(
        "{} {}",
        number(finding.refusal_count),
        plural(finding.refusal_count, "refusal", "refusals")
    )];
    for (count, what) in [
        (finding.lockouts, "lockout"),
        (finding.malicious_ip_blocks, "malicious IP"),
        (finding.risk_blocks, "high-confidence risk"),
        (finding.bad_passwords, "wrong passwords beside them"),
    ] {
        if count > 0 {
            counts.push(format!("{} {what}", number(count)));
        }
    }
    // What is not known is not known with some percentage.
    let confidence = match finding.confidence {
        Some(sure) if sure > 0.0 => format!(", {:.0} % sure", sure * 100.0),
        _ => String::new(),
    };
    let when = span(finding.first_seen.as_ref(), finding.last_seen.as_ref());
    line(text, "when", &when, style);
    line(
        text,
        "what",
        &format!("{} ({}{confidence})", counts.join(", "), finding.cause),
        style,
    );
    line(
        text,
        "users",
        &some(finding.users.as_deref(), finding.user_count),
        style,
    );
    line(
        text,
        "from",
        &some(finding.ip_addresses.as_deref(), finding.ip_count),
        style,
    );
    let entered = finding.compromised_users.as_deref().unwrap_or_default();
    if !entered.is_empty() {
        let since = finding
            .first_success
            .as_deref()
            .map(short)
            .unwrap_or_default();
        let who = some(Some(entered), entered.len() as i64);
        line(text, "GOT IN", &format!("{who}, first at {since}"), style);
    }
    line(
        text,
        "do",
        &terminal(finding.advice.as_deref().unwrap_or_default()),
        style,
    );
    line(
        text,
        "see",
        &terminal(finding.advice_source.as_deref().unwrap_or_default()),
        style,
    );
    line(text, "id", &terminal(&finding.finding_id), style);
}

fn unjudged(text: &mut String, coverage: &Coverage, style: Style) {
    if coverage.not_judged.is_empty() {
        return;
    }
    let _ = writeln!(text, "\nNOT JUDGED");
    for item in &coverage.not_judged {
        wrap(
            text,
            "  ",
            &terminal(&format!("{}: {}", item.what, item.why)),
            style.width,
        );
    }
}

/// A severity as a heading.
pub(super) fn severity(severity: &str, colour: bool) -> String {
    let text = terminal(&severity.to_uppercase()).into_owned();
    match (colour, severity) {
        (true, "critical") => format!("\u{1b}[1;31m{text}\u{1b}[0m"),
        (true, "high") => format!("\u{1b}[31m{text}\u{1b}[0m"),
        (true, "medium") => format!("\u{1b}[33m{text}\u{1b}[0m"),
        _ => text,
    }
}

/// Words, wrapped, each line behind what `indent` says. They must be escaped already.
pub fn paragraph(text: &mut String, indent: &str, words: &str, style: Style) {
    wrap(text, indent, words, style.width);
}

/// One labelled line, wrapped; nothing when there is nothing to say.
pub(super) fn line(text: &mut String, label: &str, value: &str, style: Style) {
    if !value.is_empty() {
        wrap(text, &format!("  {label:<7}"), value, style.width);
    }
}

fn wrap(text: &mut String, label: &str, value: &str, width: usize) {
    let indent = label.chars().count();
    let mut at = indent;
    text.push_str(label);
    for (nth, word) in value.split(' ').enumerate() {
        let length = word.chars().count();
        if nth > 0 && at + 1 + length > width.max(40) {
            text.push('\n');
            text.extend(std::iter::repeat_n(' ', indent));
            at = indent;
        } else if nth > 0 {
            text.push(' ');
            at += 1;
        }
        text.push_str(word);
        at += length;
    }
    text.push('\n');
}

/// The first few of a list, and how many more there are.
fn some(list: Option<&[String]>, count: i64) -> String {
    const SHOWN: usize = 6;
    let list = list.unwrap_or_default();
    let mut text: Vec<String> = list
        .iter()
        .take(SHOWN)
        .map(|item| terminal(item).into_owned())
        .collect();
    let more = count - text.len() as i64;
    if more > 0 && !text.is_empty() {
        text.push(format!("and {} more", number(more)));
    }
    text.join(", ")
}

pub(super) fn span(first: Option<&String>, last: Option<&String>) -> String {
    match (first, last) {
        (Some(first), Some(last)) => {
            let (first, last) = (short(first), short(last));
            let same_day = first.split(' ').next() == last.split(' ').next();
            match last.split_once(' ') {
                _ if first == last => format!("{first} UTC"),
                Some((_, time)) if same_day => format!("{first} to {time} UTC"),
                _ => format!("{first} to {last} UTC"),
            }
        }
        _ => "at a time that the log does not give".to_owned(),
    }
}

/// `2026-03-02T08:00:00.123Z` as `2026-03-02 08:00:00`.
pub(super) fn short(time: &str) -> String {
    let seconds = time.split(['.', 'Z', '+']).next().unwrap_or(time);
    terminal(&seconds.replacen('T', " ", 1)).into_owned()
}

/// With a comma before every third digit.
pub(super) fn number(count: i64) -> String {
    let digits = count.unsigned_abs().to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    if count < 0 { format!("-{text}") } else { text }
}

pub(super) fn plural<'w>(count: i64, one: &'w str, many: &'w str) -> &'w str {
    if count == 1 { one } else { many }
}

/// The first `most` rows as values of `T`.
fn lines<T: DeserializeOwned>(view: &str, batches: &[RecordBatch], most: usize) -> Result<Vec<T>> {
    let mut rows = Vec::new();
    let mut left = most;
    for batch in batches {
        let batch = batch.slice(0, batch.num_rows().min(left));
        left -= batch.num_rows();
        let mut writer = LineDelimitedWriter::new(&mut rows);
        let written = writer.write(&batch).and_then(|()| writer.finish());
        written.map_err(|error| Error::query(view)(error.into()))?;
    }
    serde_json::Deserializer::from_slice(&rows)
        .into_iter()
        .collect::<std::result::Result<_, _>>()
        .map_err(|error| Error::QueryFile {
            file: view.to_owned(),
            reason: format!("does not have the columns that the summary shows ({error})"),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_spans_as_people_read_them() {
        assert_eq!(number(1_234_567), "1,234,567");
        assert_eq!(number(12), "12");
        let (a, b) = (
            "2026-03-02T08:00:00Z".to_owned(),
            "2026-03-02T09:30:00.5Z".to_owned(),
        );
        assert_eq!(
            span(Some(&a), Some(&b)),
            "2026-03-02 08:00:00 to 09:30:00 UTC"
        );
        assert_eq!(span(Some(&a), Some(&a)), "2026-03-02 08:00:00 UTC");
    }

    #[test]
    fn long_lines_are_wrapped_under_their_label() {
        let mut text = String::new();
        wrap(&mut text, "  do     ", "word ".repeat(12).trim_end(), 40);
        assert!(text.lines().all(|line| line.len() <= 40));
        assert!(text.lines().nth(1).unwrap().starts_with("         word"));
    }
}
