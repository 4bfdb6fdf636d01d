//! What `inspect` says of each input, for people.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::escape::terminal;
use super::report::{Style, line, number, plural, span};
use crate::coverage::{Coverage, Status};
use crate::inspect::Inspected;

/// Rejected records that are shown of one input.
const REJECTED: usize = 3;

/// One paragraph for each input that holds sign-ins or should have, one line for the others, and the
/// sums. Everything that came out of a log or a name is escaped for a terminal.
pub fn text(inspected: &[Inspected], coverage: &Coverage, style: Style) -> String {
    let mut text = String::new();
    let (left_out, shown): (Vec<_>, Vec<_>) = inspected
        .iter()
        .partition(|it| it.input.status == Status::LeftOut);
    for it in shown {
        one(&mut text, it, style);
    }
    if !left_out.is_empty() {
        let _ = writeln!(text, "NO SIGN-INS ({})", left_out.len());
        for it in left_out {
            let reason = it.input.reason.as_deref().unwrap_or_default();
            let said = format!("{}: {reason}", it.input.name);
            line(&mut text, "", &terminal(&said), style);
        }
        text.push('\n');
    }
    let totals = &coverage.totals;
    let rejected = match totals.rejected {
        0 => String::new(),
        count => format!(", {} rejected", number(count as i64)),
    };
    let read = totals.inputs - totals.inputs_left_out;
    let _ = writeln!(
        text,
        "{} {} in {} {}{rejected}",
        number(totals.sign_ins as i64),
        plural(totals.sign_ins as i64, "sign-in", "sign-ins"),
        number(read as i64),
        plural(read as i64, "input", "inputs"),
    );
    text
}

fn one(text: &mut String, it: &Inspected, style: Style) {
    let input = &it.input;
    let _ = writeln!(text, "{}", terminal(&input.name));
    let lost = match input.status {
        Status::Unreadable => "UNREAD",
        Status::PartlyRead => "CUT",
        _ => "note",
    };
    let reason = input.reason.as_deref().unwrap_or_default();
    line(text, lost, &terminal(reason), style);
    if let Some(spelling) = &input.spelling {
        let packed = input.compression.filter(|name| *name != "none");
        let forms = [Some(spelling.as_str()), packed, input.encoding];
        let forms: Vec<&str> = forms.into_iter().flatten().collect();
        let what = it.what.unwrap_or("archive of signsift");
        let said = format!("{what} ({})", forms.join(", "));
        line(text, "what", &said, style);
        line(text, "holds", &holds(it), style);
    }
    if input.sign_ins > 0 {
        let when = span(input.first_time.as_ref(), input.last_time.as_ref());
        line(text, "when", &when, style);
        let order = match input.date_order {
            Some("month_first_assumed") => "assumed to have the month first; no date shows it",
            Some("day_first") => "the day stands first",
            Some(_) => "the month stands first",
            None => "",
        };
        line(text, "dates", order, style);
        line(text, "kinds", &counts(&it.categories), style);
        let others = input.sign_ins - it.successes - it.refusals;
        let outcomes = [
            (it.refusals, "refused with 50053"),
            (it.successes, "signed in"),
            (others, "other"),
        ];
        let outcomes = outcomes.map(|(count, what)| format!("{} {what}", number(count as i64)));
        line(text, "ended", &outcomes.join(", "), style);
        line(text, "reason", &counts(&it.stated_reasons), style);
    }
    for rejected in input.rejected.first.iter().take(REJECTED) {
        let said = format!("at byte {}: {}", rejected.offset, rejected.reason);
        line(text, "bad", &terminal(&said), style);
    }
    missing(text, it, style);
    text.push('\n');
}

fn holds(it: &Inspected) -> String {
    let input = &it.input;
    let count = |count: u64, one: &str, more: &str| {
        let count = count as i64;
        (count > 0).then(|| format!("{} {}", number(count), plural(count, one, more)))
    };
    let copies = it
        .distinct_ids
        .map(|ids| (input.sign_ins - input.without_id).saturating_sub(ids));
    let others: u64 = input.other_records.values().sum();
    let names: Vec<_> = input
        .other_records
        .keys()
        .map(|name| terminal(name))
        .collect();
    let mut parts = vec![
        count(input.records, "record", "records"),
        count(input.sign_ins, "sign-in", "sign-ins"),
        copies.and_then(|copies| count(copies, "of them a copy", "of them copies")),
        count(
            input.outside,
            "outside what was asked for",
            "outside what was asked for",
        ),
        count(
            input.steps,
            "step of sign-ins told elsewhere",
            "steps of sign-ins told elsewhere",
        ),
        count(others, "other record", "other records")
            .map(|text| format!("{text} ({})", names.join(", "))),
        count(input.rejected.count, "rejected", "rejected"),
        count(input.without_time, "without a time", "without a time"),
    ];
    if input.records == 0 {
        parts = vec![Some("nothing: no records".to_owned())];
    }
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// What a judgement would miss: columns that no sign-in fills, then those that few fill.
fn missing(text: &mut String, it: &Inspected, style: Style) {
    for missing in &it.missing {
        let of = match missing.column.as_str() {
            "stated_reason" => it.refusals,
            _ => it.input.sign_ins,
        };
        let few = match missing.filled {
            0 => String::new(),
            filled if filled * 2 < of => {
                format!(
                    ": known of {} in {}",
                    number(filled as i64),
                    number(of as i64)
                )
            }
            _ => continue,
        };
        let said = format!(
            "{}{few} ({}); {}",
            missing.lost, missing.column, missing.help
        );
        line(text, "lacks", &terminal(&said), style);
    }
}

fn counts(counts: &BTreeMap<String, u64>) -> String {
    let counts = counts
        .iter()
        .map(|(name, count)| format!("{} {}", terminal(name), number(*count as i64)));
    counts.collect::<Vec<_>>().join(", ")
}
