//! The plugin of a log pipeline: lines in, findings out, with the stages and the SQL of a batch.
//!
//! ```text
//! stdin ─▶ input ──lines──▶ run ─▶ history ──table──▶ step (queries) ─▶ told ─▶ sinks
//!          decodes          │      clock                                  │
//!                           └────────────▶ journal (state on disk) ◀──────┘
//! ```
//!
//! What is remembered of the last hours is a table `signins`; each step runs over it the queries that
//! a batch runs over files, and what they find is compared with what was told. So a stream that has
//! seen all of a log has found what a batch finds in it.

mod annotate;
mod clock;
mod copies;
mod describe;
mod group;
mod history;
mod input;
mod journal;
mod metrics;
mod rows;
mod run;
mod sinks;
mod step;
mod told;

use std::path::PathBuf;
use std::sync::mpsc::Sender;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::decode::Keep;
use crate::engine::Resources;
use crate::error::Result;
use crate::queries::Queries;
use input::Came;

pub use describe::describe;
pub use run::run;

/// What is written for what comes in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Findings, as they become true, grow and end
    #[default]
    Findings,
    /// Each line as it came, with what is known of a refusal in it
    Annotate,
    /// Annotated lines, and findings between them
    Both,
}

/// How lines are acknowledged on standard output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ack {
    /// As rsyslog's omprog wants it with confirmMessages="on": OK and DEFER_COMMIT
    Rsyslog,
}

/// What happens when the input ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnEof {
    /// Keep open findings in the state folder, to go on with the next start
    Save,
    /// Tell open findings as final
    Flush,
}

/// Everything that a stream needs to know.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What is written.
    pub mode: Mode,
    /// How lines are acknowledged, if they are.
    pub ack: Option<Ack>,
    /// File of findings, instead of standard output.
    pub out: Option<PathBuf>,
    /// File of lines that could not be used.
    pub dead_letter: Option<PathBuf>,
    /// File of metrics.
    pub metrics: Option<PathBuf>,
    /// Folder of the state.
    pub state: Option<PathBuf>,
    /// What happens at the end.
    pub on_eof: OnEof,
    /// How long sign-ins are remembered, in the time of events.
    pub history: Duration,
    /// How late a sign-in may come.
    pub lateness: Duration,
    /// After so long without a line of a tenant its findings are final.
    pub idle_close: Duration,
    /// A finding that merely grows is told again no sooner.
    pub revise_every: Duration,
    /// After SIGTERM the input may go on for so long.
    pub grace: Duration,
    /// Longest line in bytes.
    pub max_line: usize,
    /// Sign-ins to keep.
    pub keep: Keep,
    /// The queries, with thresholds set.
    pub queries: Queries,
    /// Threads, memory and the temporary folder.
    pub resources: Resources,
}

/// What can be asked of a running stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// Come to an end: read on until the input ends or the grace is over (SIGTERM).
    Terminate,
    /// End at once (Ctrl-C).
    Stop,
    /// Open the files again (SIGHUP).
    Reopen,
}

/// A way to ask a running stream something, from any thread.
pub struct Signals(Sender<Event>);

impl Signals {
    /// Asks. False when the stream has ended.
    pub fn send(&self, signal: Signal) -> bool {
        self.0.send(Event::Asked(signal)).is_ok()
    }
}

/// What a running stream deals with.
enum Event {
    /// Lines have come.
    Came(Came),
    /// The input has ended.
    Ended(Result<()>),
    /// A step has been made; what it found comes on a way of its own, past the lines that wait.
    Judged,
    /// Somebody asks for something.
    Asked(Signal),
}
