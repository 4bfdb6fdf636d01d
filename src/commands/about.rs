//! The commands that tell of signsift itself, from the code: `spellings`, `queries`, `schema`.

use datafusion::arrow::datatypes::SchemaRef;
use signsift::cli::settings::Config;
use signsift::cli::{Global, QueriesCommand, SchemaCommand};
use signsift::decode::{DIALECTS, Framing};
use signsift::engine::{Engine, Resources};
use signsift::queries::{Queries, Session};
use signsift::{Error, Result, signin};

use super::{new_table, print, setting};

pub(super) fn spellings() -> Result<u8> {
    let mut table = new_table(["dialect", "what it is", "recognised by", "cannot tell"]);
    for dialect in DIALECTS {
        table.add_row([dialect.name, dialect.title, dialect.told_by, dialect.lacks]);
    }
    let mut framings = new_table(["framing", "where a record begins and ends"]);
    for framing in Framing::ALL {
        framings.add_row([framing.name(), framing.title()]);
    }
    print(
        format!(
            "A spelling is a dialect and a framing, such as {}.{}.\nBoth are recognised by content. \
            gzip, zstd, bzip2, xz, ZIP, tar and UTF-16 are undone; an archive made by `signsift convert` is read as it is.\n\n{table}\n\n{framings}\n",
            DIALECTS.first().map(|dialect| dialect.name).unwrap_or_default(),
            Framing::ALL.first().map(|framing| framing.name()).unwrap_or_default(),
        )
        .as_bytes(),
    )
}

pub(super) fn queries(typed: &QueriesCommand, config: &Config) -> Result<u8> {
    let queries = config.queries(&typed.deciding)?;
    match typed.name.as_deref() {
        None => {
            let mut table = new_table(["view", "kind", "title"]);
            for query in queries.list() {
                let kind = match (&query.header.cause, &query.header.result) {
                    (Some(_), _) => "cause",
                    (_, Some(_)) => "result",
                    _ if query.header.defects.is_some() => "public",
                    _ => "view",
                };
                table.add_row([&query.name, kind, &query.header.title]);
            }
            print(format!("{table}\n").as_bytes())
        }
        Some("thresholds") => {
            let mut table = new_table(["threshold", "value", ""]);
            for threshold in queries.thresholds() {
                let note = if threshold.is_overridden() { "set" } else { "" };
                table.add_row([&threshold.name, &threshold.value(), note]);
            }
            print(format!("{table}\n").as_bytes())
        }
        Some(name) => match queries.list().iter().find(|query| query.name == name) {
            Some(query) => print(query.sql.as_bytes()),
            None => Err(setting(name, "is no query; `signsift queries` lists them")),
        },
    }
}

pub(super) fn schema(typed: &SchemaCommand, config: &Config) -> Result<u8> {
    let queries = config.queries(&typed.deciding)?;
    let schema = if typed.table == signsift::queries::SIGNINS {
        signin::schema()
    } else {
        schema_of(
            &typed.table,
            &queries,
            &config.resources(&Global::default(), None)?,
        )?
    };
    let mut table = new_table(["column", "type", "what it holds"]);
    for field in schema.fields() {
        let words = field
            .metadata()
            .get("description")
            .cloned()
            .unwrap_or_default();
        table.add_row([field.name().clone(), field.data_type().to_string(), words]);
    }
    print(format!("{table}\n").as_bytes())
}

/// The schema of a result table or a view.
pub(super) fn schema_of(name: &str, queries: &Queries, resources: &Resources) -> Result<SchemaRef> {
    let result = queries
        .list()
        .iter()
        .find(|query| query.header.result.as_deref() == Some(name) || query.name == name);
    let Some(query) = result else {
        return Err(setting(
            name,
            "is no table; `signsift queries` lists the views",
        ));
    };
    let engine = Engine::start(resources)?;
    let mut session = Session::new(engine.context()?, queries.clone(), engine.temp())?;
    engine.query(session.all_views())?;
    let view = engine.query(session.context().table_provider(query.name.as_str()));
    let view = view.map_err(|source| Error::Query {
        name: query.name.clone(),
        source,
    })?;
    Ok(view.schema())
}
