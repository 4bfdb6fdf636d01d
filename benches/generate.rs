//! Writes sign-in logs of any size: `cargo run --release --example generate -- --help`.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "it talks to a terminal"
)]

mod logs;

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use logs::{Made, Plan, make};

const USAGE: &str = "\
Usage: generate [OPTIONS] OUT

Writes sign-in logs as diagnostic settings deliver them: JSON lines of 4 to 5 KB. The same options
give the same bytes. Prints what was written as one line of JSON, to compare an analysis with.

  OUT                  a file; with --split a folder, which gets one blob an hour:
                       insights-logs-signinlogs/tenantId=…/y=2026/m=03/d=02/h=00/m=00/PT1H.json
  --bytes SIZE         how much, such as 500M or 10G (K, M, G = powers of 1024)  [1G]
  --hours N            how long, from 2026-03-02T00:00:00Z                       [24]
  --refusals SHARE     share of the sign-ins that end with error 50053           [0.02]
  --duplicates SHARE   share of the sign-ins that are delivered twice            [0.04]
  --users N            how many accounts there are                               [20000]
  --seed N             another number, another archive                           [42]
  --split              one file an hour";

struct Args {
    plan: Plan,
    out: PathBuf,
    split: bool,
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
            eprintln!("generate: {why}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match run(&args) {
        Ok(made) => {
            println!("{}", summary(&made));
            ExitCode::SUCCESS
        }
        Err(why) => {
            eprintln!("generate: {}: {why}", args.out.display());
            ExitCode::FAILURE
        }
    }
}

fn parse(mut args: VecDeque<String>) -> Result<Args, String> {
    let (mut plan, mut split, mut out) = (Plan::default(), false, None);
    while let Some(arg) = args.pop_front() {
        let mut value = || {
            args.pop_front()
                .ok_or_else(|| format!("{arg} needs a value"))
        };
        match arg.as_str() {
            "--bytes" => plan.bytes = size(&value()?)?,
            "--hours" => plan.hours = number(&arg, &value()?, 1.0, 100_000.0)?,
            "--users" => plan.users = number(&arg, &value()?, 1.0, 10_000_000.0)?,
            "--seed" => plan.seed = number(&arg, &value()?, 0.0, f64::MAX)?,
            "--refusals" => plan.refusals = number(&arg, &value()?, 0.0, 0.5)?,
            "--duplicates" => plan.duplicates = number(&arg, &value()?, 0.0, 0.5)?,
            "--split" => split = true,
            _ if arg.starts_with('-') => return Err(format!("there is no option {arg}")),
            _ if out.is_some() => return Err(format!("one OUT is enough, and {arg} is a second")),
            _ => out = Some(PathBuf::from(arg)),
        }
    }
    let out = out.ok_or("say where to write: OUT is missing")?;
    Ok(Args { plan, out, split })
}

fn number<N>(option: &str, text: &str, least: f64, most: f64) -> Result<N, String>
where
    N: std::str::FromStr,
{
    let wrong = || format!("{option} takes a number from {least} to {most}, not {text:?}");
    let inside = text
        .parse::<f64>()
        .is_ok_and(|n| (least..=most).contains(&n));
    if !inside {
        return Err(wrong());
    }
    text.parse().map_err(|_| wrong())
}

fn size(text: &str) -> Result<u64, String> {
    let (digits, unit) = match text.bytes().last() {
        Some(b'K' | b'k') => (&text[..text.len() - 1], 1 << 10),
        Some(b'M' | b'm') => (&text[..text.len() - 1], 1 << 20),
        Some(b'G' | b'g') => (&text[..text.len() - 1], 1 << 30),
        _ => (text, 1),
    };
    let bytes = digits.parse::<u64>().ok().and_then(|n| n.checked_mul(unit));
    bytes.ok_or_else(|| format!("--bytes takes a size such as 500M or 10G, not {text:?}"))
}

fn run(args: &Args) -> io::Result<Made> {
    if !args.split {
        let mut file = File::create(&args.out)?;
        let made = make(&args.plan, |_, bytes| file.write_all(bytes))?;
        file.flush()?;
        return Ok(made);
    }
    let container = args.out.join("insights-logs-signinlogs");
    let mut open: Option<(String, File)> = None;
    make(&args.plan, |hour, bytes| {
        if open.as_ref().is_none_or(|(blob, _)| *blob != hour.blob) {
            open = Some((hour.blob.clone(), create(&container.join(&hour.blob))?));
        }
        open.as_mut()
            .map_or(Ok(()), |(_, file)| file.write_all(bytes))
    })
}

fn create(path: &Path) -> io::Result<File> {
    path.parent().map_or(Ok(()), fs::create_dir_all)?;
    File::create(path)
}

fn summary(made: &Made) -> String {
    format!(
        "{{\"bytes\":{},\"records\":{},\"sign_ins\":{},\"duplicates\":{},\"refusals\":{},\"lockout\":{},\
         \"malicious_ip\":{},\"high_confidence_risk\":{},\"generic\":{}}}",
        made.bytes,
        made.records,
        made.sign_ins,
        made.records - made.sign_ins,
        made.refusals(),
        made.lockout,
        made.malicious_ip,
        made.high_confidence_risk,
        made.generic
    )
}
