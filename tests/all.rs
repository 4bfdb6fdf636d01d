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
mod house;
mod other_engine;
mod queries;
mod readme;
mod spellings;
