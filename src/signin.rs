//! The canonical table `signins`: every column is named here, once, and everything else is made
//! from that list.
//!
//! The list at the end of the call of `columns!` gives the order, the type and the meaning of each
//! column. From it come [`Signin`] (one row, borrowed from the bytes it was read from), [`schema`]
//! (what SQL sees) and [`SigninBatch`] (rows on their way into Arrow). A column that is added to
//! the list is added to all of them.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{
    ArrayBuilder, ArrayRef, BooleanBuilder, Float64Builder, Int32Builder, Int64Builder,
    ListBuilder, StringBuilder, TimestampMicrosecondBuilder, UInt16Builder,
};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;

/// Name of the extra `UInt16` column that [`SigninBatch`] appends last: how many canonical fields
/// the record filled, whatever the projection, so that the richer of two copies can win. 0 marks a row
/// that is no sign-in but adds to one. It is not part of the canonical table.
pub const RICHNESS: &str = "richness";

/// Where rows stand in their input: by any count that puts the rows of an input in order, such as bytes, since threads
/// deliver them in none.
#[derive(Clone, Copy, Debug)]
pub enum Places<'p> {
    /// At this one and after.
    From(u64),
    /// Each at its own.
    Each(&'p [u64]),
}

impl From<u64> for Places<'_> {
    fn from(place: u64) -> Self {
        Places::From(place)
    }
}

/// The name of the time zone of every time column.
const UTC: &str = "UTC";

/// The Rust type of a column of each kind.
macro_rules! value {
    ($lt:lifetime text) => { Cow<$lt, str> };
    ($lt:lifetime list) => { Vec<Cow<$lt, str>> };
    ($lt:lifetime time) => { i64 };
    ($lt:lifetime int64) => { i64 };
    ($lt:lifetime int32) => { i32 };
    ($lt:lifetime float) => { f64 };
    ($lt:lifetime flag) => { bool };
}

/// The Arrow builder of a column of each kind.
macro_rules! builder {
    (text) => { StringBuilder };
    (list) => { ListBuilder<StringBuilder> };
    (time) => { TimestampMicrosecondBuilder };
    (int64) => { Int64Builder };
    (int32) => { Int32Builder };
    (float) => { Float64Builder };
    (flag) => { BooleanBuilder };
}

/// The Arrow type of a column of each kind.
macro_rules! data_type {
    (text) => {
        DataType::Utf8
    };
    (list) => {
        DataType::List(Arc::new(Field::new_list_field(DataType::Utf8, true)))
    };
    (time) => {
        DataType::Timestamp(TimeUnit::Microsecond, Some(UTC.into()))
    };
    (int64) => {
        DataType::Int64
    };
    (int32) => {
        DataType::Int32
    };
    (float) => {
        DataType::Float64
    };
    (flag) => {
        DataType::Boolean
    };
}

/// A new builder of each kind.
macro_rules! new_builder {
    (time) => {
        TimestampMicrosecondBuilder::new().with_timezone(UTC)
    };
    (list) => {
        ListBuilder::new(StringBuilder::new())
    };
    ($kind:ident) => {
        <builder!($kind)>::new()
    };
}

/// Appends one cell of each kind.
macro_rules! append {
    (text, $builder:expr, $cell:expr) => {
        $builder.append_option($cell.as_deref())
    };
    (list, $builder:expr, $cell:expr) => {
        match $cell {
            Some(items) => {
                for item in items {
                    $builder.values().append_value(item);
                }
                $builder.append(true);
            }
            None => $builder.append(false),
        }
    };
    ($kind:ident, $builder:expr, $cell:expr) => {
        $builder.append_option(*$cell)
    };
}

/// A value of each kind that borrows from nothing.
macro_rules! owned {
    (text, $value:expr) => {
        Cow::Owned($value.into_owned())
    };
    (list, $value:expr) => {
        $value
            .into_iter()
            .map(|item| Cow::Owned(item.into_owned()))
            .collect()
    };
    ($kind:ident, $value:expr) => {
        $value
    };
}

/// Makes the row, the schema and the builders from one list of columns.
macro_rules! columns {
    ($($name:ident: $kind:ident = $doc:literal,)+) => {
        /// One sign-in event, borrowed from the bytes it was read from; one field a column, in the
        /// order of the table.
        ///
        /// `None` means that the record does not carry the field. Empty text never stands for that.
        #[derive(Clone, Debug, Default, PartialEq)]
        pub struct Signin<'a> {
            $(#[doc = $doc] pub $name: Option<value!('a $kind)>,)+
        }

        impl Signin<'_> {
            /// Takes from `other` every field that `self` lacks, as owned values.
            pub fn absorb(&mut self, other: Signin<'_>) {
                $(if self.$name.is_none() {
                    self.$name = other.$name.map(|value| owned!($kind, value));
                })+
            }

            /// How many of the canonical fields the record filled. `source_file` and `spelling` do
            /// not count, since every record has them.
            pub fn richness(&self) -> u16 {
                let filled = 0 $(+ u16::from(self.$name.is_some()))+;
                filled - u16::from(self.source_file.is_some()) - u16::from(self.spelling.is_some())
            }
        }

        /// Name, type and meaning of every column, in the order of the table.
        fn fields() -> Vec<Field> {
            vec![$(described(stringify!($name), data_type!($kind), $doc)),+]
        }

        /// The names of the columns, in the order of the table.
        const NAMES: &[&str] = &[$(stringify!($name)),+];

        /// Rows on their way into one Arrow batch: a builder for each column that was asked for.
        #[derive(Debug)]
        pub struct SigninBatch {
            schema: SchemaRef,
            richness: UInt16Builder,
            $($name: Option<builder!($kind)>,)+
        }

        impl SigninBatch {
            /// An empty batch that will hold `columns` (and [`RICHNESS`], always).
            pub fn new(columns: Columns) -> Self {
                let mut index = 0..;
                let mut next_is_wanted = || index.next().is_some_and(|at| columns.contains(at));
                SigninBatch {
                    schema: columns.schema_with_richness(),
                    richness: UInt16Builder::new(),
                    $($name: next_is_wanted().then(|| new_builder!($kind)),)+
                }
            }

            /// Appends one row. The text of one batch must stay below 2 GiB a column (the limit of
            /// Arrow's `Utf8`).
            pub fn push(&mut self, signin: &Signin<'_>) {
                self.richness.append_value(signin.richness());
                $(if let Some(builder) = &mut self.$name {
                    append!($kind, builder, &signin.$name);
                })+
            }

            /// Appends a row that is no sign-in but adds to one of the same id, if there is one:
            /// its [`RICHNESS`] is 0.
            pub fn push_step(&mut self, step: &Signin<'_>) {
                self.richness.append_value(0);
                $(if let Some(builder) = &mut self.$name {
                    append!($kind, builder, &step.$name);
                })+
            }

            /// The columns so far, leaving the builders empty for the next rows.
            fn arrays(&mut self) -> Vec<ArrayRef> {
                let mut arrays: Vec<ArrayRef> = Vec::with_capacity(self.schema.fields().len());
                $(if let Some(builder) = &mut self.$name {
                    arrays.push(ArrayBuilder::finish(builder));
                })+
                arrays.push(ArrayBuilder::finish(&mut self.richness));
                arrays
            }
        }
    };
}

columns! {
    sign_in_id: text = "The key of the sign-in, lower case. Never the correlation id, which several sign-ins share.",
    time: time = "When the sign-in happened, microseconds UTC (createdDateTime, never the ingestion clock).",
    ingested_at: time = "When the log pipeline recorded it, microseconds UTC. Minutes later than `time`.",
    tenant_id: text = "The tenant that logged the sign-in, lower case.",
    category: text = "interactive, non_interactive, service_principal, managed_identity, adfs or unknown.",
    user_id: text = "Object id of the account, lower case.",
    user_principal_name: text = "Sign-in name of the account, lower case.",
    user_display_name: text = "Name of the account for people.",
    user_type: text = "member or guest, lower case.",
    ip_address: text = "Source address in canonical text: no port, no zone, IPv4-mapped folded to IPv4.",
    ip_network: text = "The /24 (IPv4) or /64 (IPv6) around `ip_address`.",
    asn: int64 = "Autonomous system number of the source address.",
    country: text = "Country or region of the source address, as logged (mostly two letters).",
    state: text = "State or province of the source address.",
    city: text = "City of the source address.",
    latitude: float = "Degrees north of the source address.",
    longitude: float = "Degrees east of the source address.",
    app_id: text = "Id of the application that signed in.",
    app_display_name: text = "Name of the application that signed in.",
    resource_id: text = "Id of the resource that was asked for.",
    resource_display_name: text = "Name of the resource that was asked for.",
    client_app: text = "Kind of client: Browser, IMAP4, Exchange ActiveSync and so on (clientAppUsed).",
    authentication_protocol: text = "Protocol of the sign-in, such as ropc or deviceCode.",
    incoming_token_type: text = "Kind of token that was presented.",
    user_agent: text = "User agent as the client sent it. Anything may stand here.",
    device_id: text = "Id of the device, where it is registered.",
    device_os: text = "Operating system of the device.",
    device_browser: text = "Browser of the device.",
    device_compliant: flag = "Whether the device is compliant.",
    device_managed: flag = "Whether the device is managed.",
    device_trust_type: text = "How the device is joined.",
    error_code: int32 = "0 is success; 50053 is the error this tool explains.",
    failure_reason: text = "Microsoft's own words for the error.",
    additional_details: text = "Microsoft's further words.",
    stated_reason: text = "Only where error_code is 50053: lockout, malicious_ip, high_confidence_risk, generic, absent.",
    password_result: text = "correct, incorrect or unknown, from the authentication steps. Never NULL.",
    is_interactive: flag = "Whether a person was at the keyboard.",
    authentication_requirement: text = "singleFactorAuthentication or multiFactorAuthentication.",
    conditional_access_status: text = "success, failure, notApplied and so on.",
    risk_level: text = "Risk of this sign-in as judged then, or else the aggregated risk.",
    risk_state: text = "State of the risk: none, atRisk, remediated and so on.",
    risk_event_types: list = "Names of the risk detections of this sign-in.",
    network_location_names: list = "Names of the named locations that the address belongs to.",
    is_trusted_location: flag = "Whether one of those locations is marked as trusted.",
    indicators: list = "Labels of the indicators that the analyst gave and this sign-in matches.",
    correlation_id: text = "Ties the sign-ins of one user action together. Not a key.",
    session_id: text = "Session of the sign-in.",
    source_file: text = "The input that this row was read from.",
    spelling: text = "How that input spells the record: dialect and framing.",
}

/// The full canonical schema. Each field carries its meaning under the metadata key `description`.
pub fn schema() -> SchemaRef {
    Columns::ALL.schema()
}

fn described(name: &str, data_type: DataType, doc: &str) -> Field {
    let description = HashMap::from([("description".to_owned(), doc.to_owned())]);
    Field::new(name, data_type, true).with_metadata(description)
}

/// A choice of canonical columns: bit *n* stands for column *n* of the table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Columns(u64);

// One bit a column: a 65th column would need a wider set.
const _: () = assert!(NAMES.len() < 64);

impl Columns {
    /// Every column of the table.
    pub const ALL: Columns = Columns((1 << NAMES.len()) - 1);

    /// No column.
    pub const NONE: Columns = Columns(0);

    /// The columns of these names. Names that the table does not have are ignored.
    pub fn of<'n>(names: impl IntoIterator<Item = &'n str>) -> Columns {
        let index = |wanted: &str| NAMES.iter().position(|name| *name == wanted);
        Columns(
            names
                .into_iter()
                .filter_map(index)
                .fold(0, |set, at| set | 1 << at),
        )
    }

    /// Whether column number `index` (from 0, in the order of the table) is chosen.
    pub fn contains(self, index: usize) -> bool {
        index < NAMES.len() && self.0 >> index & 1 == 1
    }

    /// The columns that either choice holds.
    pub fn union(self, other: Columns) -> Columns {
        Columns(self.0 | other.0)
    }

    /// The schema of the chosen columns, in the order of the table, without [`RICHNESS`].
    pub fn schema(self) -> SchemaRef {
        Arc::new(Schema::new(self.fields()))
    }

    fn schema_with_richness(self) -> SchemaRef {
        let mut fields = self.fields();
        fields.push(described(
            RICHNESS,
            DataType::UInt16,
            "How many fields the record filled.",
        ));
        Arc::new(Schema::new(fields))
    }

    fn fields(self) -> Vec<Field> {
        fields()
            .into_iter()
            .enumerate()
            .filter(|(at, _)| self.contains(*at))
            .map(|(_, field)| field)
            .collect()
    }
}

impl SigninBatch {
    /// Rows pushed since the last [`take`](Self::take).
    pub fn len(&self) -> usize {
        self.richness.len()
    }

    /// Whether there is nothing to take.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The rows so far as one batch of the chosen columns and [`RICHNESS`], leaving `self` empty;
    /// `None` when there are none.
    ///
    /// # Errors
    /// Only if Arrow finds that the columns do not fit the schema, which would be a mistake in this
    /// file.
    pub fn take(&mut self) -> Result<Option<RecordBatch>, ArrowError> {
        if self.is_empty() {
            return Ok(None);
        }
        let arrays = self.arrays();
        RecordBatch::try_new(Arc::clone(&self.schema), arrays).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::AsArray;

    #[test]
    fn the_schema_is_the_contract() {
        let schema = schema();
        assert_eq!(schema.fields().len(), 49);
        assert_eq!(schema.field(0).name(), "sign_in_id");
        assert_eq!(schema.field(48).name(), "spelling");
        let time = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        assert_eq!(schema.field_with_name("time").unwrap().data_type(), &time);
        assert_eq!(
            schema.field_with_name("error_code").unwrap().data_type(),
            &DataType::Int32
        );
        for field in schema.fields() {
            assert!(field.is_nullable(), "{}", field.name());
            assert!(
                field.metadata()["description"].len() > 10,
                "{}",
                field.name()
            );
        }
    }

    #[test]
    fn only_the_chosen_columns_are_built_and_richness_counts_all() {
        let columns = Columns::of(["time", "error_code", "no_such_column"]);
        let mut batch = SigninBatch::new(columns);
        assert!(batch.take().unwrap().is_none());
        batch.push(&Signin {
            time: Some(1),
            city: Some("Lund".into()),
            error_code: Some(50053),
            source_file: Some("a".into()),
            spelling: Some("b".into()),
            ..Signin::default()
        });
        assert_eq!(batch.len(), 1);
        let rows = batch.take().unwrap().unwrap();
        let names: Vec<_> = rows
            .schema()
            .fields()
            .iter()
            .map(|f| f.name().clone())
            .collect();
        assert_eq!(names, ["time", "error_code", RICHNESS]);
        assert_eq!(
            rows.column(2)
                .as_primitive::<arrow::datatypes::UInt16Type>()
                .value(0),
            3
        );
        assert!(batch.is_empty());
        batch.push(&Signin::default());
        assert_eq!(batch.take().unwrap().unwrap().num_rows(), 1);
    }

    #[test]
    fn every_kind_of_column_keeps_null_and_value() {
        let mut batch = SigninBatch::new(Columns::ALL);
        batch.push(&Signin::default());
        batch.push(&Signin {
            asn: Some(64500),
            latitude: Some(1.5),
            device_managed: Some(true),
            risk_event_types: Some(vec!["a".into(), "b".into()]),
            network_location_names: Some(vec![]),
            ..Signin::default()
        });
        let rows = batch.take().unwrap().unwrap();
        for column in &rows.columns()[..49] {
            assert!(column.is_null(0));
        }
        let risks = rows
            .column_by_name("risk_event_types")
            .unwrap()
            .as_list::<i32>()
            .value(1);
        assert_eq!(risks.as_string::<i32>().value(1), "b");
        let names = rows.column_by_name("network_location_names").unwrap();
        assert!(names.is_valid(1) && names.as_list::<i32>().value(1).is_empty());
    }

    #[test]
    fn absorb_takes_only_what_is_lacking() {
        let mut one = Signin {
            city: Some("Lund".into()),
            ..Signin::default()
        };
        let text = String::from("Malmö");
        one.absorb(Signin {
            city: Some(Cow::Borrowed(&text)),
            state: Some(Cow::Borrowed(&text)),
            risk_event_types: Some(vec![Cow::Borrowed(&text)]),
            ..Signin::default()
        });
        drop(text);
        assert_eq!(one.city.as_deref(), Some("Lund"));
        assert_eq!(one.state.as_deref(), Some("Malmö"));
        assert_eq!(one.richness(), 3);
    }

    #[test]
    fn choices_can_be_joined() {
        let both = Columns::of(["time"]).union(Columns::of(["spelling"]));
        assert!(both.contains(1) && both.contains(48) && !both.contains(0) && !both.contains(63));
        assert_eq!(Columns::ALL.union(both), Columns::ALL);
    }
}
