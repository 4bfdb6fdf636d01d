//! Simulates into files, with the truth beside them, and lets the rules judge the files.

use std::collections::{BTreeSet, HashMap};
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use serde_json::{Value, json};
use signsift::batch::{Out, Settings, analyze};
use signsift::decode::{Keep, Limits};
use signsift::engine::Resources;
use signsift::progress::Progress;
use signsift::queries::Queries;
use signsift::results::Format;
use signsift::source::UnpackLimits;

use super::diagnostic::{Diagnostic, name, sign_in_id, stamp};
use super::event::{Role, Secret, Who};
use super::score::{Results, Score, score};
use super::{Event, Plan, Story, World, audit, play};

/// Whatever went wrong, in words.
pub(crate) type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// In which form the rules see the sign-ins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Spelling {
    /// Diagnostic settings, with stated reasons.
    Stated,
    /// The unified audit log, without.
    UnifiedAudit,
}

impl Spelling {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Stated => "stated",
            Self::UnifiedAudit => "unified-audit",
        }
    }

    fn file(self) -> &'static str {
        match self {
            Self::Stated => "diagnostic.ndjson",
            Self::UnifiedAudit => "auditdata.ndjson",
        }
    }
}

/// A file that is being written.
enum Sink {
    Plain(BufWriter<File>),
    Packed(zstd::stream::write::Encoder<'static, File>),
}

impl Sink {
    /// Begins a file of this name, or one of that name and `.zst`.
    fn create(folder: &Path, name: &str, pack: bool) -> io::Result<Self> {
        if !pack {
            let file = File::create(folder.join(name))?;
            return Ok(Self::Plain(BufWriter::with_capacity(1 << 20, file)));
        }
        let file = File::create(folder.join(format!("{name}.zst")))?;
        Ok(Self::Packed(zstd::stream::write::Encoder::new(file, 1)?))
    }

    fn finish(self) -> io::Result<()> {
        match self {
            Self::Plain(mut file) => file.flush(),
            Self::Packed(file) => file.finish()?.flush(),
        }
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(file) => file.write(bytes),
            Self::Packed(file) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(file) => file.flush(),
            Self::Packed(file) => file.flush(),
        }
    }
}

/// A log that is being written.
enum Log {
    Stated(Diagnostic<Sink>),
    UnifiedAudit(Sink),
}

impl Log {
    fn write(&mut self, world: &World, event: &Event) -> io::Result<()> {
        match self {
            Self::Stated(out) => out.write(world, event),
            Self::UnifiedAudit(out) => audit::write(out, world, event),
        }
    }

    fn finish(self, world: &World) -> io::Result<()> {
        match self {
            Self::Stated(out) => out.finish(world)?.finish(),
            Self::UnifiedAudit(out) => out.finish(),
        }
    }
}

/// Plays `plan`, writes one log a spelling into `folder`, and shows `note` every sign-in.
fn simulate(
    plan: &Plan,
    folder: &Path,
    spellings: &[Spelling],
    pack: bool,
    mut note: impl FnMut(&World, &Event) -> io::Result<()>,
) -> io::Result<Story> {
    let mut logs: Vec<Log> = Vec::new();
    for spelling in spellings {
        let out = Sink::create(folder, spelling.file(), pack)?;
        logs.push(match spelling {
            Spelling::Stated => Log::Stated(Diagnostic::new(out)),
            Spelling::UnifiedAudit => Log::UnifiedAudit(out),
        });
    }
    let story = play(plan, |world, event| {
        for log in &mut logs {
            log.write(world, event)?;
        }
        note(world, event)
    })?;
    for log in logs {
        log.finish(&story.world)?;
    }
    Ok(story)
}

/// Writes the logs of `plan` into `folder`, and beside them `truth.ndjson` (a line for each
/// sign-in) and `incidents.ndjson`; with `pack` all but the last packed with zstd. Holds no sign-in
/// in memory.
pub(crate) fn export(
    plan: &Plan,
    folder: &Path,
    spellings: &[Spelling],
    pack: bool,
) -> io::Result<Story> {
    std::fs::create_dir_all(folder)?;
    let mut truth = Sink::create(folder, "truth.ndjson", pack)?;
    let story = simulate(plan, folder, spellings, pack, |world, event| {
        let password = match event.attempt.secret {
            Secret::Right => "right",
            Secret::Wrong(_) => "wrong",
            Secret::Token => "none",
        };
        let line = json!({
            "sign_in_id": sign_in_id(world, event),
            "actor": event.role.name(),
            "incident": event.incident,
            "locked_by": event.behind,
            "reason": event.outcome.reason(),
            "password": password,
        });
        writeln!(truth, "{line}")
    })?;
    truth.finish()?;
    let mut out = BufWriter::new(File::create(folder.join("incidents.ndjson"))?);
    for incident in &story.incidents {
        let names = |accounts: &BTreeSet<u32>| -> Vec<String> {
            accounts
                .iter()
                .map(|account| upn(&story.world, *account))
                .collect()
        };
        let line = json!({
            "incident": incident.id,
            "cause": incident.cause.name(),
            "attempts": incident.attempts,
            "lockouts": incident.refused[0],
            "malicious_ip_blocks": incident.refused[1],
            "risk_blocks": incident.refused[2],
            "users": names(&incident.accounts),
            "ip_addresses": incident.sources,
            "entered": names(&incident.entered),
            "password_known": names(&incident.known),
            "first_seen": incident.first.map(|at| format!("{}Z", stamp(at))),
            "last_seen": incident.first.map(|_| format!("{}Z", stamp(incident.last))),
        });
        writeln!(out, "{line}")?;
    }
    out.flush()?;
    Ok(story)
}

/// The name of an account.
pub(crate) fn upn(world: &World, account: u32) -> String {
    name(world, Who::Account(account)).upn
}

/// The truth about one refusal.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Truth {
    pub(crate) reason: &'static str,
    pub(crate) role: Role,
    /// The incident that it belongs to.
    pub(crate) incident: Option<u32>,
    /// The incident that locked the account.
    pub(crate) behind: Option<u32>,
}

/// The truth about all refusals, by sign-in id.
pub(crate) type Truths = HashMap<String, Truth>;

/// What the library is to use.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rules {
    /// Thresholds to set, as `--set` does.
    pub(crate) set: Vec<(String, String)>,
    /// A folder of queries instead of those that are built in.
    pub(crate) folder: Option<std::path::PathBuf>,
}

/// Plays `plan`, lets the rules judge it in each spelling, and compares with the truth.
pub(crate) fn judge(
    plan: &Plan,
    rules: &Rules,
    spellings: &[Spelling],
) -> Outcome<Vec<(Spelling, Score)>> {
    let folder = tempfile::tempdir()?;
    let mut truths = Truths::new();
    let story = simulate(plan, folder.path(), spellings, false, |world, event| {
        if let Some(reason) = event.outcome.reason() {
            let truth = Truth {
                reason,
                role: event.role,
                incident: event.incident,
                behind: event.behind,
            };
            truths.insert(sign_in_id(world, event), truth);
        }
        Ok(())
    })?;
    let mut scores = Vec::new();
    for spelling in spellings {
        let results = analyzed(&folder.path().join(spelling.file()), folder.path(), rules)?;
        scores.push((*spelling, score(&story, &truths, &results)));
    }
    Ok(scores)
}

/// The results of the library over one file.
fn analyzed(input: &Path, temp: &Path, rules: &Rules) -> Outcome<Results> {
    let mut queries = match &rules.folder {
        Some(folder) => Queries::folder(folder)?,
        None => Queries::builtin()?,
    };
    for (name, value) in &rules.set {
        queries.set(name, value)?;
    }
    let settings = Settings {
        inputs: vec![input.display().to_string()],
        keep: Keep::default(),
        limits: Limits::default(),
        unpack: UnpackLimits::default(),
        strict: true,
        queries,
        context: Default::default(),
        resources: Resources {
            threads: std::thread::available_parallelism()?.get(),
            memory: 1 << 30,
            temp: temp.to_owned(),
        },
    };
    let out = Out {
        folder: temp.join("out"),
        format: Format::Json,
        overwrite: true,
    };
    analyze(&settings, Some(&out), &Progress::default())?;
    let table = |name: &str| -> Outcome<Vec<Value>> {
        let text = std::fs::read_to_string(out.folder.join(format!("{name}.ndjson")))?;
        let rows = text.lines().map(serde_json::from_str);
        Ok(rows.collect::<Result<_, _>>()?)
    };
    Ok(Results {
        events: table("events")?,
        findings: table("findings")?,
    })
}
