//! What standard output says of lines that have come: nothing, the lines with what is known of them, or
//! that they are safe.

use std::collections::{BTreeSet, HashMap};
use std::io::Write;

use arrow::array::{Array, AsArray};

use super::{Stream, control, failed};
use crate::error::Result;
use crate::stream::annotate::{OfMany, annotated};
use crate::stream::history::column;
use crate::stream::input::Arrived;
use crate::stream::step::Explained;
use crate::stream::{Ack, Mode};

impl<W: Write> Stream<'_, W> {
    /// What standard output says of lines that have come.
    pub(super) fn answer(&mut self, arrived: &Arrived) -> Result<()> {
        match self.settings.ack {
            Some(Ack::Rsyslog) => self.acknowledge(arrived),
            None if self.settings.mode == Mode::Findings => Ok(()),
            None => self.annotate(arrived),
        }
    }

    /// Answers each message as rsyslog wants it: OK only to what is safe.
    fn acknowledge(&mut self, arrived: &Arrived) -> Result<()> {
        for line in arrived.lines.iter().skip(arrived.deferred) {
            let reply: &[u8] = match control(&arrived.bytes[line.place.clone()]) {
                Some(begins) => {
                    self.in_transaction = begins;
                    if !begins {
                        self.make_safe()?;
                    }
                    b"OK"
                }
                // One that could not be read, and has been put where such lines go.
                None if self.in_transaction => b"DEFER_COMMIT",
                None => {
                    self.make_safe()?;
                    b"OK"
                }
            };
            self.sinks.reply(reply)?;
        }
        Ok(())
    }

    /// Answers a message of a transaction. Where this process dies before the commit, rsyslog sends again from the message
    /// that failed, and not from the first of the transaction (8.2302, seen): those before it must not be lost.
    pub(super) fn defer(&mut self, line: Vec<u8>) -> Result<()> {
        if let Some(journal) = &mut self.journal {
            journal.defer(line)?;
        }
        self.deferred += 1;
        self.sinks.reply(b"DEFER_COMMIT")
    }

    /// Writes each line with what is known of the refusals in it, which are judged first.
    fn annotate(&mut self, arrived: &Arrived) -> Result<()> {
        let mut refused: Vec<(usize, Option<&str>, &str)> = Vec::new();
        if let Some(rows) = &arrived.rows {
            let ids = column(rows, "sign_in_id")
                .map_err(failed)?
                .as_string::<i32>();
            let reasons = column(rows, "stated_reason")
                .map_err(failed)?
                .as_string::<i32>();
            for (row, reason) in reasons.iter().enumerate() {
                if let Some(reason) = reason {
                    refused.push((row, ids.is_valid(row).then(|| ids.value(row)), reason));
                }
            }
        }
        let ids: BTreeSet<&str> = refused.iter().filter_map(|(_, id, _)| *id).collect();
        let explained = match ids.is_empty() {
            true => HashMap::new(),
            false => self.judge_now(&ids)?,
        };
        let said: HashMap<usize, (Option<&str>, Explained)> = refused
            .into_iter()
            .map(|(row, id, reason)| {
                let known = id.and_then(|id| explained.get(id)).cloned();
                let explained = known.unwrap_or_else(|| Explained::stated(reason));
                (row, (id, explained))
            })
            .collect();
        for line in &arrived.lines {
            let refusals: Vec<OfMany<'_>> = line
                .rows
                .clone()
                .filter_map(|row| said.get(&row))
                .map(|(id, explained)| OfMany {
                    sign_in_id: *id,
                    explained,
                })
                .collect();
            let bytes = &arrived.bytes[line.place.clone()];
            self.sinks
                .reply(&annotated(bytes, &refusals, line.rows.len()))?;
        }
        Ok(())
    }

    /// Judges everything that has come, and says what is known of these refusals.
    fn judge_now(&mut self, ids: &BTreeSet<&str>) -> Result<HashMap<String, Explained>> {
        if self.is_judging {
            let judgement = self.wait()?;
            self.apply(judgement)?;
        }
        self.start()?;
        let judgement = self.wait()?;
        let explained = judgement.explain(ids)?;
        self.apply(judgement)?;
        Ok(explained)
    }
}
