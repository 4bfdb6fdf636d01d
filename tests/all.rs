//! Every integration test, in one binary: DataFusion is linked once instead of once a file.

mod support;

mod bad_input;
mod commands;
mod house;
mod other_engine;
mod queries;
mod readme;
mod spellings;
