//! Attackers: a campaign is a list of names, a list of addresses, a pace and a disguise.
//!
//! All kinds of attack are campaigns with other numbers (`incidents` draws them). A campaign does
//! not know what will be locked or blocked. Where it learns a password it comes back for more: from
//! the same address, or from a new one with another device.

use std::collections::HashMap;
use std::net::IpAddr;

use super::event::{
    Attempt, By, Client, HOUR, MINUTE, Outcome, Role, SECOND, Secret, Time, Tool, Who,
};
use super::random::Random;
use super::stage::{Actor, Stage};
use super::words::{Agent, BROWSERS, EXCHANGE, Family, OFFICE_HOME};
use super::world::stranger;

/// When a campaign changes its address.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Rotate {
    /// After so many tries.
    Every(u64),
    /// Each name has an address of its own.
    ByName,
}

/// What a campaign pretends to be.
#[derive(Clone, Debug)]
pub(crate) enum Disguise {
    /// One tool for everything.
    One(Tool),
    /// Another browser for each try.
    AnyBrowser { app: usize },
}

/// One attack.
pub(crate) struct Campaign {
    pub(crate) incident: u32,
    pub(crate) random: Random,
    /// Names in the order in which they are tried; after the last comes the next round.
    pub(crate) names: Vec<Who>,
    pub(crate) sources: Vec<IpAddr>,
    pub(crate) rotate: Rotate,
    pub(crate) disguise: Disguise,
    /// Shortest and longest pause between two tries.
    pub(crate) gap: (Time, Time),
    /// Shortest and longest pause between two rounds.
    pub(crate) round_gap: (Time, Time),
    pub(crate) rounds: u64,
    /// No try after this time.
    pub(crate) until: Time,
    /// In which round the guess for a name (by its place) is right.
    pub(crate) right: HashMap<usize, u64>,
    /// Share of the second factors that somebody gives in to.
    pub(crate) fatigue: f64,
    pub(crate) done: u64,
    /// Visits to accounts whose password is known, the next last.
    pub(crate) visits: Vec<(Time, Attempt)>,
}

impl Campaign {
    fn guess(&mut self, now: Time, stage: &mut Stage<'_>) -> Time {
        let count = self.names.len() as u64;
        let (place, round) = ((self.done % count) as usize, self.done / count);
        let source = match self.rotate {
            Rotate::Every(tries) => self.done / tries.max(1),
            Rotate::ByName => place as u64,
        };
        let from = self.sources[(source % self.sources.len() as u64) as usize];
        let tool = match &self.disguise {
            Disguise::One(tool) => *tool,
            Disguise::AnyBrowser { app } => browser(*app, &mut self.random),
        };
        let is_right = self.right.get(&place).is_some_and(|right| *right == round);
        let attempt = Attempt {
            who: self.names[place],
            from,
            tool,
            secret: match is_right {
                true => Secret::Right,
                // A round is a password: a spray tries the same one on everybody.
                false => Secret::Wrong(round + 1),
            },
            second_factor: false,
            interrupt: None,
        };
        let outcome = stage.attempt(now, self.by(), attempt);
        match outcome {
            // Refused: what was right is not known, and comes again later.
            Outcome::Locked | Outcome::Malicious | Outcome::HighRisk if is_right => {
                self.right.insert(place, round + 7);
            }
            Outcome::Success | Outcome::MfaNeeded if is_right => self.follow(now, attempt, outcome),
            _ => {}
        }
        self.done += 1;
        let gap = match self.done.is_multiple_of(count) {
            true => self.round_gap,
            false => self.gap,
        };
        now + self.random.between(gap.0, gap.1)
    }

    fn by(&self) -> By {
        By {
            role: Role::Attacker,
            incident: Some(self.incident),
        }
    }

    /// Plans what the attacker does with a password that is known.
    fn follow(&mut self, now: Time, attempt: Attempt, outcome: Outcome) {
        let random = &mut self.random;
        let entered = outcome == Outcome::Success;
        let gives_in = !entered && random.chance(self.fatigue);
        if !entered && !gives_in {
            return;
        }
        let moves = gives_in || random.chance(0.5);
        let (from, tool) = match moves {
            true => (stranger(random), browser(OFFICE_HOME, random)),
            false => (attempt.from, attempt.tool),
        };
        for _ in 0..random.between(1, 6) {
            let at = now + random.between(3 * MINUTE, 20 * HOUR);
            let visit = Attempt {
                from,
                tool: Tool {
                    app: random.pick(&[EXCHANGE, OFFICE_HOME, 3]),
                    ..tool
                },
                secret: Secret::Right,
                second_factor: gives_in,
                ..attempt
            };
            self.visits.push((at, visit));
        }
        self.visits.sort_by_key(|visit| std::cmp::Reverse(visit.0));
    }

    fn next_visit(&self) -> Option<Time> {
        self.visits.last().map(|visit| visit.0)
    }
}

impl Actor for Campaign {
    fn act(&mut self, now: Time, stage: &mut Stage<'_>) -> Option<Time> {
        if self.next_visit().is_some_and(|at| at <= now) {
            let (_, visit) = self.visits.pop()?;
            stage.attempt(now, self.by(), visit);
            self.random.next();
            return self.next_guess_or_visit(now + SECOND);
        }
        let next = self.guess(now, stage);
        self.next_guess_or_visit(next)
    }
}

impl Campaign {
    fn next_guess_or_visit(&mut self, next: Time) -> Option<Time> {
        let is_over = next >= self.until || self.done >= self.rounds * self.names.len() as u64;
        match (is_over, self.next_visit()) {
            (true, visit) => visit,
            (false, Some(visit)) => Some(next.min(visit)),
            (false, None) => Some(next),
        }
    }
}

/// A browser that many people use.
pub(crate) fn browser(app: usize, random: &mut Random) -> Tool {
    let family: Family = random.pick(&BROWSERS);
    Tool {
        agent: Agent {
            family,
            version: random.below(8) as u16,
        },
        app,
        client: Client::Browser,
        managed: false,
    }
}
