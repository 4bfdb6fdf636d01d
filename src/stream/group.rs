//! Columns whose values come together again and again (an account's, an address's, a program's), each
//! combination kept once and named by a number: a sign-in in the history is five such numbers.

use std::hash::BuildHasher;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, new_null_array};
use arrow::compute::concat;
use arrow::datatypes::{DataType, SchemaRef};
use arrow::error::ArrowError;
use arrow::row::{RowConverter, Rows, SortField};
use hashbrown::{DefaultHashBuilder, HashTable};

/// The group that each column belongs to, by name. Columns that are named nowhere belong to the last
/// group, of what is the sign-in's own.
const TOGETHER: [&[&str]; 4] = [
    &[
        "tenant_id",
        "user_id",
        "user_principal_name",
        "user_display_name",
        "user_type",
        "device_id",
    ],
    &[
        "ip_address",
        "ip_network",
        "asn",
        "country",
        "state",
        "city",
        "latitude",
        "longitude",
        "network_location_names",
        "is_trusted_location",
    ],
    &[
        "app_id",
        "app_display_name",
        "resource_id",
        "resource_display_name",
        "client_app",
        "authentication_protocol",
        "incoming_token_type",
        "user_agent",
        "device_os",
        "device_browser",
        "device_compliant",
        "device_managed",
        "device_trust_type",
        "source_file",
        "spelling",
    ],
    &[
        "category",
        "error_code",
        "failure_reason",
        "additional_details",
        "stated_reason",
        "password_result",
        "is_interactive",
        "authentication_requirement",
        "conditional_access_status",
        "risk_level",
        "risk_state",
        "risk_event_types",
    ],
];

/// How many groups there are.
pub(super) const GROUPS: usize = TOGETHER.len() + 1;
/// The group of what is a sign-in's own: its ids.
pub(super) const OWN: usize = GROUPS - 1;

/// The number of the group of a column.
fn group_of(column: &str) -> usize {
    let holds = |names: &&[&str]| names.contains(&column);
    TOGETHER.iter().position(holds).unwrap_or(OWN)
}

/// One group: its columns, and every combination of their values that was met.
pub(super) struct Group {
    /// Where its columns stand in the table.
    pub(super) columns: Vec<usize>,
    types: Vec<DataType>,
    converter: RowConverter,
    met: Rows,
    numbers: HashTable<u32>,
    hasher: DefaultHashBuilder,
    /// The combinations as columns, as far as they have been asked for.
    values: Vec<ArrayRef>,
    bytes: usize,
}

impl Group {
    /// The groups of a table without the columns that every sign-in has for itself (`apart`). The
    /// number 0 of each stands for NULL everywhere.
    pub(super) fn of(schema: &SchemaRef, apart: &[&str]) -> Result<Vec<Group>, ArrowError> {
        let mut columns = vec![Vec::new(); GROUPS];
        for (at, field) in schema.fields().iter().enumerate() {
            if !apart.contains(&field.name().as_str()) {
                columns[group_of(field.name())].push(at);
            }
        }
        columns
            .into_iter()
            .map(|columns| Group::new(schema, columns))
            .collect()
    }

    fn new(schema: &SchemaRef, columns: Vec<usize>) -> Result<Group, ArrowError> {
        let types: Vec<DataType> = columns
            .iter()
            .map(|at| schema.field(*at).data_type().clone())
            .collect();
        let fields = types.iter().cloned().map(SortField::new).collect();
        let converter = RowConverter::new(fields)?;
        let mut group = Group {
            met: converter.empty_rows(0, 0),
            values: types.iter().map(|of| new_null_array(of, 0)).collect(),
            numbers: HashTable::new(),
            hasher: DefaultHashBuilder::default(),
            bytes: 0,
            columns,
            types,
            converter,
        };
        if !group.columns.is_empty() {
            let nulls: Vec<_> = group.types.iter().map(|of| new_null_array(of, 1)).collect();
            group.intern(&nulls)?;
        }
        Ok(group)
    }

    /// The numbers of the rows of a batch of the table.
    pub(super) fn numbers(&mut self, batch: &RecordBatch) -> Result<Vec<u32>, ArrowError> {
        if self.columns.is_empty() {
            return Ok(vec![0; batch.num_rows()]);
        }
        let columns: Vec<ArrayRef> = self
            .columns
            .iter()
            .map(|at| Arc::clone(batch.column(*at)))
            .collect();
        self.intern(&columns)
    }

    fn intern(&mut self, columns: &[ArrayRef]) -> Result<Vec<u32>, ArrowError> {
        let rows = self.converter.convert_columns(columns)?;
        let mut numbers = Vec::with_capacity(rows.num_rows());
        for row in rows.iter() {
            let hash = self.hasher.hash_one(row.data());
            let met = &self.met;
            let known = self
                .numbers
                .find(hash, |at| met.row(*at as usize).data() == row.data());
            let number = match known {
                Some(number) => *number,
                None => {
                    let number = self.met.num_rows() as u32;
                    self.met.push(row);
                    self.bytes += row.data().len();
                    let (met, hasher) = (&self.met, &self.hasher);
                    self.numbers.insert_unique(hash, number, |at| {
                        hasher.hash_one(met.row(*at as usize).data())
                    });
                    number
                }
            };
            numbers.push(number);
        }
        Ok(numbers)
    }

    /// The combinations as columns, in the order of their numbers.
    pub(super) fn values(&mut self) -> Result<&[ArrayRef], ArrowError> {
        let known = self.values.first().map_or(0, |column| column.len());
        let met = self.met.num_rows();
        if known < met && !self.columns.is_empty() {
            let new = (known..met).map(|at| self.met.row(at));
            let new = self.converter.convert_rows(new)?;
            for (values, new) in self.values.iter_mut().zip(new) {
                *values = concat(&[values.as_ref(), new.as_ref()])?;
            }
        }
        Ok(&self.values)
    }

    /// Forgets every combination but those of `used`, which become their new numbers.
    pub(super) fn keep_only<'k>(&mut self, used: impl Iterator<Item = &'k mut u32>) {
        let mut renamed = vec![u32::MAX; self.met.num_rows()];
        let mut met = self.converter.empty_rows(0, 0);
        let mut bytes = 0;
        let mut rename = |number: &mut u32| {
            let Some(new) = renamed.get_mut(*number as usize) else {
                return;
            };
            if *new == u32::MAX {
                *new = met.num_rows() as u32;
                let row = self.met.row(*number as usize);
                bytes += row.data().len();
                met.push(row);
            }
            *number = *new;
        };
        // 0 stays what it is.
        rename(&mut 0);
        used.for_each(rename);
        self.numbers = HashTable::with_capacity(met.num_rows());
        for at in 0..met.num_rows() {
            let hasher = &self.hasher;
            let hash = |at: &u32| hasher.hash_one(met.row(*at as usize).data());
            self.numbers
                .insert_unique(hash(&(at as u32)), at as u32, hash);
        }
        self.values = self.types.iter().map(|of| new_null_array(of, 0)).collect();
        self.met = met;
        self.bytes = bytes;
    }

    /// About how much memory the combinations take, as rows and as columns.
    pub(super) fn bytes(&self) -> usize {
        2 * self.bytes + 16 * self.met.num_rows()
    }
}
