//! Parquet among the inputs: days of an archive, whose rows need no decoding, and tables of others.

use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use arrow::array::{Array, AsArray, BooleanArray, RecordBatch, UInt16Array, new_null_array};
use arrow::compute::filter_record_batch;
use arrow::datatypes::TimestampMicrosecondType;
use arrow::error::ArrowError;

use super::{ReadOptions, Reading, head_of, parquet};
use crate::archive::{self, ArchiveFile};
use crate::coverage::{Input, Status};
use crate::decode::{Framing, Keep, Spelling, Tally, Unrecognised, detect};
use crate::error::Result;
use crate::signin;
use crate::source::{self, Compression, Opened, Source};

impl Reading<'_> {
    /// A Parquet file, of which `head` has been read.
    pub(super) fn parquet(
        &self,
        mut input: Input,
        head: &[u8],
        opened: &mut Opened<'_>,
    ) -> Result<Input> {
        let failed = |error: io::Error| error.to_string();
        let found = self.file(head, opened).map_err(failed).and_then(|file| {
            let inspected = archive::inspect(&file)?;
            Ok((file, inspected))
        });
        let read = match found {
            Ok((file, Some(archive))) => self.archive(file, archive, &mut input),
            Ok((file, None)) => self.table(file, &mut input),
            Err(reason) => Ok(Err((Status::Unreadable, reason))),
        };
        if let Err((status, reason)) = read? {
            input.status = status;
            input.reason = Some(reason);
        }
        input.bytes = opened.packed.load(Ordering::Relaxed);
        Ok(input)
    }

    /// Parquet is read from its end, so what is packed or comes through a pipe is put into a
    /// temporary file.
    fn file(&self, head: &[u8], opened: &mut Opened<'_>) -> io::Result<File> {
        match &self.source.path {
            Some(path)
                if self.source.bytes.is_some()
                    && self.source.member.is_none()
                    && opened.compression == Compression::None =>
            {
                let read = opened.packed.load(Ordering::Relaxed);
                let rest = self.source.bytes.unwrap_or_default().saturating_sub(read);
                opened.packed.fetch_add(rest, Ordering::Relaxed);
                self.progress.bytes.fetch_add(rest, Ordering::Relaxed);
                File::open(path)
            }
            _ => {
                let mut file = tempfile::tempfile_in(&self.options.temp)?;
                file.write_all(head)?;
                io::copy(opened, &mut file)?;
                file.rewind()?;
                Ok(file)
            }
        }
    }

    /// A table that others wrote.
    fn table(
        &self,
        file: File,
        input: &mut Input,
    ) -> Result<std::result::Result<(), (Status, String)>> {
        let unknown = if self.source.named {
            Status::Unreadable
        } else {
            Status::LeftOut
        };
        let bytes = file.metadata().map(|meta| meta.len()).unwrap_or_default();
        let again = file.try_clone();
        let lines = match parquet::lines(file) {
            Ok(lines) => lines,
            Err(reason) => return Ok(Err((unknown, reason))),
        };
        let mut lines = source::capped(lines, bytes, self.options.unpack);
        let (head, complete, fault) = head_of(&mut lines);
        let spelling = match (detect(&head, complete), &fault) {
            (Ok(told), _) => Spelling {
                framing: Framing::Parquet,
                ..told
            },
            (Err(_), Some(error)) => return Ok(Err((Status::Unreadable, error.to_string()))),
            (Err(Unrecognised::Empty), _) => {
                let reason = "it is Parquet without rows; export it again if it should have some";
                return Ok(Err((Status::LeftOut, reason.to_owned())));
            }
            (Err(other), _) => {
                let looks_like = match other {
                    Unrecognised::OtherJson { looks_like } if !looks_like.contains("JSON") => {
                        looks_like
                    }
                    _ => "none of its columns say that they are sign-ins".to_owned(),
                };
                let reason = format!("it is Parquet without sign-ins ({looks_like})");
                return Ok(Err((unknown, reason)));
            }
        };
        input.spelling = Some(spelling.name());
        self.records(spelling, &head, &mut lines, fault, input)?;
        if let (false, Ok(Ok(lines))) = (input.rejected.first.is_empty(), again.map(parquet::lines))
        {
            parquet::name_rows(lines, &mut input.rejected.first);
        }
        Ok(Ok(()))
    }

    /// A day of an archive that is read beside other inputs, and so may hold copies of theirs.
    fn archive(
        &self,
        file: File,
        archive: ArchiveFile,
        input: &mut Input,
    ) -> Result<std::result::Result<(), (Status, String)>> {
        input.spelling = Some("signsift_archive".to_owned());
        let batches = match archive.batches(file) {
            Ok(batches) => batches,
            Err(reason) => return Ok(Err((Status::Unreadable, reason))),
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
            self.progress.count(batch.num_rows() as u64);
            let (batch, outside) =
                canonical(&batch, self.options).map_err(|source| self.failed(source))?;
            tally += outside;
            self.sink.take(&batch, self.number, place.into())?;
        }
        input.count(tally);
        Ok(Ok(()))
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
        let file = archive::inspect(&File::open(path).ok()?).ok()??;
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
