//! Parquet that others write: the export job of Log Analytics, whose column types are not documented.
//! The story is written here in several of them, and must be the same sign-ins.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use arrow::json::ReaderBuilder;
use arrow::json::reader::infer_json_schema_from_iterator;
use parquet::arrow::ArrowWriter;
use parquet::basic::{BrotliLevel, Compression, GzipLevel, ZstdLevel};
use parquet::file::properties::WriterProperties;
use serde_json::{Map, Value, json};

use super::support::{coverage, root, rows, run, run_on, sample, signsift};

type Row = Map<String, Value>;

/// The rows of the query API's answer, and the names of its columns of time and of its dynamic ones.
struct Story {
    rows: Vec<Row>,
    times: Vec<String>,
    dynamic: Vec<String>,
}

fn story() -> Story {
    let packed = File::open(root().join(sample(QUERY_API))).unwrap();
    let mut text = String::new();
    #[allow(clippy::disallowed_types, reason = "our own sample")]
    let mut unpacked = flate2::read::GzDecoder::new(packed);
    unpacked.read_to_string(&mut text).unwrap();
    let answer: Value = serde_json::from_str(&text).unwrap();
    let table = &answer["tables"][0];
    let columns = table["columns"].as_array().unwrap();
    let of_type = |wanted: &str| {
        let named = columns.iter().filter(|column| column["type"] == wanted);
        named
            .map(|column| column["name"].as_str().unwrap().to_owned())
            .collect()
    };
    let cells = |row: &Value| {
        let cells = row.as_array().unwrap().iter();
        let names = columns
            .iter()
            .map(|column| column["name"].as_str().unwrap().to_owned());
        names.zip(cells.cloned()).collect()
    };
    Story {
        rows: table["rows"]
            .as_array()
            .unwrap()
            .iter()
            .map(cells)
            .collect(),
        times: of_type("datetime"),
        dynamic: of_type("dynamic"),
    }
}

const QUERY_API: &str = "log-analytics/query-api.json.gz";

impl Story {
    /// Every cell is text, as an export of everything as strings has it.
    fn as_texts(&self) -> RecordBatch {
        let text = |(name, cell): (&String, &Value)| {
            let cell = match cell {
                Value::Null | Value::String(_) => cell.clone(),
                other => Value::String(other.to_string()),
            };
            (name.clone(), cell)
        };
        let rows: Vec<Row> = self
            .rows
            .iter()
            .map(|row| row.iter().map(text).collect())
            .collect();
        let names = self.rows[0].keys();
        let fields = names.map(|name| Field::new(name, DataType::Utf8, true));
        batch(&rows, Schema::new(fields.collect::<Vec<_>>()))
    }

    /// Times are timestamps, dynamic cells are structs and lists, codes are numbers.
    fn as_values(&self, time: DataType) -> RecordBatch {
        let value = |(name, cell): (&String, &Value)| {
            let cell = match cell {
                Value::String(text) if self.dynamic.contains(name) => {
                    serde_json::from_str(text).unwrap_or(Value::Null)
                }
                Value::String(text) if name == "ResultType" => json!(text.parse::<i64>().unwrap()),
                other => other.clone(),
            };
            (name.clone(), filled(cell))
        };
        let rows: Vec<Row> = self
            .rows
            .iter()
            .map(|row| row.iter().map(value).collect())
            .collect();
        let known = inferred(&rows);
        let fields = known
            .fields()
            .iter()
            .map(|field| match self.times.contains(field.name()) {
                true => Field::new(field.name(), time.clone(), true),
                false => field.as_ref().clone(),
            });
        batch(&rows, Schema::new(fields.collect::<Vec<_>>()))
    }
}

/// The same without objects that are empty, which Parquet does not know.
fn filled(cell: Value) -> Value {
    match cell {
        Value::Object(fields) if fields.is_empty() => Value::Null,
        Value::Object(fields) => fields
            .into_iter()
            .map(|(name, value)| (name, filled(value)))
            .collect::<Row>()
            .into(),
        Value::Array(items) => items.into_iter().map(filled).collect(),
        other => other,
    }
}

fn inferred(rows: &[Row]) -> Schema {
    let rows = rows.iter().map(|row| Ok(Value::Object(row.clone())));
    infer_json_schema_from_iterator(rows).unwrap()
}

fn batch(rows: &[Row], schema: Schema) -> RecordBatch {
    let mut decoder = ReaderBuilder::new(Arc::new(schema))
        .with_coerce_primitive(true)
        .build_decoder()
        .unwrap();
    decoder.serialize(rows).unwrap();
    decoder.flush().unwrap().unwrap()
}

fn write(path: &Path, batch: &RecordBatch, compression: Compression) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let properties = WriterProperties::builder()
        .set_compression(compression)
        .set_max_row_group_row_count(Some(100))
        .build();
    let file = File::create(path).unwrap();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(properties)).unwrap();
    writer.write(batch).unwrap();
    writer.close().unwrap();
}

/// What signsift reads of `input`, but for where it stood.
fn sign_ins(input: &str, spelling: &str) -> Vec<Value> {
    let mut rows = rows("SELECT * FROM signins ORDER BY sign_in_id", &[input]);
    for row in &mut rows {
        let row = row.as_object_mut().unwrap();
        assert_eq!(row["spelling"], spelling);
        row.retain(|name, _| !["source_file", "spelling"].contains(&name.as_str()));
    }
    rows
}

#[test]
fn the_export_job_of_log_analytics_in_any_types() {
    let temp = tempfile::tempdir().unwrap();
    let expected = sign_ins(&sample(QUERY_API), "log_analytics.json_tables");
    assert_eq!(expected.len(), 293);
    let story = story();
    let time = |unit, zone: Option<&str>| DataType::Timestamp(unit, zone.map(Into::into));
    for (number, (batch, compression)) in [
        (story.as_texts(), Compression::UNCOMPRESSED),
        (story.as_texts(), Compression::SNAPPY),
        (
            story.as_values(time(TimeUnit::Millisecond, Some("UTC"))),
            Compression::GZIP(GzipLevel::default()),
        ),
        (
            story.as_values(time(TimeUnit::Microsecond, None)),
            Compression::BROTLI(BrotliLevel::default()),
        ),
        (
            story.as_values(time(TimeUnit::Nanosecond, Some("+00:00"))),
            Compression::LZ4_RAW,
        ),
        (
            story.as_values(DataType::Utf8),
            Compression::ZSTD(ZstdLevel::default()),
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let folder = temp.path().join(number.to_string());
        write(
            &folder.join("jobId/1/timestamp=2026-03-02T08/part-0.parquet"),
            &batch,
            compression,
        );
        let found = sign_ins(folder.to_str().unwrap(), "log_analytics.parquet");
        assert_eq!(found.len(), expected.len(), "{number}");
        for (found, expected) in found.iter().zip(&expected) {
            assert_eq!(found, expected, "{number}");
        }
    }
}

#[test]
fn any_dialect_has_its_parquet() {
    let temp = tempfile::tempdir().unwrap();
    let portal = "InteractiveSignIns_2026-03-02_2026-03-04.json";
    let text = std::fs::read(root().join(sample(portal))).unwrap();
    let story: Vec<Row> = serde_json::from_slice(&text).unwrap();
    let path = temp.path().join("graph.parquet");
    write(&path, &batch(&story, inferred(&story)), Compression::SNAPPY);
    let expected = sign_ins(&sample(portal), "graph.json_array");
    assert_eq!(sign_ins(path.to_str().unwrap(), "graph.parquet"), expected);
}

/// A table of Graph sign-ins of which the second has no date that exists.
fn small(folder: &Path) -> PathBuf {
    let row = |id: &str, time: &str| {
        json!({"Id": id, "CreatedDateTime": time, "UserId": "u", "ClientAppUsed": "Browser"})
            .as_object()
            .unwrap()
            .clone()
    };
    let rows = [
        row("a", "2026-03-02T08:00:00Z"),
        row("b", "yesterday"),
        row("c", "3/4/2026 10:00"),
    ];
    let path = folder.join("small.parquet");
    write(&path, &batch(&rows, inferred(&rows)), Compression::SNAPPY);
    path
}

#[test]
fn a_row_that_cannot_be_read_is_named_by_its_number() {
    let temp = tempfile::tempdir().unwrap();
    let (path, out) = (small(temp.path()), temp.path().join("out"));
    let mut command = signsift(["convert", "--quiet"]);
    command.arg(&path).arg("--out").arg(&out);
    run(command).ended(3);
    let input = &coverage(&out)["inputs"][0];
    assert_eq!(input["spelling"], "graph_powershell.parquet");
    assert_eq!(
        (&input["records"], &input["sign_ins"]),
        (&json!(3), &json!(2))
    );
    assert_eq!(input["date_order"], "month_first_assumed");
    let reason = input["rejected"]["first"][0]["reason"].as_str().unwrap();
    assert_eq!(reason, "row 2: its event time is not a date that exists");
}

#[test]
fn parquet_may_come_through_a_pipe_or_packed() {
    let temp = tempfile::tempdir().unwrap();
    let bytes = std::fs::read(small(temp.path())).unwrap();
    let query = "SELECT sign_in_id FROM signins ORDER BY 1";
    let from_pipe = run_on(
        signsift(["sql", query, "-", "--format", "csv"]),
        bytes.clone(),
    );
    assert_eq!(from_pipe.stdout, "sign_in_id\na\nc\n");
    let packed = temp.path().join("small.zst");
    std::fs::write(&packed, zstd::bulk::compress(&bytes, 1).unwrap()).unwrap();
    let packed = packed.to_str().unwrap();
    let from_file = run(signsift(["sql", query, packed, "--format", "csv"]));
    assert_eq!(from_file.stdout, from_pipe.stdout);
}

#[test]
fn other_parquet_is_left_out_and_said_to_be_what_it_is() {
    let temp = tempfile::tempdir().unwrap();
    let write_row = |name: &str, row: Value| {
        let rows = [row.as_object().unwrap().clone()];
        write(
            &temp.path().join(name),
            &batch(&rows, inferred(&rows)),
            Compression::SNAPPY,
        );
    };
    write_row("taxis.parquet", json!({"fare": 3.5, "\u{1b}[31mtip": 1}));
    let audit = json!({"id": "x", "activityDateTime": "2026-03-02T08:00:00Z", "category": "UserManagement"});
    write_row("audit.parquet", audit);
    // What an analysis wrote itself.
    let own = json!({"sign_in_id": "a", "finding_id": "f", "user_id": "u", "user_principal_name": "a@contoso.example", "ip_address": "192.0.2.1", "app_display_name": "Portal"});
    write_row("own.parquet", own.clone());
    std::fs::write(temp.path().join("own.ndjson"), own.to_string()).unwrap();
    small(temp.path());
    let named = temp.path().join("taxis.parquet");
    let alone = run(signsift(["sql", "SELECT 1", named.to_str().unwrap()]));
    let alone = alone.ended(1).says(&["Parquet without sign-ins", "fare"]);
    assert!(!alone.stderr.contains('\u{1b}'), "{}", alone.stderr);
    let out = temp.path().join("out");
    let mut command = signsift(["convert", "--quiet"]);
    command.arg(temp.path()).arg("--out").arg(&out);
    run(command).ended(3);
    let coverage = coverage(&out);
    assert_eq!(coverage["totals"]["inputs_left_out"], 4);
    let reasons = coverage["inputs"].as_array().unwrap().iter();
    let reasons: Vec<&str> = reasons
        .filter_map(|input| input["reason"].as_str())
        .collect();
    assert_eq!(
        reasons,
        [
            "it is Parquet without sign-ins (Entra audit logs)",
            "it is JSON without sign-ins (results of signsift); see the spellings that are read",
            "it is Parquet without sign-ins (results of signsift)",
            "it is Parquet without sign-ins (its columns are \u{1b}[31mtip, fare)"
        ]
    );
}
