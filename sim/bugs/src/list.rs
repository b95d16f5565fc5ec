//! The bugs, and who has none.

use super::Bug;

/// Every row of `docs/known-bugs.md`, in its order. Which engine meets a bug is the engines' to say;
/// one that no engine applies to yet is re-created in a test, which that page names.
pub const BUGS: &[Bug] = &[
    // State and money.
    bug(
        "credit-without-load",
        "a credit to a balance that was not loaded starts from zero",
    ),
    bug(
        "fee-not-debited",
        "the miner gets the fee, and nobody pays it",
    ),
    bug(
        "debit-dropped",
        "what is sent or burned is not taken from the sender",
    ),
    bug(
        "split-cache",
        "debits and credits have a cache each, and one of two is merged",
    ),
    bug(
        "load-one-write-other",
        "the receiver is loaded into one cache and credited in the other",
    ),
    bug(
        "balance-from-storage",
        "what a sender has is asked of the storage and not of the block",
    ),
    bug(
        "silent-setter",
        "a nonce is set only where the account is cached, and it is not",
    ),
    bug(
        "self-transfer",
        "the two sides of a transfer to oneself are two copies",
    ),
    bug(
        "half-applied",
        "the transfers before the one that cannot be paid stay",
    ),
    bug(
        "saturating-credit",
        "a credit saturates; within a supply, only a transfer to oneself that is credited first shows it",
    ),
    bug(
        "mutate-before-check",
        "nonce, multisig and fee are written before the balances are checked",
    ),
    bug(
        "counter-wrap",
        "sums of fees and burns wrap; within a supply 64 bits do not, so the specimen has 32",
    ),
    bug(
        "failed-not-rolled-back",
        "a transaction that fails late has used its nonce up",
    ),
    bug(
        "commit-then-error",
        "a burn is published, and then the transaction is rejected",
    ),
    // Nonces, identity, authorisation.
    bug("unsigned-accepted", "signatures are not verified"),
    bug(
        "validation-gap",
        "the stateless rules are written again, and most are left out",
    ),
    bug(
        "nonce-check-then-act",
        "a nonce is read under one guard and used under another",
    ),
    bug("nonce-rule-differs", "a nonce may skip some"),
    bug(
        "double-nonce-pair",
        "the second transaction of a sender in a block is rejected",
    ),
    bug(
        "silent-success",
        "a kind of transaction is said to be applied and does nothing",
    ),
    bug("multisig-not-merged", "the merge forgets multisigs"),
    bug(
        "multisig-deletion-lost",
        "the merge forgets that a multisig was removed",
    ),
    bug(
        "result-index-lost",
        "after a worker's panic, results belong to other transactions",
    ),
    bug(
        "merkle-duplicate",
        "a list and the one with its last transaction repeated have one root",
    ),
    bug(
        "batch-signature-rule",
        "a batch of signatures is not judged as each alone, by chance of its random weights",
    ),
    // Scheduling and locks.
    bug(
        "conflict-missed",
        "receivers are left out of what a transaction touches",
    ),
    bug(
        "late-insert",
        "what was loaded late overwrites what was written meanwhile",
    ),
    bug(
        "overtaking-batch",
        "a transaction joins a batch before one that it conflicts with",
    ),
    bug(
        "shard-guard",
        "two entries are held at once, of one shard or in opposite orders",
    ),
    bug(
        "guard-across-await",
        "a guard of a map is held while others run",
    ),
    bug(
        "self-deadlock",
        "a read lock is waited for under one's own write lock",
    ),
    bug("open-window", "a rewind gets in while a block is executed"),
    bug(
        "torn-iteration",
        "the merge walks the map while somebody writes",
    ),
    bug(
        "fee-read-modify-write",
        "a sum is loaded, added to and stored by two workers",
    ),
    bug("unbounded-tasks", "the limit of workers is ignored"),
    bug(
        "done-flag-latched",
        "it is finished although somebody still validates",
    ),
    bug(
        "merge-order",
        "the order of a hash map is the order of writes",
    ),
    bug(
        "worker-count-semantics",
        "the number of workers changes a result",
    ),
    // Merge, storage, history.
    bug(
        "merge-not-atomic",
        "the merge is many writes, and a crash leaves some of them",
    ),
    bug(
        "merge-beside-block",
        "the cells are one commit and the rest of the block another",
    ),
    bug(
        "receiver-not-registered",
        "a new account gets its balance and no nonce",
    ),
    bug(
        "reward-invisible",
        "transactions do not see what a miner was paid",
    ),
    bug(
        "reward-overwrites",
        "what a miner is paid is written as the balance",
    ),
    bug(
        "miner-lost-update",
        "the miner's balance is taken before the block and written after it",
    ),
    bug(
        "self-linked-version",
        "a version names its own height as the one before",
    ),
    bug(
        "reorg-not-undone",
        "a rewind deletes the versions of another height",
    ),
    bug(
        "io-error-is-rejection",
        "a storage that cannot be read changes a result",
    ),
    bug(
        "not-cancel-safe",
        "a block that was given up is kept and was never executed",
    ),
    bug(
        "absent-differs",
        "an account that was never seen is an error of the storage",
    ),
    bug("receipt-differs", "the state is right and a receipt is not"),
];

/// Whom nobody may accuse: the specimen without a defect, and core.
pub const RIGHT: &[Bug] = &[
    bug("none-specimen", "nothing: the specimen without a defect"),
    bug(
        "none-specimen-concurrent",
        "nothing: the specimen with real workers, without a defect",
    ),
    bug("none-core-serial", "nothing: core, executed serially"),
    bug(
        "none-core-parallel",
        "nothing: core, over the graph on two workers",
    ),
    bug(
        "none-core-on-disk",
        "nothing: core on a simulated disk, with faults",
    ),
    bug(
        "none-core-in-nodes",
        "nothing: core in every node of a network",
    ),
];

const fn bug(id: &'static str, what: &'static str) -> Bug {
    let why = None;
    Bug { id, what, why }
}
