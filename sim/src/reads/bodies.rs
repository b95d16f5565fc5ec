//! Scripts of calls of a cache of bodies, and a naive cache that answers them.

use std::sync::Arc;

use lockstep_core::model::{Hash, Timestamp, Transaction};

/// Limits of a cache of bodies, and the calls of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BodyScript {
    /// Largest number of bodies.
    pub entries: usize,
    /// Largest number of bytes of all their encodings.
    pub bytes: u64,
    /// Time for which a body is kept, in milliseconds.
    pub time_to_live_ms: u64,
    /// The bodies, by number.
    pub bodies: Vec<Arc<[Transaction]>>,
    /// The calls, in order.
    pub acts: Vec<BodyAct>,
}

/// A call of a cache of bodies. Bodies are named by their number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyAct {
    /// Keep a body.
    Remember(usize, Timestamp),
    /// Find a body.
    Find(usize, Timestamp),
    /// Return the size.
    Size,
}

/// The answer to a [`BodyAct`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyAnswer {
    /// Nothing is returned.
    Remembered,
    /// Number of the first body of the script that is equal to what was found; the number of bodies if
    /// none is. `None` if nothing was found.
    Found(Option<usize>),
    /// Number of bodies, and the bytes of their encodings.
    Size(usize, u64),
}

impl BodyScript {
    /// The root under which a body is kept. A cache does not compute it.
    #[must_use]
    pub fn root(number: usize) -> Hash {
        let mut root = [0x51; 32];
        root[..8].copy_from_slice(&(number as u64).to_be_bytes());
        Hash(root)
    }

    /// The number of the first body that is equal to this one; the number of bodies if none is.
    #[must_use]
    pub fn number_of(&self, body: &[Transaction]) -> usize {
        let mut bodies = self.bodies.iter();
        let found = bodies.position(|other| **other == *body);
        found.unwrap_or(self.bodies.len())
    }

    /// Answers every call as the documentation of the cache says: the oldest body goes first, one that
    /// alone exceeds a limit is not kept, a body that is remembered again starts anew.
    #[must_use]
    pub fn expected(&self) -> Vec<BodyAnswer> {
        // Number, bytes and time of each body that is kept, the oldest first.
        let mut kept: Vec<(usize, u64, u64)> = Vec::new();
        let mut answers = Vec::new();
        for act in &self.acts {
            if let BodyAct::Remember(_, now) | BodyAct::Find(_, now) = act
                && !matches!(act, BodyAct::Remember(number, _) if !self.may_keep(*number))
            {
                kept.retain(|(_, _, since)| now.0.saturating_sub(*since) < self.time_to_live_ms);
            }
            answers.push(match *act {
                BodyAct::Remember(number, now) => {
                    if self.may_keep(number) {
                        kept.retain(|(other, _, _)| *other != number);
                        kept.push((number, self.bytes_of(number), now.0));
                        while kept.len() > self.entries || sum(&kept) > self.bytes {
                            kept.remove(0);
                        }
                    }
                    BodyAnswer::Remembered
                }
                BodyAct::Find(number, _) => {
                    let mut all = kept.iter();
                    let found = all.find(|(other, _, _)| *other == number);
                    BodyAnswer::Found(
                        found.map(|(number, _, _)| self.number_of(&self.bodies[*number])),
                    )
                }
                BodyAct::Size => BodyAnswer::Size(kept.len(), sum(&kept)),
            });
        }
        answers
    }

    fn may_keep(&self, number: usize) -> bool {
        self.entries > 0 && self.bytes_of(number) <= self.bytes
    }

    fn bytes_of(&self, number: usize) -> u64 {
        let encoding = borsh::to_vec(&*self.bodies[number]).expect("a body can be encoded");
        encoding.len() as u64
    }
}

fn sum(kept: &[(usize, u64, u64)]) -> u64 {
    kept.iter().map(|(_, bytes, _)| bytes).sum()
}
