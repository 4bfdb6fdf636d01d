//! The loop of a stream: takes what comes, decides when to judge, tells what is new, and keeps the
//! state safe before anything is acknowledged.

mod housekeeping;
mod reply;
mod safe;

use std::collections::{BTreeSet, HashMap};
use std::io::{Read, Write};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use arrow::array::{Array, AsArray, BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::datatypes::TimestampMicrosecondType;
use arrow::error::ArrowError;

use super::clock::Clock;
use super::history::{History, NEVER, column};
use super::input::{self, Arrived, Came, Line, Lines, Waiting};
use super::journal::{Journal, Record};
use super::metrics::Counters;
use super::sinks::Sinks;
use super::step::{Judge, Judgement};
use super::told::{Entry, Remembered, Told, Why};
use super::{Ack, Event, Mode, OnEof, Settings, Signal, Signals};
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::queries::Changes;

/// Bytes of lines that may wait to be dealt with.
const WAITING: usize = 64 << 20;
/// Stack of the thread that judges: views on views make deep plans.
const STACK: usize = 64 << 20;
/// Steps follow each other no sooner; after a long one the pause is as long as it was, so that lines get a core.
const PAUSE: Duration = Duration::from_millis(200);
/// A stream that uses our state may take so many times the grace to come to its end.
const PREDECESSOR: u32 = 6;
/// The same complaint is made no sooner.
const COMPLAIN: Duration = Duration::from_secs(60);

/// Something to judge: the table of what is remembered, and what has changed since the one before.
type Job = (RecordBatch, Changes);

/// Runs until `stdin` ends or a signal asks for the end. `say` tells people what was lost.
///
/// `listen` gets the means by which others ask something of it meanwhile.
///
/// # Errors
/// A file that cannot be written, a query that fails, a state that cannot be used.
pub fn run<W: Write>(
    settings: &Settings,
    stdin: impl Read + Send + 'static,
    stdout: W,
    listen: impl FnOnce(Signals),
    say: &mut dyn FnMut(&str),
) -> Result<()> {
    let (send, events) = channel();
    let mut sinks = Sinks::new(
        stdout,
        settings.out.as_deref(),
        settings.dead_letter.as_deref(),
    )?;
    // Ready to be spoken to. Before anything that may take long or fail: rsyslog 8.2302 crashes when a
    // program ends before it has said so.
    if settings.ack.is_some() {
        sinks.reply(b"OK")?;
        sinks.flush()?;
    }
    let engine = Engine::start(&settings.resources)?;
    let budget = engine.rows_budget();
    let mut judge = Judge::new(engine, settings.queries.clone())?;
    let history = History::new(judge.columns()?).map_err(failed)?;
    let (jobs, work) = channel::<Job>();
    let (found, judged) = channel();
    let wake = send.clone();
    let started = thread::Builder::new().stack_size(STACK).spawn(move || {
        for (signins, changes) in work {
            let judgement = judge.judge(signins, changes);
            if found.send(judgement).is_err() || wake.send(Event::Judged).is_err() {
                return;
            }
        }
    });
    started.map_err(|error| Error::setting("--threads", error.to_string()))?;
    let waiting = Waiting::new(WAITING);
    let mut stream = Stream {
        history,
        budget,
        clock: Clock::new(micros(settings.lateness)),
        told: Told::new(settings.revise_every),
        remembered: Remembered::default(),
        sinks,
        journal: None,
        unsafe_rows: Vec::new(),
        deferred: 0,
        safe_lines: 0,
        counters: Counters::default(),
        tenants: HashMap::new(),
        in_transaction: false,
        events,
        jobs,
        judged,
        is_judging: false,
        leaving: None,
        is_dirty: false,
        judged_at: None,
        took: Duration::ZERO,
        checkpoint_at: Instant::now(),
        metrics_at: None,
        idle_at: Instant::now(),
        complained_at: HashMap::new(),
        say,
        waiting: waiting.clone(),
        settings,
    };
    stream.resume()?;
    listen(Signals(send.clone()));
    let control = match settings.ack {
        Some(Ack::Rsyslog) => control,
        None => |_: &[u8]| None,
    };
    let lines = stream.lines(control);
    thread::spawn(move || input::read(stdin, lines, &waiting, &send));
    stream.run()
}

/// A line with which rsyslog frames a transaction.
fn control(line: &[u8]) -> Option<bool> {
    match line {
        b"BEGIN TRANSACTION" => Some(true),
        b"COMMIT TRANSACTION" => Some(false),
        _ => None,
    }
}

struct Stream<'s, W: Write> {
    settings: &'s Settings,
    history: History,
    /// Bytes that the history may take.
    budget: usize,
    clock: Clock,
    told: Told,
    remembered: Remembered,
    sinks: Sinks<W>,
    journal: Option<Journal>,
    /// Rows that are not in the journal yet.
    unsafe_rows: Vec<RecordBatch>,
    /// Lines that have been deferred and will come again with the others of their transaction.
    deferred: u64,
    /// Lines that are in it.
    safe_lines: u64,
    counters: Counters,
    /// When something last came from each tenant.
    tenants: HashMap<String, Instant>,
    in_transaction: bool,
    events: Receiver<Event>,
    jobs: Sender<Job>,
    judged: Receiver<Result<Judgement>>,
    is_judging: bool,
    /// The time before which sign-ins may be forgotten once the step has been told, and how many it judges.
    leaving: Option<(i64, usize)>,
    /// Something has come since the last step began.
    is_dirty: bool,
    judged_at: Option<Instant>,
    took: Duration,
    checkpoint_at: Instant,
    metrics_at: Option<Instant>,
    idle_at: Instant,
    complained_at: HashMap<&'static str, Instant>,
    say: &'s mut dyn FnMut(&str),
    waiting: Waiting,
}

impl<W: Write> Stream<'_, W> {
    fn run(mut self) -> Result<()> {
        let mut deadline: Option<Instant> = None;
        loop {
            let event = match self.next() {
                Some(event) => Some(event),
                None if deadline.is_some_and(|deadline| deadline <= Instant::now()) => {
                    Some(Event::Asked(Signal::Stop))
                }
                None => None,
            };
            match event {
                None | Some(Event::Judged) => {}
                Some(Event::Came(came)) => self.came(came)?,
                Some(Event::Asked(Signal::Terminate)) => {
                    deadline = Some(Instant::now() + self.settings.grace);
                }
                Some(Event::Asked(Signal::Reopen)) => self.sinks.reopen()?,
                Some(Event::Ended(ended)) => {
                    self.end()?;
                    return ended;
                }
                Some(Event::Asked(Signal::Stop)) => return self.end(),
            }
            if let Ok(judgement) = self.judged.try_recv() {
                self.apply(judgement?)?;
            }
            self.housekeeping()?;
        }
    }

    /// The next event, or none when it is time to look at the clocks.
    fn next(&mut self) -> Option<Event> {
        match self.events.recv_timeout(PAUSE / 4) {
            Ok(event) => Some(event),
            Err(RecvTimeoutError::Timeout) => None,
            // We hold a sender through the thread that judges, so this does not happen.
            Err(RecvTimeoutError::Disconnected) => Some(Event::Asked(Signal::Stop)),
        }
    }

    /// Takes in what has come, and answers it.
    fn came(&mut self, came: Came) -> Result<()> {
        let waited = came.len();
        match came {
            Came::Lines(arrived) => self.arrived(*arrived)?,
            Came::Deferred(line) => self.defer(line)?,
        }
        self.sinks.flush()?;
        self.waiting.give(waited);
        Ok(())
    }

    /// What cuts and decodes lines.
    fn lines(&self, control: fn(&[u8]) -> Option<bool>) -> Lines {
        let settings = self.settings;
        let columns = self.history.columns();
        Lines::new(columns, settings.keep.clone(), settings.max_line, control)
    }

    /// Takes lines in, and answers them.
    fn arrived(&mut self, mut arrived: Arrived) -> Result<()> {
        let controls = |line: &Line| control(&arrived.bytes[line.place.clone()]).is_some();
        let lines = match self.settings.ack {
            Some(Ack::Rsyslog) => arrived.lines.iter().filter(|line| !controls(line)).count(),
            None => arrived.lines.len(),
        };
        let tally = &arrived.tally;
        self.counters.lines += lines as u64;
        self.counters.records += tally.records;
        self.counters.rejected += tally.rejected.count;
        self.counters.other += tally.others.values().sum::<u64>();
        for line in &arrived.lines {
            if let Some(reason) = &line.rejected {
                let bytes = &arrived.bytes[line.place.clone()];
                let reason = if line.cut {
                    format!("{reason}; only its start is here")
                } else {
                    reason.clone()
                };
                self.sinks.dead(bytes, &reason)?;
            }
        }
        if let Some(rejection) = tally.rejected.samples.first() {
            let reason = rejection.reason.clone();
            self.complain("rejected", |counters| {
                format!(
                    "{} records could not be read so far; the latest: {reason}",
                    counters.rejected
                )
            });
        } else if tally.rejected.count > 0 {
            self.complain("long", |counters| {
                format!(
                    "{} records could not be read so far; the latest was too long",
                    counters.rejected
                )
            });
        }
        if let Some(rows) = arrived.rows.take() {
            let rows = self.in_time(rows, &arrived)?;
            self.remember(&rows)?;
            if self.journal.is_some() {
                self.unsafe_rows.push(rows.clone());
            }
            arrived.rows = Some(rows);
        }
        self.deferred -= (arrived.deferred as u64).min(self.deferred);
        self.answer(&arrived)
    }

    /// Rows into the history.
    fn remember(&mut self, rows: &RecordBatch) -> Result<()> {
        let now = jiff::Timestamp::now().as_microsecond();
        let watermark = self.watermark();
        let times = times(rows)?;
        for time in times.iter().flatten() {
            self.counters.late += u64::from(watermark.is_some_and(|mark| time < mark));
            self.clock.see(time, now);
        }
        let age = self.clock.latest().or_else(|| times.iter().flatten().max());
        let added = self.history.add(rows, age.unwrap_or(now))?;
        self.counters.sign_ins += added.new as u64;
        self.counters.refusals += added.refusals as u64;
        self.counters.duplicates += added.copies as u64;
        self.is_dirty |= added.changed;
        let tenants = column(rows, "tenant_id")
            .map_err(failed)?
            .as_string::<i32>();
        let mut last = None;
        for tenant in tenants.iter().filter(|tenant| tenant.is_some()) {
            if tenant != last {
                self.tenants
                    .insert(tenant.unwrap_or_default().to_owned(), Instant::now());
                last = tenant;
            }
        }
        Ok(())
    }

    /// Leaves out rows of a time of which nothing is remembered any more.
    fn in_time(&mut self, rows: RecordBatch, arrived: &Arrived) -> Result<RecordBatch> {
        let Some(since) = self.remembered.since else {
            return Ok(rows);
        };
        let times = times(&rows)?;
        let is_late = |row: usize| times.is_valid(row) && times.value(row) < since;
        if !(0..rows.num_rows()).any(is_late) {
            return Ok(rows);
        }
        for line in &arrived.lines {
            if line.rows.clone().any(is_late) {
                let reason = "older than what is remembered (--history)";
                self.sinks
                    .dead(&arrived.bytes[line.place.clone()], reason)?;
            }
        }
        let keep: BooleanArray = (0..rows.num_rows())
            .map(|row| Some(!is_late(row)))
            .collect();
        self.counters.too_late += keep.values().len() as u64 - keep.true_count() as u64;
        self.complain("too late", |counters| {
            format!(
                "{} sign-ins so far came later than --history reaches back and were not used",
                counters.too_late
            )
        });
        filter_record_batch(&rows, &keep).map_err(failed)
    }

    /// Judges everything that has come: before the end, and where memory must be made free.
    fn judge_all(&mut self) -> Result<()> {
        if self.is_judging {
            let judgement = self.wait()?;
            self.apply(judgement)?;
        }
        if self.is_dirty && self.has_something_to_judge() {
            self.start()?;
            let judgement = self.wait()?;
            self.apply(judgement)?;
        }
        Ok(())
    }

    /// Without refusals nothing is found, and what was found before has gone.
    fn has_something_to_judge(&self) -> bool {
        self.history.refusals() > 0 || self.told.entries().any(|entry| entry.ended.is_none())
    }

    /// Begins a step.
    fn start(&mut self) -> Result<()> {
        let rows = self.history.table()?;
        let judged = self.history.len();
        self.leaving = self.overdue().map(|since| (since, judged));
        // The thread ends only with us.
        self.is_judging = self.jobs.send(rows).is_ok();
        self.is_dirty = false;
        Ok(())
    }

    /// Waits for the step that has begun; what else comes is dealt with later.
    fn wait(&mut self) -> Result<Judgement> {
        // The thread that judges ends only with us.
        self.judged
            .recv()
            .unwrap_or_else(|_| Ok(Judgement::default()))
    }

    /// Tells what a step has found and was not told before.
    fn apply(&mut self, judgement: Judgement) -> Result<()> {
        self.is_judging = false;
        self.judged_at = Some(Instant::now());
        self.took = judgement.took;
        let owner = |refusal: &str| {
            let found = judgement.explain(&BTreeSet::from([refusal])).ok()?;
            found.into_values().next()?.finding_id
        };
        let now = self.watermark();
        let entries = self
            .told
            .compare(&judgement.findings, &owner, now, self.remembered);
        self.tell(entries)?;
        if let Some((since, rows)) = self.leaving.take() {
            self.forget(since, rows);
        }
        Ok(())
    }

    /// Tells findings; before that it is made safe that they will be.
    fn tell(&mut self, entries: Vec<Entry>) -> Result<()> {
        if entries.is_empty() {
            return Ok(());
        }
        for entry in &entries {
            *self
                .counters
                .findings
                .entry(entry.cause.clone())
                .or_default() += 1;
        }
        let lines: Vec<String> = entries.iter().map(Entry::line).collect();
        if self.journal.is_some() {
            self.write_rows()?;
        }
        if let Some(journal) = &mut self.journal {
            journal.append(&Record::Telling(entries), NEVER)?;
            journal.sync()?;
        }
        if self.settings.mode != Mode::Annotate {
            self.sinks.findings(&lines)?;
        }
        match &mut self.journal {
            Some(journal) => journal.append(&Record::Told, NEVER),
            None => Ok(()),
        }
    }

    /// The input has ended, or must.
    fn end(&mut self) -> Result<()> {
        // Lines that came before the end are not lost.
        while let Ok(event) = self.events.try_recv() {
            if let Event::Came(came) = event {
                self.came(came)?;
            }
        }
        // First of all: whoever waits for us may lose patience.
        self.make_safe()?;
        self.judge_all()?;
        let entries = match self.settings.on_eof {
            OnEof::Flush => self.told.end(Why::Eof, |_| true),
            OnEof::Save => Vec::new(),
        };
        self.tell(entries)?;
        self.make_safe()?;
        self.write_metrics()?;
        self.sinks.flush()
    }

    /// Tells people what is lost, but not for every line.
    fn complain(&mut self, what: &'static str, words: impl FnOnce(&Counters) -> String) {
        let due = self.complained_at.get(what);
        if due.is_none_or(|at| at.elapsed() >= COMPLAIN) {
            (self.say)(&words(&self.counters));
            self.complained_at.insert(what, Instant::now());
        }
    }
}

fn times(rows: &RecordBatch) -> Result<&arrow::array::TimestampMicrosecondArray> {
    let times = column(rows, "time").map_err(failed)?;
    Ok(times.as_primitive::<TimestampMicrosecondType>())
}

/// The latest time of rows.
fn newest(rows: &RecordBatch) -> i64 {
    let latest = times(rows).ok().and_then(arrow::compute::max);
    latest.unwrap_or(NEVER)
}

fn micros(of: Duration) -> i64 {
    i64::try_from(of.as_micros()).unwrap_or(i64::MAX)
}

fn failed(source: ArrowError) -> Error {
    Error::Table {
        input: "stream".to_owned(),
        source,
    }
}
