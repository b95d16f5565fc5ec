//! The seeded bugs of the buggy executor, each by itself.

lockstep_harness::seeded_bugs! {
    /// A seeded bug of the buggy executor.
    pub enum ExecutorBug in "buggy executor": "an executor in batches, on one thread" {
        CreditWithoutLoad = "credit-without-load" in State:
            "a credit to a balance that was not loaded starts from zero";
        FeeNotDebited = "fee-not-debited" in State:
            "the miner gets the fee, and no account pays it";
        DebitDropped = "debit-dropped" in State:
            "what is sent or burned is not taken from the sender";
        /// Where both caches have a balance, one of the two is merged.
        SplitCache = "split-cache" in State:
            "debits and credits have a cache each, and one of two is merged";
        LoadOneWriteOther = "load-one-write-other" in State:
            "the receiver is loaded into one cache and credited in the other";
        BalanceFromStorage = "balance-from-storage" in State:
            "what a sender has is asked of the storage and not of the block";
        SilentSetter = "silent-setter" in State:
            "a nonce is set only where the account is cached, and it is not";
        SelfTransfer = "self-transfer" in State:
            "the two sides of a transfer to oneself are two copies";
        HalfApplied = "half-applied" in State:
            "the transfers before the one that cannot be paid stay";
        SaturatingCredit = "saturating-credit" in State:
            "a credit saturates; within a supply, only a transfer to oneself that is credited first shows it";
        MutateBeforeCheck = "mutate-before-check" in State:
            "nonce, multisig and fee are written before the balances are checked";
        CounterWrap = "counter-wrap" in State:
            "sums of fees and burns wrap; within a supply 64 bits do not, so the buggy executor has 32";
        FailedNotRolledBack = "failed-not-rolled-back" in State:
            "a transaction that fails late has used its nonce up";
        /// It is found that the fee cannot be paid any more.
        CommitThenError = "commit-then-error" in State:
            "a burn is published, and then the transaction is rejected";
        UnsignedAccepted = "unsigned-accepted" in Authorization: "signatures are not verified";
        /// Network and signatures are checked and nothing else.
        ValidationGap = "validation-gap" in Authorization:
            "the stateless rules are written again, and most are left out";
        NonceRuleDiffers = "nonce-rule-differs" in Authorization: "a nonce may skip some";
        /// Whatever its nonce.
        DoubleNoncePair = "double-nonce-pair" in Authorization:
            "the second transaction of a sender in a block is rejected";
        /// Here a burn.
        SilentSuccess = "silent-success" in Authorization:
            "a kind of transaction is said to be applied and does nothing";
        MultisigNotMerged = "multisig-not-merged" in Authorization: "the merge forgets multisigs";
        /// One that was removed is not among the fields that are merged.
        MultisigDeletionLost = "multisig-deletion-lost" in Authorization:
            "the merge forgets that a multisig was removed";
        /// The odd leaf of a merkle tree is paired with itself.
        MerkleDuplicate = "merkle-duplicate" in Authorization:
            "a list and the one with its last transaction repeated have one root";
        /// A block's signatures are verified in one batch, without the cofactor: one with a part of small
        /// order is accepted or not by chance of its weight.
        BatchSignatureRule = "batch-signature-rule" in Authorization:
            "a batch of signatures is not judged as each alone, by chance of its random weights";
        ConflictMissed = "conflict-missed" in Scheduling:
            "receivers are left out of what a transaction touches";
        /// It joins the first batch that it fits in.
        OvertakingBatch = "overtaking-batch" in Scheduling:
            "a transaction joins a batch before one that it conflicts with";
        ReceiverNotRegistered = "receiver-not-registered" in Storage:
            "a new account gets its balance and no nonce";
        RewardInvisible = "reward-invisible" in Storage:
            "transactions do not see what a miner was paid";
        RewardOverwrites = "reward-overwrites" in Storage:
            "what a miner is paid is written as the balance";
        MinerLostUpdate = "miner-lost-update" in Storage:
            "the miner's balance is taken before the block and written after it";
        SelfLinkedVersion = "self-linked-version" in Storage:
            "a version names its own height as the one before";
        /// Here those of the height below the one that it undoes.
        ReorgNotUndone as lockstep_cluster::NodeBug::ReorgNotUndone;
        AbsentDiffers = "absent-differs" in Storage:
            "an account that was never seen is an error of the storage";
        /// It says that nothing was there where something was, but too little.
        ReceiptDiffers = "receipt-differs" in Storage: "the state is right and a receipt is not";
    }
}
