//! A model of what Entra does with a sign-in: reputation of addresses, built-in protection, smart
//! lockout, second factor.
//!
//! Documented (howto-password-smart-lockout): ten failures lock, for 60 seconds at first and longer
//! after each further lock; the first failure after a lock locks again; places that the account
//! knows and places that it does not have counters of their own; a password among the last three
//! wrong ones does not count again, but under pass-through authentication it does; a sign-in from a
//! malicious address is refused whatever the password. Not documented, and therefore drawn from the
//! seed: how quickly locks grow, when failures are forgotten, how late a lock is seen everywhere,
//! after how many failures an address is known as malicious, and for how long.

use std::collections::HashMap;
use std::net::IpAddr;

use super::chance::{coin, hash};
use super::event::{Attempt, DAY, HOUR, MINUTE, Outcome, SECOND, Secret, Time, Who};
use super::random::Random;

/// The numbers of the model.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    pub(crate) threshold: u32,
    pub(crate) first_lock: Time,
    /// Each further lock lasts this many times as long.
    pub(crate) growth: f64,
    pub(crate) longest_lock: Time,
    /// Without a failure for so long, everything is forgotten.
    pub(crate) forget_after: Time,
    /// Whether the last three wrong passwords are remembered, as without pass-through authentication.
    pub(crate) three_hashes: bool,
    /// A lock is seen everywhere within this time.
    pub(crate) lag: Time,
    /// Share of the attempts in the first half minute of a lock that still get through.
    pub(crate) late: f64,
    /// Share of the addresses that nobody ever finds out.
    pub(crate) unnoticed: f64,
    /// How long an address that was found out stays blocked.
    pub(crate) blocked_for: Time,
    /// Share of the strange addresses from which old protocols are a high risk.
    pub(crate) risky: f64,
    pub(crate) seed: u64,
}

impl Rules {
    /// The documented numbers, and for the others what the seed says.
    pub(crate) fn new(seed: u64, threshold: u32, three_hashes: bool) -> Self {
        let mut random = Random::new(seed, 11);
        Self {
            threshold,
            first_lock: MINUTE,
            growth: 1.3 + 1.2 * random.unit(),
            longest_lock: random.between(10, 60) * MINUTE,
            forget_after: random.between(1, 6) * HOUR,
            three_hashes,
            lag: random.between(0, 15) * SECOND,
            late: 0.03,
            unnoticed: 0.4 + 0.3 * random.unit(),
            blocked_for: random.between(6, 96) * HOUR,
            risky: 0.2 + 0.3 * random.unit(),
            seed,
        }
    }
}

/// One of the two counters of an account.
#[derive(Clone, Copy, Default, Debug)]
struct Counter {
    failures: u32,
    last: Time,
    hashes: [u64; 3],
    from: Time,
    until: Time,
    locks: i32,
    /// The next failure locks.
    on_probation: bool,
    /// For which incident it was locked.
    owner: Option<u32>,
}

/// One account.
#[derive(Clone, Default, Debug)]
struct Account {
    strange: Counter,
    familiar: Counter,
    /// Networks from which it signed in, as hashes.
    places: Vec<u64>,
    second_factor: bool,
}

/// A time in which an address is blocked, and the incident for which it is.
#[derive(Clone, Copy, Debug)]
struct Listing {
    from: Time,
    until: Time,
    owner: Option<u32>,
}

/// What is known of an address.
#[derive(Clone, Default, Debug)]
struct Reputation {
    /// Failures since it was last found out.
    failures: u32,
    listings: Vec<Listing>,
}

/// What a sign-in came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Verdict {
    pub(crate) outcome: Outcome,
    /// The incident for which the account was locked or the address is listed.
    pub(crate) owner: Option<u32>,
}

/// The service.
pub(crate) struct Entra {
    rules: Rules,
    accounts: Vec<Account>,
    addresses: HashMap<IpAddr, Reputation>,
    random: Random,
}

/// The network of an address: /24 or /64.
pub(crate) fn network(from: IpAddr) -> u64 {
    match from {
        IpAddr::V4(v4) => u64::from(u32::from(v4) >> 8),
        IpAddr::V6(v6) => (u128::from(v6) >> 64) as u64,
    }
}

/// An address as a number to hang chance on.
pub(crate) fn number(from: IpAddr) -> u64 {
    match from {
        IpAddr::V4(v4) => u64::from(u32::from(v4)),
        IpAddr::V6(v6) => hash(&[network(from), u128::from(v6) as u64]),
    }
}

impl Entra {
    /// A service with accounts, of which `second_factor` says whether they need one.
    pub(crate) fn new(rules: Rules, second_factor: impl Iterator<Item = bool>) -> Self {
        let accounts = second_factor.map(|second_factor| Account {
            second_factor,
            ..Account::default()
        });
        Self {
            random: Random::new(rules.seed, 12),
            accounts: accounts.collect(),
            addresses: HashMap::new(),
            rules,
        }
    }

    /// Lets an account know the network of `from`.
    pub(crate) fn learn(&mut self, account: u32, from: IpAddr) {
        let account = &mut self.accounts[account as usize];
        let place = network(from);
        if !account.places.contains(&place) {
            if account.places.len() >= 64 {
                account.places.remove(0);
            }
            account.places.push(place);
        }
    }

    /// Puts an address on the list of malicious ones.
    pub(crate) fn list(&mut self, from: IpAddr, since: Time, until: Time, owner: Option<u32>) {
        self.addresses
            .entry(from)
            .or_default()
            .listings
            .push(Listing {
                from: since,
                until,
                owner,
            });
    }

    /// Self-service reset: ends the lock and forgets the failures.
    pub(crate) fn reset(&mut self, account: u32) {
        let account = &mut self.accounts[account as usize];
        (account.strange, account.familiar) = (Counter::default(), Counter::default());
    }

    /// After how many failures this address is found out, if ever.
    pub(crate) fn noticed_after(&self, from: IpAddr) -> Option<u32> {
        let seed = self.rules.seed;
        let noticed = coin(&[seed, 13, number(from)]) >= self.rules.unnoticed;
        let after = 5.0 * 60_f64.powf(coin(&[seed, 14, number(from)]));
        noticed.then_some(after as u32)
    }

    /// Whether old protocols from this address are refused as a high risk.
    pub(crate) fn is_risky(&self, from: IpAddr) -> bool {
        coin(&[self.rules.seed, 15, number(from)]) < self.rules.risky
    }

    /// Judges an attempt made at `now` for `incident`. Attempts come in the order of time.
    pub(crate) fn sign_in(
        &mut self,
        now: Time,
        attempt: &Attempt,
        incident: Option<u32>,
    ) -> Verdict {
        let plain = |outcome| Verdict {
            outcome,
            owner: None,
        };
        if attempt.secret == Secret::Token {
            if let (Who::Account(who), None) = (attempt.who, attempt.interrupt) {
                self.learn(who, attempt.from);
            }
            return plain(attempt.interrupt.unwrap_or(Outcome::Success));
        }
        let known = self.addresses.get(&attempt.from);
        let mut listings = known.into_iter().flat_map(|known| &known.listings);
        if let Some(listing) = listings.find(|it| (it.from..it.until).contains(&now)) {
            return Verdict {
                outcome: Outcome::Malicious,
                owner: listing.owner,
            };
        }
        let Who::Account(who) = attempt.who else {
            self.failed_from(now, attempt.from);
            return plain(Outcome::UnknownUser);
        };
        let knows = self.accounts[who as usize]
            .places
            .contains(&network(attempt.from));
        if attempt.tool.client.is_legacy() && !knows && self.is_risky(attempt.from) {
            return plain(Outcome::HighRisk);
        }
        let account = &mut self.accounts[who as usize];
        let counter = match knows {
            true => &mut account.familiar,
            false => &mut account.strange,
        };
        if (counter.from..counter.until).contains(&now) {
            // A data centre that has not heard of the lock yet still checks the password.
            let is_late = now < counter.from + 30 * SECOND && self.random.chance(self.rules.late);
            if !is_late {
                return Verdict {
                    outcome: Outcome::Locked,
                    owner: counter.owner,
                };
            }
        }
        if let Secret::Wrong(password) = attempt.secret {
            counter.failed(now, password, incident, &self.rules, &mut self.random);
            if !knows {
                self.failed_from(now, attempt.from);
            }
            return plain(Outcome::BadPassword);
        }
        *counter = Counter::default();
        if let Some(interrupt) = attempt.interrupt {
            return plain(interrupt);
        }
        if account.second_factor && !attempt.second_factor && !attempt.tool.client.is_legacy() {
            return plain(Outcome::MfaNeeded);
        }
        self.learn(who, attempt.from);
        plain(Outcome::Success)
    }

    /// A failure from an address that the account does not know.
    fn failed_from(&mut self, now: Time, from: IpAddr) {
        let Some(limit) = self.noticed_after(from) else {
            return;
        };
        let known = self.addresses.entry(from).or_default();
        known.failures += 1;
        if known.failures >= limit {
            known.failures = 0;
            let from = now + self.random.between(10, 1200) * SECOND;
            known.listings.push(Listing {
                from,
                until: from + self.rules.blocked_for,
                owner: None,
            });
        }
    }
}

impl Counter {
    fn failed(
        &mut self,
        now: Time,
        password: u64,
        incident: Option<u32>,
        rules: &Rules,
        random: &mut Random,
    ) {
        if now > self.last.max(self.until) + rules.forget_after {
            *self = Self::default();
        }
        // The lock is decided, though not everybody knows it yet.
        if now < self.until {
            return;
        }
        self.last = now;
        let seen = self.hashes.contains(&password);
        if rules.three_hashes && seen && !self.on_probation {
            return;
        }
        if !seen {
            self.hashes.rotate_right(1);
            self.hashes[0] = password;
        }
        self.failures += 1;
        if self.failures < rules.threshold && !self.on_probation {
            return;
        }
        let length = rules.first_lock as f64 * rules.growth.powi(self.locks);
        // Locking again needs no counting, so it is seen at once.
        self.from = match self.on_probation {
            true => now + 1,
            false => now + 1 + random.below(rules.lag + 1),
        };
        self.until = self.from + (length as Time).min(rules.longest_lock.max(rules.first_lock));
        self.failures = 0;
        self.locks += 1;
        self.on_probation = true;
        self.owner = incident;
    }
}

/// The time that is surely after the end of any archive.
pub(crate) const NEVER: Time = 1_000_000 * DAY;

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::super::event::{Client, Tool};
    use super::super::words::{Agent, Family};
    use super::*;

    const HOME: IpAddr = IpAddr::V4(Ipv4Addr::new(198, 18, 0, 1));
    const AWAY: IpAddr = IpAddr::V4(Ipv4Addr::new(203, 0, 113, 7));

    /// A service with one account, which knows `HOME`; nothing in it is left to chance.
    fn entra(threshold: u32, three_hashes: bool) -> Entra {
        let rules = Rules {
            growth: 2.0,
            longest_lock: HOUR,
            forget_after: 2 * HOUR,
            lag: 0,
            late: 0.0,
            unnoticed: 1.0,
            risky: 0.0,
            ..Rules::new(1, threshold, three_hashes)
        };
        let mut entra = Entra::new(rules, [false].into_iter());
        entra.learn(0, HOME);
        entra
    }

    fn attempt(from: IpAddr, secret: Secret) -> Attempt {
        Attempt {
            who: Who::Account(0),
            from,
            tool: Tool {
                agent: Agent {
                    family: Family::EdgeWindows,
                    version: 0,
                },
                app: 0,
                client: Client::Browser,
                managed: false,
            },
            secret,
            second_factor: false,
            interrupt: None,
        }
    }

    impl Entra {
        fn tries(&mut self, now: Time, from: IpAddr, secret: Secret) -> Outcome {
            self.sign_in(now, &attempt(from, secret), Some(3)).outcome
        }

        /// Tries wrong passwords, one a second, each another; returns how many were checked.
        fn guess(&mut self, from: IpAddr, count: u64) -> u64 {
            (0..count)
                .take_while(|n| {
                    let outcome = self.tries(n * SECOND, from, Secret::Wrong(n + 1));
                    assert!(matches!(outcome, Outcome::BadPassword | Outcome::Locked));
                    outcome == Outcome::BadPassword
                })
                .count() as u64
        }
    }

    #[test]
    fn ten_failures_lock_or_three_in_government_clouds() {
        assert_eq!(entra(10, false).guess(AWAY, 50), 10);
        assert_eq!(entra(3, false).guess(AWAY, 50), 3);
    }

    #[test]
    fn a_lock_lasts_a_minute_and_refuses_the_right_password() {
        let mut entra = entra(10, false);
        entra.guess(AWAY, 10);
        let locked = entra.sign_in(60 * SECOND, &attempt(AWAY, Secret::Right), None);
        assert_eq!((locked.outcome, locked.owner), (Outcome::Locked, Some(3)));
        assert_eq!(
            entra.tries(70 * SECOND, AWAY, Secret::Right),
            Outcome::Success
        );
    }

    #[test]
    fn the_first_failure_after_a_lock_locks_again_and_longer() {
        let mut entra = entra(10, false);
        entra.guess(AWAY, 10);
        let again = 75 * SECOND;
        assert_eq!(
            entra.tries(again, AWAY, Secret::Wrong(77)),
            Outcome::BadPassword
        );
        assert_eq!(
            entra.tries(again + 110 * SECOND, AWAY, Secret::Right),
            Outcome::Locked
        );
        assert_eq!(
            entra.tries(again + 125 * SECOND, AWAY, Secret::Right),
            Outcome::Success
        );
        // After a success everything begins anew.
        let later = again + 200 * SECOND;
        assert_eq!(
            entra.tries(later, AWAY, Secret::Wrong(78)),
            Outcome::BadPassword
        );
        assert_eq!(
            entra.tries(later + SECOND, AWAY, Secret::Right),
            Outcome::Success
        );
    }

    #[test]
    fn a_long_pause_is_forgiven() {
        let mut entra = entra(10, false);
        entra.guess(AWAY, 9);
        assert_eq!(
            entra.tries(3 * HOUR, AWAY, Secret::Wrong(70)),
            Outcome::BadPassword
        );
        assert_eq!(
            entra.tries(3 * HOUR + SECOND, AWAY, Secret::Wrong(71)),
            Outcome::BadPassword
        );
    }

    #[test]
    fn a_lock_for_strangers_leaves_the_owner_alone() {
        let mut entra = entra(10, false);
        entra.guess(AWAY, 20);
        assert_eq!(
            entra.tries(21 * SECOND, AWAY, Secret::Right),
            Outcome::Locked
        );
        assert_eq!(
            entra.tries(21 * SECOND, HOME, Secret::Right),
            Outcome::Success
        );
        // And a network is known from the first success on.
        entra.learn(0, AWAY);
        assert_eq!(
            entra.tries(22 * SECOND, AWAY, Secret::Right),
            Outcome::Success
        );
    }

    #[test]
    fn one_wrong_password_locks_only_where_the_last_three_are_not_remembered() {
        let lock = |three_hashes, passwords: u64| {
            let mut entra = entra(10, three_hashes);
            let tries =
                (0..100).map(|n| entra.tries(n * SECOND, HOME, Secret::Wrong(n % passwords + 1)));
            tries.collect::<Vec<_>>().contains(&Outcome::Locked)
        };
        assert!(lock(false, 1));
        assert!(!lock(true, 1));
        assert!(!lock(true, 3));
        assert!(lock(true, 4));
    }

    #[test]
    fn a_reset_ends_the_lock() {
        let mut entra = entra(10, false);
        entra.guess(HOME, 20);
        entra.reset(0);
        assert_eq!(
            entra.tries(21 * SECOND, HOME, Secret::Right),
            Outcome::Success
        );
    }

    #[test]
    fn a_malicious_address_is_refused_whatever_the_password() {
        let mut entra = entra(10, false);
        entra.list(AWAY, MINUTE, 2 * MINUTE, Some(5));
        entra.list(AWAY, 10 * MINUTE, HOUR, None);
        assert_eq!(entra.tries(0, AWAY, Secret::Right), Outcome::Success);
        let verdict = entra.sign_in(MINUTE, &attempt(AWAY, Secret::Right), None);
        assert_eq!(
            (verdict.outcome, verdict.owner),
            (Outcome::Malicious, Some(5))
        );
        assert_eq!(
            entra.tries(2 * MINUTE, AWAY, Secret::Right),
            Outcome::Success
        );
        assert_eq!(
            entra.tries(11 * MINUTE, AWAY, Secret::Wrong(1)),
            Outcome::Malicious
        );
        // Its attempts do not count towards a lock, and no other address is touched.
        (0..50).for_each(|n| {
            assert_eq!(
                entra.tries(11 * MINUTE + n, AWAY, Secret::Wrong(n)),
                Outcome::Malicious
            )
        });
        assert_eq!(
            entra.tries(12 * MINUTE, HOME, Secret::Right),
            Outcome::Success
        );
    }

    #[test]
    fn an_address_is_found_out_by_its_failures() {
        let mut entra = entra(10, false);
        entra.rules.unnoticed = 0.0;
        let limit = entra.noticed_after(AWAY).unwrap();
        for n in 0..limit {
            let mut attempt = attempt(AWAY, Secret::Wrong(1));
            attempt.who = Who::Nobody(n);
            assert_eq!(
                entra.sign_in(0, &attempt, None).outcome,
                Outcome::UnknownUser
            );
        }
        assert_eq!(
            entra.tries(21 * MINUTE, AWAY, Secret::Right),
            Outcome::Malicious
        );
    }
}
