//! What was typed, made ready to use: configuration file < environment < flags < defaults filled in.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::civil::{Date, DateTime};
use jiff::{Timestamp, tz::TimeZone};
use serde::Deserialize;

use super::{Analyze, Deciding, Global, Reading, Severity};
use crate::batch::Settings;
use crate::decode::{Keep, Limits};
use crate::engine::Resources;
use crate::error::{Error, Result};
use crate::queries::Queries;
use crate::results::Format;
use crate::source::UnpackLimits;

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
    window: Option<String>,
    queries: Option<PathBuf>,
    format: Option<Format>,
    fail_on: Option<Severity>,
    top: Option<usize>,
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
        let mut queries = match typed.queries.as_ref().or(self.queries.as_ref()) {
            Some(folder) => Queries::folder(folder)?,
            None => Queries::builtin()?,
        };
        for (name, value) in &self.set {
            let value = match value {
                toml::Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            queries.set(name, &value)?;
        }
        if let Some(window) = typed.window.as_ref().or(self.window.as_ref()) {
            queries
                .set("window", window)
                .map_err(|_| Error::setting("--window", format!("{window:?} is not a length of time such as 15m, 1h or 1d")))?;
        }
        for assignment in &typed.set {
            let Some((name, value)) = assignment.split_once('=') else {
                return Err(Error::setting("--set", format!("{assignment:?} is not NAME=VALUE")));
            };
            queries.set(name.trim(), value.trim())?;
        }
        Ok(queries)
    }

    /// Everything that a run needs to know.
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
            typed.as_ref().or(file.as_ref()).map(|text| micros(flag, text)).transpose()
        };
        let tenants = if reading.tenant.is_empty() { &self.tenant } else { &reading.tenant };
        let keep = Keep {
            since: time("--since", &reading.since, &self.since)?,
            until: time("--until", &reading.until, &self.until)?,
            tenants: tenants.iter().map(|tenant| tenant.trim().to_ascii_lowercase()).collect(),
        };
        if let (Some(since), Some(until)) = (keep.since, keep.until)
            && since >= until
        {
            return Err(Error::setting("--until", "must be later than --since"));
        }
        let limits = Limits::default();
        let max_record = reading.max_record.or(self.max_record).map(|size| size.as_u64() as usize);
        let unpack = UnpackLimits::default();
        let max_unpacked = reading.max_unpacked.or(self.max_unpacked).map(|size| size.as_u64());
        Ok(Settings {
            inputs,
            keep,
            limits: Limits { max_record: max_record.unwrap_or(limits.max_record), ..limits },
            unpack: UnpackLimits {
                bytes: max_unpacked.unwrap_or(unpack.bytes),
                ratio: reading.max_ratio.or(self.max_ratio).unwrap_or(unpack.ratio),
            },
            strict: reading.strict || self.strict,
            queries,
            resources: self.resources(global, out)?,
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
        let memory =
            global.memory_limit.or(self.memory_limit).map_or(1 << 30, |size| size.as_u64());
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
        Ok(Resources { threads, memory: memory as usize, temp })
    }
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
            toml::from_str("memory-limit = '2GiB'\n[set]\nspray_users = 4\nepisode_gap = '10m'").unwrap();
        assert_eq!(config.memory_limit.map(|size| size.as_u64()), Some(2 << 30));
        assert_eq!(config.set.len(), 2);
    }
}
