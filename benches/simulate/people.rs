//! Ordinary days: people at their laptops and phones, programs, and the lone attempts from
//! everywhere that no tenant is spared.

use std::net::IpAddr;

use super::Plan;
use super::chance::hash;
use super::entra::Entra;
use super::event::{
    Attempt, By, Client, DAY, HOUR, MINUTE, Outcome, Role, SECOND, Secret, Time, Tool, Who,
};
use super::random::Random;
use super::stage::{Actor, Stage};
use super::words::{Agent, BROWSERS, Family, OFFICE_HOME, SCRIPTS};
use super::world::{World, stranger};

/// Lets Entra know what it had learned before the archive begins.
pub(crate) fn settle(world: &World, entra: &mut Entra) {
    for user in 0..world.people.len() as u32 {
        let human = world.human(user);
        entra.learn(user, world.home(user, 0));
        entra.learn(user, world.carrier(user, 0));
        if human.remote < 1.0 {
            entra.learn(user, world.office(human.office));
        }
    }
}

/// Everybody of an ordinary day, with the time of their first turn.
pub(crate) fn cast(plan: &Plan, world: &World) -> Vec<(Time, Box<dyn Actor>)> {
    let mut cast: Vec<(Time, Box<dyn Actor>)> = Vec::new();
    for user in 0..plan.users.max(1) {
        let random = Random::new(plan.seed, 1000 + u64::from(user));
        cast.push((
            u64::from(user) % 1000,
            Box::new(Person::new(user, plan.noise, random)),
        ));
    }
    for number in 0..1 + plan.users / 100 {
        let random = Random::new(plan.seed ^ 0x5e41, number.into());
        cast.push((
            u64::from(number) * 77_777,
            Box::new(Service { number, random }),
        ));
    }
    // A small tenant sees a few lone attempts a day, a large one more.
    let every = DAY as f64 / (plan.noise.max(1e-9) * f64::from(plan.users).sqrt() / 5.0);
    let mut random = Random::new(plan.seed, 31);
    let first = random.pause(every);
    let strays = Strays {
        random,
        every,
        again: None,
        users: world.people.len() as u64,
    };
    cast.push((first, Box::new(strays)));
    cast
}

/// Where a person is today.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Whereabouts {
    Home,
    Office,
    Hotel(u8),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Doing {
    /// Signs in at the laptop; how many tries went before.
    Laptop(u8),
    /// Finishes at the laptop what was interrupted.
    Finish,
    /// Signs in at the phone.
    Phone(u8),
    /// A token of the laptop, or of the phone, is renewed.
    Renew(bool),
    /// Thinks of the next day.
    Wake,
}

struct Person {
    user: u32,
    noise: f64,
    random: Random,
    /// What is to be done, the next last.
    agenda: Vec<(Time, Doing)>,
    place: Whereabouts,
    /// At home behind the VPN today.
    by_vpn: bool,
    away_until: Time,
}

impl Person {
    fn new(user: u32, noise: f64, random: Random) -> Self {
        Self {
            user,
            noise,
            random,
            agenda: vec![(0, Doing::Wake)],
            place: Whereabouts::Home,
            by_vpn: false,
            away_until: 0,
        }
    }

    fn note(&mut self, at: Time, doing: Doing) {
        // Nobody begins on the full second.
        let at = at + self.random.below(SECOND);
        let place = self.agenda.partition_point(|(other, _)| *other > at);
        self.agenda.insert(place, (at, doing));
    }

    /// Plans the day on which `now` falls where the tenant lives.
    fn plan(&mut self, now: Time, world: &World) {
        let human = world.human(self.user);
        let (of_day, weekday) = world.local(now);
        // The first midnight may lie before the archive.
        let after_midnight = |pause: Time| (now + pause).saturating_sub(of_day);
        let works = weekday < 5 && self.random.chance(0.92);
        let travels = self.random.chance(0.004 * self.noise);
        if now >= self.away_until {
            self.place = match self.random.chance(human.remote) || !works {
                true => Whereabouts::Home,
                false => Whereabouts::Office,
            };
            if travels {
                self.away_until = now + self.random.between(1, 4) * DAY;
                self.place = Whereabouts::Hotel(self.random.below(127) as u8);
            }
        }
        self.by_vpn = human.vpn.is_some() && self.random.chance(0.3);
        let begins = after_midnight(human.begins * MINUTE + self.random.below(40 * MINUTE));
        if works {
            let ends = begins + self.random.between(440 * MINUTE, 560 * MINUTE);
            for _ in 0..self.random.between(1, 4) {
                let at = begins + self.random.below(ends - begins);
                self.note(at, Doing::Laptop(0));
            }
            self.note(begins, Doing::Laptop(0));
            let mut at = begins + self.random.between(20 * MINUTE, 90 * MINUTE);
            while at < ends {
                self.note(at, Doing::Renew(false));
                at += self.random.between(60 * MINUTE, 130 * MINUTE);
            }
        } else if self.random.chance(0.2) {
            let at = begins + self.random.between(30 * MINUTE, 600 * MINUTE);
            self.note(at, Doing::Laptop(0));
        }
        for _ in 0..self.random.between(2, 6) {
            let at = after_midnight(self.random.between(390 * MINUTE, 1390 * MINUTE));
            self.note(at, Doing::Renew(true));
        }
        if self.random.chance(0.15) {
            let at = after_midnight(self.random.between(420 * MINUTE, 1380 * MINUTE));
            self.note(at, Doing::Phone(0));
        }
        self.note(after_midnight(DAY), Doing::Wake);
    }

    fn address(&mut self, now: Time, phone: bool, world: &World) -> IpAddr {
        let human = world.human(self.user);
        let (of_day, _) = world.local(now);
        if phone && self.random.chance(0.35) {
            return world.carrier(self.user, now);
        }
        match self.place {
            Whereabouts::Office if (7 * HOUR..18 * HOUR).contains(&of_day) => {
                world.office(human.office)
            }
            Whereabouts::Hotel(number) => world.hotel(number),
            _ => match human.vpn {
                Some(exit) if self.by_vpn && !phone => world.vpn(exit),
                _ => world.home(self.user, now),
            },
        }
    }

    /// What comes between a right password and success on an ordinary day.
    fn interrupt(&mut self) -> Option<Outcome> {
        if !self.random.chance(0.15 * self.noise) {
            return None;
        }
        Some(match self.random.below(100) {
            0..30 => Outcome::NoSession,
            30..55 => Outcome::MfaNotPassed,
            55..70 => Outcome::MfaNeeded,
            70..94 => Outcome::StaySignedIn,
            94..99 => Outcome::PolicyBlock,
            _ => Outcome::Expired,
        })
    }

    fn sign_in(&mut self, now: Time, doing: Doing, stage: &mut Stage<'_>) {
        let (phone, tries) = match doing {
            Doing::Phone(tries) => (true, tries),
            Doing::Laptop(tries) => (false, tries),
            _ => (false, 0),
        };
        let by = By {
            role: Role::Person,
            incident: None,
        };
        let typed = tries > 0 || self.random.chance(0.35);
        let slip = if tries > 0 { 0.2 } else { 0.05 };
        let wrong = doing != Doing::Finish && typed && self.random.chance(slip * self.noise);
        let attempt = Attempt {
            who: Who::Account(self.user),
            from: self.address(now, phone, stage.world),
            tool: match phone {
                true => stage.world.phone(self.user),
                false => stage.world.laptop(self.user, &mut self.random),
            },
            secret: match wrong {
                true => Secret::Wrong(self.random.next()),
                false => Secret::Right,
            },
            second_factor: true,
            interrupt: match doing {
                Doing::Finish => None,
                _ => self.interrupt(),
            },
        };
        let again = |tries| match phone {
            true => Doing::Phone(tries),
            false => Doing::Laptop(tries),
        };
        let outcome = stage.attempt(now, by, attempt);
        match outcome {
            Outcome::BadPassword if tries < 6 => {
                let at = now + self.random.between(6 * SECOND, 40 * SECOND);
                self.note(at, again(tries + 1));
            }
            Outcome::Locked if tries < 8 => {
                let wait = self.random.magnitude(20 * SECOND, 1800 * SECOND);
                self.note(now + wait, again(tries + 3));
            }
            Outcome::Malicious | Outcome::HighRisk if tries < 3 && self.random.chance(0.6) => {
                let at = now + self.random.between(8 * SECOND, 60 * SECOND);
                self.note(at, again(tries + 1));
            }
            Outcome::Malicious | Outcome::HighRisk if !phone && self.random.chance(0.4) => {
                let at = now + self.random.between(60 * SECOND, 400 * SECOND);
                self.note(at, Doing::Phone(3));
            }
            Outcome::NoSession
            | Outcome::MfaNotPassed
            | Outcome::MfaNeeded
            | Outcome::StaySignedIn
            | Outcome::Expired => {
                let at = now + self.random.between(4 * SECOND, 50 * SECOND);
                self.note(at, Doing::Finish);
            }
            _ => {}
        }
    }

    fn renew(&mut self, now: Time, phone: bool, stage: &mut Stage<'_>) {
        let attempt = Attempt {
            who: Who::Account(self.user),
            from: self.address(now, phone, stage.world),
            tool: match phone {
                true => stage.world.phone(self.user),
                false => stage.world.laptop(self.user, &mut self.random),
            },
            secret: Secret::Token,
            second_factor: true,
            interrupt: None,
        };
        let by = By {
            role: Role::Person,
            incident: None,
        };
        stage.attempt(now, by, attempt);
    }
}

impl Actor for Person {
    fn act(&mut self, now: Time, stage: &mut Stage<'_>) -> Option<Time> {
        while self.agenda.last().is_some_and(|(at, _)| *at <= now) {
            match self.agenda.pop()?.1 {
                Doing::Wake => {
                    self.plan(now, stage.world);
                    self.agenda.retain(|(at, _)| *at > now);
                }
                Doing::Renew(phone) => self.renew(now, phone, stage),
                doing => self.sign_in(now, doing, stage),
            }
        }
        self.agenda.last().map(|(at, _)| *at)
    }
}

/// A program with a service principal.
struct Service {
    number: u32,
    random: Random,
}

impl Actor for Service {
    fn act(&mut self, now: Time, stage: &mut Stage<'_>) -> Option<Time> {
        let bad = self.random.chance(0.01);
        let attempt = Attempt {
            who: Who::Service(self.number),
            from: stage.world.office(self.number),
            tool: Tool {
                agent: Agent {
                    family: Family::Go,
                    version: 0,
                },
                app: self.number as usize % 4,
                client: Client::Modern,
                managed: false,
            },
            secret: Secret::Token,
            second_factor: false,
            interrupt: bad.then_some(Outcome::BadSecret),
        };
        let by = By {
            role: Role::Service,
            incident: None,
        };
        stage.attempt(now, by, attempt);
        Some(now + self.random.between(30 * MINUTE, 60 * MINUTE))
    }
}

/// Lone attempts from everywhere: one or two on a name, and never again.
struct Strays {
    random: Random,
    every: f64,
    again: Option<Attempt>,
    users: u64,
}

impl Actor for Strays {
    fn act(&mut self, now: Time, stage: &mut Stage<'_>) -> Option<Time> {
        let by = By {
            role: Role::Stray,
            incident: None,
        };
        let random = &mut self.random;
        let attempt = self.again.take().unwrap_or_else(|| {
            let from = stranger(random);
            let who = random.below(self.users) as u32;
            if random.chance(0.5) {
                stage.entra.list(from, now, now + 3 * DAY, None);
            }
            let family = match random.chance(0.6) {
                true => random.pick(&BROWSERS),
                false => random.pick(&SCRIPTS),
            };
            Attempt {
                who: match random.chance(0.8) {
                    true => Who::Account(who),
                    false => Who::Nobody(hash(&[who.into()]) as u32 % 5000),
                },
                from,
                tool: Tool {
                    agent: Agent {
                        family,
                        version: random.below(8) as u16,
                    },
                    app: OFFICE_HOME,
                    client: Client::Browser,
                    managed: false,
                },
                secret: Secret::Wrong(random.next()),
                second_factor: false,
                interrupt: None,
            }
        });
        stage.attempt(now, by, attempt);
        if self.random.chance(0.25) {
            self.again = Some(attempt);
            return Some(now + self.random.between(2 * SECOND, 90 * SECOND));
        }
        Some(now + self.random.pause(self.every))
    }
}
