//! Which incidents happen, when, to whom: every cause equally often, every number drawn from the seed.

use super::Plan;
use super::campaigns;
use super::entra::{Entra, NEVER};
use super::event::{Client, DAY, HOUR, MINUTE, SECOND, Time, Tool};
use super::honest::{Blocked, Forgetful, OldProtocol, Stale, Typist};
use super::random::Random;
use super::stage::{Actor, Cause, Incident};
use super::words::{Agent, EXCHANGE, Family};
use super::world::{World, stranger};

/// Actors with the time of their first turn.
pub(super) type Cast = Vec<(Time, Box<dyn Actor>)>;

/// What the drawing of one incident needs.
pub(super) struct Draw<'a> {
    pub(super) plan: &'a Plan,
    pub(super) world: &'a World,
    pub(super) entra: &'a mut Entra,
    pub(super) cast: &'a mut Cast,
    pub(super) random: Random,
    pub(super) incident: u32,
    /// When it begins.
    pub(super) start: Time,
    pub(super) end: Time,
    /// Accounts that somebody else is attacking at this time.
    pub(super) shared: Vec<u32>,
    /// Accounts that this incident touches, for others to share.
    pub(super) victims: Vec<u32>,
}

/// Adds the incidents of `plan` and their actors.
pub(super) fn cast(
    plan: &Plan,
    world: &World,
    entra: &mut Entra,
    incidents: &mut Vec<Incident>,
    cast: &mut Cast,
) {
    let mut random = Random::new(plan.seed, 41);
    let end = Time::from(plan.days) * DAY;
    let mut kinds: Vec<Cause> = Vec::new();
    let mut attacks: Vec<(Time, Vec<u32>)> = Vec::new();
    for id in 0..plan.incidents {
        if kinds.is_empty() {
            kinds = Cause::ALL.to_vec();
            random.shuffle(&mut kinds);
        }
        let cause = kinds.pop().unwrap_or(Cause::BruteForce);
        incidents.push(Incident::new(id, cause));
        let (mut start, mut shared) = (random.between(end / 14, end * 13 / 14), Vec::new());
        if random.chance(plan.overlap) && !attacks.is_empty() {
            let (when, victims) = &attacks[random.below(attacks.len() as u64) as usize];
            start = (when + random.below(2 * HOUR)).saturating_sub(HOUR);
            shared.clone_from(victims);
        }
        let mut draw = Draw {
            plan,
            world,
            entra,
            cast,
            random: Random::new(plan.seed, 5000 + u64::from(id)),
            incident: id,
            start,
            end,
            shared,
            victims: Vec::new(),
        };
        draw.play(cause);
        if cause.is_attack() && !draw.victims.is_empty() {
            draw.typists();
            let (start, victims) = (draw.start, std::mem::take(&mut draw.victims));
            attacks.push((start, victims));
        }
    }
}

impl Draw<'_> {
    fn play(&mut self, cause: Cause) {
        match cause {
            Cause::StaleCredential => self.stale_credential(),
            Cause::ForgottenPassword => self.forgotten_password(),
            Cause::FlaggedEgress => self.flagged_egress(),
            Cause::FlaggedVpn => self.flagged_vpn(),
            Cause::HighRiskBlock => self.high_risk_block(),
            attack => campaigns::play(self, attack),
        }
    }

    pub(super) fn add(&mut self, start: Time, actor: impl Actor + 'static) {
        self.cast.push((start, Box::new(actor)));
    }

    /// A random sequence of its own for an actor.
    pub(super) fn fork(&mut self) -> Random {
        Random::new(self.random.next(), 1)
    }

    /// An account that somebody else attacks at this time, or any.
    pub(super) fn anyone(&mut self) -> u32 {
        match self.shared.is_empty() {
            true => self.random.below(self.world.people.len() as u64) as u32,
            false => self.random.pick(&self.shared),
        }
    }

    /// An account that is known outside, if chance finds one.
    pub(super) fn someone_known(&mut self) -> u32 {
        let tries: Vec<u32> = (0..12).map(|_| self.anyone()).collect();
        let known = tries.iter().find(|user| self.world.human(**user).vip);
        *known.unwrap_or(&tries[0])
    }

    /// `count` accounts, each once.
    pub(super) fn several(&mut self, count: u64) -> Vec<u32> {
        let mut all: Vec<u32> = (0..self.world.people.len() as u32).collect();
        self.random.shuffle(&mut all);
        let mut chosen = std::mem::take(&mut self.shared);
        chosen.truncate(count as usize / 2);
        let others = all.into_iter().filter(|user| !chosen.contains(user));
        let others: Vec<u32> = others.collect();
        chosen.extend(others);
        chosen.truncate(count as usize);
        self.random.shuffle(&mut chosen);
        chosen
    }

    /// Moves the beginning to a working hour of the tenant.
    fn at_work(&mut self) -> Time {
        for _ in 0..200 {
            let (of_day, weekday) = self.world.local(self.start);
            if weekday < 5 && (8 * HOUR..16 * HOUR).contains(&of_day) {
                break;
            }
            self.start += 37 * MINUTE;
            if self.start >= self.end {
                self.start = self.random.below(self.end);
            }
        }
        self.start
    }

    /// Some of the attacked mistype on their own, at that time.
    fn typists(&mut self) {
        let count = (self.victims.len() as f64 * 0.2 * self.plan.overlap).ceil() as usize;
        for user in self.victims.clone().into_iter().take(count.min(8)) {
            let at = self.start + self.random.below(2 * HOUR);
            let (random, slips) = (self.fork(), self.random.between(1, 3));
            self.add(
                at,
                Typist {
                    random,
                    user,
                    slips,
                },
            );
        }
    }

    fn stale_credential(&mut self) {
        let user = self.anyone();
        let human = self.world.human(user);
        let tool = match self.random.below(4) {
            0 => Tool {
                agent: Agent {
                    family: Family::Thunderbird,
                    version: 0,
                },
                app: EXCHANGE,
                client: Client::Imap,
                managed: false,
            },
            1 => Tool {
                agent: Agent {
                    family: Family::Outlook,
                    version: human.laptop.version,
                },
                app: EXCHANGE,
                client: Client::Modern,
                managed: true,
            },
            2 => Tool {
                agent: Agent {
                    family: Family::AppleMail,
                    version: human.phone.version,
                },
                app: EXCHANGE,
                client: Client::ActiveSync,
                managed: false,
            },
            _ => self.world.phone(user),
        };
        let fixed = match self.random.below(4) {
            0 if human.remote < 1.0 => Some(self.world.office(human.office)),
            1 => Some(self.world.home(user, self.start)),
            _ => None,
        };
        let stale = Stale {
            incident: self.incident,
            user,
            tool,
            every: self.random.magnitude(5 * MINUTE, 60 * MINUTE),
            jitter: 0.02 + 0.15 * self.random.unit(),
            burst: self.random.between(1, 3),
            fixed,
            until: self.start + self.random.magnitude(8, 80) * HOUR,
            tries: 0,
            began: 0,
            random: self.fork(),
        };
        self.add(self.start, stale);
    }

    fn forgotten_password(&mut self) {
        let start = self.at_work();
        let user = self.anyone();
        let human = self.world.human(user);
        let from = match self.random.chance(human.remote) {
            true => self.world.home(user, start),
            false => self.world.office(human.office),
        };
        let mut random = self.fork();
        let forgetful = Forgetful {
            incident: self.incident,
            user,
            tool: self.world.laptop(user, &mut random),
            from,
            patience: self.random.between(1, 6),
            resets: self.random.chance(0.6),
            pace: self.random.between(15 * SECOND, 60 * SECOND),
            locks: 0,
            tries: 0,
            random,
        };
        self.add(start, forgetful);
    }

    /// Nobody acts: whoever is in the office will notice.
    fn flagged_egress(&mut self) {
        let start = self.at_work();
        let offices = match self.world.trusted_office {
            Some(trusted) if self.world.offices > 1 => trusted,
            _ => self.world.offices,
        };
        let office = self.random.below(offices.into()) as u32;
        let until = start + self.random.magnitude(1, 30) * HOUR;
        let from = self.world.office(office);
        self.entra.list(from, start, until, Some(self.incident));
    }

    fn flagged_vpn(&mut self) {
        let user = self.anyone();
        let number = self.random.below(128) as u8;
        let from = match self.random.below(6) {
            0 => self.world.hotel(number),
            1 => self.world.carrier(user, self.start),
            _ => self.world.vpn(self.world.human(user).vpn.unwrap_or(number)),
        };
        let count = self.random.between(1, 4);
        let within = (2 * DAY).min(self.end - self.start);
        let mut sessions: Vec<Time> = (0..count)
            .map(|_| self.start + self.random.below(within))
            .collect();
        if self.random.chance(0.5) {
            let earlier = self.random.below(2 * DAY);
            sessions.push(self.start.saturating_sub(earlier));
        }
        sessions.sort_unstable_by(|one, other| other.cmp(one));
        let first = sessions.pop().unwrap_or(self.start);
        let mut random = self.fork();
        let blocked = Blocked {
            incident: self.incident,
            user,
            tool: self.world.laptop(user, &mut random),
            from,
            sessions,
            patience: self.random.between(1, 5),
            tries: 0,
            random,
        };
        self.entra
            .list(from, self.start, NEVER, Some(self.incident));
        self.add(first, blocked);
    }

    fn high_risk_block(&mut self) {
        let user = self.anyone();
        let from = loop {
            let from = stranger(&mut self.random);
            if self.entra.is_risky(from) {
                break from;
            }
        };
        let (family, client) = self.random.pick(&[
            (Family::Thunderbird, Client::Imap),
            (Family::Printer, Client::Smtp),
            (Family::AppleMail, Client::ActiveSync),
        ]);
        let old = OldProtocol {
            incident: self.incident,
            user,
            tool: Tool {
                agent: Agent { family, version: 3 },
                app: EXCHANGE,
                client,
                managed: false,
            },
            from,
            every: self.random.magnitude(5 * MINUTE, 180 * MINUTE),
            until: self.start + self.random.magnitude(2, 72) * HOUR,
            random: self.fork(),
        };
        self.add(self.start, old);
    }
}
