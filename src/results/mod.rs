//! Result rows to files, whole or not at all.

pub mod escape;
pub mod folder;
pub mod inspected;
pub mod report;
pub mod rows;

pub use folder::OutFolder;
pub use rows::{Format, RowWriter};

/// The name of the coverage file in every folder that signsift writes.
pub const COVERAGE_FILE: &str = "coverage.json";
