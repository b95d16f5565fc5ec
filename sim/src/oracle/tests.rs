//! The rules, one test each, with numbers computed by hand.

use ed25519_zebra::SigningKey;
use lockstep_core::model::{Cosignature, Network, Timestamp};

use super::*;

const NATIVE: Asset = Asset([0; 32]);
const GOLD: Asset = Asset([7; 32]);
const SILVER: Asset = Asset([8; 32]);

/// An account that can sign. The number is the seed of its key.
#[derive(Clone, Copy)]
struct Signer(u8);

const ALICE: Signer = Signer(1);
const BOB: Signer = Signer(2);
const CAROL: Signer = Signer(3);
const DAVE: Signer = Signer(4);

// Accounts that never sign, before and after all signers in the order of keys.
const LOW: PublicKey = PublicKey([0x01; 32]);
const MINER: PublicKey = PublicKey([0x02; 32]);
const HIGH: PublicKey = PublicKey([0xff; 32]);

impl Signer {
    fn key(self) -> SigningKey {
        SigningKey::from([self.0; 32])
    }

    fn account(self) -> PublicKey {
        PublicKey(VerificationKey::from(&self.key()).into())
    }

    fn sign(self, message: &[u8]) -> Signature {
        Signature(self.key().sign(message).to_bytes())
    }

    fn cosign(self, transaction: &Transaction) -> Cosignature {
        Cosignature {
            signer: self.account(),
            signature: self.sign(&signing_hash(transaction).0),
        }
    }

    /// Creates a signed transaction of this signer.
    fn asks(self, nonce: u64, fee: u64, payload: Payload) -> Transaction {
        let unsigned = Transaction {
            network: Network::Devnet,
            source: self.account(),
            nonce: Nonce(nonce),
            fee: Amount(fee),
            payload,
            signature: Signature([0; 64]),
            cosignatures: Vec::new(),
        };
        self.signs(unsigned)
    }

    /// Replaces the source's signature by that of this signer.
    fn signs(self, mut transaction: Transaction) -> Transaction {
        transaction.signature = self.sign(&signing_hash(&transaction).0);
        transaction
    }
}

fn cosigned(mut transaction: Transaction, cosigners: &[Signer]) -> Transaction {
    let message = transaction.clone();
    transaction
        .cosignatures
        .extend(cosigners.iter().map(|cosigner| cosigner.cosign(&message)));
    transaction
}

fn transfer(destination: PublicKey, asset: Asset, amount: u64) -> Transfer {
    Transfer {
        destination,
        asset,
        amount: Amount(amount),
    }
}

/// Payload of one transfer of the native asset.
fn pay(destination: PublicKey, amount: u64) -> Payload {
    Payload::Transfers(vec![transfer(destination, NATIVE, amount)])
}

fn burn(asset: Asset, amount: u64) -> Payload {
    Payload::Burn {
        asset,
        amount: Amount(amount),
    }
}

fn multisig(threshold: u8, participants: &[Signer]) -> Multisig {
    Multisig {
        threshold,
        participants: participants.iter().map(|signer| signer.account()).collect(),
    }
}

fn set(threshold: u8, participants: &[Signer]) -> Payload {
    Payload::Multisig(multisig(threshold, participants))
}

fn remove() -> Payload {
    set(0, &[])
}

/// A genesis without rewards and limits, at time 1000.
fn genesis(balances: &[(PublicKey, Asset, u64)]) -> Genesis {
    Genesis {
        rules: Rules {
            network: Network::Devnet,
            reward: Amount(0),
            native_limit: Amount(u64::MAX),
            max_block_bytes: u64::MAX,
        },
        time: Timestamp(1000),
        balances: balances
            .iter()
            .map(|&(account, asset, amount)| ((account, asset), Amount(amount)))
            .collect(),
    }
}

fn ledger(balances: &[(PublicKey, Asset, u64)]) -> Oracle {
    Oracle::new(&genesis(balances)).unwrap()
}

fn rewarding_ledger(
    reward: u64,
    native_limit: u64,
    balances: &[(PublicKey, Asset, u64)],
) -> Oracle {
    let mut genesis = genesis(balances);
    genesis.rules.reward = Amount(reward);
    genesis.rules.native_limit = Amount(native_limit);
    Oracle::new(&genesis).unwrap()
}

/// Creates a block that extends the tip, ten milliseconds later.
fn block(oracle: &Oracle, miner: PublicKey, transactions: Vec<Transaction>) -> Block {
    let tip = oracle.world();
    let identities: Vec<Hash> = transactions.iter().map(transaction_identity).collect();
    Block {
        header: Header {
            version: 1,
            network: Network::Devnet,
            height: Height(tip.height.0 + 1),
            parent: tip.hash,
            time: Timestamp(tip.time.0 + 10),
            miner,
            merkle_root: merkle_root(&identities),
            count: transactions.len().try_into().unwrap(),
        },
        transactions,
    }
}

fn mine(oracle: &mut Oracle, miner: PublicKey, transactions: Vec<Transaction>) -> BlockResult {
    let block = block(oracle, miner, transactions);
    let result = oracle.add_block(&block).unwrap();
    assert_conserved(oracle);
    assert_eq!(result.receipts.len(), block.transactions.len());
    result
}

fn add(oracle: &mut Oracle, transactions: Vec<Transaction>) -> BlockResult {
    mine(oracle, MINER, transactions)
}

/// Adds a block of one transaction, which is applied. Returns the effects of its receipt.
fn applied(oracle: &mut Oracle, transaction: Transaction) -> Vec<Effect> {
    let result = add(oracle, vec![transaction]);
    match result.receipts[0].outcome.clone() {
        Outcome::Applied { effects, .. } => effects,
        Outcome::Rejected(rejection) => panic!("rejected: {rejection}"),
    }
}

/// Adds a block of one transaction, which is rejected and leaves no trace. Returns the reason.
fn rejected(oracle: &mut Oracle, transaction: Transaction) -> Rejection {
    let cells = oracle.world().cells.clone();
    let result = add(oracle, vec![transaction]);
    assert_eq!(oracle.world().cells, cells);
    assert_eq!(result.state_diff, []);
    assert_eq!(result.fees, Amount(0));
    rejection(&result, 0)
}

fn rejection(result: &BlockResult, index: usize) -> Rejection {
    match result.receipts[index].outcome.clone() {
        Outcome::Rejected(rejection) => rejection,
        Outcome::Applied { .. } => panic!("transaction {index} was applied"),
    }
}

fn which_applied(result: &BlockResult) -> Vec<bool> {
    let outcomes = result.receipts.iter().map(|receipt| &receipt.outcome);
    outcomes
        .map(|outcome| matches!(outcome, Outcome::Applied { .. }))
        .collect()
}

/// Returns the value of a cell at the tip.
fn value(oracle: &Oracle, cell: Cell) -> Option<Value> {
    let versions = oracle.world().cells.get(&cell)?;
    Some(versions.last().unwrap().value.clone())
}

fn balance(oracle: &Oracle, account: PublicKey, asset: Asset) -> u64 {
    match value(oracle, Cell::Balance(account, asset)) {
        Some(Value::Balance(amount)) => amount.0,
        None => 0,
        Some(other) => panic!("a balance is {other:?}"),
    }
}

fn nonce(oracle: &Oracle, account: PublicKey) -> Option<u64> {
    match value(oracle, Cell::Nonce(account))? {
        Value::Nonce(nonce) => Some(nonce.0),
        other => panic!("a nonce is {other:?}"),
    }
}

/// Supply as amounts of genesis, issued, burned.
fn supply(oracle: &Oracle, asset: Asset) -> [u64; 3] {
    match value(oracle, Cell::Supply(asset)) {
        Some(Value::Supply(supply)) => [supply.genesis.0, supply.issued.0, supply.burned.0],
        None => [0, 0, 0],
        Some(other) => panic!("a supply is {other:?}"),
    }
}

/// Returns height, previous height and value of every version.
fn versions(oracle: &Oracle, cell: Cell) -> Vec<(u64, Option<u64>, Value)> {
    oracle.world().cells[&cell]
        .iter()
        .map(|version| {
            (
                version.height.0,
                version.previous.map(|height| height.0),
                version.value.clone(),
            )
        })
        .collect()
}

/// Asserts for each asset that balances plus burns equal the allocated plus the issued amount.
fn assert_conserved(oracle: &Oracle) {
    let mut there: BTreeMap<Asset, u128> = BTreeMap::new();
    let mut put: BTreeMap<Asset, u128> = BTreeMap::new();
    for (cell, versions) in &oracle.world().cells {
        match (cell, &versions.last().unwrap().value) {
            (Cell::Balance(_, asset), Value::Balance(amount)) => {
                *there.entry(*asset).or_default() += u128::from(amount.0);
            }
            (Cell::Supply(asset), Value::Supply(supply)) => {
                *there.entry(*asset).or_default() += u128::from(supply.burned.0);
                *put.entry(*asset).or_default() +=
                    u128::from(supply.genesis.0) + u128::from(supply.issued.0);
            }
            _ => {}
        }
    }
    assert_eq!(there, put);
}

fn nonce_to(account: PublicKey, to: u64) -> Effect {
    Effect::Nonce {
        account,
        to: Nonce(to),
    }
}

fn debit(account: PublicKey, asset: Asset, amount: u64) -> Effect {
    Effect::Debit {
        account,
        asset,
        amount: Amount(amount),
    }
}

fn credit(account: PublicKey, asset: Asset, amount: u64) -> Effect {
    Effect::Credit {
        account,
        asset,
        amount: Amount(amount),
    }
}

fn multisig_to(account: PublicKey, to: Option<Multisig>) -> Effect {
    Effect::Multisig { account, to }
}

fn balance_is(account: PublicKey, asset: Asset, amount: u64) -> (Cell, Value) {
    (
        Cell::Balance(account, asset),
        Value::Balance(Amount(amount)),
    )
}

fn nonce_is(account: PublicKey, nonce: u64) -> (Cell, Value) {
    (Cell::Nonce(account), Value::Nonce(Nonce(nonce)))
}

fn supply_is(asset: Asset, genesis: u64, issued: u64, burned: u64) -> (Cell, Value) {
    let supply = Supply {
        genesis: Amount(genesis),
        issued: Amount(issued),
        burned: Amount(burned),
    };
    (Cell::Supply(asset), Value::Supply(supply))
}

fn lacking(asset: Asset, needed: u64, available: u64) -> Rejection {
    Rejection::Balance {
        asset,
        needed: Amount(needed),
        available: Amount(available),
    }
}

fn wrong_nonce(expected: u64, got: u64) -> Rejection {
    Rejection::Nonce {
        expected: Nonce(expected),
        got: Nonce(got),
    }
}

// Hashes. The encodings are laid out by hand.

const NUMBER_1: [u8; 8] = [1, 0, 0, 0, 0, 0, 0, 0];

/// Alice's burn of 30 of the native asset with nonce 0 and fee 5, up to the signatures.
fn encoding_of_alices_burn() -> Vec<u8> {
    [
        &[3][..],                   // devnet
        &ALICE.account().0,         // source
        &[0; 8],                    // nonce
        &[5, 0, 0, 0, 0, 0, 0, 0],  // fee
        &[1],                       // burn
        &[0; 32],                   // of the native asset
        &[30, 0, 0, 0, 0, 0, 0, 0], // of 30
    ]
    .concat()
}

fn hash_of_parts(parts: &[&[u8]]) -> Hash {
    Hash(*blake3::hash(&parts.concat()).as_bytes())
}

#[test]
fn what_is_signed_is_everything_before_the_signatures() {
    let message = blake3::derive_key("lockstep 1 transaction signing", &encoding_of_alices_burn());
    let mut transaction = ALICE.asks(0, 5, burn(NATIVE, 30));
    transaction.signature = ALICE.sign(&message);
    let mut oracle = ledger(&[(ALICE.account(), NATIVE, 100)]);
    applied(&mut oracle, transaction);
}

#[test]
fn the_identity_is_the_plain_hash_of_the_signed_encoding() {
    let transaction = cosigned(ALICE.asks(0, 5, burn(NATIVE, 30)), &[BOB]);
    let identity = hash_of_parts(&[
        &encoding_of_alices_burn(),
        &transaction.signature.0,
        &[1, 0, 0, 0],
        &BOB.account().0,
        &transaction.cosignatures[0].signature.0,
    ]);
    let mut oracle = ledger(&[(ALICE.account(), NATIVE, 100)]);
    let result = add(&mut oracle, vec![transaction]);
    assert_eq!(result.receipts[0].transaction, identity);
}

#[test]
fn the_merkle_root_of_nothing_is_zero() {
    assert_eq!(merkle_root(&[]), Hash([0; 32]));
}

#[test]
fn merkle_leaves_and_nodes_are_hashed_in_different_domains() {
    let a = hash_of_parts(&[&[0], &[10; 32]]);
    let b = hash_of_parts(&[&[0], &[11; 32]]);
    assert_eq!(merkle_root(&[Hash([10; 32])]), a);
    assert_eq!(
        merkle_root(&[Hash([10; 32]), Hash([11; 32])]),
        hash_of_parts(&[&[1], &a.0, &b.0])
    );
}

#[test]
fn an_odd_merkle_node_is_promoted() {
    let leaf = |n: u8| hash_of_parts(&[&[0], &[n; 32]]);
    let node = |left: Hash, right: Hash| hash_of_parts(&[&[1], &left.0, &right.0]);
    let identities: Vec<Hash> = (0..7).map(|n| Hash([n; 32])).collect();
    let four = node(node(leaf(0), leaf(1)), node(leaf(2), leaf(3)));
    assert_eq!(
        merkle_root(&identities[..3]),
        node(node(leaf(0), leaf(1)), leaf(2))
    );
    assert_eq!(merkle_root(&identities[..4]), four);
    assert_eq!(merkle_root(&identities[..5]), node(four, leaf(4)));
    assert_eq!(
        merkle_root(&identities),
        node(four, node(node(leaf(4), leaf(5)), leaf(6)))
    );
}

/// Alice has 100; 50 are issued a block, up to 1000.
fn genesis_with_one_account() -> (Oracle, Hash) {
    let hash = Hash(blake3::derive_key(
        "lockstep 1 genesis",
        &[
            &[3][..],                     // devnet
            &[50, 0, 0, 0, 0, 0, 0, 0],   // reward
            &[0xe8, 3, 0, 0, 0, 0, 0, 0], // native limit 1000
            &[0xff; 8],                   // bytes of a block
            &[0xe8, 3, 0, 0, 0, 0, 0, 0], // time 1000
            &[1, 0, 0, 0],                // one balance
            &ALICE.account().0,
            &[0; 32],
            &[100, 0, 0, 0, 0, 0, 0, 0],
        ]
        .concat(),
    ));
    (
        rewarding_ledger(50, 1000, &[(ALICE.account(), NATIVE, 100)]),
        hash,
    )
}

#[test]
fn the_genesis_is_digested_like_a_block_that_sets_its_cells() {
    let (oracle, hash) = genesis_with_one_account();
    let digest = blake3::derive_key(
        "lockstep 1 block digest",
        &[
            &hash.0[..],
            &[3, 0, 0, 0], // changes
            &[0],          // a nonce
            &ALICE.account().0,
            &[0],
            &[0; 8],
            &[2], // a balance
            &ALICE.account().0,
            &[0; 32],
            &[2],
            &[100, 0, 0, 0, 0, 0, 0, 0],
            &[3], // a supply
            &[0; 32],
            &[3],
            &[100, 0, 0, 0, 0, 0, 0, 0],
            &[0; 16],
            &[0; 4], // receipts
        ]
        .concat(),
    );
    assert_eq!(oracle.world().hash, hash);
    assert_eq!(oracle.world().digest, Hash(digest));
    assert_eq!(oracle.world().time, Timestamp(1000));
    assert_eq!(oracle.world().height, Height(0));
}

#[test]
fn a_block_is_named_by_the_hash_of_its_header() {
    let (mut oracle, genesis_hash) = genesis_with_one_account();
    mine(&mut oracle, HIGH, Vec::new());
    let name = blake3::derive_key(
        "lockstep 1 block header",
        &[
            &[1, 0][..],                  // version
            &[3],                         // devnet
            &NUMBER_1,                    // height
            &genesis_hash.0,              // parent
            &[0xf2, 3, 0, 0, 0, 0, 0, 0], // time 1010
            &[0xff; 32],                  // miner
            &[0; 32],                     // root
            &[0, 0],                      // count
        ]
        .concat(),
    );
    assert_eq!(oracle.world().hash, Hash(name));
    assert_eq!(oracle.world().time, Timestamp(1010));
    assert_eq!(oracle.world().height, Height(1));
}

#[test]
fn the_block_digest_covers_parent_changes_and_receipts() {
    let (mut oracle, _) = genesis_with_one_account();
    let parent = oracle.world().digest;
    let result = add(
        &mut oracle,
        vec![
            ALICE.asks(0, 5, burn(NATIVE, 30)),
            ALICE.asks(7, 0, burn(NATIVE, 1)),
        ],
    );
    let digest = blake3::derive_key(
        "lockstep 1 block digest",
        &[
            &parent.0[..],
            &[5, 0, 0, 0], // changes
            &[0],          // the miner's nonce
            &MINER.0,
            &[0],
            &[0; 8],
            &[0], // Alice's nonce
            &ALICE.account().0,
            &[0],
            &NUMBER_1,
            &[2], // the miner's balance
            &MINER.0,
            &[0; 32],
            &[2],
            &[55, 0, 0, 0, 0, 0, 0, 0],
            &[2], // Alice's balance
            &ALICE.account().0,
            &[0; 32],
            &[2],
            &[65, 0, 0, 0, 0, 0, 0, 0],
            &[3], // the native supply
            &[0; 32],
            &[3],
            &[100, 0, 0, 0, 0, 0, 0, 0],
            &[50, 0, 0, 0, 0, 0, 0, 0],
            &[30, 0, 0, 0, 0, 0, 0, 0],
            &[2, 0, 0, 0], // receipts
            &result.receipts[0].transaction.0,
            &[0], // applied
            &[5, 0, 0, 0, 0, 0, 0, 0],
            &[3, 0, 0, 0], // changes
            &[0],          // nonce
            &ALICE.account().0,
            &NUMBER_1,
            &[2], // debit
            &ALICE.account().0,
            &[0; 32],
            &[35, 0, 0, 0, 0, 0, 0, 0],
            &[4], // burn
            &[0; 32],
            &[30, 0, 0, 0, 0, 0, 0, 0],
            &result.receipts[1].transaction.0,
            &[1], // rejected
            &[8], // for its nonce
            &NUMBER_1,
            &[7, 0, 0, 0, 0, 0, 0, 0],
        ]
        .concat(),
    );
    assert_eq!(result.digest, Hash(digest));
    assert_eq!(oracle.world().digest, Hash(digest));
}

// The genesis.

#[test]
fn a_genesis_registers_its_owners_and_sets_its_supplies_at_height_0() {
    let oracle = ledger(&[(LOW, GOLD, 3), (HIGH, GOLD, 4), (HIGH, NATIVE, 5)]);
    let first = |value| {
        vec![Version {
            height: Height(0),
            previous: None,
            value,
        }]
    };
    let cells = [
        nonce_is(LOW, 0),
        nonce_is(HIGH, 0),
        balance_is(LOW, GOLD, 3),
        balance_is(HIGH, NATIVE, 5),
        balance_is(HIGH, GOLD, 4),
        supply_is(NATIVE, 5, 0, 0),
        supply_is(GOLD, 7, 0, 0),
    ];
    assert_eq!(
        oracle.world().cells,
        cells.map(|(cell, value)| (cell, first(value))).into()
    );
}

#[test]
fn a_genesis_balance_of_zero_has_no_effect() {
    assert!(ledger(&[(LOW, GOLD, 0)]).world().cells.is_empty());
}

#[test]
fn a_genesis_may_allocate_u64_max_of_an_asset_and_no_more() {
    assert!(Oracle::new(&genesis(&[(LOW, GOLD, u64::MAX), (HIGH, SILVER, 1)])).is_ok());
    assert!(Oracle::new(&genesis(&[(LOW, GOLD, u64::MAX), (HIGH, GOLD, 1)])).is_err());
}

#[test]
fn a_genesis_may_allocate_the_native_limit_and_no_more() {
    let mut genesis = genesis(&[(LOW, NATIVE, 60), (HIGH, NATIVE, 40), (HIGH, GOLD, 500)]);
    genesis.rules.native_limit = Amount(100);
    assert!(Oracle::new(&genesis).is_ok());
    genesis.rules.native_limit = Amount(99);
    assert!(Oracle::new(&genesis).is_err());
}

// Refusals of blocks that do not extend the chain.

/// Adds a block that must be refused and leave no trace. Returns the reason.
fn refusal(oracle: &mut Oracle, block: &Block) -> Refusal {
    let world = oracle.world().clone();
    let heights = oracle.heights.len();
    let refusal = oracle.add_block(block).unwrap_err();
    assert_eq!(oracle.world(), &world);
    assert_eq!(oracle.heights.len(), heights);
    refusal
}

#[test]
fn a_block_is_refused_with_the_first_reason_and_leaves_no_trace() {
    let mut genesis = genesis(&[(ALICE.account(), NATIVE, 100)]);
    // One burn makes a block of 279 bytes, two make 437.
    genesis.rules.max_block_bytes = 400;
    let oracle = &mut Oracle::new(&genesis).unwrap();
    let right = block(oracle, MINER, vec![ALICE.asks(0, 0, burn(NATIVE, 1))]);

    let mut wrong = right.clone();
    wrong.header.version = 2;
    wrong.header.network = Network::Mainnet;
    wrong.header.height = Height(2);
    wrong.header.parent = Hash([9; 32]);
    wrong.header.time = Timestamp(999);
    wrong.header.count = 3;
    wrong.header.merkle_root = Hash([8; 32]);
    wrong.transactions.push(right.transactions[0].clone());

    let (expected, got) = (1, 2);
    assert_eq!(refusal(oracle, &wrong), Refusal::Version { expected, got });
    wrong.header.version = 1;
    let (expected, got) = (Network::Devnet, Network::Mainnet);
    assert_eq!(refusal(oracle, &wrong), Refusal::Network { expected, got });
    wrong.header.network = Network::Devnet;
    let (expected, got) = (Height(1), Height(2));
    assert_eq!(refusal(oracle, &wrong), Refusal::Height { expected, got });
    wrong.header.height = Height(1);
    let (expected, got) = (oracle.world().hash, Hash([9; 32]));
    assert_eq!(refusal(oracle, &wrong), Refusal::Parent { expected, got });
    wrong.header.parent = expected;
    let (parent, got) = (Timestamp(1000), Timestamp(999));
    assert_eq!(refusal(oracle, &wrong), Refusal::Time { parent, got });
    wrong.header.time = right.header.time;
    let (header, body) = (3, 2);
    assert_eq!(refusal(oracle, &wrong), Refusal::Count { header, body });
    wrong.header.count = 2;
    let (limit, got) = (400, 437);
    assert_eq!(refusal(oracle, &wrong), Refusal::Size { limit, got });
    wrong.transactions.pop();
    wrong.header.count = 1;
    let (header, body) = (Hash([8; 32]), right.header.merkle_root);
    assert_eq!(
        refusal(oracle, &wrong),
        Refusal::MerkleRoot { header, body }
    );
    wrong.header.merkle_root = body;
    assert_eq!(wrong, right);
    assert!(oracle.add_block(&right).is_ok());
}

#[test]
fn a_block_is_refused_the_second_time() {
    let mut oracle = ledger(&[]);
    let block = block(&oracle, MINER, Vec::new());
    oracle.add_block(&block).unwrap();
    let (expected, got) = (Height(2), Height(1));
    assert_eq!(
        refusal(&mut oracle, &block),
        Refusal::Height { expected, got }
    );
}

#[test]
fn a_block_may_have_the_time_of_its_parent() {
    let mut oracle = ledger(&[]);
    let mut block = block(&oracle, MINER, Vec::new());
    block.header.time = Timestamp(1000);
    assert!(oracle.add_block(&block).is_ok());
}

#[test]
fn a_block_of_exactly_the_limit_fits() {
    let mut genesis = genesis(&[(ALICE.account(), NATIVE, 100)]);
    genesis.rules.max_block_bytes = 279;
    let mut oracle = Oracle::new(&genesis).unwrap();
    add(&mut oracle, vec![ALICE.asks(0, 0, burn(NATIVE, 1))]);

    genesis.rules.max_block_bytes = 278;
    let mut oracle = Oracle::new(&genesis).unwrap();
    let block = block(&oracle, MINER, vec![ALICE.asks(0, 0, burn(NATIVE, 1))]);
    let (limit, got) = (278, 279);
    assert_eq!(refusal(&mut oracle, &block), Refusal::Size { limit, got });
}

#[test]
fn a_body_of_65536_is_not_counted_as_none() {
    let mut oracle = ledger(&[]);
    let mut block = block(&oracle, MINER, Vec::new());
    block.transactions = vec![ALICE.asks(0, 0, burn(NATIVE, 1)); 65_536];
    let (header, body) = (0, 65_536);
    assert_eq!(
        refusal(&mut oracle, &block),
        Refusal::Count { header, body }
    );
}

#[test]
fn repeating_the_last_transaction_of_an_odd_body_changes_its_root() {
    let mut oracle = ledger(&[(ALICE.account(), NATIVE, 100)]);
    let body = (0..3).map(|nonce| ALICE.asks(nonce, 0, burn(NATIVE, 1)));
    let mut block = block(&oracle, MINER, body.collect());
    block.transactions.push(block.transactions[2].clone());
    block.header.count = 4;
    assert!(matches!(
        refusal(&mut oracle, &block),
        Refusal::MerkleRoot { .. }
    ));
}

// Stateless rejections of transactions.

#[test]
fn a_transaction_is_rejected_with_the_first_reason() {
    let mut oracle = ledger(&[(ALICE.account(), NATIVE, 100)]);
    let oracle = &mut oracle;
    applied(oracle, ALICE.asks(0, 0, set(1, &[BOB])));

    let unasked = Cosignature {
        signer: CAROL.account(),
        signature: Signature([1; 64]),
    };
    let mut wrong = ALICE.asks(
        9,
        0,
        Payload::Transfers(vec![transfer(LOW, NATIVE, 0); 256]),
    );
    wrong.network = Network::Mainnet;
    wrong.cosignatures = vec![unasked.clone(); 256];

    let (expected, got) = (Network::Devnet, Network::Mainnet);
    assert_eq!(
        rejected(oracle, wrong.clone()),
        Rejection::Network { expected, got }
    );
    wrong.network = Network::Devnet;
    assert_eq!(
        rejected(oracle, wrong.clone()),
        Rejection::TransferCount { got: 256 }
    );
    let transfers =
        |amounts: [u64; 2]| Payload::Transfers(amounts.map(|n| transfer(LOW, NATIVE, n)).to_vec());
    wrong.payload = transfers([u64::MAX, 0]);
    assert_eq!(
        rejected(oracle, wrong.clone()),
        Rejection::ZeroAmount { index: 1 }
    );
    wrong.payload = transfers([u64::MAX, 1]);
    assert_eq!(
        rejected(oracle, wrong.clone()),
        Rejection::CosignatureCount { got: 256 }
    );
    wrong.cosignatures = vec![unasked];
    let signer = ALICE.account();
    assert_eq!(
        rejected(oracle, wrong.clone()),
        Rejection::Signature { signer }
    );
    wrong = ALICE.signs(wrong);
    let signer = CAROL.account();
    assert_eq!(
        rejected(oracle, wrong.clone()),
        Rejection::Signature { signer }
    );
    let with_cosigner = |wrong: &Transaction, signer: Signer| {
        let mut signed = ALICE.signs(wrong.clone());
        signed.cosignatures = vec![signer.cosign(wrong)];
        signed
    };
    assert_eq!(
        rejected(oracle, with_cosigner(&wrong, CAROL)),
        wrong_nonce(1, 9)
    );
    wrong.nonce = Nonce(1);
    let (needed, got) = (1, 0);
    assert_eq!(
        rejected(oracle, with_cosigner(&wrong, CAROL)),
        Rejection::Multisig { needed, got }
    );
    assert_eq!(
        rejected(oracle, with_cosigner(&wrong, BOB)),
        Rejection::SumOverflow { asset: NATIVE }
    );
    wrong.payload = transfers([100, 1]);
    assert_eq!(
        rejected(oracle, with_cosigner(&wrong, BOB)),
        lacking(NATIVE, 101, 100)
    );
    wrong.payload = transfers([99, 1]);
    applied(oracle, with_cosigner(&wrong, BOB));
}

#[test]
fn a_multisig_is_checked_for_size_then_threshold_then_repetition() {
    let mut oracle = ledger(&[]);
    let mut check = |threshold, participants: Vec<PublicKey>, expected| {
        let payload = Payload::Multisig(Multisig {
            threshold,
            participants,
        });
        let mut wrong = ALICE.asks(9, 0, payload);
        wrong.cosignatures = vec![BOB.cosign(&wrong); 256];
        assert_eq!(rejected(&mut oracle, wrong), expected);
    };
    check(0, vec![LOW; 256], Rejection::ParticipantCount { got: 256 });
    let misfit = |threshold, participants| Rejection::Threshold {
        threshold,
        participants,
    };
    check(0, vec![LOW; 255], misfit(0, 255));
    check(0, vec![LOW], misfit(0, 1));
    check(1, vec![], misfit(1, 0));
    check(4, vec![LOW, HIGH, LOW], misfit(4, 3));
    check(
        3,
        vec![LOW, HIGH, MINER, HIGH, LOW],
        Rejection::DuplicateParticipant { participant: HIGH },
    );
    check(2, vec![LOW, HIGH], Rejection::CosignatureCount { got: 256 });
}

#[test]
fn a_transaction_without_transfers_is_rejected() {
    let mut oracle = ledger(&[]);
    assert_eq!(
        rejected(&mut oracle, ALICE.asks(0, 0, Payload::Transfers(vec![]))),
        Rejection::TransferCount { got: 0 }
    );
}

#[test]
fn lists_of_255_are_allowed() {
    let mut oracle = ledger(&[(ALICE.account(), NATIVE, 255)]);
    let transfers = Payload::Transfers(vec![transfer(LOW, NATIVE, 1); 255]);
    let transaction = cosigned(ALICE.asks(0, 0, transfers), &[BOB; 255]);
    applied(&mut oracle, transaction);
    assert_eq!(balance(&oracle, LOW, NATIVE), 255);

    let participants: Vec<PublicKey> = (0..255).map(|n| PublicKey([n; 32])).collect();
    let all = Multisig {
        threshold: 255,
        participants,
    };
    applied(&mut oracle, ALICE.asks(1, 0, Payload::Multisig(all)));
    let (needed, got) = (255, 0);
    assert_eq!(
        rejected(&mut oracle, ALICE.asks(2, 0, remove())),
        Rejection::Multisig { needed, got }
    );
}

#[test]
fn a_burn_of_nothing_is_rejected() {
    let mut oracle = ledger(&[(ALICE.account(), GOLD, 100)]);
    assert_eq!(
        rejected(&mut oracle, ALICE.asks(0, 0, burn(GOLD, 0))),
        Rejection::ZeroAmount { index: 0 }
    );
}

#[test]
fn a_forged_transaction_is_rejected() {
    let mut oracle = ledger(&[(ALICE.account(), NATIVE, 100)]);
    let forged = BOB.signs(ALICE.asks(0, 0, pay(BOB.account(), 100)));
    let signer = ALICE.account();
    assert_eq!(
        rejected(&mut oracle, forged),
        Rejection::Signature { signer }
    );
}

#[test]
fn a_signature_covers_network_source_nonce_fee_and_payload() {
    let mut oracle = ledger(&[(ALICE.account(), NATIVE, 100)]);
    let signed = ALICE.asks(0, 1, pay(LOW, 10));
    let changes: [fn(&mut Transaction); 4] = [
        |t| t.source = BOB.account(),
        |t| t.nonce = Nonce(1),
        |t| t.fee = Amount(2),
        |t| t.payload = pay(HIGH, 10),
    ];
    for change in changes {
        let mut changed = signed.clone();
        change(&mut changed);
        let signer = changed.source;
        assert_eq!(
            rejected(&mut oracle, changed),
            Rejection::Signature { signer }
        );
    }
    // Signed for mainnet, sent to devnet.
    let mut changed = signed.clone();
    changed.network = Network::Mainnet;
    let mut changed = ALICE.signs(changed);
    changed.network = Network::Devnet;
    let signer = ALICE.account();
    assert_eq!(
        rejected(&mut oracle, changed),
        Rejection::Signature { signer }
    );
}

#[test]
fn a_cosignature_that_does_not_verify_rejects_even_where_none_is_needed() {
    let mut oracle = ledger(&[]);
    let mut transaction = cosigned(ALICE.asks(0, 0, remove()), &[BOB, CAROL, DAVE]);
    transaction.cosignatures[1].signature = transaction.cosignatures[0].signature;
    transaction.cosignatures[2].signature = transaction.cosignatures[0].signature;
    let signer = CAROL.account();
    assert_eq!(
        rejected(&mut oracle, transaction),
        Rejection::Signature { signer }
    );
}

/// The neutral element as R, zero as s.
const ZERO_SIGNATURE: Signature = {
    let mut bytes = [0; 64];
    bytes[0] = 1;
    Signature(bytes)
};

fn unsigned(source: PublicKey, nonce: u64) -> Transaction {
    let mut transaction = ALICE.asks(nonce, 0, remove());
    transaction.source = source;
    transaction.signature = ZERO_SIGNATURE;
    transaction
}

#[test]
fn the_verification_equation_is_multiplied_by_the_cofactor() {
    // A point of order 8: without the cofactor, one message in eight would pass.
    let source = PublicKey([
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67,
        0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac,
        0x03, 0x7a,
    ]);
    let mut oracle = ledger(&[]);
    for nonce in 0..8 {
        applied(&mut oracle, unsigned(source, nonce));
    }
}

#[test]
fn a_key_in_a_second_encoding_can_sign() {
    // p + 1, which stands for 1.
    let mut bytes = [0xff; 32];
    bytes[0] = 0xee;
    bytes[31] = 0x7f;
    let mut oracle = ledger(&[]);
    applied(&mut oracle, unsigned(PublicKey(bytes), 0));
}

#[test]
fn a_key_that_is_no_point_cannot_sign() {
    let mut bytes = [0; 32];
    bytes[0] = 2;
    let signer = PublicKey(bytes);
    let mut oracle = ledger(&[(signer, NATIVE, 1)]);
    assert_eq!(
        rejected(&mut oracle, unsigned(signer, 0)),
        Rejection::Signature { signer }
    );
}

#[test]
fn a_scalar_that_is_not_reduced_is_refused() {
    // The order of the group: s and s + l would sign the same.
    let order = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde,
        0x14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let signer = PublicKey(ZERO_SIGNATURE.0[..32].try_into().unwrap());
    let mut transaction = unsigned(signer, 0);
    let mut oracle = ledger(&[]);
    applied(&mut oracle, transaction.clone());
    transaction = unsigned(signer, 1);
    transaction.signature.0[32..].copy_from_slice(&order);
    assert_eq!(
        rejected(&mut oracle, transaction),
        Rejection::Signature { signer }
    );
}

// Nonces.

#[test]
fn a_nonce_is_used_once_and_none_is_left_out() {
    let mut oracle = ledger(&[(ALICE.account(), NATIVE, 100)]);
    let result = add(
        &mut oracle,
        [0, 0, 2, 1, 2]
            .map(|nonce| ALICE.asks(nonce, 0, pay(LOW, 1)))
            .to_vec(),
    );
    assert_eq!(which_applied(&result), [true, false, false, true, true]);
    assert_eq!(rejection(&result, 1), wrong_nonce(1, 0));
    assert_eq!(rejection(&result, 2), wrong_nonce(1, 2));
    assert_eq!(nonce(&oracle, ALICE.account()), Some(3));
    assert_eq!(balance(&oracle, LOW, NATIVE), 3);
}

#[test]
fn the_last_nonce_cannot_be_used() {
    let mut oracle = ledger(&[]);
    let state = &mut oracle.heights[0].state;
    state.nonces.insert(ALICE.account(), u64::MAX - 1);
    let result = add(
        &mut oracle,
        vec![
            ALICE.asks(u64::MAX - 1, 0, remove()),
            ALICE.asks(u64::MAX, 0, remove()),
            ALICE.asks(0, 0, remove()),
        ],
    );
    assert_eq!(which_applied(&result), [true, false, false]);
    assert_eq!(rejection(&result, 1), Rejection::NonceExhausted);
    assert_eq!(rejection(&result, 2), wrong_nonce(u64::MAX, 0));
}

// Balances.

#[test]
fn a_transfer_debits_amount_and_fee_credits_the_destination_and_registers_it() {
    let mut oracle = ledger(&[(ALICE.account(), NATIVE, 100)]);
    let result = add(&mut oracle, vec![ALICE.asks(0, 5, pay(LOW, 30))]);
    assert_eq!(
        result.receipts[0].outcome,
        Outcome::Applied {
            fee: Amount(5),
            effects: vec![
                nonce_to(ALICE.account(), 1),
                debit(ALICE.account(), NATIVE, 35),
                credit(LOW, NATIVE, 30),
            ],
        }
    );
    assert_eq!(
        result.state_diff,
        [
            nonce_is(LOW, 0),
            nonce_is(MINER, 0),
            nonce_is(ALICE.account(), 1),
            balance_is(LOW, NATIVE, 30),
            balance_is(MINER, NATIVE, 5),
            balance_is(ALICE.account(), NATIVE, 65),
        ]
    );
    assert_eq!(result.fees, Amount(5));
    assert_eq!(result.reward, Amount(0));
}

#[test]
fn the_fee_counts_towards_the_native_sum() {
    let mut oracle = ledger(&[(ALICE.account(), NATIVE, 100)]);
    assert_eq!(
        rejected(&mut oracle, ALICE.asks(0, 6, pay(LOW, 95))),
        lacking(NATIVE, 101, 100)
    );
    applied(&mut oracle, ALICE.asks(0, 5, pay(LOW, 95)));
    assert_eq!(balance(&oracle, ALICE.account(), NATIVE), 0);
}

#[test]
fn the_fee_is_native_in_a_transfer_of_any_asset() {
    let mut oracle = ledger(&[(ALICE.account(), GOLD, 100), (LOW, NATIVE, 1)]);
    let gold = Payload::Transfers(vec![transfer(LOW, GOLD, 10)]);
    assert_eq!(
        rejected(&mut oracle, ALICE.asks(0, 1, gold.clone())),
        lacking(NATIVE, 1, 0)
    );
    applied(&mut oracle, ALICE.asks(0, 0, gold));
}

#[test]
fn a_transfer_to_oneself_needs_the_funds_and_moves_nothing() {
    let mut oracle = ledger(&[(ALICE.account(), NATIVE, 100)]);
    let to_oneself = |nonce, fee, amount| ALICE.asks(nonce, fee, pay(ALICE.account(), amount));
    assert_eq!(
        rejected(&mut oracle, to_oneself(0, 0, 101)),
        lacking(NATIVE, 101, 100)
    );
    assert_eq!(
        rejected(&mut oracle, to_oneself(0, 1, 100)),
        lacking(NATIVE, 101, 100)
    );
    assert_eq!(
        applied(&mut oracle, to_oneself(0, 0, 100)),
        [nonce_to(ALICE.account(), 1)]
    );
    assert_eq!(
        applied(&mut oracle, to_oneself(1, 3, 97)),
        [
            nonce_to(ALICE.account(), 2),
            debit(ALICE.account(), NATIVE, 3)
        ]
    );
    assert_eq!(balance(&oracle, ALICE.account(), NATIVE), 97);
}

#[test]
fn a_transfer_to_oneself_does_not_fund_the_next_one() {
    let mut oracle = ledger(&[(ALICE.account(), NATIVE, 100)]);
    let transfers = vec![
        transfer(ALICE.account(), NATIVE, 60),
        transfer(LOW, NATIVE, 60),
    ];
    assert_eq!(
        rejected(&mut oracle, ALICE.asks(0, 0, Payload::Transfers(transfers))),
        lacking(NATIVE, 120, 100)
    );
}

#[test]
fn the_sum_of_transfers_may_not_overflow() {
    let mut oracle = ledger(&[(ALICE.account(), GOLD, u64::MAX)]);
    let half = 1 << 63;
    let transfers =
        |last| Payload::Transfers(vec![transfer(LOW, GOLD, half), transfer(LOW, GOLD, last)]);
    assert_eq!(
        rejected(&mut oracle, ALICE.asks(0, 0, transfers(half))),
        Rejection::SumOverflow { asset: GOLD }
    );
    applied(&mut oracle, ALICE.asks(0, 0, transfers(half - 1)));
    assert_eq!(balance(&oracle, LOW, GOLD), u64::MAX);
}

#[test]
fn the_sum_with_the_fee_may_not_overflow() {
    let mut oracle = ledger(&[(ALICE.account(), NATIVE, u64::MAX)]);
    assert_eq!(
        rejected(&mut oracle, ALICE.asks(0, 1, burn(NATIVE, u64::MAX))),
        Rejection::SumOverflow { asset: NATIVE }
    );
    assert_eq!(
        rejected(
            &mut oracle,
            ALICE.asks(0, u64::MAX, pay(ALICE.account(), 1))
        ),
        Rejection::SumOverflow { asset: NATIVE }
    );
    assert_eq!(
        applied(&mut oracle, ALICE.asks(0, 1, burn(NATIVE, u64::MAX - 1)))[1],
        debit(ALICE.account(), NATIVE, u64::MAX)
    );
}

#[test]
fn the_first_asset_that_fails_gives_the_reason() {
    let mut oracle = ledger(&[(ALICE.account(), NATIVE, 10), (ALICE.account(), GOLD, 10)]);
    let overflow = |asset| vec![transfer(LOW, asset, u64::MAX); 2];
    let mut reason = |fee, transfers: [Vec<Transfer>; 2]| {
        let payload = Payload::Transfers(transfers.concat());
        rejected(&mut oracle, ALICE.asks(0, fee, payload))
    };
    // Silver is named first and overflows; gold comes first and is lacking.
    assert_eq!(
        reason(10, [overflow(SILVER), vec![transfer(LOW, GOLD, 11)]]),
        lacking(GOLD, 11, 10)
    );
    assert_eq!(
        reason(10, [vec![transfer(LOW, SILVER, 1)], overflow(GOLD)]),
        Rejection::SumOverflow { asset: GOLD }
    );
    assert_eq!(
        reason(11, [overflow(GOLD), overflow(SILVER)]),
        lacking(NATIVE, 11, 10)
    );
}

#[test]
fn a_transaction_is_applied_whole_or_not_at_all() {
    let mut oracle = ledger(&[(ALICE.account(), NATIVE, 100), (ALICE.account(), GOLD, 1)]);
    let transfers = vec![
        transfer(LOW, NATIVE, 5),
        transfer(BOB.account(), GOLD, 2),
        transfer(HIGH, NATIVE, 5),
    ];
    assert_eq!(
        rejected(&mut oracle, ALICE.asks(0, 9, Payload::Transfers(transfers))),
        lacking(GOLD, 2, 1)
    );
}

#[test]
fn a_rejected_transaction_leaves_no_trace() {
    let mut oracle = ledger(&[(ALICE.account(), NATIVE, 100)]);
    let result = add(
        &mut oracle,
        vec![
            ALICE.asks(0, 50, pay(HIGH, 51)),
            ALICE.asks(0, 1, pay(LOW, 99)),
        ],
    );
    // No fee, no nonce and no registration of the first.
    assert_eq!(which_applied(&result), [false, true]);
    assert_eq!(
        result.state_diff,
        [
            nonce_is(LOW, 0),
            nonce_is(MINER, 0),
            nonce_is(ALICE.account(), 1),
            balance_is(LOW, NATIVE, 99),
            balance_is(MINER, NATIVE, 1),
            balance_is(ALICE.account(), NATIVE, 0),
        ]
    );
    assert_eq!(result.fees, Amount(1));
    assert_eq!(nonce(&oracle, HIGH), None);
}

#[test]
fn what_was_spent_cannot_be_spent_again_in_the_same_block() {
    let mut oracle = ledger(&[(ALICE.account(), NATIVE, 100)]);
    let result = add(
        &mut oracle,
        vec![
            ALICE.asks(0, 0, pay(LOW, 60)),
            ALICE.asks(1, 0, pay(HIGH, 60)),
            ALICE.asks(1, 0, pay(HIGH, 40)),
        ],
    );
    assert_eq!(which_applied(&result), [true, false, true]);
    assert_eq!(rejection(&result, 1), lacking(NATIVE, 60, 40));
}

#[test]
fn what_was_received_can_be_spent_in_the_same_block() {
    let mut oracle = ledger(&[(ALICE.account(), NATIVE, 100), (BOB.account(), NATIVE, 50)]);
    let too_early = BOB.asks(0, 0, pay(CAROL.account(), 80));
    let result = add(
        &mut oracle,
        vec![
            too_early.clone(),
            ALICE.asks(0, 0, pay(BOB.account(), 30)),
            too_early,
            CAROL.asks(0, 0, pay(LOW, 80)),
        ],
    );
    assert_eq!(which_applied(&result), [false, true, true, true]);
    assert_eq!(rejection(&result, 0), lacking(NATIVE, 80, 50));
    assert_eq!(balance(&oracle, ALICE.account(), NATIVE), 70);
    assert_eq!(balance(&oracle, BOB.account(), NATIVE), 0);
    assert_eq!(balance(&oracle, CAROL.account(), NATIVE), 0);
    assert_eq!(nonce(&oracle, CAROL.account()), Some(1));
    assert_eq!(balance(&oracle, LOW, NATIVE), 80);
}

#[test]
fn a_credit_adds_to_what_is_there() {
    let mut oracle = ledger(&[(ALICE.account(), NATIVE, 1), (BOB.account(), NATIVE, 1000)]);
    applied(&mut oracle, ALICE.asks(0, 0, pay(BOB.account(), 1)));
    assert_eq!(balance(&oracle, BOB.account(), NATIVE), 1001);
}

#[test]
fn a_receipt_lists_debits_by_asset_and_credits_by_account_and_asset() {
    let alice = ALICE.account();
    let mut oracle = ledger(&[
        (alice, NATIVE, 100),
        (alice, GOLD, 100),
        (alice, SILVER, 100),
    ]);
    let transfers = vec![
        transfer(HIGH, SILVER, 1),
        transfer(HIGH, GOLD, 2),
        transfer(LOW, SILVER, 4),
        transfer(alice, SILVER, 8),
        transfer(LOW, NATIVE, 16),
        transfer(HIGH, SILVER, 32),
    ];
    assert_eq!(
        applied(&mut oracle, ALICE.asks(0, 3, Payload::Transfers(transfers))),
        [
            nonce_to(alice, 1),
            debit(alice, NATIVE, 19),
            debit(alice, GOLD, 2),
            debit(alice, SILVER, 37),
            credit(LOW, NATIVE, 16),
            credit(LOW, SILVER, 4),
            credit(HIGH, GOLD, 2),
            credit(HIGH, SILVER, 33),
        ]
    );
}

#[test]
fn a_burn_is_counted_for_its_asset() {
    let alice = ALICE.account();
    let mut oracle = ledger(&[(alice, NATIVE, 100), (alice, GOLD, 10)]);
    assert_eq!(
        applied(&mut oracle, ALICE.asks(0, 1, burn(GOLD, 4))),
        [
            nonce_to(alice, 1),
            debit(alice, NATIVE, 1),
            debit(alice, GOLD, 4),
            Effect::Burn {
                asset: GOLD,
                amount: Amount(4)
            },
        ]
    );
    assert_eq!(
        applied(&mut oracle, ALICE.asks(1, 2, burn(NATIVE, 20))),
        [
            nonce_to(alice, 2),
            debit(alice, NATIVE, 22),
            Effect::Burn {
                asset: NATIVE,
                amount: Amount(20)
            },
        ]
    );
    applied(&mut oracle, ALICE.asks(2, 0, burn(GOLD, 6)));
    assert_eq!(supply(&oracle, GOLD), [10, 0, 10]);
    assert_eq!(supply(&oracle, NATIVE), [100, 0, 20]);
    assert_eq!(
        rejected(&mut oracle, ALICE.asks(3, 0, burn(GOLD, 1))),
        lacking(GOLD, 1, 0)
    );
}

#[test]
fn an_asset_that_never_was_cannot_be_moved_or_burnt() {
    let mut oracle = ledger(&[]);
    let moved = Payload::Transfers(vec![transfer(LOW, GOLD, 1)]);
    for payload in [moved, burn(GOLD, 1)] {
        assert_eq!(
            rejected(&mut oracle, ALICE.asks(0, 0, payload)),
            lacking(GOLD, 1, 0)
        );
    }
}

// Multisigs.

#[test]
fn an_account_that_never_was_can_set_a_multisig_and_is_registered_by_it() {
    let mut oracle = ledger(&[]);
    let result = add(&mut oracle, vec![ALICE.asks(0, 0, set(1, &[BOB, CAROL]))]);
    let one_of_two = multisig(1, &[BOB, CAROL]);
    assert_eq!(
        result.receipts[0].outcome,
        Outcome::Applied {
            fee: Amount(0),
            effects: vec![
                nonce_to(ALICE.account(), 1),
                multisig_to(ALICE.account(), Some(one_of_two.clone())),
            ],
        }
    );
    // Neither the participants nor the miner are registered.
    assert_eq!(
        result.state_diff,
        [
            nonce_is(ALICE.account(), 1),
            (
                Cell::Multisig(ALICE.account()),
                Value::Multisig(Some(one_of_two))
            ),
        ]
    );
}

/// Alice has 100 and needs two of Bob, Carol and Dave. Her nonce is 1.
fn ledger_with_multisig() -> Oracle {
    let mut oracle = ledger(&[(ALICE.account(), NATIVE, 100)]);
    applied(&mut oracle, ALICE.asks(0, 0, set(2, &[BOB, CAROL, DAVE])));
    oracle
}

#[test]
fn a_multisig_needs_its_threshold_of_distinct_participants() {
    let mut oracle = ledger_with_multisig();
    let stranger = Signer(5);
    let mut check = |cosigners: &[Signer], got| {
        let transaction = cosigned(ALICE.asks(1, 0, pay(LOW, 1)), cosigners);
        assert_eq!(
            rejected(&mut oracle, transaction),
            Rejection::Multisig { needed: 2, got }
        );
    };
    check(&[], 0);
    check(&[stranger], 0);
    check(&[ALICE], 0);
    check(&[BOB], 1);
    check(&[BOB, BOB], 1);
    check(&[BOB, stranger, ALICE], 1);
    let enough: [&[Signer]; 3] = [
        &[CAROL, BOB],
        &[stranger, DAVE, DAVE, BOB],
        &[DAVE, CAROL, BOB],
    ];
    for (nonce, cosigners) in (1..).zip(enough) {
        let transaction = cosigned(ALICE.asks(nonce, 0, pay(LOW, 1)), cosigners);
        applied(&mut oracle, transaction);
    }
}

#[test]
fn changing_and_removing_a_multisig_needs_the_multisig() {
    let mut oracle = ledger_with_multisig();
    for payload in [set(1, &[BOB]), remove()] {
        let (needed, got) = (2, 1);
        let transaction = cosigned(ALICE.asks(1, 0, payload), &[BOB]);
        assert_eq!(
            rejected(&mut oracle, transaction),
            Rejection::Multisig { needed, got }
        );
    }
    let changed = cosigned(ALICE.asks(1, 0, set(1, &[BOB])), &[CAROL, DAVE]);
    applied(&mut oracle, changed);
    // The new one holds: Bob alone is enough, Carol and Dave count for nothing.
    let (needed, got) = (1, 0);
    assert_eq!(
        rejected(
            &mut oracle,
            cosigned(ALICE.asks(2, 0, remove()), &[CAROL, DAVE])
        ),
        Rejection::Multisig { needed, got }
    );
    assert_eq!(
        applied(&mut oracle, cosigned(ALICE.asks(2, 0, remove()), &[BOB])),
        [
            nonce_to(ALICE.account(), 3),
            multisig_to(ALICE.account(), None)
        ]
    );
    assert_eq!(
        value(&oracle, Cell::Multisig(ALICE.account())),
        Some(Value::Multisig(None))
    );
    applied(&mut oracle, ALICE.asks(3, 0, pay(LOW, 1)));
}

#[test]
fn a_multisig_takes_effect_for_the_next_transaction_of_the_block() {
    let mut oracle = ledger(&[(ALICE.account(), NATIVE, 100)]);
    let result = add(
        &mut oracle,
        vec![
            ALICE.asks(0, 0, set(1, &[BOB])),
            ALICE.asks(1, 0, pay(LOW, 1)),
            cosigned(ALICE.asks(1, 0, remove()), &[BOB]),
            ALICE.asks(2, 0, pay(LOW, 1)),
        ],
    );
    assert_eq!(which_applied(&result), [true, false, true, true]);
    let (needed, got) = (1, 0);
    assert_eq!(rejection(&result, 1), Rejection::Multisig { needed, got });
    // It was set and removed within the block: no change, and no version.
    let cell = Cell::Multisig(ALICE.account());
    assert!(
        result
            .state_diff
            .iter()
            .all(|(changed, _)| *changed != cell)
    );
    assert!(!oracle.world().cells.contains_key(&cell));
}

#[test]
fn a_participant_of_ones_own_multisig_counts_by_a_cosignature() {
    let mut oracle = ledger(&[]);
    applied(&mut oracle, ALICE.asks(0, 0, set(1, &[ALICE])));
    let (needed, got) = (1, 0);
    assert_eq!(
        rejected(&mut oracle, ALICE.asks(1, 0, remove())),
        Rejection::Multisig { needed, got }
    );
    applied(&mut oracle, cosigned(ALICE.asks(1, 0, remove()), &[ALICE]));
}

#[test]
fn the_multisig_that_counts_is_the_sources() {
    let mut oracle = ledger_with_multisig();
    applied(&mut oracle, BOB.asks(0, 0, remove()));
    assert_eq!(nonce(&oracle, BOB.account()), Some(1));
}

#[test]
fn cosignatures_without_a_multisig_change_nothing_but_the_identity() {
    let mut plain = ledger(&[(ALICE.account(), NATIVE, 100)]);
    let mut carrying = plain.clone();
    let transaction = ALICE.asks(0, 2, pay(LOW, 1));
    let without = add(&mut plain, vec![transaction.clone()]);
    let with = add(&mut carrying, vec![cosigned(transaction, &[BOB, BOB])]);
    assert_eq!(without.receipts[0].outcome, with.receipts[0].outcome);
    assert_eq!(without.state_diff, with.state_diff);
    assert_ne!(
        without.receipts[0].transaction,
        with.receipts[0].transaction
    );
    assert_eq!(nonce(&carrying, BOB.account()), None);
}

#[test]
fn setting_the_same_multisig_changes_no_more_than_nonce_and_fee() {
    let mut oracle = ledger_with_multisig();
    let again = ALICE.asks(1, 7, set(2, &[BOB, CAROL, DAVE]));
    let result = add(&mut oracle, vec![cosigned(again, &[BOB, CAROL])]);
    assert_eq!(
        result.receipts[0].outcome,
        Outcome::Applied {
            fee: Amount(7),
            effects: vec![
                nonce_to(ALICE.account(), 2),
                multisig_to(ALICE.account(), Some(multisig(2, &[BOB, CAROL, DAVE]))),
                debit(ALICE.account(), NATIVE, 7),
            ],
        }
    );
    assert_eq!(
        result.state_diff,
        [
            nonce_is(MINER, 0),
            nonce_is(ALICE.account(), 2),
            balance_is(MINER, NATIVE, 7),
            balance_is(ALICE.account(), NATIVE, 93),
        ]
    );
}

#[test]
fn removing_a_multisig_that_is_not_there_is_applied() {
    let mut oracle = ledger(&[]);
    let result = add(&mut oracle, vec![ALICE.asks(0, 0, remove())]);
    assert_eq!(
        result.receipts[0].outcome,
        Outcome::Applied {
            fee: Amount(0),
            effects: vec![
                nonce_to(ALICE.account(), 1),
                multisig_to(ALICE.account(), None)
            ],
        }
    );
    assert_eq!(result.state_diff, [nonce_is(ALICE.account(), 1)]);
}

#[test]
fn the_same_participants_in_another_order_are_another_multisig() {
    let mut oracle = ledger_with_multisig();
    let reordered = ALICE.asks(1, 0, set(2, &[CAROL, BOB, DAVE]));
    applied(&mut oracle, cosigned(reordered, &[BOB, CAROL]));
    assert_eq!(
        versions(&oracle, Cell::Multisig(ALICE.account())),
        [
            (
                1,
                None,
                Value::Multisig(Some(multisig(2, &[BOB, CAROL, DAVE])))
            ),
            (
                2,
                Some(1),
                Value::Multisig(Some(multisig(2, &[CAROL, BOB, DAVE])))
            ),
        ]
    );
}

// The miner.

#[test]
fn the_miner_is_credited_reward_and_fees_and_the_reward_alone_is_issued() {
    let mut oracle = rewarding_ledger(50, 1000, &[(ALICE.account(), NATIVE, 100)]);
    let result = add(
        &mut oracle,
        vec![
            ALICE.asks(0, 2, pay(LOW, 1)),
            ALICE.asks(1, 90, pay(LOW, 90)),
            ALICE.asks(1, 3, pay(LOW, 1)),
        ],
    );
    assert_eq!(which_applied(&result), [true, false, true]);
    assert_eq!((result.fees, result.reward), (Amount(5), Amount(50)));
    assert_eq!(balance(&oracle, MINER, NATIVE), 55);
    assert_eq!(nonce(&oracle, MINER), Some(0));
    assert_eq!(supply(&oracle, NATIVE), [100, 50, 0]);
}

#[test]
fn no_more_is_issued_than_the_limit_leaves() {
    let mut oracle = rewarding_ledger(50, 180, &[(LOW, NATIVE, 100)]);
    let rewards = [0; 4].map(|_| add(&mut oracle, Vec::new()).reward.0);
    assert_eq!(rewards, [50, 30, 0, 0]);
    assert_eq!(balance(&oracle, MINER, NATIVE), 80);
    assert_eq!(supply(&oracle, NATIVE), [100, 80, 0]);
}

#[test]
fn burning_makes_no_room_for_rewards() {
    let mut oracle = rewarding_ledger(50, 100, &[(ALICE.account(), NATIVE, 100)]);
    applied(&mut oracle, ALICE.asks(0, 0, burn(NATIVE, 60)));
    assert_eq!(add(&mut oracle, Vec::new()).reward, Amount(0));
}

#[test]
fn a_ledger_can_be_filled_to_u64_max() {
    let mut oracle = rewarding_ledger(u64::MAX, u64::MAX, &[(ALICE.account(), NATIVE, 1 << 63)]);
    let result = add(
        &mut oracle,
        vec![
            ALICE.asks(0, 1 << 62, remove()),
            ALICE.asks(1, 1 << 62, remove()),
        ],
    );
    assert_eq!(result.fees, Amount(1 << 63));
    assert_eq!(result.reward, Amount((1 << 63) - 1));
    assert_eq!(balance(&oracle, MINER, NATIVE), u64::MAX);
}

#[test]
fn a_reward_of_a_ledger_without_native_asset_begins_its_supply() {
    let mut oracle = rewarding_ledger(50, 1000, &[]);
    let result = add(&mut oracle, Vec::new());
    assert_eq!(
        result.state_diff,
        [
            nonce_is(MINER, 0),
            balance_is(MINER, NATIVE, 50),
            supply_is(NATIVE, 0, 50, 0),
        ]
    );
}

#[test]
fn a_credit_of_zero_to_the_miner_registers_no_account() {
    let mut oracle = ledger(&[]);
    let result = add(&mut oracle, Vec::new());
    assert_eq!(result.state_diff, []);
    assert_eq!(nonce(&oracle, MINER), None);
}

#[test]
fn fees_are_paid_where_nothing_is_left_to_issue() {
    let mut oracle = rewarding_ledger(50, 100, &[(ALICE.account(), NATIVE, 100)]);
    let result = add(&mut oracle, vec![ALICE.asks(0, 5, pay(LOW, 1))]);
    assert_eq!((result.fees, result.reward), (Amount(5), Amount(0)));
    assert_eq!(balance(&oracle, MINER, NATIVE), 5);
    assert_eq!(supply(&oracle, NATIVE), [100, 0, 0]);
}

#[test]
fn the_miner_may_pay_and_be_paid_in_its_own_block() {
    let bob = BOB.account();
    let mut oracle = rewarding_ledger(
        50,
        1000,
        &[(ALICE.account(), NATIVE, 100), (bob, NATIVE, 10)],
    );
    let result = mine(
        &mut oracle,
        bob,
        vec![
            BOB.asks(0, 4, pay(LOW, 6)),
            ALICE.asks(0, 1, pay(bob, 20)),
            BOB.asks(1, 2, pay(LOW, 18)),
        ],
    );
    assert_eq!(which_applied(&result), [true, true, true]);
    // 10 - 4 - 6 + 20 - 2 - 18 + 50 + 7
    assert_eq!(balance(&oracle, bob, NATIVE), 57);
    assert_eq!(nonce(&oracle, bob), Some(2));
}

#[test]
fn the_miner_can_spend_reward_and_fees_only_in_the_next_block() {
    let bob = BOB.account();
    let mut oracle = rewarding_ledger(50, 1000, &[(ALICE.account(), NATIVE, 100)]);
    let spend = BOB.asks(0, 0, pay(LOW, 55));
    let result = mine(
        &mut oracle,
        bob,
        vec![ALICE.asks(0, 5, remove()), spend.clone()],
    );
    assert_eq!(rejection(&result, 1), lacking(NATIVE, 55, 0));
    assert_eq!(which_applied(&add(&mut oracle, vec![spend])), [true]);
    assert_eq!(balance(&oracle, bob, NATIVE), 0);
    assert_eq!(balance(&oracle, LOW, NATIVE), 55);
}

// Receipts, changes, versions.

#[test]
fn every_transaction_has_its_receipt_at_its_own_index() {
    let mut oracle = ledger(&[(ALICE.account(), NATIVE, 100)]);
    let forged = BOB.signs(ALICE.asks(0, 0, pay(LOW, 2)));
    let good = ALICE.asks(0, 0, pay(LOW, 1));
    let body = vec![forged.clone(), good.clone(), forged, good];
    let result = add(&mut oracle, body.clone());
    assert_eq!(which_applied(&result), [false, true, false, false]);
    for (receipt, transaction) in result.receipts.iter().zip(&body) {
        assert_eq!(receipt.transaction, transaction_identity(transaction));
    }
    assert_eq!(rejection(&result, 3), wrong_nonce(1, 0));
}

#[test]
fn a_balance_that_comes_and_goes_is_no_change() {
    let mut oracle = ledger(&[(ALICE.account(), NATIVE, 100), (BOB.account(), GOLD, 5)]);
    let gold = |destination, amount| Payload::Transfers(vec![transfer(destination, GOLD, amount)]);
    let result = add(
        &mut oracle,
        vec![
            BOB.asks(0, 0, gold(CAROL.account(), 5)),
            CAROL.asks(0, 0, gold(BOB.account(), 5)),
        ],
    );
    assert_eq!(which_applied(&result), [true, true]);
    let changes: BTreeMap<Cell, Value> =
        [nonce_is(BOB.account(), 1), nonce_is(CAROL.account(), 1)].into();
    assert_eq!(
        result.state_diff.into_iter().collect::<BTreeMap<_, _>>(),
        changes
    );
    // Carol's gold came and went within the block: it leaves no trace between two blocks.
    let cell = Cell::Balance(CAROL.account(), GOLD);
    assert!(!oracle.world().cells.contains_key(&cell));
    assert_eq!(
        versions(&oracle, Cell::Balance(BOB.account(), GOLD)),
        [(0, None, Value::Balance(Amount(5)))]
    );
}

#[test]
fn changes_stand_in_the_order_of_cells() {
    let alice = ALICE.account();
    let mut oracle = rewarding_ledger(
        50,
        1000,
        &[(alice, NATIVE, 100), (alice, GOLD, 100), (LOW, SILVER, 1)],
    );
    let transfers = vec![transfer(HIGH, GOLD, 1), transfer(LOW, NATIVE, 2)];
    let result = add(
        &mut oracle,
        vec![
            ALICE.asks(0, 0, burn(GOLD, 10)),
            ALICE.asks(1, 0, Payload::Transfers(transfers)),
            ALICE.asks(2, 0, set(1, &[BOB])),
        ],
    );
    assert_eq!(
        result.state_diff,
        [
            nonce_is(MINER, 0),
            nonce_is(alice, 3),
            nonce_is(HIGH, 0),
            (
                Cell::Multisig(alice),
                Value::Multisig(Some(multisig(1, &[BOB])))
            ),
            balance_is(LOW, NATIVE, 2),
            balance_is(MINER, NATIVE, 50),
            balance_is(alice, NATIVE, 98),
            balance_is(alice, GOLD, 89),
            balance_is(HIGH, GOLD, 1),
            supply_is(NATIVE, 100, 50, 0),
            supply_is(GOLD, 100, 0, 10),
        ]
    );
}

#[test]
fn a_version_links_to_the_one_before_and_zero_keeps_its_versions() {
    let mut oracle = ledger(&[(ALICE.account(), NATIVE, 100)]);
    applied(&mut oracle, ALICE.asks(0, 0, pay(BOB.account(), 3)));
    add(&mut oracle, Vec::new());
    applied(&mut oracle, BOB.asks(0, 0, pay(LOW, 3)));
    applied(&mut oracle, ALICE.asks(1, 0, pay(BOB.account(), 2)));
    let amount = |n| Value::Balance(Amount(n));
    assert_eq!(
        versions(&oracle, Cell::Balance(BOB.account(), NATIVE)),
        [
            (1, None, amount(3)),
            (3, Some(1), amount(0)),
            (4, Some(3), amount(2)),
        ]
    );
    assert_eq!(
        versions(&oracle, Cell::Balance(ALICE.account(), NATIVE)),
        [
            (0, None, amount(100)),
            (1, Some(0), amount(97)),
            (4, Some(1), amount(95)),
        ]
    );
    let number = |n| Value::Nonce(Nonce(n));
    assert_eq!(
        versions(&oracle, Cell::Nonce(BOB.account())),
        [(1, None, number(0)), (3, Some(1), number(1))]
    );
}

#[test]
fn a_block_that_changes_nothing_has_a_digest_of_its_own() {
    let mut oracle = ledger(&[]);
    let before = oracle.world().digest;
    let result = add(&mut oracle, Vec::new());
    assert_ne!(result.digest, before);
    assert_eq!(oracle.world().digest, result.digest);
}

// History.

/// Alice begins with 100. Between them, the blocks change a cell of every kind more than once.
fn three_bodies() -> [Vec<Transaction>; 3] {
    [
        vec![
            ALICE.asks(0, 1, pay(BOB.account(), 30)),
            BOB.asks(0, 1, burn(NATIVE, 5)),
            BOB.asks(1, 0, set(1, &[CAROL])),
        ],
        vec![
            cosigned(BOB.asks(2, 1, remove()), &[CAROL]),
            BOB.asks(3, 0, pay(ALICE.account(), 23)),
        ],
        vec![ALICE.asks(1, 4, pay(CAROL.account(), 1))],
    ]
}

#[test]
fn rewinding_restores_every_height() {
    let bodies = three_bodies();
    let mut oracle = rewarding_ledger(50, 180, &[(ALICE.account(), NATIVE, 100)]);
    let mut worlds = vec![oracle.world().clone()];
    let mut results = Vec::new();
    for body in &bodies {
        results.push(add(&mut oracle, body.clone()));
        worlds.push(oracle.world().clone());
    }
    // Back to each height, and from there forwards to the same tip.
    for height in [3, 2, 0, 1] {
        oracle.rewind_to(Height(height as u64)).unwrap();
        assert_eq!(oracle.world(), &worlds[height]);
        for index in height..3 {
            assert_eq!(oracle.result(Height(index as u64 + 1)), None);
            assert_eq!(add(&mut oracle, bodies[index].clone()), results[index]);
            assert_eq!(oracle.world(), &worlds[index + 1]);
        }
    }
}

#[test]
fn after_rewinding_the_state_is_what_transactions_see() {
    let mut oracle = rewarding_ledger(50, 160, &[(ALICE.account(), NATIVE, 100)]);
    for body in three_bodies() {
        add(&mut oracle, body);
    }
    oracle.rewind_to(Height(1)).unwrap();
    // Bob needs Carol again, has 24 again, and 10 are left to issue again.
    let (needed, got) = (1, 0);
    let result = add(
        &mut oracle,
        vec![
            BOB.asks(2, 0, pay(LOW, 24)),
            cosigned(BOB.asks(2, 0, pay(LOW, 24)), &[CAROL]),
        ],
    );
    assert_eq!(rejection(&result, 0), Rejection::Multisig { needed, got });
    assert_eq!(which_applied(&result), [false, true]);
    assert_eq!(result.reward, Amount(10));
    assert_eq!(supply(&oracle, NATIVE), [100, 60, 5]);
}

#[test]
fn rewinding_above_the_tip_is_an_error_and_changes_nothing() {
    let mut oracle = ledger(&[]);
    add(&mut oracle, Vec::new());
    let world = oracle.world().clone();
    assert!(oracle.rewind_to(Height(2)).is_err());
    assert_eq!(*oracle.world(), world);
    assert!(oracle.rewind_to(Height(1)).is_ok());
    assert_eq!(*oracle.world(), world);
}

#[test]
fn only_blocks_on_the_chain_have_a_result() {
    let mut oracle = ledger(&[]);
    let first = add(&mut oracle, Vec::new());
    assert_eq!(oracle.result(Height(0)), None);
    assert_eq!(oracle.result(Height(1)), Some(&first));
    assert_eq!(oracle.result(Height(2)), None);
    oracle.rewind_to(Height(0)).unwrap();
    assert_eq!(oracle.result(Height(1)), None);
}
