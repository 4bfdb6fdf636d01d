//! Numbers that look random and are the same on every machine, so that a benchmark can be repeated.

/// SplitMix64: small, fast, and good enough to make logs with.
pub(crate) struct Random(u64);

impl Random {
    /// A sequence of its own for each pair of numbers.
    pub(crate) fn new(seed: u64, stream: u64) -> Self {
        let mut random = Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ stream);
        random.0 = random.next();
        random
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number in `0..end`; 0 when `end` is 0.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(end)) >> 64) as u64
    }

    /// A number in `from..=to`.
    pub(crate) fn between(&mut self, from: u64, to: u64) -> u64 {
        from + self.below(to - from + 1)
    }

    /// A number in `0.0..1.0`.
    pub(crate) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

const HEX: &[u8; 16] = b"0123456789abcdef";

/// Appends an identifier such as `4d3bac44-0230-4732-9e70-cc00736f0a97`.
pub(crate) fn push_guid(out: &mut Vec<u8>, random: &mut Random) {
    let mut text = [b'-'; 36];
    let halves = [random.next(), random.next()];
    let mut at = 0;
    for digit in 0..32 {
        if matches!(at, 8 | 13 | 18 | 23) {
            at += 1;
        }
        text[at] = HEX[(halves[digit / 16] >> (4 * (digit % 16)) & 15) as usize];
        at += 1;
    }
    text[14] = b'4';
    out.extend_from_slice(&text);
}

/// The same as text.
pub(crate) fn guid(random: &mut Random) -> String {
    let mut out = Vec::with_capacity(36);
    push_guid(&mut out, random);
    String::from_utf8_lossy(&out).into_owned()
}

/// Appends a number in decimal.
pub(crate) fn push_number(out: &mut Vec<u8>, number: u64) {
    push_padded(out, number, 1);
}

/// Appends a number with at least `width` digits.
pub(crate) fn push_padded(out: &mut Vec<u8>, mut number: u64, width: usize) {
    let mut digits = [b'0'; 20];
    let mut at = 20;
    while number > 0 {
        at -= 1;
        digits[at] += (number % 10) as u8;
        number /= 10;
    }
    out.extend_from_slice(&digits[at.min(20 - width)..]);
}
