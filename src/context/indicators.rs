//! Lists of bad addresses, networks, network owners and user agents: CSV, one a line, or STIX 2.1.

use std::collections::HashMap;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

use ipnet::IpNet;

use super::networks::{self, Networks};
use super::places::number;
use super::{lists, stix};
use crate::error::{Error, Result};

const FLAG: &str = "--indicators";

/// What a sign-in can be compared with.
#[derive(Debug, PartialEq)]
pub(super) enum Kind {
    /// An address, or a network of them.
    Network(IpNet),
    /// The number of a network owner.
    Owner(i64),
    /// A user agent, whole; or its beginning, when it ends in `*`.
    Agent(String),
}

/// All lists together.
#[derive(Debug, Default)]
pub(super) struct Indicators {
    networks: Networks,
    owners: HashMap<i64, Vec<Arc<str>>>,
    agents: HashMap<String, Vec<Arc<str>>>,
    beginnings: Vec<(String, Arc<str>)>,
    /// Entries that can be compared.
    pub(super) entries: u64,
    /// Entries of kinds that sign-ins do not have.
    pub(super) not_used: u64,
}

impl Indicators {
    pub(super) fn is_empty(&self) -> bool {
        self.entries == 0
    }

    /// Labels of the entries that `address` is on.
    pub(super) fn of_address(&self, address: IpAddr) -> impl Iterator<Item = &Arc<str>> {
        self.networks.around(address)
    }

    /// Labels of the entries that a network owner is on.
    pub(super) fn of_owner(&self, owner: i64) -> &[Arc<str>] {
        self.owners.get(&owner).map_or(&[], Vec::as_slice)
    }

    /// Whether user agents need to be looked at.
    pub(super) fn has_agents(&self) -> bool {
        !self.agents.is_empty() || !self.beginnings.is_empty()
    }

    /// Labels of the entries that a user agent is on, whatever its case.
    pub(super) fn of_agent(&self, agent: &str) -> Vec<Arc<str>> {
        let agent = agent.to_lowercase();
        let whole = self.agents.get(&agent).into_iter().flatten();
        let begun = self.beginnings.iter();
        let begun = begun.filter(|(beginning, _)| agent.starts_with(beginning.as_str()));
        whole
            .chain(begun.map(|(_, label)| label))
            .cloned()
            .collect()
    }

    /// Takes the entries of one file.
    pub(super) fn take(&mut self, path: &Path) -> Result<()> {
        let text = lists::read(FLAG, path)?;
        let (entries, not_used) = (self.entries, self.not_used);
        if text.trim_start().starts_with('{') {
            let found = stix::read(&text)
                .map_err(|reason| Error::setting(format!("{FLAG} {}", path.display()), reason))?;
            self.not_used += found.not_used;
            for (kind, label) in found.entries {
                self.add(kind, label, || format!("{FLAG} {}", path.display()))?;
            }
        } else if has_header(&text) {
            self.table(path, &text)?;
        } else {
            for line in lists::lines(&text) {
                let (kind, label) = match guess(line.value) {
                    Some(kind @ (Kind::Network(_) | Kind::Owner(_))) => (Some(kind), line.label),
                    // A user agent is the whole line.
                    _ => (guess(line.whole), None),
                };
                let label = label.unwrap_or(line.whole).to_owned();
                match kind {
                    Some(kind) => {
                        self.add(kind, label, || lists::place(FLAG, path, line.number))?;
                    }
                    None => self.not_used += 1,
                }
            }
        }
        if self.entries == entries && self.not_used > not_used {
            return Err(Error::setting(
                format!("{FLAG} {}", path.display()),
                "holds no indicator that a sign-in can be compared with: addresses, networks, AS numbers (AS64496) and user agents can",
            ));
        }
        Ok(())
    }

    /// A CSV with a header: `value`, and perhaps `type` and `label`.
    fn table(&mut self, path: &Path, text: &str) -> Result<()> {
        let mut reader = csv::ReaderBuilder::new()
            .flexible(true)
            .comment(Some(b'#'))
            .trim(csv::Trim::All)
            .from_reader(text.as_bytes());
        let failed = |error: csv::Error| {
            Error::setting(format!("{FLAG} {}", path.display()), error.to_string())
        };
        let header = reader.headers().map_err(failed)?.clone();
        let column = |name: &str| {
            header
                .iter()
                .position(|head| head.eq_ignore_ascii_case(name))
        };
        let (value, kind, label) = (column("value"), column("type"), column("label"));
        for record in reader.records() {
            let record = record.map_err(failed)?;
            let line = record.position().map_or(0, csv::Position::line) as usize;
            let cell = |column: Option<usize>| {
                let cell = column.and_then(|at| record.get(at));
                cell.filter(|cell| !cell.is_empty())
            };
            let Some(value) = cell(value) else { continue };
            let place = || lists::place(FLAG, path, line);
            let found = match cell(kind) {
                None => guess(value),
                Some(word) => {
                    typed(word, value).map_err(|reason| Error::setting(place(), reason))?
                }
            };
            match found {
                Some(kind) => self.add(kind, cell(label).unwrap_or(value).to_owned(), place)?,
                None => self.not_used += 1,
            }
        }
        Ok(())
    }

    fn add(&mut self, kind: Kind, label: String, place: impl FnOnce() -> String) -> Result<()> {
        let label: Arc<str> = label.into();
        match kind {
            Kind::Network(network) => self.networks.add(networks::narrow(network, place)?, label),
            Kind::Owner(owner) => self.owners.entry(owner).or_default().push(label),
            Kind::Agent(agent) => {
                let agent = agent.to_lowercase();
                match agent.strip_suffix('*') {
                    Some("") => {
                        return Err(Error::setting(place(), "\"*\" is every user agent"));
                    }
                    Some(beginning) => self.beginnings.push((beginning.to_owned(), label)),
                    None => self.agents.entry(agent).or_default().push(label),
                }
            }
        }
        self.entries += 1;
        Ok(())
    }
}

/// Whether the first line that says something names a column `value`.
fn has_header(text: &str) -> bool {
    lists::lines(text).next().is_some_and(|line| {
        let mut names = line.whole.split(',');
        names.any(|name| name.trim_matches([' ', '"']).eq_ignore_ascii_case("value"))
    })
}

/// What an entry without a type is; `None` for what sign-ins do not have.
fn guess(value: &str) -> Option<Kind> {
    if let Some(network) = networks::parse(value) {
        return Some(Kind::Network(network));
    }
    if let Some(owner) = number(value) {
        return Some(Kind::Owner(owner));
    }
    (!is_other(value)).then(|| Kind::Agent(value.to_owned()))
}

/// Domains, URLs, mail addresses and hashes of files: what lists hold besides, and no user agent.
fn is_other(value: &str) -> bool {
    let hash =
        [32, 40, 64].contains(&value.len()) && value.bytes().all(|byte| byte.is_ascii_hexdigit());
    let one_word = !value.contains([' ', '/']);
    let last = value.rsplit('.').next().unwrap_or_default();
    let domain = one_word
        && value.contains('.')
        && last.len() > 1
        && last.bytes().all(|byte| byte.is_ascii_alphabetic());
    let url = value
        .split_once("://")
        .is_some_and(|(scheme, _)| scheme.bytes().all(|byte| byte.is_ascii_alphabetic()));
    hash || domain || url || (one_word && value.contains('@'))
}

/// An entry whose type is said; `None` for a type that sign-ins do not have.
fn typed(word: &str, value: &str) -> std::result::Result<Option<Kind>, String> {
    let word = word.to_ascii_lowercase().replace(['_', ' '], "-");
    match word.as_str() {
        "ip" | "ipv4" | "ipv6" | "ipv4-addr" | "ipv6-addr" | "address" | "network" | "cidr" => {
            match networks::parse(value) {
                Some(network) => Ok(Some(Kind::Network(network))),
                None => Err(format!(
                    "{value:?} is no address and no network, though its type says so"
                )),
            }
        }
        "asn" | "as" | "autonomous-system" => match number(value) {
            Some(owner) => Ok(Some(Kind::Owner(owner))),
            None => Err(format!("{value:?} is no AS number, such as AS64496")),
        },
        "user-agent" | "useragent" => Ok(Some(Kind::Agent(value.to_owned()))),
        _ => Ok(None),
    }
}
