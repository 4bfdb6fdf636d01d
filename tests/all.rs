//! Every integration test, in one binary: DataFusion is linked once instead of once a file.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "all of this is tests, helpers included"
)]

mod support;

mod archives;
mod bad_input;
mod commands;
mod context;
mod explain;
mod house;
mod one_code;
mod other_engine;
mod parquet;
mod pipelines;
mod plain;
mod queries;
mod readme;
#[path = "../benches/simulate/mod.rs"]
#[allow(dead_code, reason = "the example judge needs all of it")]
mod simulate;
mod simulator;
mod spellings;
mod stream;
mod traps;
