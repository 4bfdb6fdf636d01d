//! The time of events: how far the log has come, which is what decides that something is late, has
//! ended or may be forgotten. One wrong clock in the log must not move it.

/// So many sign-ins must agree before it leaps ahead.
const AGREE: usize = 5;

/// A sign-in that is further ahead of our own clock than this moves nothing (10 minutes).
const AHEAD: i64 = 600_000_000;

/// The clock that the events show. All times are microseconds UTC.
#[derive(Clone, Debug)]
pub(super) struct Clock {
    /// A leap is further than this.
    leap: i64,
    latest: Option<i64>,
    /// The latest times that have not been believed yet, the earliest of them first.
    claimed: Vec<i64>,
}

impl Clock {
    /// A clock that is not set. Events may come out of order by `lateness`.
    pub(super) fn new(lateness: i64) -> Clock {
        Clock {
            leap: lateness.max(1),
            latest: None,
            claimed: Vec::new(),
        }
    }

    /// The latest time that is believed.
    pub(super) fn latest(&self) -> Option<i64> {
        self.latest
    }

    /// Sets it to what it was.
    pub(super) fn set(&mut self, latest: Option<i64>) {
        self.latest = latest;
    }

    /// An event of this time has come, while our own clock shows `now`.
    pub(super) fn see(&mut self, time: i64, now: i64) {
        if time > now.saturating_add(AHEAD) {
            return;
        }
        match self.latest {
            Some(latest) if time <= latest.saturating_add(self.leap) => {
                self.latest = Some(latest.max(time));
                self.claimed.retain(|claimed| *claimed > time);
            }
            _ => self.claim(time),
        }
    }

    /// Several must say that it is so late, and then it is as late as all of them say.
    fn claim(&mut self, time: i64) {
        let at = self.claimed.partition_point(|claimed| *claimed <= time);
        self.claimed.insert(at, time);
        if self.claimed.len() >= AGREE {
            let agreed = self.claimed.remove(0);
            self.latest = self.latest.max(Some(agreed));
            let reached = agreed.saturating_add(self.leap);
            // What is near to it now needs no more agreement.
            let near = self.claimed.iter().filter(|time| **time <= reached);
            self.latest = self.latest.max(near.max().copied());
            self.claimed.retain(|time| *time > reached);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: i64 = 60_000_000;
    const NOW: i64 = 1_000_000 * MINUTE;

    #[test]
    fn it_follows_the_latest_event() {
        let mut clock = Clock::new(15 * MINUTE);
        for minute in [0, 1, 3, 2, 4, 5] {
            clock.see(minute * MINUTE, NOW);
        }
        assert_eq!(clock.latest(), Some(5 * MINUTE));
        clock.see(-100 * MINUTE, NOW);
        assert_eq!(clock.latest(), Some(5 * MINUTE), "never back");
    }

    #[test]
    fn one_wrong_clock_moves_nothing_and_several_that_agree_do() {
        let mut clock = Clock::new(15 * MINUTE);
        (0..5).for_each(|minute| clock.see(minute * MINUTE, NOW));
        clock.see(500_000 * MINUTE, NOW);
        clock.see(NOW + 11 * MINUTE, NOW);
        assert_eq!(clock.latest(), Some(4 * MINUTE));
        // The log goes on the next day.
        (0..5).for_each(|minute| clock.see((1440 + minute) * MINUTE, NOW));
        let latest = clock.latest().unwrap();
        assert!((1440 * MINUTE..1445 * MINUTE).contains(&latest), "{latest}");
    }

    #[test]
    fn before_a_few_have_agreed_there_is_no_time() {
        let mut clock = Clock::new(15 * MINUTE);
        (0..4).for_each(|_| clock.see(MINUTE, NOW));
        assert_eq!(clock.latest(), None);
        clock.see(2 * MINUTE, NOW);
        assert_eq!(clock.latest(), Some(2 * MINUTE));
    }
}
