//! Networks with labels, found by an address that lies in them.

use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

use ipnet::IpNet;

use super::lists;
use crate::error::{Error, Result};

/// Networks, each with its labels.
#[derive(Debug, Default)]
pub(super) struct Networks {
    labels: HashMap<IpNet, Vec<Arc<str>>>,
    /// Lengths of prefixes that occur: one look-up each.
    lengths: BTreeSet<u8>,
}

impl Networks {
    pub(super) fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// How many there are.
    pub(super) fn len(&self) -> u64 {
        self.labels.len() as u64
    }

    /// Adds one.
    pub(super) fn add(&mut self, network: IpNet, label: Arc<str>) {
        self.lengths.insert(network.prefix_len());
        let labels = self.labels.entry(network).or_default();
        if !labels.contains(&label) {
            labels.push(label);
        }
    }

    /// The labels of all networks around `address`, the narrowest first.
    pub(super) fn around(&self, address: IpAddr) -> impl Iterator<Item = &Arc<str>> {
        self.lengths
            .iter()
            .rev()
            .filter_map(move |length| {
                let network = IpNet::new(address, *length).ok()?.trunc();
                self.labels.get(&network)
            })
            .flatten()
    }

    /// Takes what was typed: a network, an address, or a file of them.
    pub(super) fn take(&mut self, flag: &str, typed: &str) -> Result<()> {
        if let Some(network) = parse(typed) {
            let place = || format!("{flag} {typed}");
            self.add(narrow(network, place)?, network.to_string().into());
            return Ok(());
        }
        let path = Path::new(typed);
        if !path.exists() {
            return Err(Error::setting(
                flag,
                format!("{typed:?} is neither a network such as 192.0.2.0/24 nor a file of them"),
            ));
        }
        let text = lists::read(flag, path)?;
        for line in lists::lines(&text) {
            let place = || lists::place(flag, path, line.number);
            let Some(network) = parse(line.value) else {
                return Err(Error::setting(
                    place(),
                    format!(
                        "{:?} is no network; write one a line, such as 192.0.2.0/24 or 2001:db8::5, and a label after it",
                        line.value
                    ),
                ));
            };
            let label = match line.label {
                Some(label) => label.into(),
                None => network.to_string().into(),
            };
            self.add(narrow(network, place)?, label);
        }
        Ok(())
    }
}

/// A network or one address, as people write it.
pub(super) fn parse(text: &str) -> Option<IpNet> {
    match text.parse::<IpAddr>() {
        Ok(address) => Some(IpNet::from(address.to_canonical())),
        Err(_) => text.parse::<IpNet>().ok().map(|network| network.trunc()),
    }
}

/// A network that does not hold every address there is.
pub(super) fn narrow(network: IpNet, place: impl FnOnce() -> String) -> Result<IpNet> {
    match network.prefix_len() {
        0 => Err(Error::setting(
            place(),
            format!("{network} holds every address; name the networks that are meant"),
        )),
        _ => Ok(network),
    }
}
