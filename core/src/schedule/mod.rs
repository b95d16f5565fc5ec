//! Who may run side by side.
//!
//! Every transaction declares what it touches ([`accesses`]): its source's nonce and every balance
//! that it takes from *exclusively*, every balance that it adds to *additively*. Additive accesses
//! to one key commute; an exclusive one conflicts with everything else on its key. One linear pass
//! over the accesses gives the [`Graph`] of who waits for whom, [`group_by_conflicts`] shows it by
//! level, and [`ReadySet`] tells whoever asks what may run next. None of them knows a thread.
//!
//! Source: the review's greedy grouping lets a transaction overtake one that it conflicts with, and
//! is quadratic; here block order holds between all that conflict, and the depth is that of the
//! longest chain of conflicts, which no schedule can be shorter than.

mod access;
mod graph;
mod ready_set;

pub use access::{Access, Key, Mode, accesses};
pub use graph::{Graph, group_by_conflicts};
pub use ready_set::ReadySet;

#[cfg(test)]
mod tests;
