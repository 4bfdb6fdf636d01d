//! The simulated tenant: people with homes, offices, phones and habits, and the map of addresses.
//!
//! Addresses come from ranges that are kept for documentation, benchmarks and carrier NAT:
//!
//! | range | who |
//! |---|---|
//! | 198.51.100.0/24 | exits of the offices |
//! | 198.18.0.0/16, 2001:db8:1000::/36 | homes |
//! | 100.64.0.0/10, 2001:db8:2000::/36 | phones behind carriers |
//! | 192.0.2.0/25 | exits of commercial VPNs |
//! | 192.0.2.128/25 | hotels |
//! | 203.0.113.0/24, 198.19.0.0/16, 2001:db8:a000::/36 | the rest of the world |

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::chance::hash;
use super::entra::network;
use super::event::{Client, DAY, HOUR, Time, Tool};
use super::random::{Random, guid};
use super::words::{APPS, Agent, BROWSERS, CITIES, EXCHANGE, Family, OUTLOOK_MOBILE, REGIONS};

/// One account of the tenant and its person.
#[derive(Clone, Debug)]
pub(crate) struct Human {
    pub(crate) home: IpAddr,
    pub(crate) office: u32,
    /// Share of the working days spent at home.
    pub(crate) remote: f64,
    pub(crate) carrier: u32,
    /// The carrier gives this phone IPv6.
    pub(crate) v6_phone: bool,
    pub(crate) laptop: Agent,
    pub(crate) phone: Agent,
    pub(crate) second_factor: bool,
    /// Known outside: executives and administrators.
    pub(crate) vip: bool,
    pub(crate) guest: bool,
    /// The commercial VPN that this person uses now and then.
    pub(crate) vpn: Option<u8>,
    /// Minutes after midnight at which the working day begins.
    pub(crate) begins: u64,
}

/// Where an address is on the map.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Place {
    pub(crate) asn: u32,
    /// A place in `CITIES`.
    pub(crate) city: usize,
}

/// The tenant.
pub(crate) struct World {
    pub(crate) seed: u64,
    pub(crate) tenant: String,
    pub(crate) apps: Vec<String>,
    pub(crate) people: Vec<Human>,
    pub(crate) offices: u32,
    /// The office that is marked as a trusted location, if one is.
    pub(crate) trusted_office: Option<u32>,
    /// Hours ahead of UTC.
    pub(crate) zone: i64,
    first_city: usize,
    cities: usize,
}

impl World {
    pub(crate) fn new(seed: u64, users: u32) -> Self {
        let mut random = Random::new(seed, 1);
        let tenant = guid(&mut random);
        let apps = APPS.iter().map(|_| guid(&mut random)).collect();
        let (first_city, cities, zone) = random.pick(&REGIONS);
        let offices = 1 + (u64::from(users) / 150).min(random.between(1, 40)) as u32;
        let people = (0..users.max(1)).map(|user| human(user, offices, &mut random));
        let people = people.collect();
        let trusted_office = random.chance(0.3).then(|| offices - 1);
        Self {
            seed,
            tenant,
            apps,
            people,
            offices,
            trusted_office,
            zone,
            first_city,
            cities,
        }
    }

    pub(crate) fn human(&self, user: u32) -> &Human {
        &self.people[user as usize % self.people.len()]
    }

    /// The exit of an office.
    pub(crate) fn office(&self, office: u32) -> IpAddr {
        IpAddr::V4(Ipv4Addr::new(198, 51, 100, 1 + (office % 250) as u8))
    }

    /// The address of a person's home: IPv6 devices change theirs every day within the /64.
    pub(crate) fn home(&self, user: u32, now: Time) -> IpAddr {
        match self.human(user).home {
            IpAddr::V6(v6) => within(v6, hash(&[self.seed, 21, user.into(), now / DAY])),
            v4 => v4,
        }
    }

    /// The address of a phone on the road: the /64 changes every three days, an address behind NAT
    /// every hour.
    pub(crate) fn carrier(&self, user: u32, now: Time) -> IpAddr {
        let human = self.human(user);
        let (seed, user) = (self.seed, u64::from(user));
        if human.v6_phone {
            let prefix = hash(&[seed, 22, user, now / (3 * DAY)]);
            let network = Ipv6Addr::new(
                0x2001,
                0xdb8,
                0x2000 + human.carrier as u16,
                prefix as u16,
                0,
                0,
                0,
                0,
            );
            return within(network, hash(&[seed, 23, user, now / DAY]));
        }
        let third = hash(&[seed, 24, user, now / DAY]) % 6;
        let last = hash(&[seed, 25, user, now / HOUR]) % 250;
        IpAddr::V4(Ipv4Addr::new(
            100,
            64 + human.carrier as u8,
            third as u8,
            1 + last as u8,
        ))
    }

    /// An exit of a commercial VPN.
    pub(crate) fn vpn(&self, number: u8) -> IpAddr {
        IpAddr::V4(Ipv4Addr::new(192, 0, 2, number % 128))
    }

    /// A hotel.
    pub(crate) fn hotel(&self, number: u8) -> IpAddr {
        IpAddr::V4(Ipv4Addr::new(192, 0, 2, 128 + number % 127))
    }

    /// Milliseconds since midnight where the tenant lives, and the day of the week (Monday is 0).
    pub(crate) fn local(&self, now: Time) -> (Time, u64) {
        let local = (now + 7 * DAY).saturating_add_signed(self.zone * HOUR as i64);
        (local % DAY, local / DAY % 7)
    }

    /// Where an address is.
    pub(crate) fn place(&self, from: IpAddr) -> Place {
        let at = network(from);
        let near = |n: u64| self.first_city + (n % self.cities as u64) as usize;
        let anywhere = |n: u64| (n % CITIES.len() as u64) as usize;
        let chance = hash(&[self.seed, 26, at]);
        let (asn, city) = match from {
            IpAddr::V4(v4) => match v4.octets() {
                [198, 51, 100, n] => (64_496 + u32::from(n) % 4, near(n.into())),
                [198, 18, ..] => (64_500 + (chance % 6) as u32, near(chance / 8)),
                [100, second, ..] => (64_506 + u32::from(second) % 5, near(chance / 8)),
                [192, 0, 2, n] if n < 128 => {
                    let n = hash(&[self.seed, 27, n.into()]);
                    (65_536 + (n % 6) as u32, anywhere(n / 8))
                }
                [192, 0, 2, n] => {
                    let n = hash(&[self.seed, 27, n.into()]);
                    (65_542 + (n % 9) as u32, anywhere(n / 8))
                }
                // Owners of address space hold neighbouring networks.
                _ => (
                    64_512 + (hash(&[self.seed, 28, at / 4]) % 900) as u32,
                    anywhere(chance),
                ),
            },
            IpAddr::V6(v6) => match v6.segments()[2] >> 12 {
                1 => (64_500 + (hash(&[at >> 8]) % 6) as u32, near(chance)),
                2 => (64_506 + u32::from(v6.segments()[2]) % 5, near(chance)),
                _ => (
                    64_512 + (hash(&[self.seed, 28, at]) % 900) as u32,
                    anywhere(chance),
                ),
            },
        };
        Place { asn, city }
    }

    /// The laptop of a person, in an application of every day.
    pub(crate) fn laptop(&self, user: u32, random: &mut Random) -> Tool {
        let human = self.human(user);
        let managed = !human.guest;
        let (family, client) = match random.below(10) {
            0 => (Family::Outlook, Client::Modern),
            1 => (Family::Teams, Client::Modern),
            _ => (human.laptop.family, Client::Browser),
        };
        Tool {
            agent: Agent {
                family,
                ..human.laptop
            },
            app: random.below(8) as usize,
            client,
            managed,
        }
    }

    /// The phone of a person.
    pub(crate) fn phone(&self, user: u32) -> Tool {
        let human = self.human(user);
        let mail = human.phone.family == Family::AppleMail;
        Tool {
            agent: human.phone,
            app: if mail { EXCHANGE } else { OUTLOOK_MOBILE },
            client: match mail {
                true => Client::ActiveSync,
                false => Client::Modern,
            },
            managed: user.is_multiple_of(3),
        }
    }
}

fn human(user: u32, offices: u32, random: &mut Random) -> Human {
    let home = if random.chance(0.3) {
        let third = 0x1000 + (user >> 16 & 0xfff) as u16;
        IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, third, user as u16, 0, 0, 0, 0))
    } else {
        // Spread, so that neighbours in the list are not neighbours on the map.
        let spread = user.wrapping_mul(40_503) & 0xffff;
        IpAddr::V4(Ipv4Addr::new(198, 18, (spread >> 8) as u8, spread as u8))
    };
    let remote = match random.below(10) {
        0..2 => 1.0,
        2..7 => 0.4,
        _ => 0.05,
    };
    let version = random.below(8) as u16;
    let phone = match random.below(10) {
        0..4 => Family::OutlookPhone,
        4..6 => Family::AppleMail,
        6..8 => Family::SafariPhone,
        _ => Family::ChromePhone,
    };
    Human {
        home,
        office: user % offices,
        remote,
        carrier: random.below(3) as u32,
        v6_phone: random.chance(0.5),
        laptop: Agent {
            family: match random.below(10) {
                0..5 => Family::EdgeWindows,
                5..8 => Family::ChromeWindows,
                _ => random.pick(&BROWSERS),
            },
            version: 4 + version % 3,
        },
        phone: Agent {
            family: phone,
            version,
        },
        second_factor: random.chance(0.75),
        vip: random.chance(0.04),
        guest: random.chance(0.03),
        vpn: random.chance(0.05).then(|| random.below(128) as u8),
        begins: random.between(420, 600),
    }
}

/// An address inside a /64.
fn within(network: Ipv6Addr, device: u64) -> IpAddr {
    let high = u128::from(network) >> 64 << 64;
    IpAddr::V6(Ipv6Addr::from(high | u128::from(device)))
}

/// Some address of the rest of the world.
pub(crate) fn stranger(random: &mut Random) -> IpAddr {
    match random.below(12) {
        0 => IpAddr::V6(Ipv6Addr::new(
            0x2001,
            0xdb8,
            0xa000 + random.below(0x1000) as u16,
            random.next() as u16,
            0,
            0,
            0,
            1 + random.below(0xfffe) as u16,
        )),
        1 => IpAddr::V4(Ipv4Addr::new(203, 0, 113, random.between(1, 254) as u8)),
        _ => IpAddr::V4(Ipv4Addr::new(
            198,
            19,
            random.below(256) as u8,
            random.between(1, 254) as u8,
        )),
    }
}
