//! All inputs of a run into one store; or only what has one error code, where nothing else matters.

use std::sync::Arc;

use hashbrown::HashSet;

use crate::coverage::{Input, Status};
use crate::decode::{IdPrint, Sift};
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::progress::Progress;
use crate::read::{self, ReadOptions, Sink};
use crate::signin::Columns;
use crate::source::{self, Source, Unreadable};
use crate::store::Store;

use super::Settings;

/// What was typed, as inputs.
struct Inputs {
    sources: Vec<Source>,
    unreadable: Vec<Unreadable>,
}

impl Inputs {
    fn find(engine: &Engine, settings: &Settings) -> Result<Inputs> {
        let (sources, mut unreadable) = source::find(&settings.inputs)?;
        let (sources, lost) = source::expand(sources, settings.unpack, engine.temp());
        unreadable.extend(lost);
        Ok(Inputs {
            sources,
            unreadable,
        })
    }

    fn read(
        &self,
        engine: &Engine,
        options: &ReadOptions,
        sink: &dyn Sink,
        progress: &Progress,
    ) -> Result<Vec<Input>> {
        engine.decode(|| read::read(&self.sources, &self.unreadable, options, sink, progress))
    }
}

fn options(engine: &Engine, settings: &Settings, columns: Columns) -> ReadOptions {
    ReadOptions {
        columns,
        keep: settings.keep.clone(),
        limits: settings.limits,
        unpack: settings.unpack,
        strict: settings.strict,
        sift: None,
        temp: engine.temp().to_owned(),
    }
}

/// Reads `columns` of all inputs into `sink`.
pub(crate) fn read_inputs(
    engine: &Engine,
    settings: &Settings,
    columns: Columns,
    sink: &dyn Sink,
    progress: &Progress,
) -> Result<Vec<Input>> {
    let inputs = Inputs::find(engine, settings)?;
    inputs.read(engine, &options(engine, settings, columns), sink, progress)
}

/// Reads `columns` of all inputs into a store of these columns.
pub(super) fn read_all(
    engine: &Engine,
    settings: &Settings,
    columns: Columns,
    store: &Store,
    progress: &Progress,
) -> Result<Vec<Input>> {
    let columns = Store::columns_for(columns);
    let inputs = read_inputs(engine, settings, columns, store, progress)?;
    any_was_read(&inputs)?;
    Ok(inputs)
}

/// The same for queries that look at sign-ins with `code` only: every copy of these comes into the store, and of others
/// some. `None` if all must be read for that; then the store is to be thrown away.
pub(super) fn read_code(
    engine: &Engine,
    settings: &Settings,
    columns: Columns,
    code: i32,
    store: &Store,
    progress: &Progress,
) -> Result<Option<Vec<Input>>> {
    // With `strict` every record is looked at, and what can be read only once can't be looked through first.
    let (sources, _) = source::find(&settings.inputs)?;
    if settings.strict || sources.iter().any(|source| source.bytes.is_none()) {
        return Ok(None);
    }
    let Some(sift) = Sift::of_code(code, engine.rows_budget() / 3) else {
        return Ok(None);
    };
    let found = Inputs::find(engine, settings)?;
    let first = Arc::new(sift);
    let mut options = options(engine, settings, Store::columns_for(columns));
    options.sift = Some(Arc::clone(&first));
    let mut inputs = found.read(engine, &options, store, progress)?;
    any_was_read(&inputs)?;
    let ids = store.ids_of_code(code)?;
    let ids: Option<HashSet<IdPrint>> = ids.iter().map(|id| IdPrint::of(id)).collect();
    let Some(ids) = ids.filter(|_| !first.is_useless()) else {
        return Ok(None);
    };
    if !first.may_have_passed(&ids) {
        return Ok(Some(inputs));
    }
    let second = Arc::new(first.again(ids));
    options.sift = Some(Arc::clone(&second));
    let again = || read::read_again(&found.sources, &options, store, progress, &mut inputs);
    engine.decode(again)?;
    Ok((!second.is_useless()).then_some(inputs))
}

/// An input of which every record was rejected was not read either, and steps alone are nothing.
fn any_was_read(inputs: &[Input]) -> Result<()> {
    let read = |input: &&Input| matches!(input.status, Status::Read | Status::PartlyRead);
    if inputs.iter().filter(read).any(Input::has_records) {
        return Ok(());
    }
    Err(Error::NothingToRead {
        inputs: inputs.len(),
        first: inputs.iter().take(5).map(Input::complaint).collect(),
    })
}
