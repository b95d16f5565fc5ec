//! Losses: the unsynced changes that a crash drops, whole or by sectors.

use std::fmt;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::{Change, Image, size, write};
use lockstep_harness::choice::{Choices, Seeded};

/// Size of a sector, in bytes: the aligned unit that arrives whole or not at all.
pub const SECTOR: usize = 512;

/// Loss of writes and changes of length since the last sync, the one in flight included. Synced
/// changes are never lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Loss {
    /// None: the process died, and its machine did not.
    Nothing,
    /// All changes.
    All,
    /// The last change.
    Last,
    /// All changes but the last, which overtook them.
    AllButLast,
    /// Every change of length, and with it all writes beyond the end: a file that is too short.
    Lengths,
    /// The last change after its first N sectors, modulo their number.
    TornLast(u64),
    /// Each change with probability 1/2: a later one may arrive without an earlier one. The number
    /// is the seed.
    Reordered(u64),
    /// Each sector of each change with probability 1/2. The number is the seed.
    Torn(u64),
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Loss::Nothing => f.write_str("nothing"),
            Loss::All => f.write_str("all unsynced changes"),
            Loss::Last => f.write_str("the last change"),
            Loss::AllButLast => f.write_str("all changes but the last"),
            Loss::Lengths => f.write_str("changes of length"),
            Loss::TornLast(sectors) => write!(f, "the last change after {sectors} sectors"),
            Loss::Reordered(seed) => write!(f, "random changes of seed {seed}"),
            Loss::Torn(seed) => write!(f, "random sectors of seed {seed}"),
        }
    }
}

/// Parts of one change that arrive: byte ranges of a write; for a change of length any part is all
/// of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Survivor {
    index: usize,
    parts: Vec<(usize, usize)>,
}

/// Returns what a loss leaves of a disk.
pub(super) fn after(durable: &[u8], pending: &[Change], loss: Loss) -> Image {
    image(durable, pending, &survivors(pending, loss))
}

/// Applies the survivors to the durable content.
pub(super) fn image(durable: &[u8], pending: &[Change], survivors: &[Survivor]) -> Image {
    let mut bytes = durable.to_vec();
    for Survivor { index, parts } in survivors {
        match &pending[*index] {
            whole @ Change::Length(_) => whole.apply(&mut bytes),
            Change::Write(offset, written) => {
                for &(from, to) in parts {
                    write(&mut bytes, size(*offset) + from, &written[from..to]);
                }
            }
        }
    }
    Image(bytes)
}

/// Returns the changes that survive a loss, in order.
pub(super) fn survivors(pending: &[Change], loss: Loss) -> Vec<Survivor> {
    let last = pending.len().saturating_sub(1);
    let mut coins = match loss {
        Loss::Reordered(seed) | Loss::Torn(seed) => Seeded::new(seed, 0),
        _ => Seeded::new(0, 0),
    };
    let arrives = |(index, change): (usize, &Change)| {
        let whole = vec![(0, length(change))];
        let parts = match loss {
            Loss::Nothing => whole,
            Loss::All => Vec::new(),
            Loss::Last if index == last => Vec::new(),
            Loss::AllButLast if index != last => Vec::new(),
            Loss::Last | Loss::AllButLast => whole,
            Loss::Lengths if matches!(change, Change::Length(_)) => Vec::new(),
            Loss::Lengths => whole,
            Loss::TornLast(after) if index == last => {
                let sectors = sectors(change);
                let after = after % (sectors.len() as u64).max(1);
                joined(sectors.into_iter().take(size(after)))
            }
            Loss::TornLast(_) => whole,
            Loss::Reordered(_) => {
                if coins.chance(1, 2) {
                    whole
                } else {
                    Vec::new()
                }
            }
            Loss::Torn(_) => joined(
                sectors(change)
                    .into_iter()
                    .filter(|_| coins.chance(1, 2))
                    .collect::<Vec<_>>()
                    .into_iter(),
            ),
        };
        (!parts.is_empty()).then_some(Survivor { index, parts })
    };
    pending.iter().enumerate().filter_map(arrives).collect()
}

fn length(change: &Change) -> usize {
    match change {
        // One part, which is all of it.
        Change::Length(_) => 1,
        Change::Write(_, written) => written.len(),
    }
}

/// Splits a change into the parts that arrive whole, as ranges within it.
fn sectors(change: &Change) -> Vec<Range<usize>> {
    let Change::Write(offset, written) = change else {
        return std::iter::once(0..1).collect();
    };
    let mut parts = Vec::new();
    let mut from = 0;
    while from < written.len() {
        let to = written
            .len()
            .min(from + SECTOR - (size(*offset) + from) % SECTOR);
        parts.push(from..to);
        from = to;
    }
    parts
}

/// Joins adjacent parts.
fn joined(parts: impl Iterator<Item = Range<usize>>) -> Vec<(usize, usize)> {
    let mut joined: Vec<(usize, usize)> = Vec::new();
    for part in parts {
        match joined.last_mut() {
            Some((_, to)) if *to == part.start => *to = part.end,
            _ => joined.push((part.start, part.end)),
        }
    }
    joined
}
