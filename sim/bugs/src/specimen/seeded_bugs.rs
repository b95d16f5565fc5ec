//! What can be wrong with the specimen, each by itself.

macro_rules! defects {
    ($($(#[$doc:meta])* $defect:ident = $name:literal,)+) => {
        /// A defect that an executor really had, under the name that `docs/known-bugs.md` gives it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Defect {
            $($(#[$doc])* $defect,)+
        }

        impl Defect {
            /// Every one, in the order of `docs/known-bugs.md`.
            pub const ALL: &[Defect] = &[$(Defect::$defect),+];

            /// Its name, in lower case with hyphens.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Defect::$defect => $name,)+
                }
            }

            /// The defect of this name, if it is one of these.
            #[must_use]
            pub fn named(name: &str) -> Option<Defect> {
                Defect::ALL
                    .iter()
                    .copied()
                    .find(|defect| defect.name() == name)
            }
        }

        impl std::fmt::Display for Defect {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.name())
            }
        }
    };
}
pub(super) use defects;

defects! {
    /// A credit to a balance that was not loaded starts from zero.
    CreditWithoutLoad = "credit-without-load",
    /// The miner gets the fee, and nobody pays it.
    FeeNotDebited = "fee-not-debited",
    /// What is sent or burned is not taken from the sender.
    DebitDropped = "debit-dropped",
    /// Debits go to one cache and credits to another; where both have a balance, one is merged.
    SplitCache = "split-cache",
    /// A receiver is loaded into the cache that is merged, and credited in the other one.
    LoadOneWriteOther = "load-one-write-other",
    /// What a sender has is asked of the storage, whatever the block did before.
    BalanceFromStorage = "balance-from-storage",
    /// The nonce of an account that is not in the cache is set without effect.
    SilentSetter = "silent-setter",
    /// The two sides of a transfer to oneself are two copies, and the last one written stays.
    SelfTransfer = "self-transfer",
    /// The transfers before the one that cannot be paid stay.
    HalfApplied = "half-applied",
    /// A credit saturates. As there is never more of an asset than fits, this shows where a
    /// transfer to oneself is credited before it is debited.
    SaturatingCredit = "saturating-credit",
    /// Nonce, multisig and fee are written before the balances are checked.
    MutateBeforeCheck = "mutate-before-check",
    /// The sums of fees and burns wrap. Here at 32 bits: within a supply, 64 never overflow.
    CounterWrap = "counter-wrap",
    /// A transaction that fails late has used its nonce up.
    FailedNotRolledBack = "failed-not-rolled-back",
    /// A burn is published, and then it is found that the fee cannot be paid any more.
    CommitThenError = "commit-then-error",
    /// Signatures are not verified.
    UnsignedAccepted = "unsigned-accepted",
    /// Of the stateless rules, network and signatures are checked and nothing else.
    ValidationGap = "validation-gap",
    /// A nonce may skip some.
    NonceRuleDiffers = "nonce-rule-differs",
    /// The second transaction of a sender in a block is rejected, whatever its nonce.
    DoubleNoncePair = "double-nonce-pair",
    /// A burn is said to be applied and does nothing.
    SilentSuccess = "silent-success",
    /// Multisigs are not merged.
    MultisigNotMerged = "multisig-not-merged",
    /// A multisig that was removed is not among the fields that are merged.
    MultisigDeletionLost = "multisig-deletion-lost",
    /// The odd leaf of a merkle tree is paired with itself: a list and the one in which its last
    /// transaction is repeated have one root.
    MerkleDuplicate = "merkle-duplicate",
    /// A block's signatures are verified in one batch, without the cofactor: one with a part of small
    /// order is accepted or not by chance of its weight.
    BatchSignatureRule = "batch-signature-rule",
    /// Receivers are left out of what a transaction is said to touch.
    ConflictMissed = "conflict-missed",
    /// A transaction joins the first batch that it fits in, before one that it conflicts with.
    OvertakingBatch = "overtaking-batch",
    /// The merge writes the balance of a new account and not its nonce.
    ReceiverNotRegistered = "receiver-not-registered",
    /// Transactions do not see what a miner was paid.
    RewardInvisible = "reward-invisible",
    /// What a miner is paid is written as the balance.
    RewardOverwrites = "reward-overwrites",
    /// The miner's balance is taken before the block, and written with the pay after it.
    MinerLostUpdate = "miner-lost-update",
    /// A version names its own height as the one of the version before.
    SelfLinkedVersion = "self-linked-version",
    /// A rewind deletes the versions of the height below the one that it undoes.
    ReorgNotUndone = "reorg-not-undone",
    /// An account that was never seen is an error of the storage, and not an empty account.
    AbsentDiffers = "absent-differs",
    /// A receipt says that nothing was there where something was, but too little.
    ReceiptDiffers = "receipt-differs",
}
