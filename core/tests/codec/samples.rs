//! Sample values of every type, with every variant among them.

use std::collections::BTreeMap;
use std::fmt::Debug;

use borsh::{BorshDeserialize, BorshSerialize};
use lockstep_core::model::{
    Amount, Asset, Block, Cell, Cosignature, Effect, Genesis, Hash, Header, Height, Multisig,
    Network, Nonce, Outcome, Payload, PublicKey, Receipt, Rejection, Rules, Signature, Supply,
    Timestamp, Transaction, Transfer, Value, Version,
};

/// A type that travels or is stored, with values of it that differ from each other.
pub(crate) trait Sample:
    BorshSerialize + BorshDeserialize + PartialEq + Debug + Sized
{
    const NAME: &'static str;
    fn samples() -> Vec<Self>;
}

macro_rules! for_every_type {
    ($check:ident) => {
        $check::<Transaction>();
        $check::<Block>();
        $check::<Header>();
        $check::<Receipt>();
        $check::<Genesis>();
        $check::<Version>();
    };
}
pub(crate) use for_every_type;

pub(crate) fn key(byte: u8) -> PublicKey {
    PublicKey([byte; 32])
}

pub(crate) fn cosignature(byte: u8) -> Cosignature {
    Cosignature {
        signer: key(byte),
        signature: Signature([byte + 0x11; 64]),
    }
}

pub(crate) fn multisig() -> Multisig {
    Multisig {
        threshold: 1,
        participants: vec![key(0x66), key(0x77)],
    }
}

pub(crate) fn transaction(payload: Payload) -> Transaction {
    Transaction {
        network: Network::Devnet,
        source: key(0x11),
        nonce: Nonce(7),
        fee: Amount(1000),
        payload,
        signature: Signature([0x33; 64]),
        cosignatures: vec![cosignature(0x44)],
    }
}

pub(crate) fn transfers() -> Payload {
    let transfer = |destination, asset, amount| Transfer {
        destination,
        asset,
        amount: Amount(amount),
    };
    Payload::Transfers(vec![
        transfer(key(0x22), Asset::NATIVE, 1),
        transfer(key(0x23), Asset([0xaa; 32]), u64::MAX),
    ])
}

pub(crate) fn burn() -> Payload {
    Payload::Burn {
        asset: Asset([0xaa; 32]),
        amount: Amount(258),
    }
}

impl Sample for Transaction {
    const NAME: &'static str = "a transaction";

    fn samples() -> Vec<Self> {
        let without_cosignatures = Transaction {
            cosignatures: Vec::new(),
            ..transaction(burn())
        };
        let with_two_cosignatures = Transaction {
            cosignatures: vec![cosignature(0x44), cosignature(0x99)],
            ..transaction(burn())
        };
        vec![
            transaction(transfers()),
            transaction(Payload::Transfers(Vec::new())),
            transaction(burn()),
            transaction(Payload::Multisig(multisig())),
            without_cosignatures,
            with_two_cosignatures,
        ]
    }
}

pub(crate) fn header() -> Header {
    Header {
        version: 1,
        network: Network::Stagenet,
        height: Height(3),
        parent: Hash([0x88; 32]),
        time: Timestamp(1_700_000_000_000),
        miner: key(0x99),
        merkle_root: Hash([0xbb; 32]),
        count: 513,
    }
}

impl Sample for Header {
    const NAME: &'static str = "a header";

    fn samples() -> Vec<Self> {
        vec![header()]
    }
}

impl Sample for Block {
    const NAME: &'static str = "a block";

    fn samples() -> Vec<Self> {
        [Vec::new(), Transaction::samples()]
            .map(|transactions| Block {
                header: header(),
                transactions,
            })
            .into()
    }
}

/// Returns one effect of each kind, in their order.
pub(crate) fn effects() -> Vec<Effect> {
    let (account, asset, amount) = (key(0x11), Asset([0xaa; 32]), Amount(258));
    vec![
        Effect::Nonce {
            account,
            to: Nonce(8),
        },
        Effect::Multisig {
            account,
            to: Some(multisig()),
        },
        Effect::Multisig { account, to: None },
        Effect::Debit {
            account,
            asset,
            amount,
        },
        Effect::Credit {
            account: key(0x22),
            asset,
            amount,
        },
        Effect::Burn { asset, amount },
    ]
}

/// One rejection for each reason, in their order.
pub(crate) fn rejections() -> Vec<Rejection> {
    vec![
        Rejection::Network {
            expected: Network::Mainnet,
            got: Network::Testnet,
        },
        Rejection::TransferCount { got: 256 },
        Rejection::ZeroAmount { index: 2 },
        Rejection::ParticipantCount { got: 257 },
        Rejection::Threshold {
            threshold: 3,
            participants: 2,
        },
        Rejection::DuplicateParticipant {
            participant: key(0x66),
        },
        Rejection::CosignatureCount { got: 258 },
        Rejection::Signature { signer: key(0x44) },
        Rejection::Nonce {
            expected: Nonce(8),
            got: Nonce(9),
        },
        Rejection::NonceExhausted,
        Rejection::Multisig { needed: 2, got: 1 },
        Rejection::SumOverflow {
            asset: Asset([0xaa; 32]),
        },
        Rejection::Balance {
            asset: Asset([0xaa; 32]),
            needed: Amount(5),
            available: Amount(4),
        },
    ]
}

pub(crate) fn receipt(outcome: Outcome) -> Receipt {
    Receipt {
        transaction: Hash([0xcc; 32]),
        outcome,
    }
}

pub(crate) fn applied() -> Receipt {
    receipt(Outcome::Applied {
        fee: Amount(1000),
        effects: effects(),
    })
}

impl Sample for Receipt {
    const NAME: &'static str = "a receipt";

    fn samples() -> Vec<Self> {
        let rejected = rejections()
            .into_iter()
            .map(|rejection| receipt(Outcome::Rejected(rejection)));
        std::iter::once(applied()).chain(rejected).collect()
    }
}

pub(crate) fn genesis() -> Genesis {
    Genesis {
        rules: Rules {
            network: Network::Testnet,
            reward: Amount(50),
            native_limit: Amount(21_000_000),
            max_block_bytes: 1 << 20,
        },
        time: Timestamp(1_600_000_000_000),
        balances: BTreeMap::from([
            ((key(0x11), Asset::NATIVE), Amount(1)),
            ((key(0x11), Asset([0xaa; 32])), Amount(2)),
            ((key(0x22), Asset::NATIVE), Amount(3)),
        ]),
    }
}

impl Sample for Genesis {
    const NAME: &'static str = "a genesis";

    fn samples() -> Vec<Self> {
        let empty = Genesis {
            balances: BTreeMap::new(),
            ..genesis()
        };
        vec![genesis(), empty]
    }
}

pub(crate) fn values() -> Vec<Value> {
    vec![
        Value::Nonce(Nonce(8)),
        Value::Multisig(Some(multisig())),
        Value::Multisig(None),
        Value::Balance(Amount(258)),
        Value::Supply(Supply {
            genesis: Amount(1),
            issued: Amount(2),
            burned: Amount(3),
        }),
    ]
}

impl Sample for Version {
    const NAME: &'static str = "a version";

    fn samples() -> Vec<Self> {
        [None, Some(Height(2))]
            .into_iter()
            .flat_map(|previous| {
                values().into_iter().map(move |value| Version {
                    height: Height(3),
                    previous,
                    value,
                })
            })
            .collect()
    }
}

/// One cell of each kind with a value, in the order of cells.
pub(crate) fn cells() -> Vec<(Cell, Value)> {
    let supply = values().pop().expect("the last value is a supply");
    vec![
        (Cell::Nonce(key(0x11)), Value::Nonce(Nonce(8))),
        (Cell::Multisig(key(0x11)), Value::Multisig(None)),
        (
            Cell::Balance(key(0x11), Asset::NATIVE),
            Value::Balance(Amount(258)),
        ),
        (Cell::Supply(Asset([0xaa; 32])), supply),
    ]
}
