//! What the analyst knows and the log does not: trusted networks, owners and countries of addresses,
//! lists of bad ones, and the accounts that matter most.
//!
//! All but the last is filled into the canonical rows before any query sees them, so that rules stay
//! plain SQL. Only what the log lacks is filled: nothing that it says is ever replaced.

mod fill;
mod indicators;
mod lists;
mod networks;
mod places;
mod stix;

use std::collections::BTreeSet;
use std::ops::AddAssign;
use std::path::PathBuf;

use serde::Serialize;

use crate::error::{Error, Result};
use crate::signin::Columns;
pub use fill::Filler;
use indicators::Indicators;
use networks::Networks;
use places::Places;

/// What was typed, or stands in the configuration file.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// `--trusted-network`: networks, addresses, or files of them.
    pub trusted_networks: Vec<String>,
    /// `--asn-db`.
    pub asn_db: Option<PathBuf>,
    /// `--country-db`.
    pub country_db: Option<PathBuf>,
    /// `--indicators`.
    pub indicators: Vec<PathBuf>,
    /// `--vip`.
    pub vip: Option<PathBuf>,
}

/// What the analyst knows, read and checked.
#[derive(Debug, Default)]
pub struct Context {
    trusted: Networks,
    asn: Option<Places>,
    country: Option<Places>,
    indicators: Indicators,
    vips: Vec<String>,
    given: Given,
}

/// What coverage says of it.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Given {
    /// `--trusted-network`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trusted_networks: Option<Source>,
    /// `--asn-db`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asn_db: Option<Source>,
    /// `--country-db`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country_db: Option<Source>,
    /// `--indicators`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub indicators: Option<Source>,
    /// `--vip`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vips: Option<Source>,
}

/// One kind of knowledge.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Source {
    /// Files, or what was typed instead.
    pub from: Vec<String>,
    /// Entries that can be compared with sign-ins. Not counted in a database of addresses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entries: Option<u64>,
    /// Entries of a kind that sign-ins do not have, such as domains.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entries_not_used: Option<u64>,
    /// Sign-ins that something was filled into.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sign_ins_filled: Option<u64>,
}

/// Sign-ins that something was filled into.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Filled {
    /// Address in a trusted network.
    pub trusted: u64,
    /// Network owner filled in.
    pub asn: u64,
    /// Country filled in.
    pub country: u64,
    /// On a list of indicators.
    pub indicators: u64,
}

impl AddAssign for Filled {
    fn add_assign(&mut self, other: Filled) {
        self.trusted += other.trusted;
        self.asn += other.asn;
        self.country += other.country;
        self.indicators += other.indicators;
    }
}

impl Context {
    /// Reads every file that was named.
    ///
    /// # Errors
    /// A file that cannot be read or understood, with the flag, the file and the line.
    pub fn load(asked: &Asked) -> Result<Context> {
        let mut context = Context::default();
        if !asked.trusted_networks.is_empty() {
            for typed in &asked.trusted_networks {
                context.trusted.take("--trusted-network", typed)?;
            }
            context.given.trusted_networks = Some(Source {
                from: asked.trusted_networks.clone(),
                entries: Some(context.trusted.len()),
                ..Source::default()
            });
        }
        let database = |places: &Places| Source {
            from: vec![places.about().to_owned()],
            ..Source::default()
        };
        if let Some(path) = &asked.asn_db {
            let places = Places::of_owners(path)?;
            context.given.asn_db = Some(database(&places));
            context.asn = Some(places);
        }
        if let Some(path) = &asked.country_db {
            let places = Places::of_countries(path)?;
            context.given.country_db = Some(database(&places));
            context.country = Some(places);
        }
        if !asked.indicators.is_empty() {
            for path in &asked.indicators {
                context.indicators.take(path)?;
            }
            context.given.indicators = Some(Source {
                from: shown(&asked.indicators),
                entries: Some(context.indicators.entries),
                entries_not_used: Some(context.indicators.not_used),
                ..Source::default()
            });
        }
        if let Some(path) = &asked.vip {
            context.vips = vips(path)?;
            context.given.vips = Some(Source {
                from: shown(std::slice::from_ref(path)),
                entries: Some(context.vips.len() as u64),
                ..Source::default()
            });
        }
        Ok(context)
    }

    /// Whether there is anything to fill into rows.
    pub fn fills(&self) -> bool {
        !self.trusted.is_empty()
            || self.asn.is_some()
            || self.country.is_some()
            || !self.indicators.is_empty()
    }

    /// Fills rows, one batch after another. Each thread has its own.
    pub fn filler(&self) -> Filler<'_> {
        Filler::new(self)
    }

    /// `columns`, and those that must be read to fill them.
    pub fn columns(&self, columns: Columns) -> Columns {
        let wanted = |name: &str| columns.union(Columns::of([name])) == columns;
        let mut needed = columns;
        let mut need = |names: &[&str]| {
            needed = needed.union(Columns::of(names.iter().copied()));
        };
        let trusted = wanted("is_trusted_location") || wanted("network_location_names");
        let indicators = wanted("indicators") && !self.indicators.is_empty();
        if trusted && !self.trusted.is_empty() {
            need(&["ip_address"]);
        }
        if self.asn.is_some() && (wanted("asn") || indicators) {
            need(&["ip_address", "asn"]);
        }
        if self.country.is_some() && wanted("country") {
            need(&["ip_address"]);
        }
        if indicators {
            need(&["ip_address", "asn", "user_agent"]);
        }
        needed
    }

    /// The accounts that matter most, lower case: sign-in names or object ids.
    pub fn vips(&self) -> &[String] {
        &self.vips
    }

    /// What coverage says, when these rows were filled; `None` when nothing was given.
    pub fn given(&self, filled: Filled) -> Option<Given> {
        let mut given = self.given.clone();
        let mut any = given.vips.is_some();
        for (source, rows) in [
            (&mut given.trusted_networks, filled.trusted),
            (&mut given.asn_db, filled.asn),
            (&mut given.country_db, filled.country),
            (&mut given.indicators, filled.indicators),
        ] {
            if let Some(source) = source {
                source.sign_ins_filled = Some(rows);
                any = true;
            }
        }
        any.then_some(given)
    }
}

fn shown(paths: &[PathBuf]) -> Vec<String> {
    paths
        .iter()
        .map(|path| path.display().to_string())
        .collect()
}

/// Accounts, one a line.
fn vips(path: &std::path::Path) -> Result<Vec<String>> {
    const FLAG: &str = "--vip";
    let text = lists::read(FLAG, path)?;
    let mut accounts = BTreeSet::new();
    for line in lists::lines(&text) {
        let account = line.value.to_lowercase();
        let is_id = account.len() == 36
            && account
                .bytes()
                .all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
        if !account.contains('@') && !is_id {
            return Err(Error::setting(
                lists::place(FLAG, path, line.number),
                format!(
                    "{:?} is neither a sign-in name (name@domain) nor an object id; write one a line",
                    line.value
                ),
            ));
        }
        accounts.insert(account);
    }
    Ok(accounts.into_iter().collect())
}

#[cfg(test)]
mod tests;
