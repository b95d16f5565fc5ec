//! The answers of core, by its public calls.

use std::hash::BuildHasher;

use ahash::RandomState;
use lockstep_core::chain::{BodyCache, BodyCacheLimits, Chain};
use lockstep_core::config::HashSeed;
use lockstep_core::model::Transaction;
use lockstep_core::schedule::{Graph, group_by_conflicts};
use lockstep_core::storage::{Storage, StorageError};

use super::bodies::{BodyAct, BodyAnswer, BodyScript};
use super::conflicts::ConflictOrder;
use super::question::{Answer, Question, TipRead};

/// Asks a ledger.
///
/// # Errors
///
/// [`StorageError`] if the storage cannot be read or what it has is damaged.
pub fn answer<S: Storage>(chain: &Chain<S>, question: &Question) -> Result<Answer, StorageError> {
    Ok(match question {
        Question::Tip => {
            let tip = chain.tip()?;
            Answer::Tip(TipRead {
                height: tip.height,
                hash: tip.hash,
                time: tip.time,
                digest: tip.digest,
            })
        }
        Question::Rules => Answer::Rules(chain.rules().clone()),
        Question::ValueAt(cell, height) => Answer::ValueAt(chain.value_at(*cell, *height)?),
        Question::History(cell) => Answer::History(chain.history(*cell)?),
        Question::Cells { after, limit } => Answer::Cells(chain.cells(*after, *limit)?),
        Question::Block(height) => Answer::Block(chain.block(*height)?),
        Question::Receipts(height) => Answer::Receipts(chain.receipts(*height)?),
        Question::Nonce(account) => Answer::Nonce(chain.nonce(*account)?),
        Question::Multisig(account) => Answer::Multisig(chain.multisig(*account)?),
        Question::Balance(account, asset) => Answer::Balance(chain.balance(*account, *asset)?),
        Question::Supply(asset) => Answer::Supply(chain.supply(*asset)?),
        Question::Conflicts(transactions) => {
            let seed = match chain.config().hash_seed {
                HashSeed::Fixed(seed) => seed,
                HashSeed::Random => 0,
            };
            let hasher = RandomState::with_seeds(seed, !seed, 1, 2);
            Answer::Conflicts(conflict_order(transactions, hasher))
        }
        Question::Bodies(script) => Answer::Bodies(bodies(script)),
    })
}

/// Reads the order of conflicts off core's graph and levels.
fn conflict_order(transactions: &[Transaction], hasher: impl BuildHasher + Clone) -> ConflictOrder {
    let graph = Graph::of(transactions, hasher.clone());
    let mut before = vec![0u64; graph.len()];
    let mut counted = vec![0u32; graph.len()];
    for earlier in 0..graph.len() {
        let upto = before[earlier] | 1 << earlier;
        for later in graph.successors(u32::try_from(earlier).expect("transactions are few")) {
            // An edge leads to a later transaction, of which nothing is passed on yet.
            before[*later as usize] |= upto;
            counted[*later as usize] += 1;
        }
    }
    ConflictOrder {
        groups: group_by_conflicts(transactions, hasher),
        levels: graph.levels().to_vec(),
        critical_path_lengths: graph.critical_path_lengths(),
        before,
        counts_agree: counted == graph.waits_for(),
    }
}

/// Makes the calls of a script on a new cache of core.
fn bodies(script: &BodyScript) -> Vec<BodyAnswer> {
    let cache = BodyCache::new(BodyCacheLimits {
        entries: script.entries,
        bytes: script.bytes,
        time_to_live_ms: script.time_to_live_ms,
    });
    let answers = script.acts.iter().map(|act| match *act {
        BodyAct::Remember(number, now) => {
            let body = script.bodies[number].clone();
            cache.remember(BodyScript::root(number), body, now);
            BodyAnswer::Remembered
        }
        BodyAct::Find(number, now) => {
            let found = cache.find(BodyScript::root(number), now);
            BodyAnswer::Found(found.map(|body| script.number_of(&body)))
        }
        BodyAct::Size => {
            let (count, bytes) = cache.size();
            BodyAnswer::Size(count, bytes)
        }
    });
    answers.collect()
}
