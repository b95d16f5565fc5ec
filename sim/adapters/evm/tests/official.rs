//! The official format on one chain made by hand, and on everything that can be wrong with it.

use alloy_primitives::{Address, U256, bytes};
use lockstep_evm::block::{Block, Fork, Ommer};
use lockstep_evm::edges;
use lockstep_evm::execution::{Contender, Execution, Failure};
use lockstep_evm::official::{Chain, Report, chains};
use lockstep_evm::reference::{self, Reference};
use lockstep_evm::roots::state_root;
use lockstep_evm::state::{Account, State};
use serde_json::{Value, json};

const SENDER: &str = "0x9d8a62f656a8d1615c1294fd71e9cfb3e4855a4f";
const EMPTY: &str = "0x0000000000000000000000000000000000000000000000000000000000000000";

/// The signed transaction that EIP-155 gives as its example, in a block with a withdrawal.
fn test() -> Value {
    let account = |balance: &str, nonce: &str| json!({ "balance": balance, "nonce": nonce, "code": "0x", "storage": {} });
    let block = json!({
        "blockHeader": {
            "number": "0x01", "hash": EMPTY, "coinbase": "0x8888f1f195afa192cfee860698584c030f4c9db1",
            "timestamp": "0x03e8", "gasLimit": "0x1c9c380", "baseFeePerGas": "0x07", "difficulty": "0x00",
            "mixHash": EMPTY, "gasUsed": "0x5208", "bloom": format!("0x{}", "00".repeat(256)),
            // The root of one receipt: legacy, succeeded, 21,000 gas, no events.
            "receiptTrie": "0x056b23fbba480696b65fe5a59b8f2148a1299103c4f57df839233af2cf4ca2d2",
            "stateRoot": EMPTY
        },
        "transactions": [{
            "nonce": "0x09", "gasPrice": "0x04a817c800", "gasLimit": "0x5208", "data": "0x",
            "to": "0x3535353535353535353535353535353535353535", "value": "0x0de0b6b3a7640000",
            "v": "0x25", "sender": SENDER,
            "r": "0x28ef61340bd939bc2195fe537567866003e1a15d3c71ff63e1590620aa636276",
            "s": "0x67cbe9d8997f761aecb703304b3800ccf555c9f3dc64214b297fb1966a3b6d83"
        }],
        "uncleHeaders": [],
        "withdrawals": [{ "address": "0x7777777777777777777777777777777777777777", "amount": "0x03" }]
    });
    let mut test = json!({
        "network": "Shanghai",
        "genesisBlockHeader": { "number": "0x00", "hash": EMPTY },
        "blocks": [block],
        "pre": { SENDER: account("0x1bc16d674ec80000", "0x09") },
        "postState": {
            // 10^18 less 21,000 gas at 20 gwei.
            SENDER: account("0x0ddf38b6c895c000", "0x0a"),
            "0x3535353535353535353535353535353535353535": account("0x0de0b6b3a7640000", "0x00"),
            // 21,000 gas at 20 gwei less the base fee of 7 wei.
            "0x8888f1f195afa192cfee860698584c030f4c9db1": account("0x017dfcdecc01c8", "0x00"),
            "0x7777777777777777777777777777777777777777": account("0xb2d05e00", "0x00")
        }
    });
    let expected = chain(&test).after.expect("the test has a state after it");
    test["blocks"][0]["blockHeader"]["stateRoot"] = json!(state_root(&expected).to_string());
    test
}

fn chain(test: &Value) -> Chain {
    let file = json!({ "by hand": test }).to_string();
    let mut chains = chains(&file).expect("the test is in the format");
    chains.remove(0).expect("there are rules for it")
}

fn judged(test: &Value, contenders: &[&dyn Contender]) -> Report {
    let mut report = Report::default();
    report.judge(&chain(test), contenders);
    report
}

#[test]
fn a_chain_that_is_as_expected_has_no_difference() {
    let report = judged(&test(), &[&Reference]);
    assert_eq!(report.differences, Vec::<String>::new());
    let counts = (
        report.chains,
        report.blocks,
        report.transactions,
        report.by_contenders,
    );
    assert_eq!(counts, (1, 1, 1, 1));
}

#[test]
fn every_claim_that_is_wrong_is_a_difference_that_names_it() {
    let header = "/blocks/0/blockHeader";
    let wrong = [
        ("gasUsed", format!("{header}/gasUsed"), json!("0x5209")),
        ("receiptTrie", format!("{header}/receiptTrie"), json!(EMPTY)),
        ("stateRoot", format!("{header}/stateRoot"), json!(EMPTY)),
        (
            "bloom",
            format!("{header}/bloom"),
            json!(format!("0x01{}", "00".repeat(255))),
        ),
        ("nonce", format!("/postState/{SENDER}/nonce"), json!("0x09")),
        (
            "balance",
            format!("/postState/{SENDER}/balance"),
            json!("0x09"),
        ),
        (
            "storage",
            format!("/postState/{SENDER}/storage"),
            json!({ "0x01": "0x02" }),
        ),
    ];
    let words = [
        "gas used",
        "receipts",
        "state root",
        "bloom",
        "nonce",
        "balance",
        "slot 1",
    ];
    for ((name, place, value), word) in wrong.into_iter().zip(words) {
        let mut test = test();
        *test.pointer_mut(&place).expect("the place is there") = value;
        let differences = judged(&test, &[]).differences;
        assert_eq!(differences.len(), 1, "{name}");
        assert!(differences[0].contains(word), "{name}: {differences:?}");
    }
}

#[test]
fn an_invalid_transaction_in_a_valid_block_is_a_difference() {
    let mut test = test();
    test["pre"][SENDER]["nonce"] = json!("0x0a");
    let differences = judged(&test, &[]).differences;
    assert!(differences[0].contains("NonceTooLow"), "{differences:?}");
}

#[test]
fn a_sender_that_is_not_named_is_recovered() {
    let mut test = test();
    let transaction = "/blocks/0/transactions/0";
    let members = test.pointer_mut(transaction).and_then(Value::as_object_mut);
    members.expect("the transaction is there").remove("sender");
    let chain = chain(&test);
    assert_eq!(chain.recovered, 1);
    assert_eq!(
        chain.blocks[0].block.transactions[0]
            .sender
            .to_string()
            .to_lowercase(),
        SENDER
    );
}

#[test]
fn a_sender_that_did_not_sign_is_refused() {
    let mut test = test();
    test["blocks"][0]["transactions"][0]["sender"] = json!(format!("0x{}", "11".repeat(20)));
    let error = chains(&json!({ "by hand": test }).to_string()).expect_err("the name is false");
    assert!(error.contains("is signed by"), "{error}");
}

#[test]
fn a_network_without_rules_is_left_out_with_the_reason() {
    let mut test = test();
    test["network"] = json!("Constantinople");
    let chains = chains(&json!({ "by hand": test }).to_string()).expect("the format is right");
    let left_out = chains[0].as_ref().expect_err("there are no rules for it");
    assert!(left_out.reason.contains("Constantinople"), "{left_out:?}");
}

/// Loses what the block did.
struct Forgetful;

impl Contender for Forgetful {
    fn name(&self) -> String {
        "forgetful".to_owned()
    }

    fn execute(&self, before: &State, block: &Block, _: usize) -> Result<Execution, Failure> {
        let mut execution = reference::execute(before, block)?;
        execution.state = before.clone();
        Ok(execution)
    }
}

#[test]
fn a_contender_that_differs_is_named_with_its_workers() {
    let differences = judged(&test(), &[&Forgetful]).differences;
    assert!(
        differences[0].contains("forgetful on 2 workers"),
        "{differences:?}"
    );
}

#[test]
fn miners_and_ommers_are_rewarded_before_paris() {
    let [miner, uncle] = [1, 2].map(Address::repeat_byte);
    let mut block = Block::plain(Fork::Byzantium, miner, Vec::new());
    block.environment.number = 10;
    block.ommers.push(Ommer {
        number: 9,
        beneficiary: uncle,
    });
    let finney = U256::from(1_000_000_000_000_000u64);
    // 7/8 of 3 ether, and 3 ether with a 32nd.
    let expected = [
        (uncle, finney * U256::from(2_625)),
        (
            miner,
            finney * U256::from(3_093) + finney / U256::from(4) * U256::from(3),
        ),
    ];
    assert_eq!(edges::rewards(&block), expected);
    block.fork = Fork::Paris;
    assert_eq!(edges::rewards(&block), []);
}

#[test]
fn contracts_of_requests_are_asked_after_a_block_of_prague() {
    let mut state = State::default();
    // Returns one byte, 42.
    let answers = Account::contract(bytes!("602a60005360016000f3"));
    state
        .accounts
        .insert(edges::WITHDRAWAL_REQUESTS, answers.clone());
    state
        .accounts
        .insert(edges::CONSOLIDATION_REQUESTS, answers);
    let mut block = Block::plain(Fork::Prague, Address::ZERO, Vec::new());
    let requests = |block: &Block| reference::execute(&state, block).map(|it| it.requests);
    assert_eq!(requests(&block), Ok(vec![bytes!("012a"), bytes!("022a")]));
    block.fork = Fork::Cancun;
    assert_eq!(requests(&block), Ok(Vec::new()));
}

#[test]
fn the_hash_of_the_parent_is_handed_to_its_contract_from_prague_on() {
    // Stores its input in slot 0.
    let stores = Account::contract(bytes!("60003560005500"));
    let state = State {
        accounts: [(edges::BLOCK_HASHES, stores)].into(),
    };
    let mut block = Block::plain(Fork::Prague, Address::ZERO, Vec::new());
    let slot = |block: &Block| {
        let after = reference::execute(&state, block)
            .expect("the calls succeed")
            .state;
        after.accounts[&edges::BLOCK_HASHES]
            .storage
            .get(&U256::ZERO)
            .copied()
    };
    let hash = block.environment.hashes[&0];
    assert_eq!(slot(&block), Some(hash.into()));
    block.fork = Fork::Cancun;
    assert_eq!(slot(&block), None);
}
