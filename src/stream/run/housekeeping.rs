//! What a stream does by the clock and not by what comes: judge, close, forget, make safe, write metrics.

use std::io::Write;
use std::time::{Duration, Instant};

use super::{PAUSE, Stream, WAITING, micros};
use crate::error::Result;
use crate::stream::metrics::{self, Gauges};
use crate::stream::told::{Entry, Remembered, Why};

/// The state is made safe at least so often.
const CHECKPOINT: Duration = Duration::from_secs(5);
/// Metrics are written so often.
const METRICS: Duration = Duration::from_secs(5);
/// Sign-ins are forgotten in pieces of this part of the history, since forgetting costs a pass over
/// all of it.
const PART: i64 = 4;
/// A step that takes no longer is followed by the next one soon: what comes meanwhile is told within two seconds.
const PROMPT: Duration = Duration::from_secs(1);

/// How long nothing is judged after a step that took so long, while so many bytes wait to be taken in. Judging takes up to
/// four fifths of the time while steps are short and nothing waits, otherwise half.
fn rest(took: Duration, waiting: usize) -> Duration {
    let is_prompt = took <= PROMPT && waiting < WAITING / 4;
    PAUSE.max(if is_prompt { took / 4 } else { took })
}

impl<W: Write> Stream<'_, W> {
    /// What is done by the clock and not by what comes.
    pub(super) fn housekeeping(&mut self) -> Result<()> {
        self.fit()?;
        let rest = rest(self.took, self.waiting.bytes());
        let rested = self.judged_at.is_none_or(|at| at.elapsed() >= rest);
        let overdue = self.overdue();
        if !self.is_judging && (rested || overdue.is_some()) {
            if self.is_dirty && self.has_something_to_judge() {
                self.start()?;
            } else if let Some(since) = overdue {
                self.forget(since, self.history.len());
            }
        }
        if self.idle_at.elapsed() >= PAUSE {
            self.idle_at = Instant::now();
            let outstanding = self.told.outstanding();
            self.tell(outstanding)?;
            self.close_idle()?;
        }
        if self.checkpoint_at.elapsed() >= CHECKPOINT {
            self.make_safe()?;
        }
        if self.metrics_at.is_none_or(|at| at.elapsed() >= METRICS) {
            self.write_metrics()?;
        }
        Ok(())
    }

    /// Findings of tenants from which nothing comes any more are final.
    fn close_idle(&mut self) -> Result<()> {
        // What has come is judged first.
        if self.is_dirty || self.is_judging {
            return Ok(());
        }
        let idle = self.settings.idle_close;
        self.tenants.retain(|_, last| last.elapsed() < idle);
        let tenants = &self.tenants;
        let is_idle = |entry: &Entry| {
            let tenant = entry.tenant.as_ref();
            let quiet = tenant.is_none_or(|tenant| !tenants.contains_key(tenant));
            quiet && (tenant.is_some() || tenants.is_empty()) && entry.is_older(idle)
        };
        let entries = self.told.end(Why::Idle, is_idle);
        self.tell(entries)
    }

    /// The time before which the history may be forgotten, if it is time to.
    pub(super) fn overdue(&self) -> Option<i64> {
        let history = micros(self.settings.history);
        let since = self.watermark()?.saturating_sub(history);
        let known = match self.remembered.since {
            Some(since) => since,
            None => self.history.first().unwrap_or(since),
        };
        (since > known.saturating_add(history / PART)).then_some(since)
    }

    /// Forgets what is older than `since` of the first `rows` sign-ins, which have been judged.
    pub(super) fn forget(&mut self, since: i64, rows: usize) {
        self.history.forget(since, rows);
        self.told.forget(since);
        self.remembered = Remembered {
            since: Some(since),
            cut_by_memory: false,
        };
        self.is_dirty = true;
    }

    /// Forgets what memory has no room for. Lines wait meanwhile: there is no room for them.
    fn fit(&mut self) -> Result<()> {
        if self.history.bytes() > self.budget
            && let Some(age) = self.history.quantile(PART as usize)
        {
            self.judge_all()?;
            let since = age.saturating_add(1);
            let forgotten = self.history.forget(since, self.history.len());
            self.counters.forgotten += forgotten as u64;
            self.remembered = Remembered {
                since: self.remembered.since.max(Some(since)),
                cut_by_memory: true,
            };
            self.is_dirty = true;
            self.complain("memory", |counters| {
                format!(
                    "the history does not fit its memory: {} sign-ins were forgotten early so far; raise --memory-limit or shorten --history",
                    counters.forgotten
                )
            });
        }
        Ok(())
    }

    /// Before this time nothing is expected any more.
    pub(super) fn watermark(&self) -> Option<i64> {
        let latest = self.clock.latest()?;
        Some(latest.saturating_sub(micros(self.settings.lateness)))
    }

    /// Writes the metrics, if they are wanted.
    pub(super) fn write_metrics(&mut self) -> Result<()> {
        self.metrics_at = Some(Instant::now());
        let Some(path) = &self.settings.metrics else {
            return Ok(());
        };
        let now = jiff::Timestamp::now().as_microsecond();
        let open = self.told.entries().filter(|entry| entry.ended.is_none());
        let gauges = Gauges {
            history: self.history.len(),
            history_bytes: self.history.bytes(),
            open: open.count(),
            waiting: self.waiting.bytes(),
            lag: self
                .clock
                .latest()
                .map(|latest| (now - latest) as f64 / 1e6),
            step: self.took.as_secs_f64(),
            safe_lines: self.journal.as_ref().map(|_| self.safe_lines),
        };
        metrics::write(path, &self.counters, &gauges)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_steps_follow_each_other_sooner_unless_lines_wait() {
        let seconds = Duration::from_secs_f64;
        assert_eq!(rest(seconds(0.01), 0), PAUSE);
        assert_eq!(rest(seconds(1.0), 1 << 20), seconds(0.25));
        assert_eq!(rest(seconds(1.0), WAITING / 4), seconds(1.0));
        assert_eq!(rest(seconds(4.0), 0), seconds(4.0));
    }
}
