//! What was typed, made ready to use: configuration file < environment < flags < defaults filled in.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::civil::{Date, DateTime};
use jiff::{Span, SpanRelativeTo, Timestamp, tz::TimeZone};
use serde::Deserialize;

use super::{Analyze, Deciding, Global, Important, Knowing, Reading, Severity, Stream};
use crate::batch::Settings;
use crate::context::{Asked, Context};
use crate::decode::{Keep, Limits};
use crate::engine::Resources;
use crate::error::{Error, Result};
use crate::queries::Queries;
use crate::results::Format;
use crate::source::UnpackLimits;
use crate::stream::{self, OnEof};

/// Rows in memory below this bound would be written to disk a handful at a time.
const LEAST_MEMORY: u64 = 64 << 20;

/// The configuration file. Its keys are the long flags; thresholds stand in a table `[set]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Config {
    quiet: bool,
    threads: Option<usize>,
    memory_limit: Option<bytesize::ByteSize>,
    temp_dir: Option<PathBuf>,
    since: Option<String>,
    until: Option<String>,
    tenant: Vec<String>,
    strict: bool,
    max_record: Option<bytesize::ByteSize>,
    max_unpacked: Option<bytesize::ByteSize>,
    max_ratio: Option<u64>,
    trusted_network: Vec<String>,
    asn_db: Option<PathBuf>,
    country_db: Option<PathBuf>,
    indicators: Vec<PathBuf>,
    vip: Option<PathBuf>,
    window: Option<String>,
    lockout_threshold: Option<u32>,
    queries: Option<PathBuf>,
    format: Option<Format>,
    fail_on: Option<Severity>,
    top: Option<usize>,
    mode: Option<stream::Mode>,
    dead_letter: Option<PathBuf>,
    state_dir: Option<PathBuf>,
    on_eof: Option<OnEof>,
    history: Option<String>,
    lateness: Option<String>,
    idle_close: Option<String>,
    revise_every: Option<String>,
    grace: Option<String>,
    max_line: Option<bytesize::ByteSize>,
    metrics: Option<PathBuf>,
    set: BTreeMap<String, toml::Value>,
}

impl Config {
    /// Reads the file that was named, or the one in its usual place if it is there.
    ///
    /// # Errors
    /// A named file that cannot be read, or a key or value that is not understood.
    pub fn load(named: Option<&Path>) -> Result<Config> {
        let path = match named {
            Some(path) => path.to_owned(),
            None => match usual_place() {
                Some(path) if path.is_file() => path,
                _ => return Ok(Config::default()),
            },
        };
        let text = std::fs::read_to_string(&path).map_err(Error::read(&path))?;
        toml::from_str(&text)
            .map_err(|error| Error::setting(path.display().to_string(), error.to_string()))
    }

    /// Whether there is to be no summary and no progress.
    pub fn is_quiet(&self, global: &Global) -> bool {
        global.quiet || self.quiet
    }

    /// What the flags of `analyze` leave open: form of tables, severity that fails, findings shown.
    pub fn presentation(&self, typed: &Analyze) -> (Format, Option<Severity>, usize) {
        (
            typed.format.or(self.format).unwrap_or_default(),
            typed.fail_on.or(self.fail_on),
            typed.top.or(self.top).unwrap_or(10),
        )
    }

    /// The queries with their thresholds set.
    ///
    /// # Errors
    /// A folder of queries that cannot be used, or a threshold that cannot be set.
    pub fn queries(&self, typed: &Deciding) -> Result<Queries> {
        self.queries_or(typed, Queries::builtin)
    }

    /// The same where no view is named: of what is built in, only the thresholds.
    ///
    /// # Errors
    /// As [`queries`](Self::queries).
    pub fn thresholds(&self, typed: &Deciding) -> Result<Queries> {
        self.queries_or(typed, Queries::thresholds_alone)
    }

    fn queries_or(&self, typed: &Deciding, builtin: fn() -> Result<Queries>) -> Result<Queries> {
        let mut queries = match typed.queries.as_ref().or(self.queries.as_ref()) {
            Some(folder) => Queries::folder(folder)?,
            None => builtin()?,
        };
        for (name, value) in &self.set {
            let value = match value {
                toml::Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            queries.set(name, &value)?;
        }
        if let Some(window) = typed.window.as_ref().or(self.window.as_ref()) {
            queries.set("window", window).map_err(|_| {
                Error::setting(
                    "--window",
                    format!("{window:?} is not a length of time such as 15m, 1h or 1d"),
                )
            })?;
        }
        if let Some(threshold) = typed.lockout_threshold.or(self.lockout_threshold) {
            queries.set("lockout_threshold", &threshold.to_string())?;
        }
        for assignment in &typed.set {
            let Some((name, value)) = assignment.split_once('=') else {
                return Err(Error::setting(
                    "--set",
                    format!("{assignment:?} is not NAME=VALUE"),
                ));
            };
            queries.set(name.trim(), value.trim())?;
        }
        Ok(queries)
    }

    /// What the analyst knows, read.
    ///
    /// # Errors
    /// A file that cannot be read or understood.
    pub fn context(&self, typed: &Knowing, important: Option<&Important>) -> Result<Arc<Context>> {
        let several = |typed: &[String], file: &[String]| match typed {
            [] => file.to_vec(),
            typed => typed.to_vec(),
        };
        let indicators = match typed.indicators.as_slice() {
            [] => &self.indicators,
            _ => &typed.indicators,
        };
        let one = |typed: &Option<PathBuf>, file: &Option<PathBuf>| {
            typed.as_ref().or(file.as_ref()).cloned()
        };
        let asked = Asked {
            trusted_networks: several(&typed.trusted_network, &self.trusted_network),
            asn_db: one(&typed.asn_db, &self.asn_db),
            country_db: one(&typed.country_db, &self.country_db),
            indicators: indicators.clone(),
            vip: important.and_then(|important| one(&important.vip, &self.vip)),
        };
        Context::load(&asked).map(Arc::new)
    }

    /// Everything that a run needs to know, but for the context.
    ///
    /// # Errors
    /// A value that cannot be used, with the flag it belongs to.
    pub fn settings(
        &self,
        inputs: Vec<String>,
        global: &Global,
        reading: &Reading,
        queries: Queries,
        out: Option<&Path>,
    ) -> Result<Settings> {
        let time = |flag, typed: &Option<String>, file: &Option<String>| {
            typed
                .as_ref()
                .or(file.as_ref())
                .map(|text| micros(flag, text))
                .transpose()
        };
        let tenants = if reading.tenant.is_empty() {
            &self.tenant
        } else {
            &reading.tenant
        };
        let keep = Keep {
            since: time("--since", &reading.since, &self.since)?,
            until: time("--until", &reading.until, &self.until)?,
            tenants: tenants
                .iter()
                .map(|tenant| tenant.trim().to_ascii_lowercase())
                .collect(),
        };
        if let (Some(since), Some(until)) = (keep.since, keep.until)
            && since >= until
        {
            return Err(Error::setting("--until", "must be later than --since"));
        }
        let limits = Limits::default();
        let max_record = reading
            .max_record
            .or(self.max_record)
            .map(|size| size.as_u64() as usize);
        let unpack = UnpackLimits::default();
        let max_unpacked = reading
            .max_unpacked
            .or(self.max_unpacked)
            .map(|size| size.as_u64());
        Ok(Settings {
            inputs,
            keep,
            limits: Limits {
                max_record: max_record.unwrap_or(limits.max_record),
                ..limits
            },
            unpack: UnpackLimits {
                bytes: max_unpacked.unwrap_or(unpack.bytes),
                ratio: reading.max_ratio.or(self.max_ratio).unwrap_or(unpack.ratio),
                ..unpack
            },
            strict: reading.strict || self.strict,
            queries,
            context: Arc::default(),
            resources: self.resources(global, out)?,
        })
    }

    /// Everything that a stream needs to know.
    ///
    /// # Errors
    /// A value that cannot be used, with the flag it belongs to.
    pub fn stream(&self, typed: &Stream, global: &Global) -> Result<stream::Settings> {
        let time = |flag, typed: &Option<String>, file: &Option<String>, default: &str| {
            let text = typed.as_deref().or(file.as_deref()).unwrap_or(default);
            length(flag, text)
        };
        let tenants = if typed.tenant.is_empty() {
            &self.tenant
        } else {
            &typed.tenant
        };
        let state = typed.state_dir.clone().or_else(|| self.state_dir.clone());
        let on_eof = typed.on_eof.or(self.on_eof);
        if on_eof == Some(OnEof::Save) && state.is_none() {
            return Err(Error::setting("--on-eof save", "needs --state-dir"));
        }
        let mode = typed.mode.or(self.mode).unwrap_or_default();
        if typed.ack.is_some() && mode != stream::Mode::Findings {
            let reason = "standard output holds nothing but acknowledgements then; only --mode findings is possible";
            return Err(Error::setting("--ack", reason));
        }
        let max_line = typed.max_line.or(self.max_line);
        Ok(stream::Settings {
            mode,
            ack: typed.ack,
            out: typed.out.clone(),
            dead_letter: typed
                .dead_letter
                .clone()
                .or_else(|| self.dead_letter.clone()),
            metrics: typed.metrics.clone().or_else(|| self.metrics.clone()),
            on_eof: on_eof.unwrap_or(if state.is_some() {
                OnEof::Save
            } else {
                OnEof::Flush
            }),
            state,
            history: time("--history", &typed.history, &self.history, "24h")?,
            lateness: time("--lateness", &typed.lateness, &self.lateness, "15m")?,
            idle_close: time("--idle-close", &typed.idle_close, &self.idle_close, "15m")?,
            revise_every: time(
                "--revise-every",
                &typed.revise_every,
                &self.revise_every,
                "10s",
            )?,
            grace: time("--grace", &typed.grace, &self.grace, "5s")?,
            max_line: max_line.map_or(4 << 20, |size| size.as_u64() as usize),
            keep: Keep {
                tenants: tenants
                    .iter()
                    .map(|tenant| tenant.trim().to_ascii_lowercase())
                    .collect(),
                ..Keep::default()
            },
            queries: self.queries(&typed.deciding)?,
            resources: self.resources(global, typed.out.as_deref())?,
        })
    }

    /// Threads, memory and the temporary folder.
    ///
    /// # Errors
    /// A value that cannot be used.
    pub fn resources(&self, global: &Global, out: Option<&Path>) -> Result<Resources> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let threads = global.threads.or(self.threads).unwrap_or(cores);
        if threads == 0 || threads > 1024 {
            return Err(Error::setting("--threads", "is 1 to 1024"));
        }
        let memory = global
            .memory_limit
            .or(self.memory_limit)
            .map_or(1 << 30, |size| size.as_u64());
        if memory < LEAST_MEMORY {
            return Err(Error::setting("--memory-limit", "is 64MiB at the least"));
        }
        // Intermediate rows belong on the disk that has room for the result.
        let beside = out
            .map(|out| out.parent().filter(|parent| !parent.as_os_str().is_empty()))
            .map(|parent| parent.map_or_else(|| PathBuf::from("."), Path::to_owned));
        let temp = global
            .temp_dir
            .clone()
            .or_else(|| self.temp_dir.clone())
            .or(beside)
            .unwrap_or_else(std::env::temp_dir);
        Ok(Resources {
            threads,
            memory: memory as usize,
            temp,
        })
    }
}

/// A length of time as people type it.
fn length(flag: &str, text: &str) -> Result<Duration> {
    text.parse::<Span>()
        .and_then(|span| span.to_duration(SpanRelativeTo::days_are_24_hours()))
        .ok()
        .and_then(|length| Duration::try_from(length).ok())
        .ok_or_else(|| {
            Error::setting(
                flag,
                format!("{text:?} is not a length of time such as 90s, 15m, 6h or 7d"),
            )
        })
}

fn usual_place() -> Option<PathBuf> {
    let folder = match std::env::var_os("XDG_CONFIG_HOME").filter(|path| !path.is_empty()) {
        Some(path) => PathBuf::from(path),
        None => PathBuf::from(std::env::var_os("HOME")?).join(".config"),
    };
    Some(folder.join("signsift").join("config.toml"))
}

/// A time as people type it, in microseconds since the Unix epoch; UTC unless it says otherwise.
fn micros(flag: &str, text: &str) -> Result<i64> {
    let time = match text.parse::<Timestamp>() {
        Ok(time) => Some(time),
        Err(_) => {
            let civil = match text.parse::<DateTime>() {
                Ok(civil) => Some(civil),
                Err(_) => text.parse::<Date>().ok().map(|date| date.at(0, 0, 0, 0)),
            };
            civil
                .and_then(|civil| civil.to_zoned(TimeZone::UTC).ok())
                .map(|zoned| zoned.timestamp())
        }
    };
    time.map(Timestamp::as_microsecond).ok_or_else(|| {
        Error::setting(
            flag,
            format!("{text:?} is not a time; write 2026-03-02 or 2026-03-02T08:00:00Z"),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_as_people_type_them() {
        let day = 1_772_409_600_000_000;
        assert_eq!(micros("--since", "2026-03-02").unwrap(), day);
        assert_eq!(micros("--since", "2026-03-02T00:00:00Z").unwrap(), day);
        assert_eq!(micros("--since", "2026-03-02T01:00:00+01:00").unwrap(), day);
        assert_eq!(micros("--since", "2026-03-02 00:00").unwrap(), day);
        assert!(micros("--since", "2026-02-30").is_err());
        assert!(micros("--since", "yesterday").is_err());
    }

    #[test]
    fn an_unknown_key_is_an_error() {
        assert!(toml::from_str::<Config>("colour = 'red'").is_err());
        let config: Config =
            toml::from_str("memory-limit = '2GiB'\n[set]\nspray_users = 4\nepisode_gap = '10m'")
                .unwrap();
        assert_eq!(config.memory_limit.map(|size| size.as_u64()), Some(2 << 30));
        assert_eq!(config.set.len(), 2);
    }

    fn config(text: &str) -> Config {
        toml::from_str(text).unwrap()
    }

    fn settings(config: &Config, reading: Reading) -> Result<Settings> {
        let queries = Queries::builtin()?;
        config.settings(
            vec!["in".to_owned()],
            &Global::default(),
            &reading,
            queries,
            None,
        )
    }

    fn value(queries: &Queries, name: &str) -> String {
        let found = queries
            .thresholds()
            .iter()
            .find(|threshold| threshold.name == name);
        found.unwrap().value()
    }

    #[test]
    fn a_threshold_comes_from_the_file_unless_it_is_typed() {
        let config = config("window = '15m'\n[set]\nspray_users = 4\nstale_tolerance = 0.5");
        let queries = config.queries(&Deciding::default()).unwrap();
        assert_eq!(value(&queries, "spray_users"), "4");
        assert_eq!(value(&queries, "stale_tolerance"), "0.5");
        assert_eq!(
            value(&queries, "window"),
            "INTERVAL '900000000 microseconds'"
        );
        let typed = Deciding {
            window: Some("1d".to_owned()),
            set: vec!["spray_users = 9".to_owned()],
            lockout_threshold: Some(7),
            queries: None,
        };
        let queries = config.queries(&typed).unwrap();
        assert_eq!(value(&queries, "spray_users"), "9");
        assert_eq!(value(&queries, "lockout_threshold"), "7");
        assert_eq!(value(&queries, "stale_tolerance"), "0.5");
        assert_eq!(
            value(&queries, "window"),
            "INTERVAL '86400000000 microseconds'"
        );
    }

    #[test]
    fn deciding_that_cannot_be_understood_is_told_by_its_flag() {
        let told = |window: Option<&str>, set: &[&str]| {
            let set = set.iter().map(|set| set.to_string()).collect();
            let typed = Deciding {
                window: window.map(str::to_owned),
                set,
                lockout_threshold: None,
                queries: None,
            };
            Config::default().queries(&typed).unwrap_err().to_string()
        };
        assert!(told(Some("an hour or so"), &[]).starts_with("--window: "));
        assert!(told(Some("0s"), &[]).starts_with("--window: "));
        assert!(told(None, &["spray_users"]).contains("is not NAME=VALUE"));
        assert!(told(None, &["nonsense=1"]).starts_with("--set nonsense: "));
        assert!(told(None, &["spray_users=many"]).contains("a whole number"));
        assert!(
            config("[set]\nspray_users = 'many'")
                .queries(&Deciding::default())
                .is_err()
        );
    }

    #[test]
    fn what_is_kept_and_believed_comes_from_flags_then_file_then_defaults() {
        let config = config(
            "since = '2026-03-01'\ntenant = ['A']\nmax-record = '1MiB'\nmax-ratio = 7\nstrict = true",
        );
        let from_file = settings(&config, Reading::default()).unwrap();
        assert_eq!(from_file.keep.since, Some(1_772_323_200_000_000));
        assert_eq!(from_file.keep.until, None);
        assert_eq!(from_file.keep.tenants, ["a"]);
        assert_eq!(
            (from_file.limits.max_record, from_file.unpack.ratio),
            (1 << 20, 7)
        );
        assert!(from_file.strict);
        let typed = Reading {
            since: Some("2026-03-02".to_owned()),
            tenant: vec![" B ".to_owned(), "c".to_owned()],
            max_ratio: Some(9),
            ..Reading::default()
        };
        let from_flags = settings(&config, typed).unwrap();
        assert_eq!(from_flags.keep.since, Some(1_772_409_600_000_000));
        assert_eq!(from_flags.keep.tenants, ["b", "c"]);
        assert_eq!(
            (from_flags.limits.max_record, from_flags.unpack.ratio),
            (1 << 20, 9)
        );
        let defaults = settings(&Config::default(), Reading::default()).unwrap();
        assert_eq!(defaults.limits, Limits::default());
        assert_eq!(defaults.unpack.ratio, UnpackLimits::default().ratio);
        assert!(!defaults.strict);
    }

    #[test]
    fn a_time_span_runs_forward() {
        let typed = |since: &str, until: &str| Reading {
            since: Some(since.to_owned()),
            until: Some(until.to_owned()),
            ..Reading::default()
        };
        let config = Config::default();
        assert!(settings(&config, typed("2026-03-02", "2026-03-03")).is_ok());
        for (since, until) in [("2026-03-03", "2026-03-02"), ("2026-03-02", "2026-03-02")] {
            let told = settings(&config, typed(since, until))
                .unwrap_err()
                .to_string();
            assert_eq!(told, "--until: must be later than --since");
        }
        let told = settings(&config, typed("soon", "2026-03-02"))
            .unwrap_err()
            .to_string();
        assert!(
            told.starts_with("--since: \"soon\" is not a time"),
            "{told}"
        );
    }

    #[test]
    fn resources_have_bounds_and_temporary_files_lie_beside_the_result() {
        let with = |global: &Global, out: Option<&str>| {
            Config::default().resources(global, out.map(Path::new))
        };
        let defaults = with(&Global::default(), None).unwrap();
        assert_eq!(defaults.memory, 1 << 30);
        assert!(defaults.threads >= 1);
        assert_eq!(defaults.temp, std::env::temp_dir());
        let temp = |out: &str| with(&Global::default(), Some(out)).unwrap().temp;
        assert_eq!(temp("/data/out"), PathBuf::from("/data"));
        assert_eq!(temp("out"), PathBuf::from("."));
        let typed = Global {
            temp_dir: Some("/scratch".into()),
            ..Global::default()
        };
        assert_eq!(
            with(&typed, Some("/data/out")).unwrap().temp,
            PathBuf::from("/scratch")
        );
        for threads in [0, 5000] {
            let global = Global {
                threads: Some(threads),
                ..Global::default()
            };
            let told = with(&global, None).unwrap_err().to_string();
            assert!(told.starts_with("--threads: "), "{told}");
        }
        let little = Some(bytesize::ByteSize::mib(63));
        let global = Global {
            memory_limit: little,
            ..Global::default()
        };
        let told = with(&global, None).unwrap_err().to_string();
        assert!(told.starts_with("--memory-limit: "), "{told}");
    }

    #[test]
    fn a_file_that_was_named_must_be_there_and_be_toml() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        assert!(matches!(Config::load(Some(&path)), Err(Error::Read { .. })));
        std::fs::write(&path, "threads = 'many'").unwrap();
        let told = Config::load(Some(&path)).unwrap_err().to_string();
        assert!(
            told.contains("config.toml") && told.contains("threads"),
            "{told}"
        );
        std::fs::write(
            &path,
            "threads = 3\ntop = 2\nformat = 'csv'\nfail-on = 'high'",
        )
        .unwrap();
        let config = Config::load(Some(&path)).unwrap();
        assert_eq!(
            config.resources(&Global::default(), None).unwrap().threads,
            3
        );
    }
}
