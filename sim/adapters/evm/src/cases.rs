//! Small blocks, each of which shows one kind of defect, and the contracts in them.

use alloy_primitives::{Address, Bytes, U256, bytes};

use crate::block::{Block, Fork, Kind, Transaction};
use crate::state::{Account, State};

/// A block with the state before it.
#[derive(Clone, Debug)]
pub struct Case {
    /// Its name.
    pub name: &'static str,
    /// The state before the block.
    pub before: State,
    /// The block.
    pub block: Block,
}

/// Adds 1 to slot 0.
pub const COUNTER: Bytes = bytes!("60005460010160005500");
/// Without input: writes slot 1 if slot 0 is zero. One byte: writes slot 0. Two: copies slot 1 to 2.
pub const BRANCH: Bytes =
    bytes!("36600114601b573660021460225760005460195760016001555b005b6001600055005b60015460025500");
/// Writes the balance of the account named in the input into slot 0.
pub const BALANCE_READER: Bytes = bytes!("6000353160005500");
/// Writes the size of the code of the account named in the input into slot 0.
pub const CODE_READER: Bytes = bytes!("6000353b60005500");
/// Reverts.
pub const REVERTER: Bytes = bytes!("60006000fd");
/// Destroys itself in favour of the account named in the input.
pub const DESTROYER: Bytes = bytes!("600035ff");
/// Makes a [`COUNTER`].
pub const MAKES_COUNTER: Bytes = bytes!("6960005460010160005500600052600a6016f3");
/// Hashes as often as the input says, and writes the hash into a slot of the caller's own.
pub const HASHER: Bytes = bytes!("6000355b60206000206000526001900380600357600051335500");

/// The fee receiver of all cases.
pub const RECEIVER: Address = Address::repeat_byte(0xfe);

/// The wallet of an index.
pub fn wallet(index: u8) -> Address {
    Address::repeat_byte(0x10 + index)
}

/// The address of the contract of an index.
pub fn contract(index: u8) -> Address {
    Address::repeat_byte(0xc0 + index)
}

/// An address as input of a contract.
fn word(address: Address) -> Bytes {
    address.into_word().to_vec().into()
}

const ETHER: U256 = U256::from_limbs([1_000_000_000_000_000_000, 0, 0, 0]);

/// A transfer of `value` for 1 wei a gas, or 21,000 in all.
pub fn transfer(sender: Address, nonce: u64, to: Address, value: u64) -> Transaction {
    Transaction {
        sender,
        to: Some(to),
        nonce,
        value: U256::from(value),
        data: Bytes::new(),
        gas_limit: 21_000,
        chain_id: None,
        access_list: Vec::new(),
        kind: Kind::Legacy { gas_price: 1 },
    }
}

/// A call with 200,000 gas for 1 wei each.
pub fn call(sender: Address, nonce: u64, to: Address, data: Bytes) -> Transaction {
    Transaction {
        data,
        gas_limit: 200_000,
        ..transfer(sender, nonce, to, 0)
    }
}

/// A state of five rich wallets.
pub fn wallets() -> State {
    let accounts = (0..5).map(|index| (wallet(index), Account::with_balance(ETHER)));
    State {
        accounts: accounts.collect(),
    }
}

/// Wallets, and contracts with the codes given.
fn with_contracts<const N: usize>(codes: [Bytes; N]) -> State {
    let mut state = wallets();
    for (index, code) in (0..).zip(codes) {
        state
            .accounts
            .insert(contract(index), Account::contract(code));
    }
    state
}

/// All cases.
pub fn cases() -> Vec<Case> {
    let [a, b, c, rich, poor] = [0, 1, 2, 3, 9].map(wallet);
    let case = |name, before, transactions| Case {
        name,
        before,
        block: Block::plain(Fork::Cancun, RECEIVER, transactions),
    };
    let mut cases = vec![
        case(
            "same sender twice",
            wallets(),
            vec![transfer(a, 0, rich, 1), transfer(a, 1, rich, 2)],
        ),
        case(
            "three on one slot",
            with_contracts([COUNTER]),
            [a, b, c]
                .map(|it| call(it, 0, contract(0), Bytes::new()))
                .to_vec(),
        ),
        case(
            "spend what was received",
            wallets(),
            vec![transfer(a, 0, poor, 50_000), transfer(poor, 0, rich, 1)],
        ),
        case(
            "one transfer to a new account",
            wallets(),
            vec![transfer(a, 0, poor, 1)],
        ),
        case(
            "branch on what another wrote",
            with_contracts([BRANCH]),
            vec![
                call(a, 0, contract(0), bytes!("00")),
                call(b, 0, contract(0), Bytes::new()),
                call(c, 0, contract(0), bytes!("0000")),
            ],
        ),
        case(
            "a contract reads the fee receiver",
            with_contracts([BALANCE_READER]),
            vec![
                transfer(a, 0, rich, 1),
                transfer(b, 0, rich, 1),
                call(c, 0, contract(0), word(RECEIVER)),
            ],
        ),
        case(
            "one reverted call",
            with_contracts([REVERTER]),
            vec![Transaction {
                value: U256::from(7),
                ..call(a, 0, contract(0), Bytes::new())
            }],
        ),
    ];
    cases.extend(cases_of_money(case));
    cases.extend(cases_of_code());
    cases.extend(cases_of_gas());
    cases
}

fn cases_of_money(case: impl Fn(&'static str, State, Vec<Transaction>) -> Case) -> Vec<Case> {
    let [a, rich, poor] = [0, 3, 9].map(wallet);
    let with = |address, balance: u64| {
        let mut state = wallets();
        state.credit(address, U256::from(balance));
        state
    };
    vec![
        case(
            "the fee receiver spends",
            with(RECEIVER, 21_000),
            vec![transfer(a, 0, rich, 1), transfer(RECEIVER, 0, rich, 21_000)],
        ),
        case(
            "the fee receiver pays itself",
            with(RECEIVER, 50_000),
            vec![transfer(RECEIVER, 0, RECEIVER, 5)],
        ),
        case(
            "send all there is",
            with(poor, 21_005),
            vec![transfer(poor, 0, rich, 5)],
        ),
        case(
            "an absent fee receiver gets nothing",
            wallets(),
            vec![Transaction {
                kind: Kind::Legacy { gas_price: 0 },
                ..transfer(a, 0, rich, 1)
            }],
        ),
    ]
}

fn cases_of_code() -> Vec<Case> {
    let [a, b, c] = [0, 1, 2].map(wallet);
    let made = b.create(0);
    let transactions = vec![
        transfer(a, 0, made, 1),
        Transaction {
            to: None,
            ..call(b, 0, made, MAKES_COUNTER)
        },
        call(c, 0, made, Bytes::new()),
    ];
    let deployed = Case {
        name: "call, deploy, call",
        before: wallets(),
        block: Block::plain(Fork::Cancun, RECEIVER, transactions),
    };
    let transactions = vec![
        call(a, 0, contract(0), word(c)),
        call(b, 0, contract(1), word(contract(0))),
    ];
    // From Cancun on only what was made in the same transaction is destroyed.
    let destroyed = Case {
        name: "destroy, then ask for the code",
        before: with_contracts([DESTROYER, CODE_READER]),
        block: Block::plain(Fork::Shanghai, RECEIVER, transactions),
    };
    vec![deployed, destroyed]
}

fn cases_of_gas() -> Vec<Case> {
    let [a, b, rich] = [0, 1, 3].map(wallet);
    let limited = |name, limit, transactions| {
        let mut block = Block::plain(Fork::Cancun, RECEIVER, transactions);
        block.environment.gas_limit = limit;
        Case {
            name,
            before: wallets(),
            block,
        }
    };
    let declaring = |sender, gas_limit| Transaction {
        gas_limit,
        ..transfer(sender, 0, rich, 1)
    };
    vec![
        limited(
            "two that do not fit together",
            100_000,
            vec![declaring(a, 60_000), declaring(b, 90_000)],
        ),
        limited(
            "a large one after a small one",
            100_000,
            vec![declaring(a, 30_000), declaring(b, 80_000)],
        ),
        limited(
            "a successor of one that does not fit",
            50_000,
            vec![
                declaring(a, 21_000),
                declaring(b, 40_000),
                declaring(b, 21_000),
            ],
        ),
    ]
}
