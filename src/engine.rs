//! The machine as we use it: threads for decoding, an engine for SQL, one bound on memory for both,
//! and one temporary folder.

mod two_steps;

use std::fs::{self, File};
use std::future::Future;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use datafusion::execution::SessionStateBuilder;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::FairSpillPool;
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::optimizer::push_down_filter::PushDownFilter;
use datafusion::optimizer::simplify_expressions::SimplifyExpressions;
use datafusion::optimizer::{Optimizer, OptimizerRule};
use datafusion::prelude::{SessionConfig, SessionContext};
use tempfile::TempDir;
use tokio::task::JoinHandle;

use crate::error::{Error, Result};
use two_steps::TwoSteps;

/// Stack of a query thread. Views on views make deep plans, and debug builds large frames.
const STACK: usize = 16 << 20;

/// Memory for which a batch may have one row more.
const BATCH_SHARE: usize = 64 << 10;

/// Most rows of a batch, whatever they are. Some 25 operators share the memory of queries, each must
/// hold a batch, and attackers write user agents of several kilobytes: 8,192 rows of those did not
/// fit 1 GiB.
const BATCH_ROWS: usize = 2048;

/// Of ordinary rows a batch may have more, as long as it takes no more than this part of the memory.
/// Queries over 200,000 sign-ins were a fifth quicker so.
const BATCH_PART: usize = 256;
const BATCH_ROWS_NARROW: usize = 8192;

/// What a row takes that nobody has seen: sign-ins in the columns of an analysis take 400 to 600 bytes.
pub const USUAL_ROW: usize = 512;

/// How the names of our temporary folders begin.
const PREFIX: &str = ".signsift-";

/// The file in a temporary folder that is locked while the folder is in use.
const IN_USE: &str = "in-use";

/// What a run may use.
#[derive(Clone, Debug)]
pub struct Resources {
    /// Threads for decoding and for queries.
    pub threads: usize,
    /// Bytes of memory for rows, in decoding and in queries together.
    pub memory: usize,
    /// Folder for temporary files.
    pub temp: PathBuf,
}

/// The resources, started.
pub struct Engine {
    runtime: tokio::runtime::Runtime,
    pool: rayon::ThreadPool,
    /// Says that the folder is in use, as long as this process lives.
    _in_use: File,
    temp: TempDir,
    memory: usize,
    threads: usize,
}

impl Engine {
    /// Starts threads and makes the temporary folder.
    ///
    /// # Errors
    /// A temporary folder that cannot be made, or threads that cannot be started.
    pub fn start(resources: &Resources) -> Result<Engine> {
        let Resources {
            threads,
            memory,
            temp,
        } = resources;
        let failed = |reason: String| Error::setting("--threads", reason);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(*threads)
            .thread_stack_size(STACK)
            .build()
            .map_err(|error| failed(error.to_string()))?;
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(*threads)
            .build()
            .map_err(|error| failed(error.to_string()))?;
        sweep(temp);
        let folder = tempfile::Builder::new()
            .prefix(PREFIX)
            .tempdir_in(temp)
            .map_err(Error::write(temp))?;
        let in_use = claim(folder.path()).map_err(Error::write(folder.path()))?;
        Ok(Engine {
            runtime,
            pool,
            _in_use: in_use,
            temp: folder,
            memory: *memory,
            threads: *threads,
        })
    }

    /// The folder for temporary files; it goes when the engine goes.
    pub fn temp(&self) -> &Path {
        self.temp.path()
    }

    /// Threads for decoding and for queries.
    pub fn threads(&self) -> usize {
        self.threads
    }

    /// Bytes that decoded rows may take before they go to disk. Queries have the other half. Rows in memory are judged in half
    /// the time (8 GB of lines, which fit now and did not fit three eighths).
    pub fn rows_budget(&self) -> usize {
        self.memory / 2
    }

    /// Bytes of rows that one thread may take at a time while it makes a day distinct. It holds them three times: as they
    /// were, in order, and those before them that are still written.
    pub fn day_share(&self) -> usize {
        self.memory / 6 / self.threads
    }

    /// Bytes of a stored view of a stream that may stay in memory.
    pub fn view_budget(&self) -> usize {
        self.memory / 8
    }

    /// Runs CPU work on the decoding threads.
    pub fn decode<R: Send>(&self, work: impl FnOnce() -> R + Send) -> R {
        self.pool.install(work)
    }

    /// Runs queries to their end.
    pub fn query<R>(&self, work: impl Future<Output = R>) -> R {
        self.runtime.block_on(work)
    }

    /// Runs queries beside other work of this program, which [`Engine::query`] waits for.
    pub fn spawn<R: Send + 'static>(
        &self,
        work: impl Future<Output = R> + Send + 'static,
    ) -> JoinHandle<R> {
        self.runtime.spawn(work)
    }

    /// Ends the work, and gives back what was `held` for it. The temporary folder goes now; memory and threads beside what
    /// comes next, since nobody has to wait for them: they took 25 ms after 1 GB of logs.
    pub fn leave(self, held: impl Send + 'static) {
        let Engine {
            runtime,
            pool,
            _in_use: in_use,
            temp,
            ..
        } = self;
        drop(in_use);
        drop(temp);
        let rest = move || drop((held, runtime, pool));
        // Without another thread it goes here.
        let _ = std::thread::Builder::new().spawn(rest);
    }

    /// Rows in a batch, where a row takes so many bytes in memory.
    pub fn batch_rows(&self, row_bytes: usize) -> usize {
        let narrow = self.memory / BATCH_PART / row_bytes.max(1);
        let most = narrow.clamp(BATCH_ROWS, BATCH_ROWS_NARROW);
        (self.memory / BATCH_SHARE).clamp(512, most)
    }

    /// A new, empty SQL session.
    ///
    /// # Errors
    /// A runtime that DataFusion refuses.
    pub fn context(&self) -> Result<SessionContext> {
        let disk = DiskManagerBuilder::default()
            .with_mode(DiskManagerMode::Directories(vec![self.temp().to_owned()]));
        let runtime = RuntimeEnvBuilder::new()
            .with_memory_pool(Arc::new(FairSpillPool::new(self.memory / 2)))
            .with_disk_manager_builder(disk)
            .build()
            .map_err(|source| Error::Engine { source })?;
        let config = session_config()
            .with_target_partitions(self.threads)
            .with_batch_size(self.batch_rows(USUAL_ROW));
        Ok(session_context(config, Arc::new(runtime)))
    }
}

/// Marks a temporary folder as in use until the file is closed, which the system does for a process that is killed.
fn claim(folder: &Path) -> io::Result<File> {
    let early = folder.join("claimed");
    let file = File::create_new(&early)?;
    // A file system that has no locks has no sweeping either.
    let _ = file.try_lock();
    // Only now others look at it: before, they could have locked it first.
    fs::rename(&early, folder.join(IN_USE))?;
    Ok(file)
}

/// Removes what runs that were killed have left in `temp`. What cannot be removed is left alone.
fn sweep(temp: &Path) {
    let Ok(entries) = fs::read_dir(temp) else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let is_ours = name.to_str().is_some_and(|name| name.starts_with(PREFIX));
        if is_ours
            && let Ok(file) = File::open(entry.path().join(IN_USE))
            && file.try_lock().is_ok()
        {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// An engine with these settings and our order of the optimiser's rules: when a filter has come down to the expression
/// that a view computes (`outcome = 'success'` to a `CASE` of twenty codes), it is simplified again, which makes
/// `error_code = 0` of it. A second pass of every rule would do that too, at three times the price. And what is counted as
/// distinct is grouped twice.
pub fn session_context(config: SessionConfig, runtime: Arc<RuntimeEnv>) -> SessionContext {
    let mut rules = Optimizer::new().rules;
    if let Some(at) = rules
        .iter()
        .position(|rule| rule.name() == PushDownFilter::new().name())
    {
        rules.insert(at + 1, Arc::new(TwoSteps));
        rules.insert(at + 2, Arc::new(SimplifyExpressions::new()));
    }
    let state = SessionStateBuilder::new_with_default_features()
        .with_config(config)
        .with_runtime_env(runtime)
        .with_optimizer_rules(rules)
        .build();
    SessionContext::new_with_state(state)
}

/// The settings that queries rely on, here and in tests: text is `Utf8` everywhere (a cluster has
/// no view types), and `information_schema` answers `SHOW TABLES`.
pub fn session_config() -> SessionConfig {
    let mut config = SessionConfig::new().with_information_schema(true);
    let options = config.options_mut();
    options.execution.parquet.schema_force_view_types = false;
    options.execution.parquet.pushdown_filters = true;
    // What a sort sets aside to merge what it spilled. The default, 10 MiB for each of many small
    // sorts, is more than a small --memory-limit has.
    options.execution.sort_spill_reservation_bytes = 256 << 10;
    // A second pass over plans as small as ours finds nothing that pays for its time.
    options.optimizer.max_passes = 1;
    options.sql_parser.map_string_types_to_utf8view = false;
    config
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::arrow::datatypes::DataType;

    fn resources(temp: &Path) -> Resources {
        Resources {
            threads: 2,
            memory: 64 << 20,
            temp: temp.to_owned(),
        }
    }

    #[test]
    fn the_temporary_folder_goes_with_the_engine() {
        let temp = tempfile::tempdir().unwrap();
        let engine = Engine::start(&resources(temp.path())).unwrap();
        assert_eq!(engine.temp().parent(), Some(temp.path()));
        std::fs::write(engine.temp().join("rows"), "rows").unwrap();
        drop(engine);
        assert_eq!(temp.path().read_dir().unwrap().count(), 0);
    }

    #[test]
    fn what_a_killed_run_has_left_goes_and_what_is_in_use_stays() {
        let temp = tempfile::tempdir().unwrap();
        let running = Engine::start(&resources(temp.path())).unwrap();
        let killed = temp.path().join(".signsift-killed");
        let (foreign, unmarked) = (temp.path().join("mine"), temp.path().join(".signsift-new"));
        for folder in [&killed, &foreign, &unmarked] {
            fs::create_dir(folder).unwrap();
        }
        fs::write(killed.join(IN_USE), "").unwrap();
        fs::write(killed.join("rows"), "rows").unwrap();
        fs::write(foreign.join(IN_USE), "").unwrap();
        let next = Engine::start(&resources(temp.path())).unwrap();
        assert!(!killed.exists());
        assert!(foreign.exists() && unmarked.exists());
        assert!(running.temp().exists() && next.temp().exists());
    }

    #[test]
    fn a_temporary_folder_that_cannot_be_made_is_named() {
        let told = Engine::start(&resources(Path::new("/no/such/folder")))
            .err()
            .unwrap();
        assert!(told.to_string().contains("/no/such/folder"), "{told}");
    }

    #[test]
    fn memory_is_shared_out_and_never_twice() {
        let temp = tempfile::tempdir().unwrap();
        let engine = Engine::start(&resources(temp.path())).unwrap();
        let days = engine.day_share() * 3 * engine.threads();
        let queries = (64 << 20) / 2;
        assert!(
            engine.rows_budget() + queries <= 64 << 20,
            "rows stay while queries run"
        );
        assert!(
            engine.rows_budget() + days <= 64 << 20,
            "rows stay while days are sorted"
        );
    }

    #[test]
    fn text_is_utf8_in_every_result_and_decoding_uses_our_own_threads() {
        let temp = tempfile::tempdir().unwrap();
        let engine = Engine::start(&resources(temp.path())).unwrap();
        assert_eq!(engine.decode(rayon::current_num_threads), 2);
        let context = engine.context().unwrap();
        let rows = engine.query(async {
            let sql = "SELECT lower('A') AS a, CAST(1 AS VARCHAR) AS b, 'c' || 'd' AS c";
            context.sql(sql).await.unwrap().collect().await.unwrap()
        });
        for field in rows[0].schema().fields() {
            assert_eq!(field.data_type(), &DataType::Utf8, "{}", field.name());
        }
    }
}
