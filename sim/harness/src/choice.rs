//! Streams of choices: the only source of a generator's decisions.
//!
//! A seed, a fuzzer's bytes or a test can be behind one; the generator cannot tell.

use arbitrary::Unstructured;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// A stream of choices. The same stream always makes the same scenario.
pub trait Choices {
    /// A number below `bound`, which is at least 1.
    fn below(&mut self, bound: u64) -> u64;

    /// True with a probability of `weight` in `of`.
    fn chance(&mut self, weight: u64, of: u64) -> bool {
        self.below(of) < weight
    }

    /// A number from `least` to `most`, both included.
    fn between(&mut self, least: u64, most: u64) -> u64 {
        match (most - least).checked_add(1) {
            Some(bound) => least + self.below(bound),
            None => self.below(u64::MAX),
        }
    }

    /// One of these. There is at least one.
    fn pick<T: Copy>(&mut self, among: &[T]) -> T
    where
        Self: Sized,
    {
        let index = self.below(among.len() as u64);
        among[usize::try_from(index).expect("an index below a length is a usize")]
    }

    /// One of these by weight; `None` where all weights are zero.
    fn weighted<T: Copy>(&mut self, among: &[(T, u64)]) -> Option<T>
    where
        Self: Sized,
    {
        let total = among.iter().map(|(_, weight)| weight).sum();
        if total == 0 {
            return None;
        }
        let mut left = self.below(total);
        for (one, weight) in among {
            if left < *weight {
                return Some(*one);
            }
            left -= weight;
        }
        None
    }
}

/// Choices from a seed: ChaCha8, one stream of it a run, so that runs do not depend on each other.
#[derive(Clone, Debug)]
pub struct Seeded(ChaCha8Rng);

impl Seeded {
    /// The choices of one run of a campaign.
    #[must_use]
    pub fn new(seed: u64, run: u64) -> Self {
        let mut generator = ChaCha8Rng::seed_from_u64(seed);
        generator.set_stream(run);
        Seeded(generator)
    }
}

impl Choices for Seeded {
    fn below(&mut self, bound: u64) -> u64 {
        self.0.next_u64() % bound
    }
}

/// Choices from bytes, for a fuzzer: as many as are needed for the bound, then zeros.
#[derive(Clone, Debug)]
pub struct FromBytes<'b>(pub &'b [u8]);

impl Choices for FromBytes<'_> {
    fn below(&mut self, bound: u64) -> u64 {
        let mut number: u64 = 0;
        for _ in 0..bytes_for(bound) {
            let (first, rest) = self.0.split_first().unwrap_or((&0, &[]));
            self.0 = rest;
            number = number << 8 | u64::from(*first);
        }
        number % bound
    }
}

/// Choices from the input of a fuzzer that makes structured values: those that [`FromBytes`] makes of its bytes.
impl Choices for Unstructured<'_> {
    fn below(&mut self, bound: u64) -> u64 {
        let needed = bytes_for(bound);
        let bytes = self.bytes(needed.min(self.len())).unwrap_or_default();
        // Zeros behind the last byte.
        let bytes = bytes.iter().chain(std::iter::repeat(&0)).take(needed);
        bytes.fold(0, |number, byte| number << 8 | u64::from(*byte)) % bound
    }
}

/// The choices of another stream, and the bytes from which [`FromBytes`] makes the same ones: turns a
/// run of the simulator into an input for a fuzzer.
#[derive(Clone, Debug)]
pub struct Recorded<C> {
    choices: C,
    bytes: Vec<u8>,
}

impl<C> Recorded<C> {
    /// Creates a recording in which nothing was chosen yet.
    #[must_use]
    pub const fn new(choices: C) -> Self {
        Recorded {
            choices,
            bytes: Vec::new(),
        }
    }

    /// The bytes of everything that was chosen.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

impl<C: Choices> Choices for Recorded<C> {
    fn below(&mut self, bound: u64) -> u64 {
        let number = self.choices.below(bound);
        let bytes = number.to_be_bytes();
        self.bytes
            .extend_from_slice(&bytes[bytes.len() - bytes_for(bound)..]);
        number
    }
}

/// Number of bytes that can represent every number below a bound.
fn bytes_for(bound: u64) -> usize {
    let highest = bound.saturating_sub(1);
    (u64::BITS - highest.leading_zeros()).div_ceil(8) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_recorded_is_chosen_again() {
        let bounds = [1, 2, 255, 256, 257, 65_536, 65_537, 1 << 56, u64::MAX];
        let mut recorded = Recorded::new(Seeded::new(3, 1));
        let chosen = bounds.map(|bound| recorded.below(bound));
        let bytes = recorded.into_bytes();
        assert_eq!(bytes.len(), 1 + 1 + 1 + 2 + 2 + 3 + 7 + 8);
        let mut again = FromBytes(&bytes);
        assert_eq!(bounds.map(|bound| again.below(bound)), chosen);
        assert!(again.0.is_empty());
    }

    #[test]
    fn structured_input_makes_the_choices_of_its_bytes() {
        let bytes: Vec<u8> = (0..40u32)
            .map(|byte| (byte * 37 % 251).to_le_bytes()[0])
            .collect();
        let mut structured = Unstructured::new(&bytes);
        let mut plain = FromBytes(&bytes);
        for bound in [1, 2, 256, 65_537, u64::MAX, 255, 1 << 40].repeat(4) {
            assert_eq!(structured.below(bound), plain.below(bound), "below {bound}");
        }
        assert_eq!((structured.len(), plain.0.len()), (0, 0));
    }
}
