//! The numbers of each kind of attack.

use std::collections::HashMap;
use std::net::IpAddr;

use super::attackers::{Campaign, Disguise, Rotate, browser};
use super::event::{Client, DAY, HOUR, MINUTE, SECOND, Time, Tool, Who};
use super::incidents::Draw;
use super::stage::Cause;
use super::words::{Agent, EXCHANGE, Family, OFFICE_HOME, SCRIPTS};
use super::world::stranger;

/// Draws an attack of this kind and puts it on the stage.
pub(super) fn play(draw: &mut Draw<'_>, cause: Cause) {
    match cause {
        Cause::BruteForce => brute_force(draw),
        Cause::DistributedBruteForce => distributed_brute_force(draw),
        Cause::PasswordSpray => password_spray(draw),
        Cause::DistributedSpray => distributed_spray(draw),
        Cause::LowAndSlowSpray => low_and_slow_spray(draw),
        Cause::CredentialStuffing => credential_stuffing(draw),
        Cause::LockoutDenialOfService => lockout_denial_of_service(draw),
        _ => blocked_attack(draw),
    }
}

/// A campaign without a plan: the kinds fill in what makes them.
fn campaign(draw: &mut Draw<'_>, accounts: Vec<u32>, sources: Vec<IpAddr>) -> Campaign {
    draw.victims.extend(&accounts);
    Campaign {
        incident: draw.incident,
        names: accounts.into_iter().map(Who::Account).collect(),
        sources,
        rotate: Rotate::Every(1),
        disguise: disguise(draw),
        gap: (SECOND, 5 * SECOND),
        round_gap: (SECOND, 5 * SECOND),
        rounds: 1,
        until: draw.end,
        right: HashMap::new(),
        fatigue: 0.2,
        done: 0,
        visits: Vec::new(),
        random: draw.fork(),
    }
}

/// Half of the attackers write a browser that many people use; a few use another for each try, and a
/// few speak an old protocol.
fn disguise(draw: &mut Draw<'_>) -> Disguise {
    let random = &mut draw.random;
    let app = random.pick(&[OFFICE_HOME, EXCHANGE, 8, 9, 10, 11]);
    match random.below(20) {
        0..9 => Disguise::One(browser(app, random)),
        9..12 => Disguise::AnyBrowser { app },
        12..14 => Disguise::One(Tool {
            agent: Agent {
                family: Family::Ropc,
                version: 0,
            },
            app: EXCHANGE,
            client: random.pick(&[Client::Imap, Client::Smtp, Client::ActiveSync]),
            managed: false,
        }),
        _ => Disguise::One(Tool {
            agent: Agent {
                family: random.pick(&SCRIPTS),
                version: random.below(8) as u16,
            },
            app,
            client: random.pick(&[Client::Browser, Client::Modern]),
            managed: false,
        }),
    }
}

/// Addresses of the rest of the world, of which this share is known as malicious all the time.
fn sources(draw: &mut Draw<'_>, count: u64, listed: f64) -> Vec<IpAddr> {
    let owner = Some(draw.incident);
    let mut sources = Vec::with_capacity(count as usize);
    while (sources.len() as u64) < count {
        let from = stranger(&mut draw.random);
        if sources.contains(&from) {
            continue;
        }
        if draw.random.chance(listed) {
            draw.entra.list(from, 0, super::entra::NEVER, owner);
        }
        sources.push(from);
    }
    sources
}

/// An address that nobody finds out, for attacks that need one.
fn quiet_source(draw: &mut Draw<'_>) -> IpAddr {
    loop {
        let from = stranger(&mut draw.random);
        if draw.entra.noticed_after(from).is_none() {
            return from;
        }
    }
}

/// Lets some guesses be right: for each name in this share of the cases, in one of the rounds.
fn let_in(draw: &mut Draw<'_>, campaign: &mut Campaign, share: f64, last_round: u64) {
    for place in 0..campaign.names.len() {
        let known = matches!(campaign.names[place], Who::Account(_));
        if known && draw.random.chance(share) {
            let round = draw.random.below(last_round.max(1));
            campaign.right.insert(place, round);
        }
    }
}

fn brute_force(draw: &mut Draw<'_>) {
    let user = draw.someone_known();
    let source = match draw.random.chance(0.7) {
        true => quiet_source(draw),
        false => sources(draw, 1, 0.0)[0],
    };
    let mut attack = campaign(draw, vec![user], vec![source]);
    let shortest = draw.random.magnitude(500, 8000);
    attack.gap = (shortest, shortest * 3);
    attack.round_gap = attack.gap;
    attack.rounds = draw.random.magnitude(25, 600);
    let_in(draw, &mut attack, 0.4, 14);
    draw.add(draw.start, attack);
}

fn distributed_brute_force(draw: &mut Draw<'_>) {
    let user = draw.someone_known();
    let (count, listed) = (draw.random.magnitude(6, 80), draw.random.unit() * 0.6);
    let sources = sources(draw, count, listed);
    let mut attack = campaign(draw, vec![user], sources);
    attack.rounds = draw.random.magnitude(25, 300);
    let length = draw.random.between(15, 120) * MINUTE;
    let mean = length / attack.rounds;
    attack.round_gap = (mean / 2, mean * 3 / 2);
    attack.rotate = Rotate::Every(draw.random.between(1, 3));
    let_in(draw, &mut attack, 0.4, 14);
    draw.add(draw.start, attack);
}

fn password_spray(draw: &mut Draw<'_>) {
    let users = draw.world.people.len() as u64;
    let count = draw
        .random
        .magnitude(8.min(users), (users * 3 / 5).clamp(8, 2000));
    let accounts = draw.several(count);
    let addresses = match draw.random.below(4) {
        0 => draw.random.between(2, 3),
        _ => 1,
    };
    let sources = sources(draw, addresses, 0.0);
    let mut attack = campaign(draw, accounts, sources);
    let shortest = draw.random.magnitude(300, 6000);
    attack.gap = (shortest, shortest * 3);
    attack.rounds = draw.random.between(1, 12);
    // The careful wait between rounds, so that nothing is locked; others do not.
    attack.round_gap = match draw.random.chance(0.4) {
        true => (31 * MINUTE, 90 * MINUTE),
        false => (SECOND, 5 * MINUTE),
    };
    attack.rotate = Rotate::Every(draw.random.between(1, 40));
    let rounds = attack.rounds;
    let_in(draw, &mut attack, 0.03, rounds);
    draw.add(draw.start, attack);
}

fn distributed_spray(draw: &mut Draw<'_>) {
    let users = draw.world.people.len() as u64;
    let most = (users / 2).clamp(15, 3000);
    let count = draw.random.magnitude(15.min(most), most);
    let accounts = draw.several(count);
    let (addresses, listed) = (draw.random.magnitude(15, 400), draw.random.unit() * 0.7);
    let sources = sources(draw, addresses, listed);
    let mut attack = campaign(draw, accounts, sources);
    attack.rounds = draw.random.between(1, 4);
    let length = draw.random.magnitude(20, 600) * MINUTE;
    let mean = (length / (attack.rounds * attack.names.len() as u64)).max(400);
    attack.gap = (mean / 3, mean * 5 / 3);
    attack.round_gap = attack.gap;
    attack.rotate = match draw.random.chance(0.3) {
        true => Rotate::ByName,
        false => Rotate::Every(draw.random.between(1, 3)),
    };
    let rounds = attack.rounds;
    let_in(draw, &mut attack, 0.02, rounds);
    draw.add(draw.start, attack);
}

/// One try for each account and day, or two, with the same client, from a few addresses.
fn low_and_slow_spray(draw: &mut Draw<'_>) {
    let users = draw.world.people.len() as u64;
    let most = (users / 2).clamp(15, 3000);
    let count = draw.random.magnitude(12.min(most), most);
    let accounts = draw.several(count);
    let addresses = draw.random.magnitude(2, 40);
    let sources = sources(draw, addresses, 0.35);
    draw.start = draw.random.below(draw.end / 3 + 1);
    let mut attack = campaign(draw, accounts, sources);
    let each = DAY / draw.random.between(1, 2) / attack.names.len() as u64;
    attack.gap = (each * 6 / 10, each * 14 / 10);
    attack.round_gap = attack.gap;
    attack.rounds = 1000;
    if let Disguise::AnyBrowser { app } = attack.disguise {
        attack.disguise = Disguise::One(browser(app, &mut draw.random));
    }
    let_in(draw, &mut attack, 0.03, u64::from(draw.plan.days));
    draw.add(draw.start, attack);
}

/// Names and passwords from elsewhere: many names do not exist, each is tried once.
fn credential_stuffing(draw: &mut Draw<'_>) {
    let users = draw.world.people.len() as u64;
    let most = (users * 2 / 5).clamp(20, 3000);
    let count = draw.random.magnitude(20.min(most), most);
    let accounts = draw.several(count);
    let unknown = (count as f64 * (0.3 + draw.random.unit())) as u64;
    let (addresses, listed) = (draw.random.magnitude(1, 120), draw.random.unit() * 0.6);
    // A single address that is blocked from the beginning stuffs nothing.
    let listed = if addresses == 1 { 0.0 } else { listed };
    let sources = sources(draw, addresses, listed);
    let mut attack = campaign(draw, accounts, sources);
    for _ in 0..unknown {
        attack
            .names
            .push(Who::Nobody(draw.random.below(5000) as u32));
    }
    draw.random.shuffle(&mut attack.names);
    attack.rounds = match draw.random.below(5) {
        0 => 2,
        _ => 1,
    };
    let shortest = draw.random.magnitude(300, 20_000);
    attack.gap = (shortest, shortest * 3);
    attack.round_gap = (MINUTE, HOUR);
    attack.rotate = Rotate::Every(draw.random.between(1, 5));
    let_in(draw, &mut attack, 0.05, 1);
    draw.add(draw.start, attack);
}

/// A few accounts that shall not be able to work, for hours.
fn lockout_denial_of_service(draw: &mut Draw<'_>) {
    let count = draw.random.between(1, 4);
    let mut accounts: Vec<u32> = (0..count).map(|_| draw.someone_known()).collect();
    accounts.sort_unstable();
    accounts.dedup();
    let addresses = draw.random.magnitude(1, 30);
    let sources = (0..addresses).map(|_| quiet_source(draw)).collect();
    let mut attack = campaign(draw, accounts, sources);
    let each = draw.random.between(20, 80) * SECOND / attack.names.len() as u64;
    attack.gap = (each * 7 / 10, each * 13 / 10);
    attack.round_gap = attack.gap;
    attack.rounds = u64::MAX / 1000;
    attack.until = draw.start + draw.random.magnitude(5, 40) * HOUR;
    attack.rotate = Rotate::Every(draw.random.magnitude(1, 200));
    draw.add(draw.start, attack);
}

/// Addresses that were known before they came.
fn blocked_attack(draw: &mut Draw<'_>) {
    let users = draw.world.people.len() as u64;
    let count = draw.random.magnitude(1, users.min(60));
    let accounts = draw.several(count);
    let addresses = draw.random.magnitude(1, 10);
    let sources = sources(draw, addresses, 1.0);
    let mut attack = campaign(draw, accounts, sources);
    attack.rounds = draw.random.between(1, 4) + 8 / count;
    let shortest: Time = draw.random.magnitude(500, 120_000);
    attack.gap = (shortest, shortest * 3);
    attack.round_gap = attack.gap;
    attack.rotate = Rotate::Every(draw.random.between(1, 20));
    draw.add(draw.start, attack);
}
