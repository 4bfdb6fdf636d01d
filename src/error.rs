//! One error type for the whole program, so that every failure names the thing it happened to and
//! says what to do next. Bad *records* are not errors: they are counted (see `decode::Rejected`).

use std::io;
use std::path::{Path, PathBuf};

use datafusion::arrow::error::ArrowError;
use datafusion::error::DataFusionError;
use datafusion::parquet::errors::ParquetError;

/// What stopped the work.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No input matched what was typed.
    #[error("{input}: no such file or folder")]
    NoSuchInput {
        /// As typed.
        input: String,
    },
    /// A glob that cannot be understood, or one that matches nothing.
    #[error("{pattern}: {reason}")]
    Glob {
        /// As typed.
        pattern: String,
        /// Why it is of no use.
        reason: String,
    },
    /// Nothing of what was named holds sign-ins.
    #[error("{}", nothing(*inputs, first))]
    NothingToRead {
        /// How many inputs were looked at.
        inputs: usize,
        /// The first of them, each with its reason.
        first: Vec<String>,
    },
    /// `--strict`, and a record that cannot be read.
    #[error("{input}, byte {offset}: {reason} (--strict stops at the first such record)")]
    Strict {
        /// The input as named in coverage.
        input: String,
        /// Byte offset of the record in the decompressed input.
        offset: u64,
        /// Why it cannot be read.
        reason: String,
    },
    /// `--strict`, and an input that cannot be read.
    #[error("{input}: {reason} (--strict stops at the first such input)")]
    StrictInput {
        /// The input as named in coverage.
        input: String,
        /// Why it cannot be read.
        reason: String,
    },
    /// A file that we need and cannot read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file that we need to write and cannot.
    #[error("cannot write {}: {source}{}", path.display(), disk_hint(source))]
    Write {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Columns that do not make a table, or a Parquet file that cannot be made.
    #[error("cannot write {}: {source}", path.display())]
    WriteTable {
        /// Which file.
        path: PathBuf,
        /// What Arrow or Parquet said.
        source: DataFusionError,
    },
    /// The result folder is there already.
    #[error("{} is there already; name another folder with --out, or replace it with --overwrite", path.display())]
    OutputExists {
        /// Which folder.
        path: PathBuf,
    },
    /// `--overwrite` on a folder that signsift did not write.
    #[error(
        "{} was not written by signsift (it has no coverage.json of ours), so --overwrite leaves it alone; name another folder",
        path.display()
    )]
    NotOurs {
        /// Which folder.
        path: PathBuf,
    },
    /// The header of a query file is not as `queries/README.md` says.
    #[error("{file}: {reason}")]
    QueryFile {
        /// The file's name.
        file: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A query that does not plan or does not run.
    #[error("{name}: {source}{}", memory_hint(source))]
    Query {
        /// The query's file or view, or "query" for one that was typed.
        name: String,
        /// What DataFusion said.
        source: DataFusionError,
    },
    /// A setting (flag, environment or configuration file) that cannot be used.
    #[error("{name}: {reason}")]
    Setting {
        /// The setting as typed, such as `--set spray_users`.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Arrow could not hold what was decoded.
    #[error("{input}: {source}")]
    Table {
        /// The input as named in coverage.
        input: String,
        /// What Arrow said.
        source: ArrowError,
    },
    /// The session could not be made.
    #[error("cannot start the query engine: {source}")]
    Engine {
        /// What DataFusion said.
        source: DataFusionError,
    },
    /// stdout or stderr went away in another way than by a closed pipe.
    #[error("cannot write to the terminal or pipe: {source}")]
    Output {
        /// What the system said.
        source: io::Error,
    },
    /// The user pressed Ctrl-C.
    #[error("stopped by the user; nothing was written under its final name")]
    Interrupted,
}

/// What every fallible function of the library returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// A function that names `path` in a failure to write.
    pub(crate) fn write(path: &Path) -> impl FnOnce(io::Error) -> Error + '_ {
        move |source| Error::Write {
            path: path.to_owned(),
            source,
        }
    }

    /// A function that names `path` in a failure to read.
    pub(crate) fn read(path: &Path) -> impl FnOnce(io::Error) -> Error + '_ {
        move |source| Error::Read {
            path: path.to_owned(),
            source,
        }
    }

    /// A function that names `path` in a failure to write a table.
    pub(crate) fn table<E: IntoTableError>(path: &Path) -> impl FnOnce(E) -> Error + '_ {
        move |source| source.into_error(path)
    }

    /// A function that names the query in a failure to plan or run it.
    pub(crate) fn query(name: &str) -> impl FnOnce(DataFusionError) -> Error + '_ {
        move |source| Error::Query {
            name: name.to_owned(),
            source,
        }
    }

    /// A setting that cannot be used.
    pub(crate) fn setting(name: impl Into<String>, reason: impl Into<String>) -> Error {
        Error::Setting {
            name: name.into(),
            reason: reason.into(),
        }
    }
}

/// The three libraries that may fail while a table is written; a full disk is told as such.
pub(crate) trait IntoTableError {
    fn into_error(self, path: &Path) -> Error;
}

impl IntoTableError for ParquetError {
    fn into_error(self, path: &Path) -> Error {
        match self {
            ParquetError::External(source) => match source.downcast::<io::Error>() {
                Ok(source) => Error::Write {
                    path: path.to_owned(),
                    source: *source,
                },
                Err(source) => Error::WriteTable {
                    path: path.to_owned(),
                    source: DataFusionError::External(source),
                },
            },
            other => Error::WriteTable {
                path: path.to_owned(),
                source: other.into(),
            },
        }
    }
}

impl IntoTableError for ArrowError {
    fn into_error(self, path: &Path) -> Error {
        match self {
            ArrowError::IoError(_, source) => Error::Write {
                path: path.to_owned(),
                source,
            },
            other => Error::WriteTable {
                path: path.to_owned(),
                source: other.into(),
            },
        }
    }
}

fn nothing(inputs: usize, first: &[String]) -> String {
    let mut text = match inputs {
        0 => "there is nothing to read here: no file that is not hidden".to_owned(),
        1 => "this input holds no sign-ins that can be read".to_owned(),
        _ => format!("none of these {inputs} inputs holds sign-ins that can be read"),
    };
    for line in first {
        text.push_str("\n  ");
        text.push_str(line);
    }
    if inputs > first.len() {
        text.push_str(&format!("\n  … and {} more", inputs - first.len()));
    }
    text.push_str("\nrun `signsift spellings` to see what can be read");
    text
}

fn disk_hint(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "; nothing was left under its final name. Free some space or name another disk with --out (and --temp-dir for intermediate files)"
        }
        io::ErrorKind::PermissionDenied => "; name a folder that you may write to with --out",
        _ => "",
    }
}

fn memory_hint(error: &DataFusionError) -> &'static str {
    match error.find_root() {
        DataFusionError::ResourcesExhausted(_) => " (raise --memory-limit, or use fewer --threads)",
        _ => "",
    }
}
