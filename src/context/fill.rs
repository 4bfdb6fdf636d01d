//! Fills what the analyst knows into canonical rows: once for each address, then a column at a time.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Int64Array, ListArray, ListBuilder, RecordBatch,
    StringArray, StringBuilder,
};
use arrow::datatypes::Int64Type;
use arrow::error::ArrowError;

use super::{Context, Filled};
use crate::error::{Error, Result};

/// Addresses and user agents that are remembered; then it begins anew, so that memory is bounded.
const REMEMBERED: usize = 1 << 14;

/// Fills one batch after another.
pub struct Filler<'c> {
    context: &'c Context,
    addresses: HashMap<String, Arc<Known>>,
    agents: HashMap<String, Arc<Vec<Arc<str>>>>,
    filled: Filled,
}

/// What is known of one address.
#[derive(Default)]
struct Known {
    /// Labels of the trusted networks around it.
    trusted: Vec<Arc<str>>,
    owner: Option<i64>,
    country: Option<String>,
    indicators: Vec<Arc<str>>,
}

impl<'c> Filler<'c> {
    pub(super) fn new(context: &'c Context) -> Filler<'c> {
        Filler {
            context,
            addresses: HashMap::new(),
            agents: HashMap::new(),
            filled: Filled::default(),
        }
    }

    /// Rows filled so far.
    pub fn filled(&self) -> Filled {
        self.filled
    }

    /// The same rows, filled. Columns that the batch does not have stay away.
    ///
    /// # Errors
    /// Columns that are not canonical.
    pub fn fill(&mut self, batch: RecordBatch) -> Result<RecordBatch> {
        if !self.context.fills() {
            return Ok(batch);
        }
        self.filled_batch(&batch).map_err(|source| Error::Table {
            input: "sign-ins to be filled".to_owned(),
            source,
        })
    }

    fn filled_batch(&mut self, batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
        let schema = batch.schema();
        let mut columns = batch.columns().to_vec();
        let known = self.known(batch);
        let at = |name: &str| schema.index_of(name).ok();
        if let (Some(at), true) = (at("asn"), self.context.asn.is_some()) {
            let owners = |row: usize| known.get(row)?.as_ref()?.owner;
            (columns[at], self.filled.asn) = numbers(&columns[at], owners, self.filled.asn);
        }
        if let (Some(at), true) = (at("country"), self.context.country.is_some()) {
            let countries = |row: usize| known.get(row)?.as_ref()?.country.as_deref();
            (columns[at], self.filled.country) =
                texts(&columns[at], countries, self.filled.country);
        }
        if !self.context.trusted.is_empty() {
            let trusted = |row: usize| -> &[Arc<str>] {
                let known = known.get(row).and_then(Option::as_deref);
                known.map_or(&[], |known| &known.trusted)
            };
            let rows = (0..batch.num_rows()).filter(|row| !trusted(*row).is_empty());
            self.filled.trusted += rows.count() as u64;
            if let Some(at) = at("is_trusted_location") {
                let said = columns[at].as_boolean();
                let flags: BooleanArray = (0..batch.num_rows())
                    .map(|row| match trusted(row).is_empty() {
                        true => said.is_valid(row).then(|| said.value(row)),
                        false => Some(true),
                    })
                    .collect();
                columns[at] = Arc::new(flags);
            }
            if let Some(at) = at("network_location_names") {
                columns[at] = longer(columns[at].as_list(), trusted);
            }
        }
        if let (Some(at), false) = (at("indicators"), self.context.indicators.is_empty()) {
            let owners = batch.schema().index_of("asn").ok();
            let owners = owners.map(|at| columns[at].as_primitive::<Int64Type>().clone());
            let matched = self.matched(batch, &known, owners.as_ref());
            let rows = matched.iter().filter(|labels| !labels.is_empty());
            self.filled.indicators += rows.count() as u64;
            columns[at] = longer(columns[at].as_list(), |row| {
                matched.get(row).map_or(&[], Vec::as_slice)
            });
        }
        RecordBatch::try_new(schema, columns)
    }

    /// What is known of the address of each row.
    fn known(&mut self, batch: &RecordBatch) -> Vec<Option<Arc<Known>>> {
        let Some(addresses) = text(batch, "ip_address") else {
            return Vec::new();
        };
        addresses
            .iter()
            .map(|address| {
                let address = address?;
                if let Some(known) = self.addresses.get(address) {
                    return Some(Arc::clone(known));
                }
                if self.addresses.len() >= REMEMBERED {
                    self.addresses.clear();
                }
                let known = Arc::new(self.context.known(address));
                self.addresses
                    .insert(address.to_owned(), Arc::clone(&known));
                Some(known)
            })
            .collect()
    }

    /// Labels of the indicators that each row matches, each once.
    fn matched(
        &mut self,
        batch: &RecordBatch,
        known: &[Option<Arc<Known>>],
        owners: Option<&Int64Array>,
    ) -> Vec<Vec<Arc<str>>> {
        let indicators = &self.context.indicators;
        let agents = text(batch, "user_agent").filter(|_| indicators.has_agents());
        (0..batch.num_rows())
            .map(|row| {
                let mut labels: Vec<Arc<str>> = Vec::new();
                if let Some(Some(known)) = known.get(row) {
                    labels.extend(known.indicators.iter().cloned());
                }
                if let Some(owners) = owners.filter(|owners| owners.is_valid(row)) {
                    labels.extend(indicators.of_owner(owners.value(row)).iter().cloned());
                }
                if let Some(agents) = agents.filter(|agents| agents.is_valid(row)) {
                    let agent = agents.value(row);
                    let found = match self.agents.get(agent) {
                        Some(found) => Arc::clone(found),
                        None => {
                            if self.agents.len() >= REMEMBERED {
                                self.agents.clear();
                            }
                            let found = Arc::new(indicators.of_agent(agent));
                            self.agents.insert(agent.to_owned(), Arc::clone(&found));
                            found
                        }
                    };
                    labels.extend(found.iter().cloned());
                }
                labels
            })
            .collect()
    }
}

impl Context {
    /// All that is known of an address in its canonical text.
    fn known(&self, address: &str) -> Known {
        let Ok(address) = address.parse() else {
            return Known::default();
        };
        Known {
            trusted: self.trusted.around(address).cloned().collect(),
            owner: self.asn.as_ref().and_then(|places| places.owner(address)),
            country: self
                .country
                .as_ref()
                .and_then(|places| places.country(address)),
            indicators: self.indicators.of_address(address).cloned().collect(),
        }
    }
}

fn text<'b>(batch: &'b RecordBatch, column: &str) -> Option<&'b StringArray> {
    batch.column_by_name(column)?.as_string_opt::<i32>()
}

/// Numbers with NULLs filled, and the count of them.
fn numbers(
    column: &ArrayRef,
    fill: impl Fn(usize) -> Option<i64>,
    mut filled: u64,
) -> (ArrayRef, u64) {
    let said = column.as_primitive::<Int64Type>();
    let whole: Int64Array = (0..said.len())
        .map(|row| match said.is_valid(row) {
            true => Some(said.value(row)),
            false => fill(row).inspect(|_| filled += 1),
        })
        .collect();
    (Arc::new(whole), filled)
}

/// Texts with NULLs filled, and the count of them.
fn texts<'f>(
    column: &ArrayRef,
    fill: impl Fn(usize) -> Option<&'f str>,
    mut filled: u64,
) -> (ArrayRef, u64) {
    let said = column.as_string::<i32>();
    let whole: StringArray = (0..said.len())
        .map(|row| match said.is_valid(row) {
            true => Some(said.value(row)),
            false => fill(row).inspect(|_| filled += 1),
        })
        .collect();
    (Arc::new(whole), filled)
}

/// Lists with what `more` says at their ends, nothing twice; NULL stays NULL where it says nothing.
fn longer<'m>(lists: &ListArray, more: impl Fn(usize) -> &'m [Arc<str>]) -> ArrayRef {
    if (0..lists.len()).all(|row| more(row).is_empty()) {
        return Arc::new(lists.clone());
    }
    let mut builder = ListBuilder::new(StringBuilder::new());
    let mut seen: Vec<Option<String>> = Vec::new();
    for row in 0..lists.len() {
        let more = more(row);
        if lists.is_null(row) && more.is_empty() {
            builder.append(false);
            continue;
        }
        seen.clear();
        if lists.is_valid(row) {
            let said = lists.value(row);
            seen.extend(
                said.as_string::<i32>()
                    .iter()
                    .map(|text| text.map(str::to_owned)),
            );
        }
        for label in more {
            let known = |text: &Option<String>| text.as_deref() == Some(label);
            if !seen.iter().any(known) {
                seen.push(Some(label.to_string()));
            }
        }
        for text in &seen {
            builder.values().append_option(text.as_deref());
        }
        builder.append(true);
    }
    Arc::new(builder.finish())
}
