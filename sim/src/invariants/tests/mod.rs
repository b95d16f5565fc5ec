//! Every invariant holds on an honest step and names the falsification that is made for it.

mod interrupted;
mod pool;
mod reads;

use lockstep_core::codec;
use lockstep_core::model::{
    Amount, Asset, Block, Cell, Effect, Genesis, Hash, Height, Nonce, Outcome, PublicKey, Refusal,
    Rejection, Timestamp, Value, Version,
};

use super::{Event, Evidence, first_violation};
use crate::oracle::Oracle;
use crate::scenario::build::{self, Keys};
use crate::scenario::{
    Action, BlockRecipe, GenesisRecipe, Holding, NetworkName, Sending, TransactionRecipe,
};
use crate::subject::{AtWork, StoredBlock};
use crate::world::{BlockResult, World};

const SENDER: u32 = 0;
const RECEIVER: u32 = 1;
const MINER: u32 = 2;

/// An honest step, to be falsified: a block with a transfer of 30 with fee 2 and one that is
/// rejected, on top of another block.
struct Step {
    genesis: Genesis,
    block: Block,
    before: World,
    after: World,
    expected: World,
    got: Result<BlockResult, Refusal>,
    oracle_said: BlockResult,
    stored: Option<StoredBlock>,
    at_work: Option<AtWork>,
}

impl Step {
    fn honest() -> Self {
        let mut keys = Keys::default();
        let genesis = build::genesis(
            &GenesisRecipe {
                network: NetworkName::Devnet,
                reward: 5,
                native_limit: 2_000,
                max_block_bytes: 1 << 20,
                balances: vec![Holding(SENDER, 0, 1_000)],
            },
            &mut keys,
        );
        let mut oracle = Oracle::new(&genesis).expect("the genesis is possible");
        let transfer = |nonce, amount| TransactionRecipe {
            from: SENDER,
            nonce,
            fee: 2,
            action: Action::Send(vec![Sending(RECEIVER, 0, amount)]),
            cosigners: Vec::new(),
            flaw: None,
        };
        let mut block_of = |transactions, tip: &World| {
            let recipe = BlockRecipe {
                miner: MINER,
                later_ms: 1,
                flaw: None,
                transactions,
            };
            let bytes = build::block(&recipe, &genesis.rules, tip, &mut keys);
            codec::decode_block(&bytes, u64::MAX).expect("a block without a flaw decodes")
        };
        let first = block_of(vec![transfer(0, 10)], oracle.world());
        oracle
            .add_block(&first)
            .expect("the first block is accepted");
        let before = oracle.world().clone();
        let block = block_of(vec![transfer(1, 30), transfer(2, 100_000)], &before);
        let result = oracle.add_block(&block).expect("the block is accepted");
        Step {
            genesis,
            before,
            after: oracle.world().clone(),
            expected: oracle.world().clone(),
            stored: Some((block.clone(), result.receipts.clone())),
            block,
            got: Ok(result.clone()),
            oracle_said: result,
            at_work: None,
        }
    }

    fn judged(&self, event: Event<'_>) -> Option<&'static str> {
        let evidence = Evidence {
            rules: &self.genesis.rules,
            before: &self.before,
            after: &self.after,
            expected: &self.expected,
            event,
        };
        first_violation(&evidence).map(|(invariant, _)| invariant.name)
    }

    fn judged_as_block(&self) -> Option<&'static str> {
        self.judged(Event::Block {
            block: &self.block,
            got: self.got.as_ref(),
            expected: Ok(&self.oracle_said),
            stored: self.stored.as_ref(),
            at_work: self.at_work,
        })
    }

    fn result(&mut self) -> &mut BlockResult {
        self.got.as_mut().expect("the block was accepted")
    }

    fn versions(&mut self, cell: Cell) -> &mut Vec<Version> {
        self.after.cells.entry(cell).or_default()
    }

    fn balance(&mut self, account: u32) -> &mut Amount {
        let cell = Cell::Balance(key(account), Asset::NATIVE);
        match self
            .versions(cell)
            .last_mut()
            .map(|version| &mut version.value)
        {
            Some(Value::Balance(amount)) => amount,
            other => panic!("a balance was written, not {other:?}"),
        }
    }
}

fn key(account: u32) -> PublicKey {
    Keys::default().public(account)
}

/// Returns the name of the first violation of an honest step that is falsified like this.
fn violated_by(falsify: impl FnOnce(&mut Step)) -> Option<&'static str> {
    let mut step = Step::honest();
    falsify(&mut step);
    step.judged_as_block()
}

#[test]
fn an_honest_step_violates_nothing() {
    let step = Step::honest();
    assert_eq!(step.judged_as_block(), None);
    assert_eq!(
        step.judged(Event::Rewound {
            recorded: &step.after
        }),
        None
    );
    let reopened = Step {
        before: step.after.clone(),
        ..step
    };
    assert_eq!(reopened.judged(Event::Reopened), None);
}

#[test]
fn more_workers_than_there_may_be_are_named() {
    let at_work = |most| Some(AtWork { limit: 2, most });
    assert_eq!(violated_by(|step| step.at_work = at_work(2)), None);
    assert_eq!(
        violated_by(|step| step.at_work = at_work(3)),
        Some("workers-stay-within-their-limit")
    );
}

#[test]
fn a_missing_receipt_is_named() {
    let name = violated_by(|step| {
        step.result().receipts.pop();
    });
    assert_eq!(name, Some("one-receipt-per-transaction"));
}

#[test]
fn receipts_in_another_order_are_named() {
    let name = violated_by(|step| step.result().receipts.swap(0, 1));
    assert_eq!(name, Some("one-receipt-per-transaction"));
}

#[test]
fn a_fee_that_a_rejected_transaction_paid_is_named() {
    // The only transaction is rejected, and yet its fee went from the sender to the miner.
    let name = violated_by(|step| {
        let rejected = step.result().receipts[1].outcome.clone();
        step.result().receipts[0].outcome = rejected;
        let genesis_sender = step.before.cells[&Cell::Nonce(key(SENDER))].clone();
        *step.versions(Cell::Nonce(key(SENDER))) = genesis_sender;
        *step.balance(SENDER) = Amount(986);
        *step.balance(MINER) = Amount(14);
    });
    assert_eq!(name, Some("rejected-leaves-no-trace"));
}

#[test]
fn a_refused_block_that_left_a_trace_is_named() {
    let name = violated_by(|step| {
        step.got = Err(Refusal::Time {
            parent: Timestamp(2),
            got: Timestamp(1),
        });
    });
    assert_eq!(name, Some("rejected-leaves-no-trace"));
}

#[test]
fn a_nonce_that_stood_still_is_named() {
    let name = violated_by(|step| {
        let before = step.before.cells[&Cell::Nonce(key(SENDER))].clone();
        *step.versions(Cell::Nonce(key(SENDER))) = before;
    });
    assert_eq!(name, Some("nonces-advance-by-applied"));
}

#[test]
fn a_nonce_that_advanced_twice_is_named() {
    let name = violated_by(|step| {
        let versions = step.versions(Cell::Nonce(key(SENDER)));
        versions.last_mut().expect("there is a version").value = Value::Nonce(Nonce(3));
    });
    assert_eq!(name, Some("nonces-advance-by-applied"));
}

#[test]
fn a_debit_that_did_not_happen_is_named() {
    let name = violated_by(|step| step.balance(SENDER).0 += 32);
    assert_eq!(name, Some("receipts-explain-balances"));
}

#[test]
fn money_that_receipts_agree_about_but_no_account_had_is_named() {
    // Receipt and balance tell the same story: the receiver got 31 and the sender gave 30.
    let name = violated_by(|step| {
        step.balance(RECEIVER).0 += 1;
        let Outcome::Applied { effects, .. } = &mut step.result().receipts[0].outcome else {
            panic!("the first transaction is applied");
        };
        for effect in effects {
            if let Effect::Credit { amount, .. } = effect {
                amount.0 += 1;
            }
        }
    });
    assert_eq!(name, Some("supply-is-conserved"));
}

#[test]
fn a_limit_on_the_native_asset_that_was_passed_is_named() {
    let name = violated_by(|step| step.genesis.rules.native_limit = Amount(1_009));
    assert_eq!(name, Some("supply-is-conserved"));
}

#[test]
fn a_version_that_follows_itself_is_named() {
    let name = violated_by(|step| {
        let versions = step.versions(Cell::Nonce(key(SENDER)));
        let last = versions.last_mut().expect("there is a version");
        last.previous = Some(last.height);
    });
    assert_eq!(name, Some("versions-descend"));
}

#[test]
fn a_version_that_repeats_a_value_is_named() {
    let mut step = Step::honest();
    let none_at = |height, previous| Version {
        height,
        previous,
        value: Value::Multisig(None),
    };
    *step.versions(Cell::Multisig(key(SENDER))) = vec![
        none_at(Height(1), None),
        none_at(Height(2), Some(Height(1))),
    ];
    step.before = step.after.clone();
    assert_eq!(step.judged(Event::Reopened), Some("versions-descend"));
}

#[test]
fn a_version_above_the_tip_is_named() {
    let mut step = Step::honest();
    step.after.height = Height(1);
    step.before = step.after.clone();
    assert_eq!(step.judged(Event::Reopened), Some("versions-descend"));
}

#[test]
fn a_rewind_that_left_something_is_named() {
    let step = Step::honest();
    let name = step.judged(Event::Rewound {
        recorded: &step.before,
    });
    assert_eq!(name, Some("rewind-restores"));
}

#[test]
fn a_ledger_that_comes_back_older_is_named() {
    let step = Step::honest();
    assert_eq!(step.judged(Event::Reopened), Some("reopen-changes-nothing"));
}

#[test]
fn receipts_that_are_kept_otherwise_are_named() {
    let name = violated_by(|step| {
        let (_, receipts) = step.stored.as_mut().expect("the block is kept");
        receipts.pop();
    });
    assert_eq!(name, Some("reads-back"));
}

#[test]
fn a_block_that_is_not_kept_is_named() {
    assert_eq!(violated_by(|step| step.stored = None), Some("reads-back"));
}

#[test]
fn another_reason_of_a_rejection_is_named() {
    let name = violated_by(|step| {
        let other = Outcome::Rejected(Rejection::NonceExhausted);
        step.result().receipts[1].outcome = other.clone();
        let (_, receipts) = step.stored.as_mut().expect("the block is kept");
        receipts[1].outcome = other;
    });
    assert_eq!(name, Some("same-as-serial"));
}

#[test]
fn another_digest_is_named() {
    let name = violated_by(|step| {
        step.result().digest = Hash([7; 32]);
        step.after.digest = Hash([7; 32]);
    });
    assert_eq!(name, Some("same-as-serial"));
}

#[test]
fn a_refusal_of_a_good_block_is_named() {
    let name = violated_by(|step| {
        step.after = step.before.clone();
        step.got = Err(Refusal::Version {
            expected: 1,
            got: 1,
        });
        step.stored = None;
    });
    assert_eq!(name, Some("same-as-serial"));
}

#[test]
fn a_version_that_only_the_subject_has_is_named() {
    let mut step = Step::honest();
    *step.versions(Cell::Multisig(key(SENDER))) = vec![Version {
        height: Height(1),
        previous: None,
        value: Value::Multisig(None),
    }];
    step.before = step.after.clone();
    assert_eq!(step.judged(Event::Reopened), Some("same-as-serial"));
}

#[test]
fn the_order_of_the_invariants_is_from_the_specific_to_the_general() {
    let names: Vec<_> = super::ALL
        .iter()
        .map(|check| check.invariant.name)
        .collect();
    assert_eq!(names.last(), Some(&"same-as-serial"));
    let distinct: std::collections::BTreeSet<_> = names.iter().collect();
    assert_eq!(distinct.len(), names.len());
}
