//! The seeded bugs of the buggy executor.

use lockstep_harness::invariant::{ALWAYS_ENDS, FINISHES_IN_TIME};
use lockstep_sim::generate::Dimension;

lockstep_harness::seeded_bugs! {
    /// A seeded bug of the buggy executor.
    pub enum ExecutorBug in "buggy executor": "an executor in batches, on one thread" {
        CreditWithoutLoad = "credit-without-load" in State:
            "a credit to a balance that is not loaded starts from zero";
        FeeNotDebited = "fee-not-debited" in State:
            "the miner receives the fee, but no account pays it";
        DebitDropped = "debit-dropped" in State:
            "the amount sent or burned is not debited from the sender";
        /// If both caches have a balance, only the one of debits is merged.
        SplitCache = "split-cache" in State:
            "debits and credits have separate caches, and only one of the two is merged";
        LoadOneWriteOther = "load-one-write-other" in State:
            "the receiver is loaded into one cache and credited in the other";
        BalanceFromStorage = "balance-from-storage" in State:
            "the balance check reads the storage instead of the state of the block";
        SilentSetter = "silent-setter" in State:
            "a nonce is set only if the account is cached, and it is not";
        SelfTransfer = "self-transfer" in State:
            "the two sides of a transfer to oneself are two copies";
        HalfApplied = "half-applied" in State:
            "the transfers before the one that cannot be paid stay";
        SaturatingCredit = "saturating-credit" in State:
            "a credit saturates; within a supply, only a transfer to oneself that is credited first shows it";
        MutateBeforeCheck = "mutate-before-check" in State:
            "nonce, multisig and fee are written before the balances are checked";
        CounterWrap = "counter-wrap" in State:
            "sums of fees and burns wrap at 32 bits; 64 bits cannot overflow within a supply";
        FailedNotRolledBack = "failed-not-rolled-back" in State:
            "a transaction that fails late has consumed its nonce";
        /// The reason of the rejection is that the fee cannot be paid.
        CommitThenError = "commit-then-error" in State:
            "a burn is published before the transaction is rejected";
        UnsignedAccepted = "unsigned-accepted" in Authorization: "signatures are not verified";
        /// Only network and signatures are checked.
        ValidationGap = "validation-gap" in Authorization:
            "the stateless rules are reimplemented, and most of them are missing";
        NonceRuleDiffers = "nonce-rule-differs" in Authorization: "a nonce above the expected one is accepted";
        /// It is rejected whatever its nonce is.
        DoubleNoncePair = "double-nonce-pair" in Authorization:
            "the second transaction of a sender in a block is rejected";
        SilentSuccess = "silent-success" in Authorization:
            "a burn is reported as applied, but has no effect";
        MultisigNotMerged = "multisig-not-merged" in Authorization: "the merge omits multisigs";
        MultisigDeletionLost = "multisig-deletion-lost" in Authorization:
            "the merge omits the removal of a multisig";
        /// The odd leaf of a merkle tree is paired with itself.
        MerkleDuplicate = "merkle-duplicate" in Authorization:
            "a list and the same list with its last transaction repeated have one merkle root";
        /// The signatures of a block are verified in one batch without the cofactor, so one with a component
        /// of small order is accepted or not depending on its random weight.
        BatchSignatureRule = "batch-signature-rule" in Authorization:
            "batch verification of signatures disagrees with single verification, depending on random weights";
        ConflictMissed = "conflict-missed" in Scheduling:
            "the accesses of a transaction omit its receivers";
        /// It joins the first batch without a conflict, instead of one after the last conflict.
        OvertakingBatch = "overtaking-batch" in Scheduling:
            "a transaction joins a batch before one that it conflicts with";
        /// The next transaction of its sender waits for ever.
        KeysNotGivenBack = "keys-not-given-back" in Scheduling:
            "a rejected transaction never releases the keys that it holds", named by [ALWAYS_ENDS];
        /// A transfer to oneself: the key is the sender's and a receiver's.
        WaitsForItself = "waits-for-itself" in Scheduling:
            "a transaction that names a key in two modes waits for itself", named by [ALWAYS_ENDS];
        /// The third and the fourth transaction of a chain are in one batch.
        OneLevelDeep = "one-level-deep" in Scheduling:
            "the check for predecessors looks one level deep";
        ReceiverNotRegistered = "receiver-not-registered" in Storage:
            "a new account gets its balance, but no nonce";
        RewardInvisible = "reward-invisible" in Storage:
            "later transactions do not see the payment of a miner";
        RewardOverwrites = "reward-overwrites" in Storage:
            "the payment of a miner overwrites its balance";
        MinerLostUpdate = "miner-lost-update" in Storage:
            "the balance of the miner is read before the block and written after it";
        SelfLinkedVersion = "self-linked-version" in Storage:
            "a version links to its own height as the previous one";
        /// The versions of the height below the undone one are deleted.
        ReorgNotUndone as lockstep_cluster::NodeBug::ReorgNotUndone;
        AbsentDiffers = "absent-differs" in Storage:
            "an account that does not exist is reported as a storage error";
        /// The receipt of a rejection for too small a balance says that the balance was zero.
        ReceiptDiffers = "receipt-differs" in Storage: "the state is correct, but a receipt is not";
        /// It waits on the thread of the caller.
        NeverEnds as lockstep_cluster::NodeBug::NeverEnds, named by [FINISHES_IN_TIME];
        ZeroWriteIsTouch = "zero-write-is-touch" in State:
            "a balance that is drained to exactly nothing keeps its old value";
        AbsentBeneficiary = "absent-beneficiary" in Storage: "a miner who gets nothing is registered";
        /// The cells of blocks above height 64 are left as they are by a rewind.
        UndoAskedOnce = "undo-asked-once" in Storage:
            "whether undo is kept is decided once for many blocks, and of the later ones there is none";
        /// The block after a hundred accepted ones is answered with an error.
        GrowsForever = "grows-forever" in Storage:
            "something is kept of every block and never freed, until there is no room";
        LargestSumOverflows = "largest-sum-overflows" in Invented:
            "a sum of exactly the largest number counts as one that overflows";
        DrainedMinerUnpaid = "drained-miner-unpaid" in Invented:
            "a miner whose balance a block drains to exactly nothing is not paid for the block";
        RewardPaidEarly = "reward-paid-early" in Invented:
            "the reward of a block can be spent within the block";
        CellsInTwoHalves = "cells-in-two-halves" in Invented:
            "more than 4,096 changed cells are merged in two halves, and the cell between them is lost";
        FeesOfOnePiece = "fees-of-one-piece" in Invented:
            "of the fees of a block those of the first 1,024 applied transactions are paid";
        HistoryIsPruned = "history-is-pruned" in Invented:
            "versions that are more than 64 blocks old are forgotten";
        SeventeenthAsset = "seventeenth-asset" in Invented:
            "of the balances of an account that a block touches 16 are merged";
        CosignersInOneWord = "cosigners-in-one-word" in Invented:
            "the participants of a multisig beyond the 64th do not count as signers";
        RewindStopsEarly = "rewind-stops-early" in Invented: "a rewind undoes at most 8 blocks";
        /// It has that of the first.
        WorkersShareSlot = "workers-share-slot" in Invented:
            "on 16 workers or more the second transaction of a batch has the result of another one";
        AccountsOfOnePage = "accounts-of-one-page" in Invented:
            "in a ledger of more than 8,192 cells a credit starts from zero";
    }
}

/// The runs in which alone a bug shows, if small runs do not show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// Runs that are extreme in this dimension.
    Tail(Dimension),
    /// Runs with transactions at exact edges.
    Edges,
}

impl ExecutorBug {
    /// Returns the runs in which alone the bug shows; `None` if small runs show it.
    #[must_use]
    pub const fn needs(self) -> Option<Needs> {
        match self {
            ExecutorBug::LargestSumOverflows
            | ExecutorBug::DrainedMinerUnpaid
            | ExecutorBug::RewardPaidEarly => Some(Needs::Edges),
            ExecutorBug::UndoAskedOnce
            | ExecutorBug::GrowsForever
            | ExecutorBug::HistoryIsPruned => Some(Needs::Tail(Dimension::Blocks)),
            ExecutorBug::CellsInTwoHalves => Some(Needs::Tail(Dimension::Cells)),
            ExecutorBug::FeesOfOnePiece => Some(Needs::Tail(Dimension::Transactions)),
            ExecutorBug::SeventeenthAsset => Some(Needs::Tail(Dimension::Assets)),
            ExecutorBug::CosignersInOneWord => Some(Needs::Tail(Dimension::Participants)),
            ExecutorBug::RewindStopsEarly => Some(Needs::Tail(Dimension::Rewinds)),
            ExecutorBug::WorkersShareSlot => Some(Needs::Tail(Dimension::Workers)),
            ExecutorBug::AccountsOfOnePage => Some(Needs::Tail(Dimension::Accounts)),
            _ => None,
        }
    }
}
