//! The table `signins` of a run: inputs read into memory if they fit, else into a temporary archive,
//! each sign-in once. The days of an archive are queried where they are.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use datafusion::arrow::array::{AsArray, RecordBatch};
use datafusion::arrow::datatypes::{Int64Type, Schema, SchemaRef, TimestampMicrosecondType};
use datafusion::catalog::TableProvider;
use datafusion::functions_aggregate::expr_fn::{count, max, min};
use datafusion::logical_expr::{Expr, col, lit};
use datafusion::scalar::ScalarValue;
use rayon::iter::{IntoParallelIterator, ParallelIterator};

use crate::archive::{self, DayWriter, Encoding, Purpose};
use crate::context::{Context, Filled};
use crate::coverage::{Asked, Coverage, Input, ThresholdInForce, rfc3339};
use crate::decode::Keep;
use crate::engine::{Engine, USUAL_ROW};
use crate::error::{Error, Result};
use crate::progress::Progress;
use crate::queries::table::Table;
use crate::queries::{Codes, Needs, Session};
use crate::read;
use crate::signin::{self, Columns};
use crate::source;
use crate::store::{DayOfStore, Store};

use super::Settings;
use super::inputs::{read_all, read_code};

/// Of so few columns dictionaries cost a tenth of the time and save no memory worth it (measured).
const NARROW: usize = 12;

/// The table `signins`, ready to be queried.
pub(super) struct Signins {
    table: Arc<dyn TableProvider>,
    rows: usize,
    batch_rows: usize,
    pub(super) coverage: Coverage,
}

impl Signins {
    /// Gives the rows to a session.
    pub(super) fn fill(&self, session: &mut Session) {
        session.fill(Arc::clone(&self.table), self.rows, self.batch_rows);
    }
}

/// Reads the inputs into `signins`: in memory if they fit, else as a temporary archive. The days of
/// one archive are not read at all, but queried where they are, unless something is to be filled in.
pub(super) fn signins(
    engine: &Engine,
    settings: &Settings,
    command: &'static str,
    needs: Needs,
    progress: &Progress,
) -> Result<Signins> {
    let failed = Error::query("signins");
    let (sources, unreadable) = source::find(&settings.inputs)?;
    let archive = match unreadable.is_empty() {
        true => read::as_archive(&sources),
        false => None,
    };
    let archive = match archive {
        Some(files) if !settings.context.fills() => {
            return archived(engine, settings, command, files);
        }
        Some(files) => {
            let paths: Vec<_> = files.into_iter().map(|(path, _)| path).collect();
            read::archive_coverage(&paths)
        }
        None => None,
    };
    let columns = settings.context.columns(needs.columns);
    let mut filled = Filled::default();
    let new_store = || {
        let store = Store::new(columns, engine.rows_budget(), engine.temp());
        // What is filled in is looked up in plain text.
        let is_wide = columns.schema().fields().len() > NARROW;
        match is_wide && !settings.context.fills() {
            true => store.packed(),
            false => store,
        }
    };
    let mut store = new_store();
    let sifted = match needs.codes {
        Codes::One(code) => read_code(engine, settings, columns, code, &store, progress)?,
        Codes::None | Codes::Any => None,
    };
    let mut inputs = match sifted {
        Some(inputs) => inputs,
        None => {
            store = new_store();
            read_all(engine, settings, columns, &store, progress)?
        }
    };
    let batch_rows = engine.batch_rows(store.row_bytes().unwrap_or(USUAL_ROW));
    let columns = Store::columns_for(columns);
    let table: Arc<dyn TableProvider> = if store.is_resident() {
        progress.enter("removing duplicates");
        let days = engine.decode(|| {
            store
                .into_days(usize::MAX)?
                .into_par_iter()
                .map(|day| {
                    let mut rows = Vec::new();
                    let mut filler = settings.context.filler();
                    day.distinct(false, |mut distinct| {
                        let batches = distinct.batches.into_iter();
                        distinct.batches = batches
                            .map(|batch| filler.fill(batch))
                            .collect::<Result<_>>()?;
                        rows.push(distinct);
                        Ok(())
                    })?;
                    Ok((rows, filler.filled()))
                })
                .collect::<Result<Vec<_>>>()
        })?;
        let days = days.into_iter().flat_map(|(rows, of_day)| {
            filled += of_day;
            rows
        });
        let mut batches = Vec::new();
        for distinct in days {
            drop_copies(&mut inputs, &distinct.dropped);
            batches.extend(distinct.batches);
        }
        Arc::new(Table::new(described(&columns.schema(), &batches), batches))
    } else {
        progress.enter("sorting by day");
        let folder = engine.temp().join("signins");
        let context = &settings.context;
        let days = store.into_days(engine.day_share())?;
        let passing = Purpose::Passing;
        let (files, of_days) = write_days(
            engine,
            days,
            columns,
            &folder,
            &mut inputs,
            context,
            passing,
        )?;
        filled += of_days;
        archive::table(&files, columns.schema()).map_err(failed)?
    };
    let mut coverage = with_settings(Coverage::of(command, inputs), settings, filled);
    coverage.archive = archive;
    Ok(Signins {
        table,
        rows: coverage.totals.distinct as usize,
        batch_rows,
        coverage,
    })
}

/// The columns of `schema`, with what describes them, as the rows have them: plain or in dictionaries.
fn described(schema: &Schema, rows: &[RecordBatch]) -> SchemaRef {
    let kept = rows.first().map(RecordBatch::schema);
    let fields = schema.fields().iter().map(|field| {
        let kept = kept.as_ref();
        let kept = kept.and_then(|kept| kept.field_with_name(field.name()).ok());
        let kind = kept.unwrap_or(field).data_type().clone();
        field.as_ref().clone().with_data_type(kind)
    });
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// The days of one archive, queried where they are.
fn archived(
    engine: &Engine,
    settings: &Settings,
    command: &'static str,
    files: Vec<(PathBuf, Input)>,
) -> Result<Signins> {
    let failed = Error::query("signins");
    let (paths, inputs): (Vec<_>, Vec<_>) = files.into_iter().unzip();
    let whole = archive::table(&paths, signin::schema()).map_err(Error::query("signins"))?;
    let context = engine.context()?;
    let mut frame = context
        .read_table(Arc::clone(&whole))
        .map_err(Error::query("signins"))?;
    let filters = filters(&settings.keep);
    let is_whole = filters.is_empty();
    for filter in filters {
        frame = frame.filter(filter).map_err(Error::query("signins"))?;
    }
    let coverage = Coverage::of(command, inputs);
    let mut coverage = with_settings(coverage, settings, Filled::default());
    coverage.archive = read::archive_coverage(&paths);
    let aggregates = vec![
        count(lit(1)),
        count(col("time")),
        count(col("sign_in_id")),
        min(col("time")),
        max(col("time")),
    ];
    let counts = frame
        .clone()
        .aggregate(vec![], aggregates)
        .map_err(failed)?;
    let counts = engine
        .query(counts.collect())
        .map_err(Error::query("signins"))?;
    for batch in counts.iter().filter(|batch| batch.num_rows() == 1) {
        let number = |at: usize| batch.column(at).as_primitive::<Int64Type>().value(0) as u64;
        let time = |at: usize| {
            let times = batch.column(at).as_primitive::<TimestampMicrosecondType>();
            times.iter().flatten().next().and_then(rfc3339)
        };
        let totals = &mut coverage.totals;
        totals.outside = totals.records - number(0);
        (totals.sign_ins, totals.distinct) = (number(0), number(0));
        totals.without_time = number(0) - number(1);
        totals.without_id = number(0) - number(2);
        (totals.first_time, totals.last_time) = (time(3), time(4));
    }
    Ok(Signins {
        table: match is_whole {
            true => whole,
            false => frame.into_view(),
        },
        rows: coverage.totals.distinct as usize,
        batch_rows: engine.batch_rows(USUAL_ROW),
        coverage,
    })
}

/// What `--since`, `--until` and `--tenant` mean in SQL; for raw inputs it is done while decoding.
fn filters(keep: &Keep) -> Vec<Expr> {
    let micros = |time| {
        lit(ScalarValue::TimestampMicrosecond(
            Some(time),
            Some("UTC".into()),
        ))
    };
    let mut filters = Vec::new();
    filters.extend(keep.since.map(|since| col("time").gt_eq(micros(since))));
    filters.extend(keep.until.map(|until| col("time").lt(micros(until))));
    if !keep.tenants.is_empty() {
        let tenants = keep.tenants.iter().map(lit).collect();
        filters.push(col("tenant_id").in_list(tenants, false));
    }
    filters
}

/// Makes each day distinct, fills it, and writes it, sorted, as a file of an archive in `folder`.
pub(super) fn write_days(
    engine: &Engine,
    days: Vec<DayOfStore>,
    columns: Columns,
    folder: &Path,
    inputs: &mut [Input],
    context: &Context,
    purpose: Purpose,
) -> Result<(Vec<PathBuf>, Filled)> {
    let schema = columns.schema();
    let write = |day: DayOfStore, encoding| {
        let mut writer =
            DayWriter::create(folder, day.day, Arc::clone(&schema), encoding, purpose)?;
        let mut dropped = Vec::new();
        let mut filler = context.filler();
        day.distinct(true, |distinct| {
            dropped.extend(distinct.dropped);
            let mut batches = distinct.batches.into_iter();
            batches.try_for_each(|batch| writer.write(&filler.fill(batch)?))
        })?;
        Ok((writer.close()?, dropped, filler.filled()))
    };
    // Many days keep all threads busy; of few, each is written by all of them.
    let written: Result<Vec<_>> = engine.decode(|| match days.len() > 2 * engine.threads() {
        true => days
            .into_par_iter()
            .map(|day| write(day, Encoding::InTurn))
            .collect(),
        false => days
            .into_iter()
            .map(|day| write(day, Encoding::SideBySide))
            .collect(),
    });
    let written = written?;
    let mut files = Vec::new();
    let mut filled = Filled::default();
    for (file, dropped, of_day) in written {
        drop_copies(inputs, &dropped);
        files.push(file);
        filled += of_day;
    }
    Ok((files, filled))
}

fn drop_copies(inputs: &mut [Input], dropped: &[(u32, u64)]) {
    for (number, rows) in dropped {
        if let Some(input) = inputs.get_mut(*number as usize) {
            input.drop_copies(*rows);
        }
    }
}

pub(super) fn with_settings(
    mut coverage: Coverage,
    settings: &Settings,
    filled: Filled,
) -> Coverage {
    coverage.context = settings.context.given(filled);
    coverage.asked = Asked {
        since: settings.keep.since.and_then(rfc3339),
        until: settings.keep.until.and_then(rfc3339),
        tenants: settings.keep.tenants.clone(),
    };
    coverage.thresholds = settings
        .queries
        .thresholds()
        .iter()
        .map(|threshold| ThresholdInForce {
            name: threshold.name.clone(),
            value: threshold.value(),
            overridden: threshold.is_overridden(),
        })
        .collect();
    coverage
}
