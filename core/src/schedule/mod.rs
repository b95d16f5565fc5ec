//! The dependency graph of a block, and the set of its transactions that are ready to run.
//!
//! A block must come out as if its transactions had run one after another. Those that conflict must
//! therefore keep block order; all others may run side by side. These modules find both out from the
//! transactions alone, without the state, and know no thread.
//!
//! # The algorithm
//!
//! 1. A transaction names its accounts, so that its accesses are read off it without a look at the
//!    state ([`accesses`]): *exclusive* ones to its source's nonce (and multisig) and to each balance
//!    that it takes from, *additive* ones to each balance that it only credits. Additive accesses to
//!    one key commute; an exclusive one conflicts with every other access to its key.
//! 2. One pass in block order makes the [`Graph`]. For each key it remembers the last exclusive access
//!    and the additive ones since. An additive access waits for the former; an exclusive one waits for
//!    all of the latter or, if there are none, for the former, and then takes their place.
//! 3. A [`ReadySet`] counts the edges into each transaction that are not finished, and gives out the
//!    transactions without any: the longest critical path first, then in block order (list scheduling;
//!    Graham, 1969). [`group_by_conflicts`] shows the same graph as levels.
//!
//! # Correctness
//!
//! Any two accesses that conflict are connected by a path in block order. If the later one is
//! exclusive, it waits for the last exclusive access to the key or for additive ones that wait for
//! it; if it is additive, it waits for the last exclusive one; and an exclusive access waits, by
//! induction, for all accesses before it. An order that respects the edges thus differs from block
//! order by exchanges of transactions that do not conflict, and such an exchange changes no result. A
//! transaction that is rejected touches less than it declares: its edges cost parallelism, not
//! correctness. Accesses that commute for all transactions are not declared: a burn adds to a supply,
//! a credit registers its account, and the miner is credited after all transactions.
//! `schedule/tests.rs` compares the pass with one over all pairs.
//!
//! # Cost
//!
//! Linear in the accesses: a lookup an account, at most two edges an access, and one lookup more an
//! asset beyond the first eight of an account. A block in which each transaction conflicts with the
//! one before is a chain, which neighbours mostly tell without a lookup, by their first 16 accesses each. Giving out is a search of a bitmap,
//! finishing one step an edge. No schedule can be shorter than the longest path, and the levels are
//! as many.
//!
//! # Not covered
//!
//! Accesses that depend on the state, as those of a contract do: they need speculation and
//! validation, as in Block-STM (Gelashvili et al., arXiv 2203.06871), or a reconnaissance, as in Calvin. Durations: a critical path is
//! counted in transactions. Edges that others imply are not removed, and several may join the same
//! two transactions.
//!
//! Sources: declared accesses in an agreed order are Calvin's (Thomson et al., SIGMOD 2012), a phase of
//! its own that finds the dependencies is BOHM's (Faleiro and Abadi, VLDB 2015); both without additive
//! accesses.

mod access;
pub(crate) mod graph;
pub(crate) mod ready_set;

pub use access::{Access, Key, Mode, accesses};
pub use graph::{Graph, group_by_conflicts};
pub use ready_set::ReadySet;

#[cfg(test)]
mod tests;
