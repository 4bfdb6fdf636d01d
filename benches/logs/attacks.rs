//! The bursts that end in error 50053: who tries what, from where, and how it is refused.
//!
//! Refusals do not come evenly. They come in campaigns, and hit the same few people again and
//! again; a benchmark with evenly spread refusals would measure an archive that nobody has.

use super::event::{End, Event, HOUR, SECOND};
use super::random::Random;
use super::tenant::{Address, Tenant, Tool};
use super::words::PHONE_MAIL;

/// One kind of campaign: how many of 1000 refusals it makes, and the function that plays it once.
type Kind = (u64, fn(&mut Campaigns, u64));

/// About three in five refusals state a malicious address, as in the one tenant that was
/// measured in public.
const KINDS: [Kind; 9] = [
    (120, brute_force),
    (80, distributed_brute_force),
    (70, spray),
    (260, rotating_proxies),
    (130, blocked),
    (220, flagged_exit),
    (80, stale_credential),
    (30, forgotten_password),
    (10, odd_ones),
];

const BROWSER: Tool = Tool {
    agent: 12,
    app: 2,
    client: 0,
};
const SCRIPT: Tool = Tool {
    agent: 8,
    app: 12,
    client: 1,
};
const PROXY: Tool = Tool {
    agent: 11,
    app: 13,
    client: 1,
};
const MAIL: Tool = Tool {
    agent: PHONE_MAIL,
    app: 0,
    client: 2,
};

/// The events of all campaigns, by hour.
pub(crate) struct Campaigns {
    random: Random,
    users: u64,
    end: u64,
    refusals: u64,
    hours: Vec<Vec<Event>>,
}

/// Plays campaigns until there are `refusals` of them (a few fewer when the archive is very short).
pub(crate) fn campaigns(seed: u64, users: u32, hours: u32, refusals: u64) -> Vec<Vec<Event>> {
    let mut all = Campaigns {
        random: Random::new(seed, 4),
        users: u64::from(users.max(1)),
        end: u64::from(hours) * HOUR,
        refusals: 0,
        hours: vec![Vec::new(); hours as usize],
    };
    let mut goal = 0;
    for (n, (share, play)) in KINDS.into_iter().enumerate() {
        goal = if n + 1 == KINDS.len() {
            refusals
        } else {
            goal + refusals * share / 1000
        };
        let mut idle = 0;
        while all.refusals < goal && idle < 100 {
            let before = all.refusals;
            play(&mut all, goal - before);
            idle = if all.refusals == before { idle + 1 } else { 0 };
        }
    }
    all.hours
}

impl Campaigns {
    fn put(&mut self, created: u64, user: u32, from: Address, tool: Tool, end: End, attack: bool) {
        if created >= self.end {
            return;
        }
        if matches!(
            end,
            End::Locked | End::Malicious | End::MaliciousStop | End::HighRisk | End::BothReasons
        ) {
            self.refusals += 1;
        }
        let seed = self.random.next();
        self.hours[(created / HOUR) as usize].push(Event {
            created,
            seed,
            user,
            from,
            tool,
            end,
            attack,
        });
    }

    fn start(&mut self) -> u64 {
        self.random.below(self.end)
    }

    /// Anyone, but mostly one of the few whose names are known outside.
    fn victim(&mut self) -> u32 {
        let skew = self.random.unit();
        (skew * skew * skew * self.users as f64) as u32
    }

    fn anyone(&mut self) -> u32 {
        self.random.below(self.users) as u32
    }

    fn stranger(&mut self) -> Address {
        Address::Away(self.random.below(1 << 16) as u32)
    }

    fn malicious(&mut self) -> End {
        if self.random.below(10) == 0 {
            End::MaliciousStop
        } else {
            End::Malicious
        }
    }
}

/// Seventeen passwords in half a minute, then locked.
fn brute_force(all: &mut Campaigns, left: u64) {
    let (mut at, user, from) = (all.start(), all.victim(), all.stranger());
    for _ in 0..17 {
        at += all.random.below(4 * SECOND);
        all.put(at, user, from, SCRIPT, End::BadPassword, true);
    }
    for _ in 0..all.random.between(5, 60).min(left) {
        at += all.random.between(SECOND, 9 * SECOND);
        all.put(at, user, from, SCRIPT, End::Locked, true);
    }
}

/// One account, many addresses, half an hour.
fn distributed_brute_force(all: &mut Campaigns, left: u64) {
    let (start, user) = (all.start(), all.victim());
    let strangers: Vec<Address> = (0..all.random.between(8, 30))
        .map(|_| all.stranger())
        .collect();
    let bad = all.random.between(15, 50);
    let total = bad + all.random.between(10, 40).min(left);
    for n in 0..total {
        let from = strangers[n as usize % strangers.len()];
        let end = if n < bad {
            End::BadPassword
        } else {
            End::Locked
        };
        let at = start + n * 1800 * SECOND / total + all.random.below(9 * SECOND);
        all.put(at, user, from, SCRIPT, end, true);
    }
}

/// One address, many accounts, two tries each; one in a hundred passwords is right.
fn spray(all: &mut Campaigns, left: u64) {
    let (start, from) = (all.start(), all.stranger());
    let count = all.random.between(20, 400);
    let victims: Vec<u32> = (0..count).map(|_| all.victim()).collect();
    let mut left = left;
    for n in 0..count * 2 {
        let end = match all.random.below(100) {
            0 => End::MfaNotPassed,
            1..8 => End::UnknownUser,
            8..15 if left > 0 && n >= count => End::Locked,
            _ => End::BadPassword,
        };
        left -= u64::from(end == End::Locked);
        let at = start + n * 2 * SECOND + all.random.below(SECOND);
        all.put(at, victims[(n % count) as usize], from, BROWSER, end, true);
    }
}

/// Hundreds of addresses with a try or two each; most are refused for what they are.
fn rotating_proxies(all: &mut Campaigns, left: u64) {
    let start = all.start();
    let tries = all.random.between(60, 1500).min(left * 3 / 2 + 1);
    for n in 0..tries {
        let end = match all.random.below(100) {
            0..62 => all.malicious(),
            62..66 => End::Locked,
            66..70 => End::UnknownUser,
            _ => End::BadPassword,
        };
        let (user, from) = (all.victim(), all.stranger());
        let at = start + n * 5400 * SECOND / tries + all.random.below(5 * SECOND);
        all.put(at, user, from, PROXY, end, true);
    }
}

/// One address that never gets as far as a password.
fn blocked(all: &mut Campaigns, left: u64) {
    let (start, from) = (all.start(), all.stranger());
    for n in 0..all.random.between(5, 50).min(left) {
        let (user, end) = (all.victim(), all.malicious());
        let at = start + n * 12 * SECOND + all.random.below(9 * SECOND);
        all.put(at, user, from, BROWSER, end, true);
    }
}

/// An exit of the company gains a bad name for forty minutes.
fn flagged_exit(all: &mut Campaigns, left: u64) {
    let start = all.start();
    let site = all.random.below(1 + all.users / 1000) * 1000;
    let here = (all.users - site.min(all.users - 1)).min(1000);
    let mut left = left;
    for _ in 0..all.random.between(10, 120) {
        let user = (site + all.random.below(here)) as u32;
        let tool = Tenant::habit(user, &mut all.random);
        for _ in 0..all.random.between(1, 4).min(left) {
            left -= 1;
            let at = start + all.random.below(2400 * SECOND);
            let end = all.malicious();
            all.put(at, user, Tenant::office_of(user), tool, end, false);
        }
    }
}

/// A phone that still sends the old password, hour by hour, to the end of the archive.
fn stale_credential(all: &mut Campaigns, left: u64) {
    let (mut at, user) = (all.start() / 2, all.anyone());
    for _ in 0..left.min(200) {
        all.put(at, user, Address::Home(user), MAIL, End::Locked, false);
        at += 3600 * SECOND + all.random.below(300 * SECOND);
    }
}

/// A few tries at human speed, one or two locks, and in.
fn forgotten_password(all: &mut Campaigns, left: u64) {
    let (mut at, user) = (all.start(), all.anyone());
    let tool = Tenant::habit(user, &mut all.random);
    let bad = all.random.between(4, 8);
    let locks = all.random.between(1, 2).min(left);
    for n in 0..=bad + locks {
        let end = if n < bad {
            End::BadPassword
        } else if n < bad + locks {
            End::Locked
        } else {
            End::Success
        };
        all.put(at, user, Address::Home(user), tool, end, false);
        at += all.random.between(15, 240) * SECOND;
    }
}

/// The rare texts.
fn odd_ones(all: &mut Campaigns, _left: u64) {
    let (at, user, from) = (all.start(), all.anyone(), all.stranger());
    let end = if all.random.below(4) == 0 {
        End::BothReasons
    } else {
        End::HighRisk
    };
    all.put(at, user, from, Tool { client: 3, ..MAIL }, end, true);
}
