//! What the simulator asks of chance, on top of the numbers that the benchmarks use too.

use super::random::Random;

impl Random {
    /// True in this share of the cases.
    pub(crate) fn chance(&mut self, share: f64) -> bool {
        self.unit() < share
    }

    /// One of `items`, which must not be empty.
    pub(crate) fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.below(items.len() as u64) as usize]
    }

    /// The pause before the next of events that come `mean` apart, independent of one another.
    pub(crate) fn pause(&mut self, mean: f64) -> u64 {
        let pause = -mean * (1.0 - self.unit()).ln();
        pause.min(mean * 20.0) as u64
    }

    /// A number in `from..=to` of which small ones are as likely, by order of magnitude, as large.
    pub(crate) fn magnitude(&mut self, from: u64, to: u64) -> u64 {
        let (low, high) = ((from.max(1) as f64).ln(), (to.max(1) as f64).ln());
        let number = (low + self.unit() * (high - low)).exp().round() as u64;
        number.clamp(from, to.max(from))
    }

    /// Puts `items` into an order of chance.
    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last as u64 + 1) as usize);
        }
    }
}

/// A number that hangs on all of `parts` and looks random.
pub(crate) fn hash(parts: &[u64]) -> u64 {
    let seed = parts.iter().fold(0x243F_6A88_85A3_08D3, |so_far, part| {
        Random::new(so_far ^ part.wrapping_mul(0xD6E8_FEB8_6659_FD93), 7).next()
    });
    Random::new(seed, 7).next()
}

/// The same as a number in `0.0..1.0`.
pub(crate) fn coin(parts: &[u64]) -> f64 {
    (hash(parts) >> 11) as f64 / (1_u64 << 53) as f64
}
