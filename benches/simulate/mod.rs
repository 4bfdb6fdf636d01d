//! A simulated tenant whose sign-ins come with the truth, to judge the rules with.
//!
//! Actors (`people`, `honest`, `attackers`) act one after the other in the order of time, and see
//! what comes of it. Whether they get in is decided by a model of Entra (`entra`), never by what
//! they are: error codes and reasons come out of the model. Nothing is held but the state of the
//! actors, so the number of sign-ins has no limit. The same plan gives the same sign-ins anywhere.

mod attackers;
mod audit;
mod campaigns;
mod chance;
mod diagnostic;
mod entra;
mod event;
mod honest;
mod incidents;
mod people;
#[path = "../logs/random.rs"]
#[allow(dead_code, reason = "the benchmarks need other parts of it")]
mod random;
pub(crate) mod run;
pub(crate) mod score;
mod stage;
mod words;
mod world;

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io;

use entra::{Entra, Rules};
pub(crate) use event::Event;
use event::{DAY, Time};
use stage::{Actor, Stage};
pub(crate) use stage::{Cause, Incident};
pub(crate) use world::World;

/// What to simulate.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    pub(crate) users: u32,
    pub(crate) days: u32,
    pub(crate) incidents: u32,
    /// Share of the incidents that share their hour and, where they can, their victims with another.
    pub(crate) overlap: f64,
    /// How much goes wrong on ordinary days; 1 is usual.
    pub(crate) noise: f64,
    /// Failures that lock an account: 10, or 3 in the clouds of the US government.
    pub(crate) threshold: u32,
    /// Whether the last three wrong passwords of an account are remembered.
    pub(crate) three_hashes: bool,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            seed: 1,
            users: 400,
            days: 7,
            incidents: 24,
            overlap: 0.3,
            noise: 1.0,
            threshold: 10,
            three_hashes: false,
        }
    }
}

impl Plan {
    /// Sign-ins of one account on one day of a week without incidents, on average (measured).
    pub(crate) const SIGN_INS: f64 = 11.0;
}

/// What was simulated.
pub(crate) struct Story {
    pub(crate) world: World,
    pub(crate) incidents: Vec<Incident>,
    pub(crate) sign_ins: u64,
}

/// Plays `plan` and hands over every sign-in, in the order of time.
///
/// # Errors
/// Whatever `take` returns, at once.
pub(crate) fn play(
    plan: &Plan,
    mut take: impl FnMut(&World, &Event) -> io::Result<()>,
) -> io::Result<Story> {
    let world = World::new(plan.seed, plan.users);
    let rules = Rules::new(plan.seed, plan.threshold, plan.three_hashes);
    let needs = world.people.iter().map(|human| human.second_factor);
    let mut entra = Entra::new(rules, needs);
    people::settle(&world, &mut entra);

    let mut cast: Vec<(Time, Box<dyn Actor>)> = people::cast(plan, &world);
    let mut incidents = Vec::new();
    incidents::cast(plan, &world, &mut entra, &mut incidents, &mut cast);

    let end = Time::from(plan.days) * DAY;
    let mut turns: BinaryHeap<Reverse<(Time, usize)>> = BinaryHeap::with_capacity(cast.len());
    turns.extend(
        cast.iter()
            .enumerate()
            .map(|(n, actor)| Reverse((actor.0, n))),
    );
    let mut stage = Stage {
        world: &world,
        entra: &mut entra,
        incidents: &mut incidents,
        events: Vec::new(),
        sign_ins: 0,
    };
    while let Some(Reverse((now, turn))) = turns.pop() {
        if now >= end {
            break;
        }
        let next = cast[turn].1.act(now, &mut stage);
        if let Some(next) = next {
            turns.push(Reverse((next.max(now + 1), turn)));
        }
        for event in stage.events.drain(..) {
            take(&world, &event)?;
        }
    }
    let sign_ins = stage.sign_ins;
    incidents.iter_mut().for_each(Incident::settle);
    Ok(Story {
        world,
        incidents,
        sign_ins,
    })
}
