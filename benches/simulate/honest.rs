//! Honest people and devices in trouble: what looks like an attack and is none.

use std::net::IpAddr;

use super::event::{Attempt, By, HOUR, MINUTE, Outcome, Role, SECOND, Secret, Time, Tool, Who};
use super::random::Random;
use super::stage::{Actor, Stage};

fn by(incident: u32) -> By {
    By {
        role: Role::Honest,
        incident: Some(incident),
    }
}

/// A device or program that still sends the old password, with the rhythm of a machine.
pub(crate) struct Stale {
    pub(crate) incident: u32,
    pub(crate) random: Random,
    pub(crate) user: u32,
    pub(crate) tool: Tool,
    pub(crate) every: Time,
    /// Share of `every` by which a pause may be shorter or longer.
    pub(crate) jitter: f64,
    /// Tries each time.
    pub(crate) burst: u64,
    /// Goes where its person goes, or stays in one place.
    pub(crate) fixed: Option<IpAddr>,
    pub(crate) until: Time,
    pub(crate) tries: u64,
    pub(crate) began: Time,
}

impl Actor for Stale {
    fn act(&mut self, now: Time, stage: &mut Stage<'_>) -> Option<Time> {
        if now >= self.until {
            return None;
        }
        if self.tries == 0 {
            self.began = now;
        }
        let world = stage.world;
        let human = world.human(self.user);
        let (of_day, weekday) = world.local(now);
        let at_work = weekday < 5 && (8 * HOUR..17 * HOUR).contains(&of_day);
        let from = match self.fixed {
            Some(from) => from,
            None if at_work && human.remote < 0.5 => world.office(human.office),
            None if (7 * HOUR..20 * HOUR).contains(&of_day) && self.random.chance(0.25) => {
                world.carrier(self.user, now)
            }
            None => world.home(self.user, now),
        };
        let attempt = Attempt {
            who: Who::Account(self.user),
            from,
            tool: self.tool,
            secret: Secret::Wrong(u64::from(self.user) + 1),
            second_factor: false,
            interrupt: None,
        };
        stage.attempt(now, by(self.incident), attempt);
        self.tries += 1;
        if !self.tries.is_multiple_of(self.burst.max(1)) {
            return Some(now + self.random.between(SECOND, 8 * SECOND));
        }
        let swing = (self.random.unit() * 2.0 - 1.0) * self.jitter;
        self.began += (self.every as f64 * (1.0 + swing)) as Time;
        Some(self.began)
    }
}

/// Somebody who does not remember the password, and tries what it might be.
pub(crate) struct Forgetful {
    pub(crate) incident: u32,
    pub(crate) random: Random,
    pub(crate) user: u32,
    pub(crate) tool: Tool,
    pub(crate) from: IpAddr,
    /// How often a lock is met before this person gives up guessing.
    pub(crate) patience: u64,
    /// Ends with a reset by self-service, else with a call to somebody.
    pub(crate) resets: bool,
    /// Longest pause between two tries.
    pub(crate) pace: Time,
    pub(crate) locks: u64,
    pub(crate) tries: u64,
}

impl Actor for Forgetful {
    fn act(&mut self, now: Time, stage: &mut Stage<'_>) -> Option<Time> {
        let remembers = self.locks >= self.patience;
        if remembers && self.resets {
            stage.entra.reset(self.user);
        }
        let attempt = Attempt {
            who: Who::Account(self.user),
            from: self.from,
            tool: self.tool,
            secret: match remembers {
                true => Secret::Right,
                false => Secret::Wrong(self.random.next()),
            },
            second_factor: true,
            interrupt: None,
        };
        let outcome = stage.attempt(now, by(self.incident), attempt);
        self.tries += 1;
        match outcome {
            Outcome::Locked => {
                self.locks += 1;
                let wait = match self.locks == self.patience && !self.resets {
                    true => self.random.between(10 * MINUTE, 180 * MINUTE),
                    false => self.random.magnitude(15 * SECOND, 400 * SECOND),
                };
                Some(now + wait)
            }
            Outcome::BadPassword if self.tries < 60 => {
                Some(now + self.random.between(5 * SECOND, self.pace.max(6 * SECOND)))
            }
            _ => None,
        }
    }
}

/// Somebody whose own way out has a bad name: a VPN, a hotel, a carrier.
pub(crate) struct Blocked {
    pub(crate) incident: u32,
    pub(crate) random: Random,
    pub(crate) user: u32,
    pub(crate) tool: Tool,
    pub(crate) from: IpAddr,
    /// When this person sits down to work, the next last.
    pub(crate) sessions: Vec<Time>,
    /// Tries before another way is taken.
    pub(crate) patience: u64,
    pub(crate) tries: u64,
}

impl Actor for Blocked {
    fn act(&mut self, now: Time, stage: &mut Stage<'_>) -> Option<Time> {
        // After some refusals the VPN is switched off, or the phone is the way out.
        let gave_up = self.tries >= self.patience;
        let from = match gave_up {
            true if self.user.is_multiple_of(3) => stage.world.carrier(self.user, now),
            true => stage.world.home(self.user, now),
            false => self.from,
        };
        let slips = !gave_up && self.random.chance(0.05);
        let attempt = Attempt {
            who: Who::Account(self.user),
            from,
            tool: self.tool,
            secret: match slips {
                true => Secret::Wrong(self.random.next()),
                false => Secret::Right,
            },
            second_factor: true,
            interrupt: None,
        };
        let outcome = stage.attempt(now, by(self.incident), attempt);
        self.tries += 1;
        if outcome != Outcome::Success && !gave_up {
            let last = self.tries >= self.patience;
            let wait = if last { 600 } else { 70 };
            return Some(now + self.random.between(8 * SECOND, wait * SECOND));
        }
        self.tries = 0;
        while self.sessions.last().is_some_and(|at| *at <= now) {
            self.sessions.pop();
        }
        self.sessions.pop()
    }
}

/// A printer, a scanner or a program that speaks an old protocol from a place that looks bad.
pub(crate) struct OldProtocol {
    pub(crate) incident: u32,
    pub(crate) random: Random,
    pub(crate) user: u32,
    pub(crate) tool: Tool,
    pub(crate) from: IpAddr,
    pub(crate) every: Time,
    pub(crate) until: Time,
}

impl Actor for OldProtocol {
    fn act(&mut self, now: Time, stage: &mut Stage<'_>) -> Option<Time> {
        if now >= self.until {
            return None;
        }
        let attempt = Attempt {
            who: Who::Account(self.user),
            from: self.from,
            tool: self.tool,
            secret: Secret::Right,
            second_factor: false,
            interrupt: None,
        };
        stage.attempt(now, by(self.incident), attempt);
        Some(
            now + self
                .random
                .between(self.every * 9 / 10, self.every * 11 / 10),
        )
    }
}

/// Somebody who mistypes while being attacked, and then gets it right.
pub(crate) struct Typist {
    pub(crate) random: Random,
    pub(crate) user: u32,
    pub(crate) slips: u64,
}

impl Actor for Typist {
    fn act(&mut self, now: Time, stage: &mut Stage<'_>) -> Option<Time> {
        let attempt = Attempt {
            who: Who::Account(self.user),
            from: stage.world.home(self.user, now),
            tool: stage.world.laptop(self.user, &mut self.random),
            secret: match self.slips > 0 {
                true => Secret::Wrong(self.random.next()),
                false => Secret::Right,
            },
            second_factor: true,
            interrupt: None,
        };
        let by = By {
            role: Role::Person,
            incident: None,
        };
        stage.attempt(now, by, attempt);
        self.slips = self.slips.checked_sub(1)?;
        Some(now + self.random.between(6 * SECOND, 45 * SECOND))
    }
}
