//! Makes sign-in logs of any size for benchmarks: the same plan gives the same bytes anywhere.
//!
//! Lines are those of a diagnostic-settings blob, 4 to 5 KB each. An archive is told hour by hour:
//! ordinary work with its daily rhythm, campaigns on top (`attacks`), written as lines (`record`)
//! in the order of their arrival. Some lines come a second time an hour later, with a fresh `time`,
//! as Azure Monitor delivers them.

mod attacks;
mod event;
mod random;
mod record;
mod tenant;
mod words;

use std::io;
use std::thread;

use event::{End, Event, HOUR, SECOND, date};
use random::Random;
use record::push_line;
use tenant::{Address, Tenant};

/// How many records each piece of work holds: about 9 MB.
const PIECE: usize = 2048;
/// Sign-ins for each hour of the day, relative to one another.
const RHYTHM: [u64; 24] = [
    3, 2, 2, 2, 3, 4, 6, 9, 12, 12, 11, 10, 10, 11, 11, 10, 9, 7, 6, 5, 5, 4, 4, 3,
];

/// What to make.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// Size of everything together; met within a few percent.
    pub(crate) bytes: u64,
    pub(crate) hours: u32,
    /// Share of the distinct sign-ins that end with 50053, 0 to 0.5.
    pub(crate) refusals: f64,
    /// Share of the sign-ins that are delivered twice, 0 to 0.5.
    pub(crate) duplicates: f64,
    pub(crate) users: u32,
    pub(crate) seed: u64,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            bytes: 1 << 30,
            hours: 24,
            refusals: 0.02,
            duplicates: 0.04,
            users: 20_000,
            seed: 42,
        }
    }
}

/// What was made: the truth to compare an analysis with.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Made {
    pub(crate) bytes: u64,
    pub(crate) records: u64,
    pub(crate) sign_ins: u64,
    pub(crate) lockout: u64,
    pub(crate) malicious_ip: u64,
    pub(crate) high_confidence_risk: u64,
    pub(crate) generic: u64,
}

/// Which hour a piece of the archive belongs to.
pub(crate) struct Hour {
    #[allow(dead_code, reason = "only who writes files needs it")]
    /// `tenantId=…/y=2026/m=03/d=02/h=08/m=00/PT1H.json`, as Azure Monitor names its blobs.
    pub(crate) blob: String,
}

/// A line to write: an event, and when it arrives.
struct Line {
    arrival: u64,
    event: Event,
}

/// Makes an archive and hands it over piece by piece, in order; an hour may take several pieces.
///
/// # Errors
/// Whatever `take` returns, at once; or that a thread could not be started.
pub(crate) fn make(
    plan: &Plan,
    mut take: impl FnMut(&Hour, &[u8]) -> io::Result<()>,
) -> io::Result<Made> {
    let tenant = Tenant::new(plan.seed, plan.users);
    let records = plan.bytes / mean_size(plan, &tenant);
    let sign_ins = (records as f64 / (1.0 + plan.duplicates)) as u64;
    let refusals = (sign_ins as f64 * plan.refusals) as u64;
    let mut attacks = attacks::campaigns(plan.seed, plan.users, plan.hours, refusals);
    let bursts: usize = attacks.iter().map(Vec::len).sum();
    let everyday = sign_ins.saturating_sub(bursts as u64);
    let rhythm: u64 = (0..plan.hours as usize).map(|hour| RHYTHM[hour % 24]).sum();

    let mut made = Made::default();
    let mut last_hour: Vec<Event> = Vec::new();
    let workers = thread::available_parallelism().map_or(2, usize::from);
    let mut buffers: Vec<Vec<u8>> = vec![Vec::new(); workers];
    for (hour, bursts) in attacks.iter_mut().enumerate() {
        let mut events = std::mem::take(bursts);
        let count = everyday * RHYTHM[hour % 24] / rhythm.max(1);
        ordinary(plan, hour as u64, count, &mut events);
        events.iter().for_each(|event| made.count(event.end));
        let lines = lines(plan, hour as u64, &events, &last_hour);
        made.records += lines.len() as u64;
        last_hour = events;

        let (year, month, day) = date(hour as u64 * HOUR);
        let blob = format!(
            "tenantId={}/y={year}/m={month:02}/d={day:02}/h={:02}/m=00/PT1H.json",
            tenant.id,
            hour % 24
        );
        let pieces: Vec<&[Line]> = lines.chunks(PIECE).collect();
        for group in pieces.chunks(workers) {
            write_pieces(&tenant, group, &mut buffers)?;
            for buffer in buffers.iter().take(group.len()) {
                made.bytes += buffer.len() as u64;
                take(&Hour { blob: blob.clone() }, buffer)?;
            }
        }
    }
    Ok(made)
}

/// Writes each piece into the buffer of its place, all at the same time.
fn write_pieces(tenant: &Tenant, pieces: &[&[Line]], buffers: &mut [Vec<u8>]) -> io::Result<()> {
    thread::scope(|scope| {
        for (lines, buffer) in pieces.iter().zip(buffers) {
            thread::Builder::new().spawn_scoped(scope, move || {
                buffer.clear();
                for line in *lines {
                    push_line(buffer, tenant, &line.event, line.arrival);
                }
            })?;
        }
        Ok(())
    })
}

/// An ordinary hour: people at home and in the office, and what goes wrong on any day.
fn ordinary(plan: &Plan, hour: u64, count: u64, events: &mut Vec<Event>) {
    let random = &mut Random::new(plan.seed, 1000 + hour);
    let at_work = (8..18).contains(&(hour % 24));
    for n in 0..count {
        // Two draws, the smaller counts: some people sign in far more often than others.
        let user = random
            .below(u64::from(plan.users.max(1)))
            .min(random.below(u64::from(plan.users.max(1)))) as u32;
        let end = match random.below(1000) {
            0..930 => End::Success,
            930..945 => End::StaySignedIn,
            945..955 => End::MfaNotPassed,
            955..967 => End::MfaNeeded,
            967..975 => End::NoSession,
            975..980 => End::NoConsent,
            980..983 => End::Expired,
            983..986 => End::PolicyBlock,
            _ => End::BadPassword,
        };
        let from = match random.below(100) {
            0..4 => Address::Away(random.below(1 << 14) as u32),
            4..64 if at_work => Tenant::office_of(user),
            _ => Address::Home(user),
        };
        let created = hour * HOUR + n * HOUR / count + random.below(HOUR / count);
        let tool = Tenant::habit(user, random);
        let created = created.min((hour + 1) * HOUR - 1);
        events.push(Event {
            created,
            seed: random.next(),
            user,
            from,
            tool,
            end,
            attack: false,
        });
    }
}

/// The lines of an hour in the order of their arrival, with second deliveries from the hour before.
fn lines(plan: &Plan, hour: u64, events: &[Event], before: &[Event]) -> Vec<Line> {
    let random = &mut Random::new(plan.seed, 2_000_000 + hour);
    let mut lines: Vec<Line> = events
        .iter()
        .map(|&event| Line {
            arrival: event.arrival(),
            event,
        })
        .collect();
    // The first hour has no hour before it, and repeats its own.
    let again = if hour == 0 { events } else { before };
    let chosen = again.iter().filter(|_| random.unit() < plan.duplicates);
    let repeats: Vec<Event> = chosen.copied().collect();
    for event in repeats {
        let late = if hour == 0 { 600 * SECOND } else { HOUR } + random.below(600 * SECOND);
        lines.push(Line {
            arrival: event.arrival() + late,
            event,
        });
    }
    lines.sort_unstable_by_key(|line| (line.arrival, line.event.seed));
    lines
}

/// Bytes of one record, found by writing some.
fn mean_size(plan: &Plan, tenant: &Tenant) -> u64 {
    const SOME: u64 = 500;
    let (mut events, mut out) = (Vec::new(), Vec::new());
    ordinary(plan, 10, SOME, &mut events);
    events
        .iter()
        .for_each(|event| push_line(&mut out, tenant, event, event.arrival()));
    (out.len() as u64 / SOME).max(1)
}

impl Made {
    /// All refusals, whatever their text.
    pub(crate) fn refusals(&self) -> u64 {
        self.lockout + self.malicious_ip + self.high_confidence_risk + self.generic
    }

    fn count(&mut self, end: End) {
        self.sign_ins += 1;
        match end {
            End::Locked => self.lockout += 1,
            End::Malicious | End::MaliciousStop => self.malicious_ip += 1,
            End::HighRisk => self.high_confidence_risk += 1,
            End::BothReasons => self.generic += 1,
            _ => {}
        }
    }
}
