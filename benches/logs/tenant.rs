//! The invented company of the benchmarks: its people, their addresses, and what they sign in with.

use super::random::{Random, guid, push_number};
use super::words::{APPS, CITIES, City, FIRST, LAST, POLICIES};

/// One account. Texts are ready to stand inside a JSON string.
pub(crate) struct User {
    pub(crate) id: String,
    pub(crate) upn: String,
    pub(crate) name: String,
    pub(crate) device: String,
}

/// Where a sign-in comes from.
#[derive(Clone, Copy)]
pub(crate) enum Address {
    /// An exit of the company, shared by a thousand people.
    Office(u32),
    /// The home line of one user.
    Home(u32),
    /// Anything else: attackers, proxies.
    Away(u32),
}

/// What a sign-in is made with: places in `AGENTS`, `APPS` and `CLIENTS`.
#[derive(Clone, Copy)]
pub(crate) struct Tool {
    pub(crate) agent: usize,
    pub(crate) app: usize,
    pub(crate) client: usize,
}

/// Everything that stays the same through a whole archive.
pub(crate) struct Tenant {
    pub(crate) id: String,
    pub(crate) users: Vec<User>,
    pub(crate) apps: Vec<String>,
    pub(crate) policies: Vec<String>,
}

impl Tenant {
    pub(crate) fn new(seed: u64, users: u32) -> Self {
        let mut random = Random::new(seed, 1);
        let id = guid(&mut random);
        let apps = APPS.iter().map(|_| guid(&mut random)).collect();
        let policies = POLICIES.iter().map(|_| guid(&mut random)).collect();
        let users = (0..users.max(1))
            .map(|number| {
                let first = FIRST[random.below(24) as usize];
                let last = LAST[random.below(20) as usize];
                User {
                    id: guid(&mut random),
                    upn: format!(
                        "{}.{}{number}@contoso.example",
                        letters(first),
                        letters(last)
                    ),
                    name: format!("{first} {last}"),
                    device: guid(&mut random),
                }
            })
            .collect();
        Self {
            id,
            users,
            apps,
            policies,
        }
    }

    pub(crate) fn office_of(user: u32) -> Address {
        Address::Office(user / 1000)
    }

    /// What this user works with on an ordinary day.
    pub(crate) fn habit(user: u32, random: &mut Random) -> Tool {
        let agent = if random.below(5) == 0 {
            random.below(8) as usize
        } else {
            user as usize % 8
        };
        let app = random.below(12) as usize;
        Tool {
            agent,
            app,
            client: usize::from(agent >= 6),
        }
    }
}

/// Lower-case letters only; an escape such as `\u00f6` becomes `o`, or is dropped.
fn letters(name: &str) -> String {
    let plain = name.replace("\\u00f6", "o").replace("\\u00ed", "i");
    plain
        .chars()
        .filter(char::is_ascii_alphabetic)
        .collect::<String>()
        .to_lowercase()
}

impl Address {
    /// Homes and attackers take the range that is kept for benchmarks (198.18.0.0/15, RFC 2544),
    /// because the documentation ranges hold too few addresses; one in eight uses IPv6
    /// (2001:db8::/32).
    pub(crate) fn push(self, out: &mut Vec<u8>) {
        match self {
            Self::Office(n) => {
                out.extend_from_slice(b"198.51.100.");
                push_number(out, 10 + u64::from(n) % 200);
            }
            Self::Home(n) if n % 8 != 7 => push_v4(out, 18, n),
            Self::Away(n) if n % 8 != 7 => push_v4(out, 19, n),
            Self::Home(n) => push_v6(out, 0x1000, n),
            Self::Away(n) => push_v6(out, 0xa000, n),
        }
    }

    pub(crate) fn city(self) -> &'static City {
        match self {
            Self::Office(n) | Self::Home(n) => &CITIES[n as usize % 8],
            Self::Away(n) => &CITIES[(n.wrapping_mul(2_654_435_761) >> 28) as usize],
        }
    }

    /// Numbers kept for documentation (RFC 5398).
    pub(crate) fn asn(self) -> u64 {
        match self {
            Self::Office(_) => 64496,
            Self::Home(n) => 64497 + u64::from(n % 14),
            Self::Away(n) => 65536 + u64::from(n.wrapping_mul(2_654_435_761) >> 28),
        }
    }
}

fn push_v4(out: &mut Vec<u8>, second: u64, n: u32) {
    out.extend_from_slice(b"198.");
    push_number(out, second);
    out.push(b'.');
    push_number(out, u64::from(n >> 8) & 255);
    out.push(b'.');
    push_number(out, u64::from(n) & 255);
}

fn push_v6(out: &mut Vec<u8>, third: u32, n: u32) {
    let text = format!(
        "2001:db8:{:x}:{:x}::{:x}",
        third + (n >> 16 & 0xfff),
        n & 0xffff,
        n % 8999 + 1
    );
    out.extend_from_slice(text.as_bytes());
}
