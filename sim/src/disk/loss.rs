//! What a crash leaves of what was not synced.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::{Change, Image, size, write};
use lockstep_harness::choice::{Choices, Seeded};

/// So many bytes arrive together or not at all, aligned.
pub const SECTOR: usize = 512;

/// What is lost of the writes and changes of length since the last sync, the one in flight among
/// them. What was synced is never lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Loss {
    /// Nothing: the process died, and its machine did not.
    Nothing,
    /// All of them.
    All,
    /// The last one.
    Last,
    /// All but the last one, which was quicker.
    AllButLast,
    /// Every change of length, and with it what was written beyond the end: a file that is short.
    Lengths,
    /// The last one after so many of its sectors, counted again from the first where there are
    /// fewer.
    TornLast(u64),
    /// Each by the toss of a coin: what was written later may arrive and the earlier not. The
    /// number is the seed.
    Reordered(u64),
    /// Each sector of each by the toss of a coin. The number is the seed.
    Torn(u64),
}

/// What arrives of one change: parts of a write; for a change of length any part is all of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Survivor {
    index: usize,
    parts: Vec<(usize, usize)>,
}

/// What is left of a disk.
pub(super) fn after(durable: &[u8], pending: &[Change], loss: Loss) -> Image {
    image(durable, pending, &survivors(pending, loss))
}

/// Makes what survived.
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

/// What arrives, in order.
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

/// The parts of a change that arrive together, by their place in it.
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

/// Parts beside each other as one.
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
