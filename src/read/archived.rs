//! Days of an archive among the inputs: rows that need no decoding.

use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use arrow::array::{Array, AsArray, BooleanArray, RecordBatch, UInt16Array, new_null_array};
use arrow::compute::filter_record_batch;
use arrow::datatypes::TimestampMicrosecondType;
use arrow::error::ArrowError;

use super::{ReadOptions, Reading};
use crate::archive;
use crate::coverage::{Input, Status};
use crate::decode::{Keep, Tally};
use crate::error::Result;
use crate::signin;
use crate::source::Source;

impl Reading<'_> {
    /// A day of an archive that is read beside other inputs, and so may hold copies of theirs.
    pub(super) fn archive(&self, mut input: Input) -> Result<Input> {
        let not_read =
            |status, reason: String| Ok(Input::not_read(&self.source.name, status, reason));
        let Some(path) = &self.source.path else {
            return not_read(
                Status::Unreadable,
                "Parquet cannot be read from a pipe; name the file".to_owned(),
            );
        };
        let file = match archive::inspect(path) {
            Ok(file) => file,
            Err(reason) if self.source.named => return not_read(Status::Unreadable, reason),
            Err(reason) => return not_read(Status::LeftOut, reason),
        };
        input.spelling = Some("signsift_archive".to_owned());
        input.bytes = self.source.bytes.unwrap_or_default();
        let batches = match file.batches(path) {
            Ok(batches) => batches,
            Err(reason) => return not_read(Status::Unreadable, reason),
        };
        let mut tally = Tally::default();
        for batch in batches {
            self.progress.check()?;
            let batch = match batch {
                Ok(batch) => batch,
                Err(reason) => {
                    input.status = Status::PartlyRead;
                    input.reason = Some(reason);
                    break;
                }
            };
            let place = tally.records;
            tally.records += batch.num_rows() as u64;
            self.progress
                .records
                .fetch_add(batch.num_rows() as u64, Ordering::Relaxed);
            let (batch, outside) =
                canonical(&batch, self.options).map_err(|source| self.failed(source))?;
            tally += outside;
            self.sink.take(&batch, self.number, place)?;
        }
        self.progress
            .bytes
            .fetch_add(input.bytes, Ordering::Relaxed);
        input.count(tally);
        Ok(input)
    }
}

/// Rows of an archive as the store takes them: kept ones, in the columns asked for, with richness.
fn canonical(
    batch: &RecordBatch,
    options: &ReadOptions,
) -> std::result::Result<(RecordBatch, Tally), ArrowError> {
    let all = signin::schema();
    let rows = batch.num_rows();
    let mut richness = vec![0_u16; rows];
    for field in all.fields() {
        let counts = !matches!(field.name().as_str(), "source_file" | "spelling");
        if let (true, Some(column)) = (counts, batch.column_by_name(field.name())) {
            for (row, count) in richness.iter_mut().enumerate() {
                *count += u16::from(column.is_valid(row));
            }
        }
    }
    let mut arrays = Vec::new();
    let mut fields = Vec::new();
    for field in options.columns.schema().fields() {
        let column = batch.column_by_name(field.name()).cloned();
        arrays.push(column.unwrap_or_else(|| new_null_array(field.data_type(), rows)));
        fields.push(Arc::clone(field));
    }
    arrays.push(Arc::new(UInt16Array::from(richness)));
    fields.push(Arc::new(arrow::datatypes::Field::new(
        signin::RICHNESS,
        arrow::datatypes::DataType::UInt16,
        true,
    )));
    let schema = Arc::new(arrow::datatypes::Schema::new(fields));
    let whole = RecordBatch::try_new(schema, arrays)?;
    let kept = filter_record_batch(&whole, &kept_rows(batch, &options.keep))?;
    let mut tally = Tally {
        sign_ins: kept.num_rows() as u64,
        outside: (rows - kept.num_rows()) as u64,
        ..Tally::default()
    };
    if let Some(times) = kept.column_by_name("time") {
        let times = times.as_primitive::<TimestampMicrosecondType>();
        tally.first_time = arrow::compute::min(times);
        tally.last_time = arrow::compute::max(times);
        tally.without_time = times.null_count() as u64;
    }
    if let Some(ids) = kept.column_by_name("sign_in_id") {
        tally.without_id = ids.null_count() as u64;
    }
    Ok((kept, tally))
}

fn kept_rows(batch: &RecordBatch, keep: &Keep) -> BooleanArray {
    let times = batch
        .column_by_name("time")
        .map(|times| times.as_primitive::<TimestampMicrosecondType>());
    let tenants = batch
        .column_by_name("tenant_id")
        .map(|tenants| tenants.as_string::<i32>());
    (0..batch.num_rows())
        .map(|row| {
            let time = times
                .filter(|times| times.is_valid(row))
                .map(|times| times.value(row));
            let tenant = tenants
                .filter(|ids| ids.is_valid(row))
                .map(|ids| ids.value(row));
            Some(keep.admits(time, tenant))
        })
        .collect()
}

/// Whether `sources` are days of one archive, so that no sign-in is there twice and none needs to be
/// decoded: then the files, with their coverage lines.
pub fn as_archive(sources: &[Source]) -> Option<Vec<(std::path::PathBuf, Input)>> {
    let mut files = Vec::new();
    for source in sources {
        let path = source.path.as_ref()?;
        if path
            .file_name()
            .is_some_and(|name| name == crate::results::COVERAGE_FILE)
        {
            continue;
        }
        let mut magic = [0; 4];
        std::fs::File::open(path)
            .and_then(|mut file| file.read_exact(&mut magic))
            .ok()?;
        if magic != archive::MAGIC {
            return None;
        }
        let file = archive::inspect(path).ok()?;
        let input = Input {
            name: source.name.clone(),
            spelling: Some("signsift_archive".to_owned()),
            compression: Some("none"),
            bytes: source.bytes.unwrap_or_default(),
            records: file.rows,
            sign_ins: file.rows,
            distinct: file.rows,
            ..Input::default()
        };
        files.push((path.clone(), input));
    }
    let paths: Vec<_> = files.iter().map(|(path, _)| path.clone()).collect();
    archive::common_root(&paths)?;
    Some(files)
}

/// The coverage that `convert` wrote beside the days of an archive.
pub fn archive_coverage(paths: &[std::path::PathBuf]) -> Option<serde_json::Value> {
    let root: &Path = archive::common_root(paths)?;
    let text = std::fs::read(root.join(crate::results::COVERAGE_FILE)).ok()?;
    serde_json::from_slice(&text).ok()
}
