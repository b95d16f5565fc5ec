//! Printed by `lockstep export`. It showed same-as-serial.

use lockstep_harness::coverage::Coverage;
use lockstep_sim::campaign;
use lockstep_sim::scenario::*;

#[test]
#[rustfmt::skip]
fn reproducer_every_kind() {
    let scenario = Scenario {
        genesis: GenesisRecipe {
            network: NetworkName::Testnet,
            reward: 5,
            native_limit: 18446744073709551615,
            max_block_bytes: 1048576,
            balances: vec![Holding(0, 0, 1000), Holding(1, 0, 50), Holding(1, 3, 7)],
        },
        hash_seed: 9,
        workers: None,
        steps: vec![
            Step::Block(BlockRecipe {
                miner: 9,
                later_ms: 1,
                flaw: None,
                transactions: vec![
                    TransactionRecipe { from: 0, nonce: 0, fee: 1, action: Action::Send(vec![Sending(1, 0, 10), Sending(2, 0, 20)]), cosigners: vec![], flaw: None },
                    TransactionRecipe { from: 1, nonce: 0, fee: 0, action: Action::Burn(3, 2), cosigners: vec![], flaw: None },
                    TransactionRecipe { from: 0, nonce: 1, fee: 0, action: Action::Multisig(1, vec![1, 2]), cosigners: vec![], flaw: None },
                    TransactionRecipe { from: 0, nonce: 2, fee: 0, action: Action::Send(vec![]), cosigners: vec![1, 2], flaw: None },
                    TransactionRecipe { from: 0, nonce: 2, fee: 0, action: Action::Send(vec![Sending(1, 0, 1)]), cosigners: vec![], flaw: Some(TransactionFlaw::Network(NetworkName::Mainnet)) },
                    TransactionRecipe { from: 0, nonce: 2, fee: 0, action: Action::Send(vec![Sending(1, 0, 1)]), cosigners: vec![], flaw: Some(TransactionFlaw::SignedBy(4)) },
                    TransactionRecipe { from: 0, nonce: 2, fee: 0, action: Action::Send(vec![Sending(1, 0, 1)]), cosigners: vec![], flaw: Some(TransactionFlaw::FlippedBit(7)) },
                    TransactionRecipe { from: 0, nonce: 2, fee: 0, action: Action::Send(vec![Sending(1, 0, 1)]), cosigners: vec![], flaw: Some(TransactionFlaw::FeeChanged) },
                    TransactionRecipe { from: 0, nonce: 2, fee: 0, action: Action::Send(vec![Sending(1, 0, 1)]), cosigners: vec![1], flaw: Some(TransactionFlaw::ForgedCosignature) },
                    TransactionRecipe { from: 0, nonce: 2, fee: 0, action: Action::Send(vec![Sending(1, 0, 1)]), cosigners: vec![], flaw: Some(TransactionFlaw::ScalarNotReduced) },
                    TransactionRecipe { from: 0, nonce: 2, fee: 0, action: Action::Multisig(0, vec![]), cosigners: vec![], flaw: Some(TransactionFlaw::SmallOrder) },
                ],
            }),
            Step::Rewind(1),
            Step::Reapply,
            Step::Reopen,
            Step::Fault(Fault::Crash { at: 3, loss: lockstep_sim::disk::Loss::All }),
            Step::Fault(Fault::Crash { at: 1, loss: lockstep_sim::disk::Loss::Torn(5) }),
            Step::Reopen,
            Step::Fault(Fault::DiskFails { call: lockstep_sim::disk::Call::Write, at: 0, count: 1 }),
            Step::Rewind(0),
            Step::Fault(Fault::DiskFull { after: 9 }),
            Step::Fault(Fault::ReadFails { at: 1 }),
            Step::Fault(Fault::Panic { transaction: 0, persists: true }),
            Step::Fault(Fault::PanicAtRead { at: 2 }),
            Step::Fault(Fault::PanicInCommit { is_written: true }),
            Step::Fault(Fault::Cancel(InjectionPoint::Read(1))),
            Step::Fault(Fault::ConcurrentRequest(InjectionPoint::Step(2), ConcurrentRequest::Rewind(1))),
            Step::Fault(Fault::Clock { jump_ms: -5 }),
            Step::Block(BlockRecipe {
                miner: 9,
                later_ms: 0,
                flaw: Some(BlockFlaw::Version(2)),
                transactions: vec![
                ],
            }),
            Step::Block(BlockRecipe {
                miner: 9,
                later_ms: 0,
                flaw: Some(BlockFlaw::Network(NetworkName::Stagenet)),
                transactions: vec![
                ],
            }),
            Step::Block(BlockRecipe {
                miner: 9,
                later_ms: 0,
                flaw: Some(BlockFlaw::Height(7)),
                transactions: vec![
                ],
            }),
            Step::Block(BlockRecipe {
                miner: 9,
                later_ms: 0,
                flaw: Some(BlockFlaw::Parent),
                transactions: vec![
                ],
            }),
            Step::Block(BlockRecipe {
                miner: 9,
                later_ms: 0,
                flaw: Some(BlockFlaw::Earlier),
                transactions: vec![
                ],
            }),
            Step::Block(BlockRecipe {
                miner: 9,
                later_ms: 0,
                flaw: Some(BlockFlaw::Count),
                transactions: vec![
                ],
            }),
            Step::Block(BlockRecipe {
                miner: 9,
                later_ms: 0,
                flaw: Some(BlockFlaw::MerkleRoot),
                transactions: vec![
                ],
            }),
            Step::Block(BlockRecipe {
                miner: 9,
                later_ms: 0,
                flaw: Some(BlockFlaw::RepeatedLast),
                transactions: vec![
                ],
            }),
            Step::Block(BlockRecipe {
                miner: 9,
                later_ms: 0,
                flaw: Some(BlockFlaw::Truncated(50)),
                transactions: vec![
                ],
            }),
            Step::Block(BlockRecipe {
                miner: 9,
                later_ms: 0,
                flaw: Some(BlockFlaw::Extended),
                transactions: vec![
                ],
            }),
            Step::Block(BlockRecipe {
                miner: 9,
                later_ms: 0,
                flaw: Some(BlockFlaw::FlippedBit(3)),
                transactions: vec![
                ],
            }),
            Step::Pool(PoolRecipe { transactions: 3, bytes: 900 }),
            Step::Submit(vec![
                    TransactionRecipe { from: 0, nonce: 2, fee: 1, action: Action::Send(vec![Sending(1, 0, 5)]), cosigners: vec![], flaw: None },
                    TransactionRecipe { from: 1, nonce: 1, fee: 2, action: Action::Send(vec![Sending(0, 0, 1)]), cosigners: vec![], flaw: None },
            ]),
            Step::Template(TemplateRecipe { miner: 9, count: 1, bytes: 400 }),
        ],
    };
    let folder = tempfile::tempdir().expect("there is room for a temporary folder");
    let outcome = campaign::on_core(&scenario, folder.path(), &mut Coverage::default());
    assert!(outcome.is_ok(), "{outcome:?}");
}
