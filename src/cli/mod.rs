//! What a person can type. No logic: `settings` makes it ready to use, `main` runs it.

pub mod settings;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use serde::Deserialize;

use crate::results::Format;
use crate::stream;

/// Tells account lockouts from malicious-IP blocks in Microsoft Entra sign-in logs.
///
/// Error 50053 stands for both (and for a third thing). signsift reads sign-in logs of any size and
/// in every form, says of each 50053 what it was, why it happened, whether anyone got in, and what
/// to do.
#[derive(Debug, Parser)]
#[command(
    name = "signsift",
    version,
    max_term_width = 100,
    subcommand_required = true
)]
#[command(
    after_help = "Start with: signsift analyze FOLDER\n\nExit codes: 0 all input was read; \
    1 nothing could be done; 2 wrong usage; 3 done, but some input was lost; 10 a finding as severe \
    as --fail-on says."
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// For every command.
    #[command(flatten)]
    pub global: Global,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Analyse sign-in logs: findings on the terminal, all tables in a folder
    Analyze(Analyze),
    /// Convert sign-in logs to the canonical Parquet archive
    Convert(Convert),
    /// Say what each file is, what it holds and what a judgement would miss
    Inspect(Inspect),
    /// Ask anything of sign-in logs in SQL
    Sql(Sql),
    /// Explain one finding of a folder of results: evidence, timeline, events, advice
    Explain(Explain),
    /// Run the public rules on sign-in logs and say where they differ from the findings
    Compare(Compare),
    /// Judge sign-ins as they come: the plugin for log pipelines, lines in and findings out
    Stream(Stream),
    /// List the spellings of sign-in logs that can be read
    Spellings,
    /// List the queries that decide, or show one of them
    Queries(QueriesCommand),
    /// List the columns of signins, or of a result table
    Schema(SchemaCommand),
    /// Print a completion script for a shell
    Completions {
        /// Which shell
        shell: Shell,
    },
    /// Print the manual page (roff)
    Man,
}

/// Arguments of `analyze`.
#[derive(Debug, Args)]
pub struct Analyze {
    /// Files, folders, globs, or - for standard input
    #[arg(required = true, value_name = "INPUT")]
    pub inputs: Vec<String>,
    /// Write all result tables and coverage.json to this new folder
    #[arg(long, short, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Form of the result tables [default: parquet]
    #[arg(long, value_enum, env = "SIGNSIFT_FORMAT")]
    pub format: Option<Format>,
    /// Replace the folder if signsift wrote it
    #[arg(long)]
    pub overwrite: bool,
    /// End with code 10 if a finding is at least this severe
    #[arg(long, value_enum, value_name = "SEVERITY", env = "SIGNSIFT_FAIL_ON")]
    pub fail_on: Option<Severity>,
    /// Findings to show on the terminal [default: 10]
    #[arg(long, value_name = "N", env = "SIGNSIFT_TOP")]
    pub top: Option<usize>,
    /// What to read.
    #[command(flatten)]
    pub reading: Reading,
    /// What you know and the log does not.
    #[command(flatten)]
    pub knowing: Knowing,
    /// Who matters most.
    #[command(flatten)]
    pub important: Important,
    /// How to decide.
    #[command(flatten)]
    pub deciding: Deciding,
}

/// Arguments of `convert`.
#[derive(Debug, Args)]
pub struct Convert {
    /// Files, folders, globs, or - for standard input
    #[arg(required = true, value_name = "INPUT")]
    pub inputs: Vec<String>,
    /// Write the archive to this new folder
    #[arg(long, short, required = true, value_name = "DIR")]
    pub out: PathBuf,
    /// Replace the folder if signsift wrote it
    #[arg(long)]
    pub overwrite: bool,
    /// What to read.
    #[command(flatten)]
    pub reading: Reading,
    /// What you know and the log does not.
    #[command(flatten)]
    pub knowing: Knowing,
}

/// Arguments of `inspect`.
#[derive(Debug, Args)]
pub struct Inspect {
    /// Files, folders, globs, or - for standard input
    #[arg(required = true, value_name = "INPUT")]
    pub inputs: Vec<String>,
    /// Form of what is said
    #[arg(long, value_enum, default_value = "text")]
    pub format: InspectFormat,
    /// What to read.
    #[command(flatten)]
    pub reading: Reading,
}

/// How `inspect` says what it found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum InspectFormat {
    /// A paragraph an input, for people
    Text,
    /// One JSON object a line and input
    Json,
}

/// Arguments of `sql`.
#[derive(Debug, Args)]
#[command(
    after_help = "Without a query and without -f, a prompt opens when started on a terminal; \
    otherwise the statements are read from standard input. Standard input is data (-) or \
    statements, never both.\n\n\
    Queries that only look at sign-ins with one error code (WHERE error_code = 50053) pass over lines \
    that cannot have it. Such lines are not checked for damage; with --strict every record is."
)]
pub struct Sql {
    /// A query (unless -f is given), then files, folders, globs, or - for standard input
    #[arg(required = true, value_name = "[QUERY] INPUT")]
    pub arguments: Vec<String>,
    /// Read the query from this file
    #[arg(long, short, value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Form of the rows [default: table]
    #[arg(long, value_enum)]
    pub format: Option<SqlFormat>,
    /// Write the rows to this new file instead of standard output
    #[arg(long, short, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// What to read.
    #[command(flatten)]
    pub reading: Reading,
    /// What you know and the log does not.
    #[command(flatten)]
    pub knowing: Knowing,
    /// Who matters most.
    #[command(flatten)]
    pub important: Important,
    /// How to decide.
    #[command(flatten)]
    pub deciding: Deciding,
}

/// How `sql` shows rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SqlFormat {
    /// A table for people
    Table,
    /// One JSON object a line
    Json,
    /// CSV with a header
    Csv,
    /// Parquet (needs --out, or a pipe)
    Parquet,
}

/// Arguments of `explain`.
#[derive(Debug, Args)]
pub struct Explain {
    /// Id of the finding, or the beginning of it
    #[arg(value_name = "FINDING_ID")]
    pub id: String,
    /// A folder that `analyze --out` wrote, in any format
    #[arg(value_name = "RESULTS")]
    pub results: PathBuf,
    /// Show every event, account and address instead of the first few
    #[arg(long)]
    pub all: bool,
    /// Form of what is said
    #[arg(long, value_enum, default_value = "text")]
    pub format: ExplainFormat,
}

/// How `explain` says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ExplainFormat {
    /// For people
    Text,
    /// One JSON object
    Json,
}

/// Arguments of `compare`.
#[derive(Debug, Args)]
pub struct Compare {
    /// Files, folders, globs, or - for standard input
    #[arg(required = true, value_name = "INPUT")]
    pub inputs: Vec<String>,
    /// Form of the rows [default: table, or what the name of --out ends in]
    #[arg(long, value_enum)]
    pub format: Option<CompareFormat>,
    /// Write to this new file instead of standard output
    #[arg(long, short, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// What to read.
    #[command(flatten)]
    pub reading: Reading,
    /// What you know and the log does not.
    #[command(flatten)]
    pub knowing: Knowing,
    /// How to decide.
    #[command(flatten)]
    pub deciding: Deciding,
}

/// Arguments of `stream`.
#[derive(Debug, Args)]
#[command(
    after_help = "Lengths of time are written as 90s, 15m, 6h or 7d. Ready configurations for rsyslog, \
    syslog-ng, Tenzir and others are in docs/pipelines."
)]
pub struct Stream {
    /// What is written for what comes in [default: findings]
    #[arg(long, value_enum, env = "SIGNSIFT_MODE")]
    pub mode: Option<stream::Mode>,
    /// Acknowledge lines on standard output; findings go to --out
    #[arg(long, value_enum, requires = "out")]
    pub ack: Option<stream::Ack>,
    /// Append findings to this file instead of standard output
    #[arg(long, short, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Append lines that cannot be used to this file, each with the reason
    #[arg(long, value_name = "FILE", env = "SIGNSIFT_DEAD_LETTER")]
    pub dead_letter: Option<PathBuf>,
    /// Keep the state in this folder, to go on after a restart or a crash
    #[arg(long, value_name = "DIR", env = "SIGNSIFT_STATE_DIR")]
    pub state_dir: Option<PathBuf>,
    /// What happens when the input ends [default: save with --state-dir, else flush]
    #[arg(long, value_enum, env = "SIGNSIFT_ON_EOF")]
    pub on_eof: Option<stream::OnEof>,
    /// How long sign-ins are remembered, in the time of events [default: 24h]
    #[arg(long, value_name = "LENGTH", env = "SIGNSIFT_HISTORY")]
    pub history: Option<String>,
    /// How late a sign-in may come, in the time of events [default: 15m]
    #[arg(long, value_name = "LENGTH", env = "SIGNSIFT_LATENESS")]
    pub lateness: Option<String>,
    /// Findings are final when nothing has come from their tenant for so long [default: 15m]
    #[arg(long, value_name = "LENGTH", env = "SIGNSIFT_IDLE_CLOSE")]
    pub idle_close: Option<String>,
    /// A finding that merely grows is told again no sooner than this [default: 10s]
    #[arg(long, value_name = "LENGTH", env = "SIGNSIFT_REVISE_EVERY")]
    pub revise_every: Option<String>,
    /// After SIGTERM, read on for at most so long [default: 5s]
    #[arg(long, value_name = "LENGTH", env = "SIGNSIFT_GRACE")]
    pub grace: Option<String>,
    /// Longest line believed [default: 4MiB]
    #[arg(long, value_name = "SIZE", env = "SIGNSIFT_MAX_LINE")]
    pub max_line: Option<bytesize::ByteSize>,
    /// Only sign-ins of this tenant id; may be given several times
    #[arg(
        long,
        value_name = "ID",
        env = "SIGNSIFT_TENANT",
        value_delimiter = ','
    )]
    pub tenant: Vec<String>,
    /// Write metrics to this file in the text form of Prometheus
    #[arg(long, value_name = "FILE", env = "SIGNSIFT_METRICS")]
    pub metrics: Option<PathBuf>,
    /// Print the contract (modes, fields, settings in force) as JSON, and end
    #[arg(long)]
    pub describe: bool,
    /// How to decide.
    #[command(flatten)]
    pub deciding: Deciding,
}

/// How `compare` shows rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum CompareFormat {
    /// A table and words for people
    Table,
    /// One JSON object a line
    Json,
    /// CSV with a header
    Csv,
}

/// Arguments of `queries`.
#[derive(Debug, Args)]
pub struct QueriesCommand {
    /// Show the text of this one
    pub name: Option<String>,
    /// How to decide.
    #[command(flatten)]
    pub deciding: Deciding,
}

/// Arguments of `schema`.
#[derive(Debug, Args)]
pub struct SchemaCommand {
    /// signins, or a view
    #[arg(default_value = "signins")]
    pub table: String,
    /// How to decide.
    #[command(flatten)]
    pub deciding: Deciding,
}

/// For every command.
#[derive(Debug, Default, Args)]
pub struct Global {
    /// Configuration file (TOML, keys as the long flags) [default: ~/.config/signsift/config.toml]
    #[arg(long, global = true, value_name = "FILE", env = "SIGNSIFT_CONFIG")]
    pub config: Option<PathBuf>,
    /// No summary, no progress; only what goes wrong
    #[arg(long, short, global = true, env = "SIGNSIFT_QUIET")]
    pub quiet: bool,
    /// Threads [default: all cores]
    #[arg(long, global = true, value_name = "N", env = "SIGNSIFT_THREADS")]
    pub threads: Option<usize>,
    /// Memory for rows; beyond it temporary files are used [default: 1GiB]
    #[arg(
        long,
        global = true,
        value_name = "SIZE",
        env = "SIGNSIFT_MEMORY_LIMIT"
    )]
    pub memory_limit: Option<bytesize::ByteSize>,
    /// Folder for temporary files [default: beside --out, else the system's]
    #[arg(long, global = true, value_name = "DIR", env = "SIGNSIFT_TEMP_DIR")]
    pub temp_dir: Option<PathBuf>,
}

/// What to read.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Reading")]
pub struct Reading {
    /// Only sign-ins from this time on (2026-03-02 or 2026-03-02T08:00Z; UTC unless it says)
    #[arg(long, value_name = "TIME", env = "SIGNSIFT_SINCE")]
    pub since: Option<String>,
    /// Only sign-ins before this time
    #[arg(long, value_name = "TIME", env = "SIGNSIFT_UNTIL")]
    pub until: Option<String>,
    /// Only sign-ins of this tenant id; may be given several times
    #[arg(
        long,
        value_name = "ID",
        env = "SIGNSIFT_TENANT",
        value_delimiter = ','
    )]
    pub tenant: Vec<String>,
    /// Stop at the first record or input that cannot be read
    #[arg(long, env = "SIGNSIFT_STRICT")]
    pub strict: bool,
    /// Longest record believed [default: 16MiB]
    #[arg(long, value_name = "SIZE", env = "SIGNSIFT_MAX_RECORD")]
    pub max_record: Option<bytesize::ByteSize>,
    /// Most that one packed input may unpack to [default: 256GiB]
    #[arg(long, value_name = "SIZE", env = "SIGNSIFT_MAX_UNPACKED")]
    pub max_unpacked: Option<bytesize::ByteSize>,
    /// Most times its packed size that one input may unpack to [default: 500]
    #[arg(long, value_name = "N", env = "SIGNSIFT_MAX_RATIO")]
    pub max_ratio: Option<u64>,
}

/// What you know and the log does not.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Context")]
pub struct Knowing {
    /// Trust this network, or those of a file (a network or address a line, a label after it); may
    /// be given several times
    #[arg(
        long,
        value_name = "CIDR|FILE",
        env = "SIGNSIFT_TRUSTED_NETWORK",
        value_delimiter = ','
    )]
    pub trusted_network: Vec<String>,
    /// Fill missing network owners from this offline database (MMDB, such as GeoLite2-ASN)
    #[arg(long, value_name = "FILE", env = "SIGNSIFT_ASN_DB")]
    pub asn_db: Option<PathBuf>,
    /// Fill missing countries from this offline database (MMDB, such as GeoLite2-Country)
    #[arg(long, value_name = "FILE", env = "SIGNSIFT_COUNTRY_DB")]
    pub country_db: Option<PathBuf>,
    /// Mark sign-ins by these bad addresses, networks, AS numbers and user agents (one a line, CSV
    /// with a column `value`, or a STIX 2.1 bundle); may be given several times
    #[arg(
        long,
        value_name = "FILE",
        env = "SIGNSIFT_INDICATORS",
        value_delimiter = ','
    )]
    pub indicators: Vec<PathBuf>,
}

/// Who matters most.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Context")]
pub struct Important {
    /// Accounts whose findings are severe: sign-in names or object ids, one a line
    #[arg(long, value_name = "FILE", env = "SIGNSIFT_VIP")]
    pub vip: Option<PathBuf>,
}

/// How to decide.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Deciding")]
pub struct Deciding {
    /// Length of the time windows of the table windows, such as 15m, 1h or 1d [default: 1h]
    #[arg(long, value_name = "LENGTH", env = "SIGNSIFT_WINDOW")]
    pub window: Option<String>,
    /// Failures after which the tenant locks an account, where it is not Entra's default of 10; the
    /// same as --set lockout_threshold=N
    #[arg(long, value_name = "N", env = "SIGNSIFT_LOCKOUT_THRESHOLD")]
    pub lockout_threshold: Option<u32>,
    /// Override a threshold; may be given several times. `signsift queries thresholds` lists them
    #[arg(long, value_name = "NAME=VALUE")]
    pub set: Vec<String>,
    /// Use the queries of this folder instead of those built in
    #[arg(long, value_name = "DIR", env = "SIGNSIFT_QUERIES")]
    pub queries: Option<PathBuf>,
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Nothing to do
    Informational,
    /// An honest mistake
    Low,
    /// An isolated attack
    Medium,
    /// Many accounts
    High,
    /// Somebody got in
    Critical,
}
