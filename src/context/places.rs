//! Owners and countries of addresses, from an offline database in the MMDB format.

use std::net::IpAddr;
use std::path::Path;

use maxminddb::{Reader, WithinOptions};
use serde::Deserialize;

use crate::error::{Error, Result};

/// Networks that are looked at to see whether a database holds what is wanted of it.
const LOOKED_AT: usize = 1000;

/// One database.
pub(super) struct Places {
    reader: Reader<Vec<u8>>,
    about: String,
}

impl std::fmt::Debug for Places {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Places")
            .field("about", &self.about)
            .finish_non_exhaustive()
    }
}

/// What a record may say, as the known makers of such databases spell it.
#[derive(Default, Deserialize)]
struct Record {
    autonomous_system_number: Option<i64>,
    asn: Option<Asn>,
    country: Option<Country>,
    country_code: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Asn {
    Number(i64),
    Text(String),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Country {
    Code(String),
    Record { iso_code: Option<String> },
}

impl Record {
    fn owner(self) -> Option<i64> {
        let other = match self.asn {
            Some(Asn::Number(number)) => Some(number),
            Some(Asn::Text(text)) => number(&text),
            None => None,
        };
        self.autonomous_system_number.or(other)
    }

    /// Two letters, as logs write it.
    fn country(self) -> Option<String> {
        let other = match self.country {
            Some(Country::Code(code)) => Some(code),
            Some(Country::Record { iso_code }) => iso_code,
            None => None,
        };
        self.country_code
            .or(other)
            .filter(|code| code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_alphabetic()))
            .map(|code| code.to_ascii_uppercase())
    }
}

/// The number of an autonomous system, with or without AS before it.
pub(super) fn number(text: &str) -> Option<i64> {
    let digits = match text.get(..2) {
        Some(prefix) if prefix.eq_ignore_ascii_case("as") => &text[2..],
        _ => text,
    };
    digits.parse::<u32>().ok().map(i64::from)
}

impl Places {
    /// A database of owners.
    pub(super) fn of_owners(path: &Path) -> Result<Places> {
        let places = Places::open("--asn-db", path)?;
        places.check("--asn-db", path, "AS numbers", "GeoLite2-ASN", |record| {
            record.owner().is_some()
        })
    }

    /// A database of countries.
    pub(super) fn of_countries(path: &Path) -> Result<Places> {
        let places = Places::open("--country-db", path)?;
        let kind = "GeoLite2-Country";
        places.check("--country-db", path, "countries", kind, |record| {
            record.country().is_some()
        })
    }

    fn open(flag: &str, path: &Path) -> Result<Places> {
        let reader = Reader::open_readfile(path).map_err(|error| {
            Error::setting(
                format!("{flag} {}", path.display()),
                format!("cannot be read as a database in the MMDB format ({error})"),
            )
        })?;
        let built = jiff::Timestamp::from_second(reader.metadata.build_epoch as i64)
            .map(|time| time.strftime("%Y-%m-%d").to_string())
            .unwrap_or_default();
        let about = format!(
            "{} ({}, built {built})",
            path.display(),
            reader.metadata.database_type
        );
        Ok(Places { reader, about })
    }

    fn check(
        self,
        flag: &str,
        path: &Path,
        wanted: &str,
        example: &str,
        holds: impl Fn(Record) -> bool,
    ) -> Result<Places> {
        let networks = self.reader.networks(WithinOptions::default());
        let found = networks.into_iter().flatten().take(LOOKED_AT).any(|place| {
            let record = place.and_then(|place| place.decode::<Record>());
            record.ok().flatten().is_some_and(&holds)
        });
        if found {
            return Ok(self);
        }
        Err(Error::setting(
            format!("{flag} {}", path.display()),
            format!(
                "holds no {wanted} (it calls itself {:?}); give one such as {example}",
                self.reader.metadata.database_type
            ),
        ))
    }

    /// The file, what it calls itself, and when it was made.
    pub(super) fn about(&self) -> &str {
        &self.about
    }

    /// The number of the network owner.
    pub(super) fn owner(&self, address: IpAddr) -> Option<i64> {
        self.record(address)?.owner()
    }

    /// The country, in two letters.
    pub(super) fn country(&self, address: IpAddr) -> Option<String> {
        self.record(address)?.country()
    }

    /// What is said of an address. A damaged record, or an IPv6 address in a database of IPv4, says
    /// nothing.
    fn record(&self, address: IpAddr) -> Option<Record> {
        self.reader.lookup(address).ok()?.decode().ok()?
    }
}
