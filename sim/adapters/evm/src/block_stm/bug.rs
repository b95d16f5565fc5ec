//! The seeded bugs of the Block-STM: defects of other executors, one of them at a time.
//!
//! Three of the list cannot be had here. `torn-reads` and `first-read-overwritten` need a key that is
//! read twice, and revm's journal asks its database for every key once a transaction.
//! `pool-waits-for-itself` needs work that no worker holds, and here the worker that aborts an execution
//! holds the next one: waiting in place was tried and stopped no block.

/// Declares the bugs once, with their names in the list of known bugs.
macro_rules! bugs {
    ($($(#[doc = $doc:literal])+ $bug:ident = $id:literal on $case:literal,)+) => {
        /// A seeded bug.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
        pub enum Bug {
            $($(#[doc = $doc])+ $bug,)+
        }

        impl Bug {
            /// All bugs.
            pub const ALL: &[Self] = &[$(Self::$bug,)+];

            /// Its name in the list of known bugs.
            pub fn id(self) -> &'static str {
                match self { $(Self::$bug => $id,)+ }
            }

            /// The name of the case that shows it.
            pub fn case(self) -> &'static str {
                match self { $(Self::$bug => $case,)+ }
            }

            /// Its effect, in a sentence.
            pub fn description(self) -> &'static str {
                match self { $(Self::$bug => concat!($($doc),+).trim_ascii(),)+ }
            }
        }
    };
}

bugs! {
    /// A validation is claimed before it is counted as under way.
    DoneBeforeCounted = "done-before-counted" on "same sender twice",
    /// An execution is asked for apart from joining those who wait for it.
    LostWake = "lost-wake" on "three on one slot",
    /// A transaction is validated when it was executed, and not again when versions below it change.
    ValidatedOnce = "validated-once" on "three on one slot",
    /// Reading an absent account leaves no entry among the reads.
    AbsentNotRecorded = "absent-not-recorded" on "spend what was received",
    /// The sender's account is read around the record.
    ReadBypassesRecord = "read-bypasses-record" on "same sender twice",
    /// The validator names another origin of absence than the reader.
    ReaderValidatorDisagree = "reader-validator-disagree" on "one transfer to a new account",
    /// Keys that the second execution does not write keep the version of the first.
    LeftOverWrite = "left-over-write" on "branch on what another wrote",
    /// Deletions are not among the versions.
    EstimateMissingKey = "estimate-missing-key" on "destroy, then ask for the code",
    /// The amounts on a delayed balance are not asked for again.
    LazyValueLeak = "lazy-value-leak" on "the fee receiver spends",
    /// The fee receiver's balance before the block stands for its present one.
    BeneficiaryPlaceholder = "beneficiary-placeholder" on "a contract reads the fee receiver",
    /// A fee that cancels a payment of the receiver is counted twice.
    NetZeroCountedTwice = "net-zero-counted-twice" on "the fee receiver pays itself",
    /// An assertion that speculation can break.
    SpeculativePanic = "speculative-panic" on "same sender twice",
    /// The interruption of an execution becomes its outcome.
    SpeculativeErrorKept = "speculative-error-kept" on "three on one slot",
    /// Rejections from behind the place where the block's gas ended are kept.
    ErrorAfterHalt = "error-after-halt" on "a successor of one that does not fit",
    /// The block's limit is held against the gas that was used, and not that which is declared.
    BlockGasByUsed = "block-gas-by-used" on "two that do not fit together",
    /// The block's gas is one counter, to which executions add in the order in which they end.
    SharedGasCounter = "shared-gas-counter" on "a large one after a small one",
    /// A reverted call keeps the value that it was sent.
    RevertedKeepsEffects = "reverted-keeps-effects" on "one reverted call",
    /// A reverted call costs neither nonce nor gas.
    RevertedLosesFee = "reverted-loses-fee" on "one reverted call",
    /// A reverted call is reported with all its gas.
    RejectedGasDiffers = "rejected-gas-differs" on "one reverted call",
    /// Code is kept by address, beside the reads.
    CodeCacheStale = "code-cache-stale" on "call, deploy, call",
    /// Writing zero is taken for not writing.
    ZeroWriteIsTouch = "zero-write-is-touch" on "send all there is",
    /// A fee receiver who gets nothing is created.
    AbsentBeneficiary = "absent-beneficiary" on "an absent fee receiver gets nothing",
    /// Of several amounts on a delayed balance only the nearest is seen.
    OneLevelDeep = "one-level-deep" on "a contract reads the fee receiver",
}
