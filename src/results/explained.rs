//! One finding as a person reads it: why, when, what, who got in, and what to do.

use std::fmt::Write;

use super::escape::terminal;
use super::report::{Style, line, number, paragraph, plural, severity, short, span};
use crate::explain::{Bar, Explained, Finding, Timeline};

/// Members of a list that are shown, unless all are wanted.
const SHOWN: usize = 8;

/// Widest bar of a timeline.
const WIDEST: u64 = 40;

/// The whole text. Everything that came out of a log is escaped for a terminal.
pub fn text(explained: &Explained, all: bool, style: Style) -> String {
    let finding = &explained.finding;
    let mut text = String::new();
    head(&mut text, finding, all, style);
    why(&mut text, explained, style);
    timeline(&mut text, &explained.timeline);
    events(&mut text, explained);
    got_in(&mut text, explained);
    let _ = writeln!(text, "\nDO");
    let advice = finding.advice.as_deref().unwrap_or_default();
    paragraph(&mut text, "  ", &terminal(advice), style);
    let page = finding.advice_source.as_deref().unwrap_or_default();
    paragraph(&mut text, "  ", &terminal(page), style);
    text
}

fn head(text: &mut String, finding: &Finding, all: bool, style: Style) {
    let title = finding.title.as_deref().unwrap_or(&finding.cause);
    let _ = writeln!(
        text,
        "{}  {}",
        severity(&finding.severity, style.colour),
        terminal(title)
    );
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
    let when = span(finding.first_seen.as_ref(), finding.last_seen.as_ref());
    let list = |items: &Option<Vec<String>>| listed(items.as_deref().unwrap_or_default(), all);
    let owners: Vec<String> = finding.asns.iter().flatten().map(i64::to_string).collect();
    let mut who = list(&finding.users);
    if finding.accounts_tried > finding.user_count {
        let _ = write!(who, " ({} accounts tried)", number(finding.accounts_tried));
    }
    for (label, value) in [
        ("id", terminal(&finding.finding_id).into_owned()),
        ("when", when),
        ("what", counts.join(", ")),
        ("users", who),
        ("VIPs", list(&finding.vips)),
        ("from", list(&finding.ip_addresses)),
        ("AS", listed(&owners, all)),
        ("geo", list(&finding.countries)),
        ("lists", list(&finding.indicators)),
        ("app", list(&finding.app_names)),
        ("client", list(&finding.client_apps)),
        ("agent", list(&finding.user_agents)),
        ("ATT&CK", list(&finding.attack_techniques)),
    ] {
        line(text, label, &value, style);
    }
}

fn why(text: &mut String, explained: &Explained, style: Style) {
    let finding = &explained.finding;
    let confidence = match finding.confidence {
        Some(sure) if sure > 0.0 => format!(", {:.0} % sure", sure * 100.0),
        _ => String::new(),
    };
    let _ = writeln!(text, "\nWHY  {}{confidence}", terminal(&finding.cause));
    let words = finding.explanation.as_deref().unwrap_or_default();
    if !words.is_empty() {
        paragraph(text, "  ", &terminal(words), style);
    }
    let evidence = finding.evidence.as_deref().unwrap_or_default();
    let wide = |feature: &Option<String>| {
        let feature = terminal(feature.as_deref().unwrap_or_default());
        feature.chars().count()
    };
    let widest = evidence.iter().map(|one| wide(&one.feature)).max();
    for one in evidence {
        let feature = terminal(one.feature.as_deref().unwrap_or_default());
        let shown = |number: Option<f64>| number.map_or_else(|| "–".to_owned(), figure);
        let _ = writeln!(
            text,
            "  {feature:wide$}  {:>9}  against {}",
            shown(one.value),
            shown(one.threshold),
            wide = widest.unwrap_or_default(),
        );
    }
    let _ = writeln!(text, "\nREASON");
    for reason in &explained.reasons {
        let basis = match reason.basis.as_str() {
            "none" => "not stated".to_owned(),
            basis => terminal(basis).into_owned(),
        };
        let evidence: Vec<_> = reason.evidence.iter().map(|text| terminal(text)).collect();
        let words = format!(
            "{}: {} of {} refusals, {basis}: {}",
            terminal(&reason.reason),
            number(reason.refusals as i64),
            number(explained.events_total as i64),
            evidence.join("; ")
        );
        paragraph(text, "  ", &words, style);
    }
}

fn timeline(text: &mut String, line: &Timeline) {
    let most = line.bars.iter().map(Bar::refusals).max().unwrap_or(0);
    if most == 0 {
        return;
    }
    let scale = most.div_ceil(WIDEST);
    let each = match scale {
        1 => String::new(),
        scale => format!("; one letter is {scale} refusals"),
    };
    let _ = writeln!(
        text,
        "\nTIMELINE  steps of {}{each} (L lockout, M malicious IP, R risk, ? unknown)",
        step(line.step_seconds)
    );
    for bar in &line.bars {
        let mut drawn = String::new();
        for (count, letter) in [
            (bar.lockouts, 'L'),
            (bar.malicious_ip_blocks, 'M'),
            (bar.risk_blocks, 'R'),
            (bar.unknown_reason, '?'),
        ] {
            drawn.extend(std::iter::repeat_n(letter, count.div_ceil(scale) as usize));
        }
        let count = match bar.refusals() {
            0 => "·".to_owned(),
            count => number(count as i64),
        };
        let row = format!("  {}  {count:>6}  {drawn}", short(&bar.from));
        let _ = writeln!(text, "{}", row.trim_end());
    }
}

fn events(text: &mut String, explained: &Explained) {
    let (shown, total) = (explained.events.len() as u64, explained.events_total);
    let how_many = match shown == total {
        true => number(total as i64),
        false => format!(
            "the first {shown} of {}; --all shows all",
            number(total as i64)
        ),
    };
    let _ = writeln!(text, "\nEVENTS ({how_many})");
    for event in &explained.events {
        let who = event
            .user_principal_name
            .as_ref()
            .or(event.user_id.as_ref());
        let when = event.time.as_deref().map(short);
        let mut row = format!(
            "  {}  {}  {}  {}",
            when.unwrap_or_else(|| "no time".to_owned()),
            or_unknown(event.reason.as_ref()),
            or_unknown(who),
            or_unknown(event.ip_address.as_ref()),
        );
        for more in [&event.country, &event.client_app, &event.app_display_name] {
            if more.is_some() {
                let _ = write!(row, "  {}", or_unknown(more.as_ref()));
            }
        }
        if let Some(indicators) = &event.indicators {
            let _ = write!(row, "  [{}]", listed(indicators, false));
        }
        let _ = writeln!(text, "{row}");
        if let Some(id) = &event.sign_in_id {
            let _ = writeln!(text, "    {}", terminal(id));
        }
    }
}

fn got_in(text: &mut String, explained: &Explained) {
    let finding = &explained.finding;
    let Some(entered) = finding.compromised_users.as_deref() else {
        return;
    };
    let first = finding.first_success.as_deref().map(short);
    let _ = writeln!(
        text,
        "\nGOT IN  {}, first at {}",
        listed(entered, false),
        first.unwrap_or_else(|| "a time that the log does not give".to_owned())
    );
    for one in &explained.break_ins {
        let who = one.user_principal_name.as_ref().or(one.user_id.as_ref());
        let outcome = match one.outcome.as_deref() {
            Some("password_right") => {
                let stopped = one.failure_reason.as_deref().unwrap_or("something else");
                format!("the password was right; stopped by: {}", terminal(stopped))
            }
            outcome => terminal(outcome.unwrap_or("?")).into_owned(),
        };
        let mut row = format!(
            "  {}  {}  {}",
            one.time
                .as_deref()
                .map_or_else(|| "no time".to_owned(), short),
            or_unknown(who),
            or_unknown(one.ip_address.as_ref()),
        );
        for more in [&one.client_app, &one.app_display_name] {
            if more.is_some() {
                let _ = write!(row, "  {}", or_unknown(more.as_ref()));
            }
        }
        let _ = writeln!(text, "{row}  {outcome}");
        let told = [
            one.sign_in_id
                .as_deref()
                .map(|id| terminal(id).into_owned()),
            one.how
                .as_deref()
                .map(|how| format!("because of its {}", terminal(how))),
        ];
        let told: Vec<String> = told.into_iter().flatten().collect();
        if !told.is_empty() {
            let _ = writeln!(text, "    {}", told.join(", "));
        }
    }
    let more = explained.break_ins_total - explained.break_ins.len() as u64;
    if more > 0 {
        let _ = writeln!(
            text,
            "  … and {} more; --all shows all",
            number(more as i64)
        );
    }
}

/// Text of the log, or that it says nothing.
fn or_unknown(text: Option<&String>) -> String {
    terminal(text.map_or("?", String::as_str)).into_owned()
}

/// The first few, or all.
fn listed(items: &[String], all: bool) -> String {
    let most = if all { items.len() } else { SHOWN };
    let mut shown: Vec<String> = items
        .iter()
        .take(most)
        .map(|item| terminal(item).into_owned())
        .collect();
    if items.len() > most {
        shown.push(format!("and {} more", number((items.len() - most) as i64)));
    }
    shown.join(", ")
}

/// A number with two decimals at most.
fn figure(value: f64) -> String {
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn step(seconds: i64) -> String {
    let units = [
        (86_400, "day"),
        (3600, "hour"),
        (60, "minute"),
        (1, "second"),
    ];
    let (length, unit) = units
        .into_iter()
        .find(|(length, _)| seconds % length == 0)
        .unwrap_or((1, "second"));
    match seconds / length {
        1 => format!("1 {unit}"),
        count => format!("{count} {unit}s"),
    }
}
