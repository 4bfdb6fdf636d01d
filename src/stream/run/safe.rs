//! The state of a stream on disk: when it is written, and how it is taken up again.

use std::io::Write;
use std::time::Instant;

use arrow::compute::concat_batches;

use super::{PREDECESSOR, Stream, failed, newest};
use crate::error::Result;
use crate::stream::Mode;
use crate::stream::history::NEVER;
use crate::stream::input::Came;
use crate::stream::journal::{Journal, Record, Replayed, State};
use crate::stream::told::Entry;

/// So many rows are written together.
const TOGETHER: usize = 4096;

impl<W: Write> Stream<'_, W> {
    /// Goes on where an earlier run ended, however it ended.
    pub(super) fn resume(&mut self) -> Result<()> {
        let Some(folder) = &self.settings.state else {
            return Ok(());
        };
        let mut telling = Vec::new();
        let patience = self.settings.grace * PREDECESSOR;
        let mut replayed = Replayed::open(folder, patience, newest, |record| {
            match record {
                Record::State(state) => {
                    self.told.clear();
                    self.told.restore(state.told);
                    telling = state.telling;
                    self.counters = state.counters;
                    self.clock.set(self.clock.latest().max(state.latest));
                }
                Record::Rows(rows) => self.remember(&rows)?,
                Record::Telling(entries) => {
                    telling = entries.clone();
                    self.told.restore(entries);
                }
                Record::Told => telling.clear(),
                Record::Reached(counters) => self.counters = counters,
                Record::Taken(_) | Record::Deferred(..) | Record::Together(_) => {}
            }
            Ok(())
        })?;
        for damaged in &replayed.damaged {
            (self.say)(damaged);
        }
        self.safe_lines = self.counters.lines;
        let state = State {
            telling: telling.clone(),
            ..self.state()
        };
        let deferred = std::mem::take(&mut replayed.deferred);
        let mut journal = replayed.begin(&state)?;
        if !telling.is_empty() && self.settings.mode != Mode::Annotate {
            let lines: Vec<String> = telling.iter().map(Entry::line).collect();
            self.sinks.findings(&lines)?;
        }
        journal.append(&Record::Told, NEVER)?;
        self.journal = Some(journal);
        self.is_dirty = true;
        self.take_again(&deferred)?;
        self.write_rows()?;
        match &mut self.journal {
            Some(journal) => journal.sync(),
            None => Ok(()),
        }
    }

    fn state(&self) -> State {
        State {
            latest: self.clock.latest(),
            counters: self.counters.clone(),
            told: self.told.entries().cloned().collect(),
            ..State::default()
        }
    }

    /// Takes in lines that were deferred by a process that was killed before the end of their transaction.
    fn take_again(&mut self, deferred: &[Vec<u8>]) -> Result<()> {
        if deferred.is_empty() {
            return Ok(());
        }
        let mut text = deferred.join(&b'\n');
        text.push(b'\n');
        for came in self.lines(|_| None).push(&text)? {
            if let Came::Lines(mut arrived) = came {
                // They have been answered.
                arrived.deferred = arrived.lines.len();
                self.arrived(*arrived)?;
            }
        }
        Ok(())
    }

    /// Writes the rows that are not in the journal yet, and how far it has come.
    pub(super) fn write_rows(&mut self) -> Result<()> {
        let Some(journal) = &mut self.journal else {
            return Ok(());
        };
        let mut waiting = std::mem::take(&mut self.unsafe_rows).into_iter();
        let (mut records, mut age) = (Vec::new(), NEVER);
        loop {
            // One by one they would take forty times the room.
            let (mut together, mut number) = (Vec::new(), 0);
            while number < TOGETHER
                && let Some(rows) = waiting.next()
            {
                number += rows.num_rows();
                together.push(rows);
            }
            let Some(first) = together.first() else {
                break;
            };
            let rows = concat_batches(&first.schema(), &together).map_err(failed)?;
            age = age.max(newest(&rows));
            records.push(Record::Rows(rows));
        }
        if self.safe_lines < self.counters.lines {
            records.push(Record::Reached(self.counters.clone()));
        }
        journal.append_all(records, age, self.deferred)
    }

    /// Makes everything that has come safe on disk.
    pub(super) fn make_safe(&mut self) -> Result<()> {
        self.checkpoint_at = Instant::now();
        if self.journal.is_none() || self.safe_lines == self.counters.lines {
            return Ok(());
        }
        self.write_rows()?;
        let state = match self.journal.as_ref().is_some_and(Journal::is_full) {
            true => Some(self.state()),
            false => None,
        };
        if let Some(journal) = &mut self.journal {
            match state {
                Some(state) => journal.turn(&state, self.remembered.since)?,
                None => journal.sync()?,
            }
        }
        self.safe_lines = self.counters.lines;
        Ok(())
    }
}
