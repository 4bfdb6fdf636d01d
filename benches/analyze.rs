//! How fast archives become answers, on all cores: `cargo bench --bench analyze`.
//!
//! Three commands as people run them, files and disk included: `analyze` of raw logs, `convert` of
//! the same logs, `analyze` of the archive that comes of it. The size is 32 MiB, or
//! `SIGNSIFT_BENCH_MB`. MB/s of raw logs is what criterion prints; records/s is printed once,
//! before. One run, to see that it works: `cargo test --benches`.
#![allow(clippy::print_stderr, reason = "a benchmark talks to a terminal")]

mod logs;

use std::error::Error;
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput};
use signsift::batch::{Out, Settings, analyze, convert};
use signsift::decode::{Keep, Limits};
use signsift::engine::Resources;
use signsift::progress::Progress;
use signsift::queries::Queries;
use signsift::results::Format;
use signsift::source::UnpackLimits;

use logs::{Made, Plan, make};

type Outcome<T> = Result<T, Box<dyn Error>>;

/// The settings of a command that was given nothing but its input.
fn settings(input: &Path, temp: &Path) -> Outcome<Settings> {
    Ok(Settings {
        inputs: vec![input.display().to_string()],
        keep: Keep::default(),
        limits: Limits::default(),
        unpack: UnpackLimits::default(),
        strict: false,
        queries: Queries::builtin()?,
        context: Default::default(),
        resources: Resources {
            threads: std::thread::available_parallelism()?.get(),
            memory: 1 << 30,
            temp: temp.to_owned(),
        },
    })
}

/// Analyses `input` once, with all result tables written; returns sign-ins and refusals.
fn answers(input: &Path, temp: &Path) -> Outcome<(u64, usize)> {
    let settings = settings(input, temp)?;
    let folder = temp.join("out");
    let out = Out {
        folder: folder.clone(),
        format: Format::Parquet,
        overwrite: true,
    };
    let analysis = analyze(&settings, Some(&out), &Progress::default())?;
    let findings = analysis.findings.iter().map(|batch| batch.num_rows()).sum();
    fs::remove_dir_all(folder)?;
    Ok((analysis.coverage.totals.distinct, findings))
}

/// Converts `input` once; returns sign-ins.
fn archive(input: &Path, folder: &Path, temp: &Path) -> Outcome<u64> {
    let settings = settings(input, temp)?;
    let coverage = convert(&settings, folder, true, &Progress::default())?;
    Ok(coverage.totals.distinct)
}

/// The logs as Azure Monitor leaves them in a container, one blob an hour.
fn write_logs(root: &Path, bytes: u64) -> Outcome<Made> {
    let plan = Plan {
        bytes,
        ..Plan::default()
    };
    let made = make(&plan, |hour, piece| {
        let blob = root.join("insights-logs-signinlogs").join(&hour.blob);
        blob.parent().map_or(Ok(()), fs::create_dir_all)?;
        File::options()
            .create(true)
            .append(true)
            .open(blob)?
            .write_all(piece)
    })?;
    Ok(made)
}

fn measure(criterion: &mut Criterion) -> Outcome<()> {
    let megabytes = std::env::var("SIGNSIFT_BENCH_MB").ok();
    let megabytes: u64 = megabytes.map_or(Ok(32), |text| text.parse())?;
    let folder = tempfile::tempdir()?;
    let (raw, converted) = (folder.path().join("raw"), folder.path().join("archive"));
    let made = write_logs(&raw, megabytes << 20)?;
    eprintln!(
        "{} MB, {} records, {} refusals",
        made.bytes / 1_000_000,
        made.records,
        made.refusals()
    );

    // Each command once, to see that it is right, and how many records a second that makes.
    let expect = |name: &str, sign_ins: u64, took: Duration| {
        let rate = made.records as f64 / took.as_secs_f64();
        eprintln!("{name}: {rate:.0} records/s at the first pass");
        match sign_ins == made.sign_ins {
            true => Ok(()),
            false => Err(format!(
                "{name}: {sign_ins} sign-ins, {} were made",
                made.sign_ins
            )),
        }
    };
    let before = Instant::now();
    let (sign_ins, findings) = answers(&raw, folder.path())?;
    expect("analyze", sign_ins, before.elapsed())?;
    let before = Instant::now();
    let sign_ins = archive(&raw, &converted, folder.path())?;
    expect("convert", sign_ins, before.elapsed())?;
    let before = Instant::now();
    let (sign_ins, same_findings) = answers(&converted, folder.path())?;
    expect("analyze the archive", sign_ins, before.elapsed())?;
    if findings != same_findings {
        return Err(format!("{findings} findings, but {same_findings} from the archive").into());
    }

    let mut group = criterion.benchmark_group("batch");
    group.throughput(Throughput::Bytes(made.bytes));
    group.bench_function("analyze", |bench| {
        bench.iter(|| answers(&raw, folder.path()).unwrap_or_default());
    });
    group.bench_function("convert", |bench| {
        bench.iter(|| archive(&raw, &converted, folder.path()).unwrap_or_default());
    });
    group.bench_function("analyze the archive", |bench| {
        bench.iter(|| answers(&converted, folder.path()).unwrap_or_default());
    });
    group.finish();
    Ok(())
}

fn main() -> Outcome<()> {
    let mut criterion = Criterion::default().configure_from_args().sample_size(10);
    measure(&mut criterion)?;
    criterion.final_summary();
    Ok(())
}
