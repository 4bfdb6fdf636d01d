//! How fast bytes become rows, on one thread: `cargo bench --bench decode`.
//!
//! Whole archives are measured elsewhere; this is the part that every byte goes through. The size is
//! 32 MiB, or `SIGNSIFT_BENCH_MB`. "analysis" reads the columns that the judgement of causes needs.
//! MB/s is what criterion prints; records/s is printed once, before.
#![allow(clippy::print_stderr, reason = "a benchmark talks to a terminal")]

mod logs;

use std::error::Error;
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, Throughput};
use signsift::decode::{BlockDecoder, Decoder, Framer, HEAD_BYTES, Keep, Limits, Spelling, detect};
use signsift::signin::Columns;

use logs::{Plan, make};

/// What one read from a file brings.
const READ: usize = 1 << 20;

/// Enough to sort refusals by reason and cause.
const ANALYSIS: [&str; 22] = [
    "sign_in_id",
    "time",
    "tenant_id",
    "category",
    "user_id",
    "user_principal_name",
    "ip_address",
    "ip_network",
    "asn",
    "country",
    "city",
    "app_display_name",
    "client_app",
    "authentication_protocol",
    "user_agent",
    "error_code",
    "failure_reason",
    "stated_reason",
    "password_result",
    "is_interactive",
    "is_trusted_location",
    "device_id",
];

type Outcome<T> = Result<T, Box<dyn Error>>;

/// Rows that came out of decoding `bytes` once.
fn decode(bytes: &[u8], spelling: Spelling, columns: Columns) -> Outcome<u64> {
    let limits = Limits::default();
    let mut framer = Framer::new(spelling.framing, limits);
    let mut decoder = BlockDecoder::new(spelling, "bench.json", columns, Keep::default(), limits);
    let (mut input, mut rows) = (bytes, 0);
    loop {
        let read = framer.fill(&mut input, READ)?;
        let block = if read == 0 {
            framer.finish()
        } else {
            framer.cut()
        };
        if let Some(block) = block {
            rows += decoder.decode(&block)?.tally.sign_ins;
        }
        if read == 0 {
            return Ok(rows);
        }
    }
}

/// The same through the decoder for streams, which finds the spelling by itself.
fn stream(bytes: &[u8], columns: Columns) -> Outcome<u64> {
    let mut decoder = Decoder::new("bench.json", columns, Keep::default(), Limits::default());
    for piece in bytes.chunks(READ) {
        decoder.push(piece)?;
        while decoder.take().is_some() {}
    }
    let (_, tally) = decoder.finish()?;
    Ok(tally.sign_ins)
}

fn measure(criterion: &mut Criterion) -> Outcome<()> {
    let megabytes = std::env::var("SIGNSIFT_BENCH_MB").ok();
    let megabytes: u64 = megabytes.map_or(Ok(32), |text| text.parse())?;
    let plan = Plan {
        bytes: megabytes << 20,
        ..Plan::default()
    };
    let mut bytes = Vec::new();
    let made = make(&plan, |_, piece| {
        bytes.extend_from_slice(piece);
        Ok(())
    })?;
    eprintln!("{} records, {} refusals", made.records, made.refusals());
    let head = &bytes[..bytes.len().min(HEAD_BYTES)];
    let spelling = detect(head, head.len() == bytes.len()).map_err(|why| why.to_string())?;

    let mut group = criterion.benchmark_group("decode");
    group.throughput(Throughput::Bytes(bytes.len() as u64));
    for (name, columns) in [("all", Columns::ALL), ("analysis", Columns::of(ANALYSIS))] {
        let before = Instant::now();
        let rows = decode(&bytes, spelling, columns)?;
        report(name, rows, before.elapsed());
        for rows in [rows, stream(&bytes, columns)?] {
            if rows != made.records {
                return Err(format!("{} records were made, {rows} were read", made.records).into());
            }
        }
        group.bench_function(BenchmarkId::new("blocks", name), |bench| {
            bench.iter(|| decode(&bytes, spelling, columns).unwrap_or_default());
        });
        group.bench_function(BenchmarkId::new("stream", name), |bench| {
            bench.iter(|| stream(&bytes, columns).unwrap_or_default());
        });
    }
    group.finish();
    Ok(())
}

fn report(name: &str, rows: u64, took: Duration) {
    let rate = rows as f64 / took.as_secs_f64();
    eprintln!("{name}: {rows} records, {rate:.0} records/s at the first pass");
}

fn main() -> Outcome<()> {
    let mut criterion = Criterion::default().configure_from_args().sample_size(20);
    measure(&mut criterion)?;
    criterion.final_summary();
    Ok(())
}
