//! The SQL that decides: reads `queries/*.sql`, fills in thresholds, plans each file as a view.
//!
//! Nothing here knows a rule, a number or a word of a finding: those are in the files. Text is never
//! spliced into SQL; `$name` is replaced in the parsed statement by the literal of that threshold.

mod builtin;
mod header;
mod kept;
mod plain;
mod session;
mod slot;
mod stored;
pub(crate) mod table;
mod thresholds;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use datafusion::sql::parser::{DFParser, Statement};
use datafusion::sql::resolve::resolve_table_references;
use rayon::iter::{IntoParallelIterator, ParallelIterator};

use crate::error::{Error, Result};
use crate::signin::Columns;
pub use header::{By, Cause, Header, Only, Values};
pub use session::{Changes, Codes, Needs, Session};
pub use stored::Rows;
pub use thresholds::Threshold;

/// The folder of the rules of others, inside the folder of queries. They come last: no verdict rests on
/// them.
const PUBLIC: &str = "public";
/// The view that sets the rules of others beside what signsift says.
pub const COMPARE: &str = "compare";
/// The view of all claims of all causes, made after the last cause file.
pub const CLAIMS: &str = "claims";
/// The view of what the headers say of each cause, made after the last cause file.
pub const CAUSES: &str = "causes";
/// The canonical table; the only table that queries start from.
pub const SIGNINS: &str = "signins";
/// The accounts that matter most, as the analyst names them: one column, `account`, lower case.
pub const VIPS: &str = "vips";
const THRESHOLDS: &str = "thresholds";

/// One file of `queries/`: a single SELECT under a header of `-- key: value` lines.
#[derive(Clone, Debug)]
pub struct Query {
    /// The view's name: the file's name without its number and `.sql`.
    pub name: String,
    /// The file's name.
    pub file: String,
    /// What the header says.
    pub header: Header,
    /// The whole text.
    pub sql: String,
    statement: Arc<Statement>,
    uses: BTreeSet<String>,
}

/// All queries in their order, and the thresholds they refer to.
#[derive(Clone, Debug)]
pub struct Queries {
    list: Vec<Query>,
    thresholds: Vec<Threshold>,
    columns: Option<Columns>,
}

impl Queries {
    /// The queries that are built in: the folder `queries/` as it was when signsift was built.
    ///
    /// # Errors
    /// A file that breaks the rules of `queries/README.md`.
    pub fn builtin() -> Result<Queries> {
        let files = builtin::FILES.iter();
        let queries = Queries::new(files.map(|(file, sql)| (file.to_string(), sql.to_string())))?;
        Ok(Queries {
            columns: Some(Columns::of(builtin::COLUMNS.iter().copied())),
            ..queries
        })
    }

    /// Of the queries that are built in only the thresholds: to read them all takes as long as to start everything else.
    ///
    /// # Errors
    /// As [`builtin`](Self::builtin).
    pub fn thresholds_alone() -> Result<Queries> {
        let files = builtin::FILES.iter().take(1);
        Queries::new(files.map(|(file, sql)| (file.to_string(), sql.to_string())))
    }

    /// The columns of `signins` that all results together are made of, where that is known without
    /// planning the queries.
    pub fn columns(&self) -> Option<Columns> {
        self.columns
    }

    /// The queries of a folder, instead of those built in.
    ///
    /// # Errors
    /// A folder or file that cannot be read, or that breaks the rules of `queries/README.md`.
    pub fn folder(path: &Path) -> Result<Queries> {
        let mut files = sql_files(path, "")?;
        if files.is_empty() {
            let reason = "holds no .sql files".to_owned();
            return Err(Error::QueryFile {
                file: path.display().to_string(),
                reason,
            });
        }
        let public = path.join(PUBLIC);
        if public.is_dir() {
            files.extend(sql_files(&public, "public/")?);
        }
        Queries::new(files)
    }

    fn new(files: impl IntoIterator<Item = (String, String)>) -> Result<Queries> {
        let mut list: Vec<Query> = Vec::new();
        let mut thresholds = None;
        let files: Vec<(String, String)> = files.into_iter().collect();
        let parsed: Vec<Result<Query>> = files
            .into_par_iter()
            .map(|(file, sql)| Query::parse(file, sql))
            .collect();
        for query in parsed {
            let query = query?;
            if query.name == THRESHOLDS {
                thresholds = Some(thresholds::read(&query.file, &query.statement)?);
            }
            let is_table = [SIGNINS, VIPS].contains(&query.name.as_str());
            if is_table || list.iter().any(|other| other.name == query.name) {
                return Err(query.wrong(format!("a view called {} is there already", query.name)));
            }
            list.push(query);
        }
        let Some(thresholds) = thresholds else {
            return Err(Error::QueryFile {
                file: "00_thresholds.sql".to_owned(),
                reason: "is missing: every number that decides is named there".to_owned(),
            });
        };
        let queries = Queries {
            list,
            thresholds,
            columns: None,
        };
        queries.check_order()?;
        Ok(queries)
    }

    fn check_order(&self) -> Result<()> {
        let last_cause = self.last_cause();
        for (at, query) in self.list.iter().enumerate() {
            for used in &query.uses {
                let known = [SIGNINS, VIPS].contains(&used.as_str())
                    || self.list[..at].iter().any(|earlier| earlier.name == *used)
                    || ([CLAIMS, CAUSES].contains(&used.as_str()) && last_cause < Some(at));
                if !known {
                    return Err(query.wrong(format!(
                        "there is no view {used} before this one; a query may use signins and the files that come before it"
                    )));
                }
            }
            self.check_parts(query)?;
        }
        Ok(())
    }

    /// Whether the header's `only` and `by` speak of columns and views that are there.
    fn check_parts(&self, query: &Query) -> Result<()> {
        if !query.header.only.is_empty() && (query.header.fold || !query.is_stored()) {
            let reason = "only needs keep: yes, and does not go with fold";
            return Err(query.wrong(reason.to_owned()));
        }
        if !query.header.by.is_empty() && (query.header.fold || !query.is_stored()) {
            let reason = "by needs keep: yes, and does not go with fold";
            return Err(query.wrong(reason.to_owned()));
        }
        let known = crate::signin::schema();
        let strange = |columns: &[String]| {
            let mut columns = columns.iter();
            let name = columns.find(|name| known.index_of(name).is_err());
            name.cloned()
        };
        for by in &query.header.by {
            if let Some(name) = strange(&by.signins) {
                return Err(query.wrong(format!("by: signins has no column {name}")));
            }
        }
        for only in &query.header.only {
            if let Some(name) = strange(&only.columns) {
                return Err(query.wrong(format!("only: signins has no column {name}")));
            }
            let Values::Of(view, _) = &only.values else {
                continue;
            };
            let named = self.list.iter().find(|other| other.name == *view);
            if !query.uses.contains(view) || !named.is_some_and(Query::is_stored) {
                return Err(query.wrong(format!(
                    "only: {view} is no stored view that this query reads"
                )));
            }
        }
        Ok(())
    }

    /// Every query, in the order of their files.
    pub fn list(&self) -> &[Query] {
        &self.list
    }

    /// Every threshold with the value in force, in the order of the file.
    pub fn thresholds(&self) -> &[Threshold] {
        &self.thresholds
    }

    /// Overrides one threshold, as `--set name=value` does.
    ///
    /// # Errors
    /// A name that is not in `00_thresholds.sql`, or a value of another kind than its default.
    pub fn set(&mut self, name: &str, value: &str) -> Result<()> {
        let found = self
            .thresholds
            .iter_mut()
            .find(|threshold| threshold.name == name);
        match found {
            Some(threshold) => threshold.set(value),
            None => Err(Error::setting(
                format!("--set {name}"),
                "there is no such threshold; `signsift queries thresholds` lists them all",
            )),
        }
    }

    /// The cause views with what their headers say, in order of precedence.
    fn causes(&self) -> impl Iterator<Item = (&Query, &Cause)> {
        self.list
            .iter()
            .filter_map(|query| Some((query, query.header.cause.as_ref()?)))
    }

    fn last_cause(&self) -> Option<usize> {
        self.list
            .iter()
            .rposition(|query| query.header.cause.is_some())
    }

    /// Every view that one of `names` needs, itself included, in registration order.
    fn closure(&self, names: &BTreeSet<String>) -> BTreeSet<String> {
        let mut needed = names.clone();
        if needed.contains(CLAIMS) || needed.contains(CAUSES) {
            self.need_causes(&mut needed);
        }
        for query in self.list.iter().rev() {
            if needed.contains(&query.name) {
                needed.extend(query.uses.iter().cloned());
                if query.uses.contains(CLAIMS) || query.uses.contains(CAUSES) {
                    self.need_causes(&mut needed);
                }
            }
        }
        needed
    }

    fn need_causes(&self, needed: &mut BTreeSet<String>) {
        needed.extend([CLAIMS.to_owned(), CAUSES.to_owned()]);
        let causes = self
            .list
            .iter()
            .filter(|query| query.header.cause.is_some());
        needed.extend(causes.map(|query| query.name.clone()));
    }
}

/// (name after `prefix`, text) of the query files in one folder, in order.
fn sql_files(path: &Path, prefix: &str) -> Result<Vec<(String, String)>> {
    let mut files = Vec::new();
    for entry in path.read_dir().map_err(Error::read(path))? {
        let file = entry.map_err(Error::read(path))?.path();
        let Some(name) = file.file_name().and_then(|name| name.to_str()) else {
            continue;
        };
        if name.ends_with(".sql") && !name.starts_with('.') {
            let sql = std::fs::read_to_string(&file).map_err(Error::read(&file))?;
            files.push((format!("{prefix}{name}"), sql));
        }
    }
    files.sort();
    Ok(files)
}

impl Query {
    fn parse(file: String, sql: String) -> Result<Query> {
        let wrong = |reason: String| Error::QueryFile {
            file: file.clone(),
            reason,
        };
        let name = file
            .rsplit('/')
            .next()
            .and_then(|name| name.strip_suffix(".sql"))
            .and_then(|stem| stem.split_once('_'))
            .filter(|(number, name)| {
                number.bytes().all(|byte| byte.is_ascii_digit())
                    && name
                        .bytes()
                        .all(|byte| byte.is_ascii_lowercase() || byte == b'_')
            })
            .map(|(_, name)| name.to_owned())
            .ok_or_else(|| wrong("is not called NN_name.sql (name in a-z and _)".to_owned()))?;
        let header = Header::parse(&sql).map_err(wrong)?;
        let mut statements = DFParser::parse_sql(&sql).map_err(Error::query(&file))?;
        let statement = match (statements.pop_front(), statements.is_empty()) {
            (Some(statement), true) => statement,
            _ => return Err(wrong("does not hold exactly one SELECT".to_owned())),
        };
        let (tables, _) =
            resolve_table_references(&statement, true).map_err(Error::query(&file))?;
        let uses = tables
            .iter()
            .map(|table| table.table().to_owned())
            .collect();
        Ok(Query {
            name,
            file,
            header,
            sql,
            statement: Arc::new(statement),
            uses,
        })
    }

    fn wrong(&self, reason: String) -> Error {
        Error::QueryFile {
            file: self.file.clone(),
            reason,
        }
    }

    /// Whether the view is computed once and stored: others read it, it is a result, or it is a cause
    /// (all of them in one plan would sort at the same time, and share the memory of one).
    fn is_stored(&self) -> bool {
        let header = &self.header;
        header.keep || header.fold || header.result.is_some() || header.cause.is_some()
    }
}

#[cfg(test)]
mod tests;
