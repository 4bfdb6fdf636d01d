//! Result rows to files, whole or not at all.

pub mod escape;
pub mod explained;
pub mod folder;
pub mod inspected;
pub mod read_back;
pub mod report;
pub mod rows;

pub use folder::OutFolder;
pub use read_back::{ResultFolder, Row};
pub use rows::{Format, RowWriter};

/// The name of the coverage file in every folder that signsift writes.
pub const COVERAGE_FILE: &str = "coverage.json";
