//! Judges the rules against simulated tenants: `cargo run --release --example judge -- --help`.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "it talks to a terminal"
)]

mod simulate;

use std::collections::VecDeque;
use std::path::PathBuf;
use std::process::ExitCode;

use simulate::Plan;
use simulate::run::{Outcome, Rules, Spelling, export, judge};
use simulate::score::Score;

const USAGE: &str = "\
Usage: judge [OPTIONS]

Simulates tenants with incidents of every cause, lets the rules judge them, and compares with the
truth. The same options give the same sign-ins. What each number means is told in
benches/simulate/score.rs. The last line for each spelling is JSON.

  --seeds A..B         which tenants; B is the last                        [1..5]
  --users N            accounts of each tenant                             [400]
  --days N             length of each archive, from 2026-03-02             [7]
  --sign-ins N         instead of --users: as many as make this many sign-ins
  --incidents N        incidents in each archive                           [24]
  --overlap SHARE      incidents that share hour and victims with others   [0.3]
  --noise N            how much goes wrong on ordinary days; 1 is usual    [1]
  --threshold N        failures that lock an account                       [10]
  --three-hashes       remember the last three wrong passwords, as tenants without pass-through
                       authentication do
  --spelling NAME      stated, unified-audit or both                       [both]
  --set NAME=VALUE     set a threshold, as signsift does
  --queries FOLDER     rules of this folder instead of those that are built in
  --show-misses        tell what went wrong, incident by incident
  --write FOLDER       judge nothing: write the logs of the first seed, with truth.ndjson and
                       incidents.ndjson beside them
  --zstd               pack what --write writes";

struct Args {
    plan: Plan,
    seeds: (u64, u64),
    spellings: Vec<Spelling>,
    rules: Rules,
    show_misses: bool,
    write: Option<PathBuf>,
    pack: bool,
}

fn main() -> ExitCode {
    let args: VecDeque<String> = std::env::args().skip(1).collect();
    if args.iter().any(|arg| arg == "--help" || arg == "-h") {
        println!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    let args = match parse(args) {
        Ok(args) => args,
        Err(why) => {
            eprintln!("judge: {why}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("judge: {why}");
            ExitCode::FAILURE
        }
    }
}

fn parse(mut args: VecDeque<String>) -> Result<Args, String> {
    let mut parsed = Args {
        plan: Plan::default(),
        seeds: (1, 5),
        spellings: vec![Spelling::Stated, Spelling::UnifiedAudit],
        rules: Rules::default(),
        show_misses: false,
        write: None,
        pack: false,
    };
    let mut sign_ins: Option<f64> = None;
    while let Some(arg) = args.pop_front() {
        let mut value = || {
            args.pop_front()
                .ok_or_else(|| format!("{arg} needs a value"))
        };
        let plan = &mut parsed.plan;
        match arg.as_str() {
            "--seeds" => parsed.seeds = seeds(&value()?)?,
            "--users" => plan.users = number(&arg, &value()?, 10.0, 5_000_000.0)?,
            "--days" => plan.days = number(&arg, &value()?, 1.0, 3650.0)?,
            "--sign-ins" => sign_ins = Some(number(&arg, &value()?, 1000.0, 1e10)?),
            "--incidents" => plan.incidents = number(&arg, &value()?, 0.0, 100_000.0)?,
            "--overlap" => plan.overlap = number(&arg, &value()?, 0.0, 1.0)?,
            "--noise" => plan.noise = number(&arg, &value()?, 0.0, 6.0)?,
            "--threshold" => plan.threshold = number(&arg, &value()?, 1.0, 1000.0)?,
            "--three-hashes" => plan.three_hashes = true,
            "--spelling" => parsed.spellings = spellings(&value()?)?,
            "--set" => {
                let text = value()?;
                let pair = text.split_once('=').ok_or("--set takes NAME=VALUE")?;
                parsed
                    .rules
                    .set
                    .push((pair.0.to_owned(), pair.1.to_owned()));
            }
            "--queries" => parsed.rules.folder = Some(PathBuf::from(value()?)),
            "--show-misses" => parsed.show_misses = true,
            "--zstd" => parsed.pack = true,
            "--write" => parsed.write = Some(PathBuf::from(value()?)),
            _ => return Err(format!("there is no option {arg}")),
        }
    }
    if let Some(sign_ins) = sign_ins {
        let users = sign_ins / (Plan::SIGN_INS * f64::from(parsed.plan.days));
        parsed.plan.users = (users.round() as u32).max(10);
    }
    Ok(parsed)
}

fn seeds(text: &str) -> Result<(u64, u64), String> {
    let (first, last) = text.split_once("..").unwrap_or((text, text));
    match (first.parse(), last.trim_start_matches('=').parse()) {
        (Ok(first), Ok(last)) if first <= last => Ok((first, last)),
        _ => Err(format!("--seeds takes 7 or 1..20, not {text:?}")),
    }
}

fn spellings(text: &str) -> Result<Vec<Spelling>, String> {
    match text {
        "stated" => Ok(vec![Spelling::Stated]),
        "unified-audit" => Ok(vec![Spelling::UnifiedAudit]),
        "both" => Ok(vec![Spelling::Stated, Spelling::UnifiedAudit]),
        _ => Err(format!(
            "--spelling takes stated, unified-audit or both, not {text:?}"
        )),
    }
}

fn number<N: std::str::FromStr>(
    option: &str,
    text: &str,
    least: f64,
    most: f64,
) -> Result<N, String> {
    let inside = text
        .parse::<f64>()
        .is_ok_and(|n| (least..=most).contains(&n));
    match (inside, text.parse()) {
        (true, Ok(number)) => Ok(number),
        _ => Err(format!(
            "{option} takes a number from {least} to {most}, not {text:?}"
        )),
    }
}

fn run(args: &Args) -> Outcome<()> {
    let mut plan = args.plan.clone();
    plan.seed = args.seeds.0;
    if let Some(folder) = &args.write {
        let story = export(&plan, folder, &args.spellings, args.pack)?;
        println!(
            "{{\"seed\":{},\"users\":{},\"sign_ins\":{},\"incidents\":{}}}",
            plan.seed,
            plan.users,
            story.sign_ins,
            story.incidents.len()
        );
        return Ok(());
    }
    let mut sums: Vec<(Spelling, Score)> = Vec::new();
    for seed in args.seeds.0..=args.seeds.1 {
        plan.seed = seed;
        for (spelling, score) in judge(&plan, &args.rules, &args.spellings)? {
            eprintln!("seed {seed}, {}: {}", spelling.name(), brief(&score));
            match sums.iter_mut().find(|(other, _)| *other == spelling) {
                Some((_, sum)) => sum.add(score),
                None => sums.push((spelling, score)),
            }
        }
    }
    for (spelling, score) in &sums {
        report(args, *spelling, score);
    }
    Ok(())
}

fn brief(score: &Score) -> String {
    let all = score.all();
    format!(
        "{} sign-ins, {} refusals, {} findings, incidents {}/{}/{} (named/found/all), {} false",
        score.sign_ins,
        score.refusals,
        score.findings,
        all.named,
        all.found,
        all.incidents,
        score.false_findings
    )
}

fn percent(part: u64, whole: u64) -> f64 {
    match whole {
        0 => 100.0,
        _ => part as f64 * 100.0 / whole as f64,
    }
}

fn report(args: &Args, spelling: Spelling, score: &Score) {
    let plan = &args.plan;
    let all = score.all();
    println!(
        "\n== {}: seeds {}..{}, {} users, {} days, {} incidents each, overlap {}, noise {}{}",
        spelling.name(),
        args.seeds.0,
        args.seeds.1,
        plan.users,
        plan.days,
        plan.incidents,
        plan.overlap,
        plan.noise,
        if plan.three_hashes {
            ", three hashes"
        } else {
            ""
        }
    );
    println!(
        "\n{} sign-ins, {} refusals, {} findings, {} refusals lost",
        score.sign_ins, score.refusals, score.findings, score.lost
    );
    println!(
        "reason     right {:.1} %, wrong {:.1} %, unknown {:.1} %",
        percent(score.right, score.refusals),
        percent(score.wrong, score.refusals),
        percent(score.unknown, score.refusals)
    );
    println!(
        "incidents  {}: found {:.1} %, named {:.1} %, on the wrong side {}",
        all.incidents,
        percent(all.found, all.incidents),
        percent(all.named, all.incidents),
        score.wrong_side
    );
    println!(
        "findings   false {} ({:.2} per 25,000 sign-ins), incidents split {}, findings merged {}",
        score.false_findings,
        score.false_findings as f64 * 25_000.0 / score.sign_ins.max(1) as f64,
        score.split,
        score.merged
    );
    println!(
        "accounts   entered {}: named {}, missed {}; named in error {}",
        score.entered,
        score.entered_named,
        score.entered - score.entered_named,
        score.named_in_error
    );
    println!(
        "\n{:<28}{:>10}{:>8}{:>8}",
        "cause", "incidents", "found", "named"
    );
    for (cause, tally) in &score.causes {
        println!(
            "{cause:<28}{:>10}{:>8}{:>8}",
            tally.incidents, tally.found, tally.named
        );
    }
    println!("\ntruly                       called (by the finding that holds most of it)");
    for cause in score.causes.keys() {
        let of_it = score
            .confusion
            .iter()
            .filter(|((truth, _), _)| truth == cause);
        let mut said: Vec<(u64, &str)> = of_it
            .map(|((_, said), count)| (*count, said.as_str()))
            .collect();
        said.sort_unstable_by(|one, other| other.cmp(one));
        let said: Vec<String> = said
            .iter()
            .map(|(count, said)| format!("{said} {count}"))
            .collect();
        println!("{cause:<28}{}", said.join(", "));
    }
    if args.show_misses {
        println!();
        score.misses.iter().for_each(|miss| println!("{miss}"));
    }
    println!(
        "\n{{\"spelling\":\"{}\",\"seeds\":[{},{}],\"users\":{},\"days\":{},\"sign_ins\":{},\"refusals\":{},\"lost\":{},\
         \"reason_right\":{},\"reason_wrong\":{},\"reason_unknown\":{},\"incidents\":{},\"found\":{},\"named\":{},\
         \"wrong_side\":{},\"findings\":{},\"false_findings\":{},\"split\":{},\"merged\":{},\"entered\":{},\
         \"entered_named\":{},\"named_in_error\":{}}}",
        spelling.name(),
        args.seeds.0,
        args.seeds.1,
        plan.users,
        plan.days,
        score.sign_ins,
        score.refusals,
        score.lost,
        score.right,
        score.wrong,
        score.unknown,
        all.incidents,
        all.found,
        all.named,
        score.wrong_side,
        score.findings,
        score.false_findings,
        score.split,
        score.merged,
        score.entered,
        score.entered_named,
        score.named_in_error
    );
}
