//! The archive: canonical sign-ins as ordinary Parquet, one file a day of the event, sorted by time,
//! each sign-in once. What `convert` writes, what big analyses use in between, and an input like any
//! other.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::{Schema, SchemaRef};
use datafusion::catalog::TableProvider;
use datafusion::datasource::file_format::parquet::ParquetFormat;
use datafusion::datasource::listing::{
    ListingOptions, ListingTable, ListingTableConfig, ListingTableUrl,
};
use datafusion::error::DataFusionError;
use datafusion::parquet::arrow::ArrowWriter;
use datafusion::parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ParquetRecordBatchReaderBuilder,
};
use datafusion::parquet::arrow::arrow_writer::{
    ArrowColumnChunk, ArrowColumnWriter, ArrowRowGroupWriterFactory, compute_leaves,
};
use datafusion::parquet::basic::{Compression, ZstdLevel};
use datafusion::parquet::errors::ParquetError;
use datafusion::parquet::file::metadata::{KeyValue, SortingColumn};
use datafusion::parquet::file::properties::{WriterProperties, WriterVersion};
use datafusion::parquet::file::writer::SerializedFileWriter;
use datafusion::parquet::schema::types::ColumnPath;
use rayon::iter::{IndexedParallelIterator, IntoParallelIterator, ParallelIterator};

use crate::error::{Error, Result};
use crate::signin;
use crate::store::Day;

/// Bytes at the start of every Parquet file.
pub const MAGIC: &[u8] = b"PAR1";

/// The key in a file's metadata that marks it as ours, and the version of the canonical table.
const MARK: &str = "signsift.signins";
const TABLE_VERSION: &str = "1";

/// Rows in a row group: small enough to skip by time and to write in little memory, since they are held until they are
/// written.
const ROW_GROUP_ROWS: usize = 16_384;

/// The folder of one day, as Hive and everything that reads Hive layouts name it.
pub fn folder_of(day: Day) -> String {
    let date = day.and_then(|day| {
        let micros = i64::from(day).checked_mul(86_400_000_000)?;
        Some(
            jiff::Timestamp::from_microsecond(micros)
                .ok()?
                .strftime("%Y-%m-%d")
                .to_string(),
        )
    });
    format!(
        "event_day={}",
        date.as_deref().unwrap_or("__HIVE_DEFAULT_PARTITION__")
    )
}

/// How the columns of a day are encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// One after another: other days are written at the same time.
    InTurn,
    /// On all threads.
    SideBySide,
}

/// What an archive is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To be kept: as small as is reasonable.
    Keeping,
    /// To be read a few times and removed at the end of the run: quick to write and to read, and without filters to look ids up by.
    Passing,
}

/// Writes the file of one day. Rows are held until there are enough for a row group.
pub struct DayWriter {
    writer: SerializedFileWriter<File>,
    columns: ArrowRowGroupWriterFactory,
    schema: SchemaRef,
    encoding: Encoding,
    purpose: Purpose,
    waiting: Vec<RecordBatch>,
    waiting_rows: usize,
    groups: usize,
    path: PathBuf,
}

impl DayWriter {
    /// Starts `ROOT/event_day=…/signins.parquet` for rows of `schema`.
    ///
    /// # Errors
    /// A folder or file that cannot be made.
    pub fn create(
        root: &Path,
        day: Day,
        schema: SchemaRef,
        encoding: Encoding,
        purpose: Purpose,
    ) -> Result<DayWriter> {
        let folder = root.join(folder_of(day));
        std::fs::create_dir_all(&folder).map_err(Error::write(&folder))?;
        let path = folder.join("signins.parquet");
        let file = File::create_new(&path).map_err(Error::write(&path))?;
        let properties = properties(&schema, purpose);
        let writer = ArrowWriter::try_new(file, Arc::clone(&schema), Some(properties));
        let (writer, columns) = writer
            .and_then(ArrowWriter::into_serialized_writer)
            .map_err(Error::table(&path))?;
        Ok(DayWriter {
            writer,
            columns,
            schema,
            encoding,
            purpose,
            waiting: Vec::new(),
            waiting_rows: 0,
            groups: 0,
            path,
        })
    }

    /// Adds rows, which must follow those before in time.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        let mut rest = batch.clone();
        while rest.num_rows() > 0 {
            let room = ROW_GROUP_ROWS - self.waiting_rows;
            let taken = room.min(rest.num_rows());
            self.waiting.push(rest.slice(0, taken));
            self.waiting_rows += taken;
            rest = rest.slice(taken, rest.num_rows() - taken);
            if self.waiting_rows == ROW_GROUP_ROWS {
                self.flush()?;
            }
        }
        Ok(())
    }

    /// Writes the rows that wait as a row group.
    fn flush(&mut self) -> Result<()> {
        let written = self.row_group();
        written.map_err(Error::table(&self.path))
    }

    fn row_group(&mut self) -> std::result::Result<(), ParquetError> {
        let rows = std::mem::take(&mut self.waiting);
        if std::mem::take(&mut self.waiting_rows) == 0 {
            return Ok(());
        }
        let writers = self.columns.create_column_writers(self.groups)?;
        self.groups += 1;
        // Every canonical column is one column of Parquet: none has parts with names.
        let encode = |(at, mut writer): (usize, ArrowColumnWriter)| {
            for batch in &rows {
                for leaf in compute_leaves(self.schema.field(at), batch.column(at))? {
                    writer.write(&leaf)?;
                }
            }
            writer.close()
        };
        let writers = writers.into_iter().enumerate();
        let chunks: Vec<ArrowColumnChunk> = match self.encoding {
            Encoding::InTurn => writers.map(encode).collect::<std::result::Result<_, _>>()?,
            Encoding::SideBySide => {
                let writers: Vec<_> = writers.collect();
                // One at a time: a column of ids takes as long as ten of others.
                let chunks = writers.into_par_iter().with_max_len(1).map(encode);
                chunks.collect::<std::result::Result<_, _>>()?
            }
        };
        let mut group = self.writer.next_row_group()?;
        for chunk in chunks {
            chunk.append_to_row_group(&mut group)?;
        }
        group.close()?;
        Ok(())
    }

    /// Writes the footer and waits until the disk has the file, if it is to be kept.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn close(mut self) -> Result<PathBuf> {
        self.flush()?;
        // Not `into_inner`, which tells of a full disk as mere text.
        self.writer.finish().map_err(Error::table(&self.path))?;
        if self.purpose == Purpose::Keeping {
            let file = self.writer.inner();
            file.sync_all().map_err(Error::write(&self.path))?;
        }
        Ok(self.path)
    }
}

fn properties(schema: &Schema, purpose: Purpose) -> WriterProperties {
    let compression = match purpose {
        Purpose::Keeping => Compression::ZSTD(ZstdLevel::default()),
        Purpose::Passing => Compression::LZ4_RAW,
    };
    let mut builder = WriterProperties::builder()
        .set_writer_version(WriterVersion::PARQUET_1_0)
        .set_compression(compression)
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_created_by(format!("signsift {}", env!("CARGO_PKG_VERSION")))
        .set_key_value_metadata(Some(vec![KeyValue::new(
            MARK.to_owned(),
            TABLE_VERSION.to_owned(),
        )]));
    if let Ok(time) = schema.index_of("time") {
        let by_time = SortingColumn {
            column_idx: time as i32,
            descending: false,
            nulls_first: true,
        };
        builder = builder.set_sorting_columns(Some(vec![by_time]));
    }
    // Every value is another: a dictionary would only be given up after a page of work.
    for unique in ["sign_in_id", "correlation_id"] {
        builder = builder.set_column_dictionary_enabled(ColumnPath::from(unique), false);
    }
    for looked_up in ["user_id", "ip_address"] {
        if purpose == Purpose::Keeping && schema.index_of(looked_up).is_ok() {
            let column = ColumnPath::from(looked_up);
            builder = builder
                .set_column_bloom_filter_enabled(column.clone(), true)
                .set_column_bloom_filter_fpp(column.clone(), 0.01)
                .set_column_bloom_filter_max_ndv(column, ROW_GROUP_ROWS as u64 / 4);
        }
    }
    builder.build()
}

/// What the metadata of one archive file says.
pub struct ArchiveFile {
    /// Rows in it.
    pub rows: u64,
    metadata: ArrowReaderMetadata,
}

/// Looks at the metadata of a Parquet file. `None` is one that others wrote.
///
/// # Errors
/// A sentence that says why the file cannot be read.
pub fn inspect(file: &File) -> std::result::Result<Option<ArchiveFile>, String> {
    let damaged = |error: ParquetError| format!("a damaged Parquet file ({error}); get it again");
    let metadata = ArrowReaderMetadata::load(file, Default::default()).map_err(damaged)?;
    let marks = metadata.metadata().file_metadata().key_value_metadata();
    let version = marks
        .into_iter()
        .flatten()
        .find(|mark| mark.key == MARK)
        .and_then(|mark| mark.value.as_deref());
    match version {
        Some(TABLE_VERSION) => {}
        Some(other) => {
            return Err(format!(
                "an archive of table version {other}, and this signsift reads {TABLE_VERSION}; convert the logs again"
            ));
        }
        None => return Ok(None),
    }
    let known = signin::schema();
    for field in metadata.schema().fields() {
        let same = known
            .field_with_name(field.name())
            .is_ok_and(|known| known.data_type() == field.data_type());
        if !same {
            return Err(format!(
                "an archive with a column {:?} that is not canonical",
                field.name()
            ));
        }
    }
    let rows = metadata
        .metadata()
        .file_metadata()
        .num_rows()
        .try_into()
        .unwrap_or_default();
    Ok(Some(ArchiveFile { rows, metadata }))
}

/// The archive that all of `paths` are days of, when they are days of one archive: then no sign-in
/// is in two of them.
pub fn common_root(paths: &[PathBuf]) -> Option<&Path> {
    let root_of = |path: &'_ PathBuf| -> Option<PathBuf> {
        let day = path.parent()?;
        day.file_name()?
            .to_str()?
            .starts_with("event_day=")
            .then_some(())?;
        Some(day.parent()?.to_owned())
    };
    let first = paths.first()?;
    let root = root_of(first)?;
    let same = paths.iter().all(|path| {
        root_of(path).as_deref() == Some(&root) && path.file_name() == first.file_name()
    });
    same.then(|| first.parent().and_then(Path::parent))
        .flatten()
}

impl ArchiveFile {
    /// The rows, batch by batch, in all canonical columns that the file has.
    ///
    /// # Errors
    /// A file that cannot be opened.
    pub fn batches(
        self,
        file: File,
    ) -> std::result::Result<impl Iterator<Item = std::result::Result<RecordBatch, String>>, String>
    {
        let reader = ParquetRecordBatchReaderBuilder::new_with_metadata(file, self.metadata)
            .with_batch_size(8192)
            .build()
            .map_err(|error| error.to_string())?;
        Ok(reader.map(|batch| batch.map_err(|error| error.to_string())))
    }
}

/// A table over Parquet files; row groups and pages are skipped by their statistics.
///
/// # Errors
/// A path that is not one.
pub fn table(
    paths: &[PathBuf],
    schema: SchemaRef,
) -> std::result::Result<Arc<dyn TableProvider>, DataFusionError> {
    let urls = paths
        .iter()
        .map(|path| {
            let path = path.canonicalize()?;
            ListingTableUrl::parse(path.to_string_lossy())
        })
        .collect::<std::result::Result<Vec<_>, DataFusionError>>()?;
    let format = ParquetFormat::default()
        .with_force_view_types(false)
        .with_skip_metadata(true);
    let options = ListingOptions::new(Arc::new(format)).with_file_extension(".parquet");
    let config = ListingTableConfig::new_with_multi_paths(urls)
        .with_listing_options(options)
        .with_schema(schema);
    Ok(Arc::new(ListingTable::try_new(config)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signin::{Columns, Signin, SigninBatch};
    use datafusion::arrow::array::{AsArray, Int32Array};
    use datafusion::arrow::datatypes::TimestampMicrosecondType;
    use datafusion::parquet::arrow::arrow_reader::ArrowReaderOptions;

    fn rows(times: &[i64]) -> RecordBatch {
        let mut batch = SigninBatch::new(Columns::ALL);
        for time in times {
            batch.push(&Signin {
                sign_in_id: Some(time.to_string().into()),
                time: Some(*time),
                user_id: Some("u".into()),
                ip_address: Some("192.0.2.1".into()),
                ..Signin::default()
            });
        }
        let batch = batch.take().unwrap().unwrap();
        let canonical: Vec<usize> = (0..batch.num_columns() - 1).collect();
        batch.project(&canonical).unwrap()
    }

    fn times_of(file: ArchiveFile, path: &Path) -> Vec<i64> {
        let batches = file.batches(File::open(path).unwrap()).unwrap();
        let times = batches.map(|batch| {
            let batch = batch.unwrap();
            let times = batch.column_by_name("time").unwrap();
            let times = times.as_primitive::<TimestampMicrosecondType>();
            times.values().to_vec()
        });
        times.flatten().collect()
    }

    fn written(root: &Path, day: Day, batches: &[RecordBatch]) -> PathBuf {
        let schema = signin::schema();
        let mut writer =
            DayWriter::create(root, day, schema, Encoding::SideBySide, Purpose::Keeping).unwrap();
        batches
            .iter()
            .for_each(|batch| writer.write(batch).unwrap());
        writer.close().unwrap()
    }

    #[test]
    fn days_are_named_as_hive_names_them() {
        assert_eq!(folder_of(Some(0)), "event_day=1970-01-01");
        assert_eq!(folder_of(Some(-1)), "event_day=1969-12-31");
        assert_eq!(folder_of(Some(20_514)), "event_day=2026-03-02");
        assert_eq!(folder_of(None), "event_day=__HIVE_DEFAULT_PARTITION__");
        // A day that no calendar has is kept where those without a time are.
        assert_eq!(
            folder_of(Some(i32::MAX)),
            "event_day=__HIVE_DEFAULT_PARTITION__"
        );
    }

    #[test]
    fn a_day_is_written_read_back_and_known_as_ours() {
        let root = tempfile::tempdir().unwrap();
        let path = written(root.path(), Some(0), &[rows(&[1, 2]), rows(&[3])]);
        assert_eq!(
            path,
            root.path().join("event_day=1970-01-01/signins.parquet")
        );
        assert!(std::fs::read(&path).unwrap().starts_with(MAGIC));
        let file = inspect(&File::open(&path).unwrap()).unwrap().unwrap();
        assert_eq!(file.rows, 3);
        assert_eq!(times_of(file, &path), [1, 2, 3]);
    }

    #[test]
    fn row_groups_are_cut_where_they_are_full_and_both_encodings_write_the_same_bytes() {
        let times: Vec<i64> = (0..ROW_GROUP_ROWS as i64 * 2 + 3).collect();
        let batches: Vec<_> = times.chunks(10_000).map(rows).collect();
        let bytes = |encoding| {
            let root = tempfile::tempdir().unwrap();
            let schema = signin::schema();
            let mut writer =
                DayWriter::create(root.path(), Some(0), schema, encoding, Purpose::Keeping)
                    .unwrap();
            let written = batches.iter().map(|batch| writer.write(batch));
            written.for_each(|written| written.unwrap());
            std::fs::read(writer.close().unwrap()).unwrap()
        };
        let (one, other) = (bytes(Encoding::InTurn), bytes(Encoding::SideBySide));
        assert!(one == other);
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("day.parquet");
        std::fs::write(&path, one).unwrap();
        let file = File::open(&path).unwrap();
        let metadata = ArrowReaderMetadata::load(&file, ArrowReaderOptions::default()).unwrap();
        let groups = metadata.metadata().row_groups().iter();
        let numbers: Vec<_> = groups.map(|group| group.num_rows() as usize).collect();
        assert_eq!(numbers, [ROW_GROUP_ROWS, ROW_GROUP_ROWS, 3]);
        let file = inspect(&file).unwrap().unwrap();
        assert_eq!(times_of(file, &path), times);
    }

    #[test]
    fn a_day_says_its_order_and_has_what_lets_readers_skip() {
        let root = tempfile::tempdir().unwrap();
        let path = written(root.path(), Some(0), &[rows(&[1, 2])]);
        let file = File::open(&path).unwrap();
        let metadata = ArrowReaderMetadata::load(&file, ArrowReaderOptions::default()).unwrap();
        let group = metadata.metadata().row_group(0);
        let at = |name: &str| signin::schema().index_of(name).unwrap();
        assert_eq!(
            group.sorting_columns().unwrap()[0].column_idx,
            at("time") as i32
        );
        assert!(group.column(at("time")).statistics().is_some());
        for (name, wanted) in [("user_id", true), ("ip_address", true), ("city", false)] {
            let offset = group.column(at(name)).bloom_filter_offset();
            assert_eq!(offset.is_some(), wanted, "{name}");
        }
    }

    #[test]
    fn what_is_read_in_passing_has_the_same_rows_and_nothing_to_look_them_up() {
        let root = tempfile::tempdir().unwrap();
        let mut writer = DayWriter::create(
            root.path(),
            Some(0),
            signin::schema(),
            Encoding::InTurn,
            Purpose::Passing,
        )
        .unwrap();
        writer.write(&rows(&[1, 2])).unwrap();
        let path = writer.close().unwrap();
        let file = File::open(&path).unwrap();
        let metadata = ArrowReaderMetadata::load(&file, ArrowReaderOptions::default()).unwrap();
        for column in metadata.metadata().row_group(0).columns() {
            assert_eq!(column.bloom_filter_offset(), None);
            assert_eq!(column.compression(), Compression::LZ4_RAW);
        }
        assert!(metadata.metadata().row_group(0).sorting_columns().is_some());
        assert_eq!(times_of(inspect(&file).unwrap().unwrap(), &path), [1, 2]);
    }

    #[test]
    fn two_files_of_one_day_are_not_written_over_each_other() {
        let root = tempfile::tempdir().unwrap();
        let path = written(root.path(), None, &[]);
        let file = inspect(&File::open(&path).unwrap()).unwrap();
        assert_eq!(file.unwrap().rows, 0);
        let again = DayWriter::create(
            root.path(),
            None,
            signin::schema(),
            Encoding::InTurn,
            Purpose::Keeping,
        );
        assert!(again.is_err());
    }

    #[test]
    fn what_is_not_of_an_archive_is_told() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("other.parquet");
        let told = || inspect(&File::open(&path).unwrap()).err().unwrap();
        std::fs::write(&path, "PAR1 and then nothing").unwrap();
        assert!(told().contains("a damaged Parquet file"));

        let other = RecordBatch::try_from_iter([(
            "time",
            Arc::new(Int32Array::from(vec![1])) as Arc<dyn datafusion::arrow::array::Array>,
        )])
        .unwrap();
        let write = |mark: Option<&str>| {
            let mark = mark.map(|version| KeyValue::new(MARK.to_owned(), version.to_owned()));
            let properties = WriterProperties::builder()
                .set_key_value_metadata(mark.map(|mark| vec![mark]))
                .build();
            let file = File::create(&path).unwrap();
            let mut writer = ArrowWriter::try_new(file, other.schema(), Some(properties)).unwrap();
            writer.write(&other).unwrap();
            writer.close().unwrap();
        };
        write(None);
        assert!(inspect(&File::open(&path).unwrap()).unwrap().is_none());
        write(Some("99"));
        assert!(told().contains("table version 99"));
        write(Some(TABLE_VERSION));
        assert!(told().contains("column \"time\" that is not canonical"));
    }

    #[test]
    fn days_of_one_archive_are_known_by_their_folders() {
        let root = |paths: &[&str]| {
            let paths: Vec<_> = paths.iter().map(PathBuf::from).collect();
            common_root(&paths).map(|root| root.display().to_string())
        };
        let one = "a/event_day=2026-03-02/signins.parquet";
        let two = "a/event_day=2026-03-03/signins.parquet";
        assert_eq!(root(&[one, two]).as_deref(), Some("a"));
        assert_eq!(root(&[one, "b/event_day=2026-03-03/signins.parquet"]), None);
        assert_eq!(root(&[one, "a/event_day=2026-03-02/other.parquet"]), None);
        assert_eq!(root(&[one, "a/signins.parquet"]), None);
        assert_eq!(root(&[]), None);
    }
}
