//! Core's graph of conflicts beside the schedulers of others, on the same blocks, in one run.
//!
//! ```sh
//! cd benches/peers
//! cargo run --release --locked               # some minutes; the first build takes ten
//! cargo run --release --locked -- --short    # some seconds
//! ```
//!
//! Each peer is given what its kind of ledger would give it: whole accounts, the source for writing,
//! the destination of a credit for reading, which is how a credit commutes there. That is less than
//! what core looks at (a nonce and one balance for each asset), so a transaction of several assets
//! costs them no more than one with one. The time is that from the transactions to the last of them
//! being given out and finished, but for the making of Solana's own transactions.

use std::cell::RefCell;
use std::cmp::Reverse;
use std::collections::{HashMap, VecDeque};

use ahash::RandomState;
use lockstep_benches::control;
use lockstep_benches::scheduling::{Once, SCHEMES, Scheme, print_table};
use lockstep_benches::unsigned::hasher;
use lockstep_core::model::{Payload, PublicKey, Transaction};
use prio_graph::{AccessKind, GraphNode, PrioGraph, TopLevelId};
use solana_hash::Hash;
use solana_message::{Message, MessageHeader};
use solana_pubkey::Pubkey;
use solana_runtime_transaction::runtime_transaction::RuntimeTransaction;
use solana_transaction::sanitized::SanitizedTransaction;
use solana_unified_scheduler_logic::{Capability, SchedulingStateMachine, Task, UsageQueue};

fn main() {
    let is_short = std::env::args().any(|argument| argument == "--short");
    let (rounds, sizes): (usize, &[u16]) = match is_short {
        true => (3, &[100, 10_000]),
        false => (9, &[100, 1_000, 10_000, u16::MAX]),
    };
    println!(
        "Medians of {rounds} rounds. Control before: {:.2}\n",
        control::two_threads_against_one()
    );
    let mut schemes = Vec::from(SCHEMES);
    // It takes most of the time and is in the bench `scheduling`.
    schemes.retain(|scheme| !scheme.is_slow);
    schemes.push(Scheme {
        name: "prio-graph",
        is_slow: false,
        prepare: with_prio_graph,
    });
    schemes.push(Scheme {
        name: "solana",
        is_slow: false,
        prepare: with_unified_scheduler,
    });
    print_table(&schemes, sizes, rounds);
    println!("\nControl after: {:.2}", control::two_threads_against_one());
}

/// The accounts that a transaction credits. Those of these patterns are one, whatever the assets.
fn credited(transaction: &Transaction) -> Option<PublicKey> {
    match &transaction.payload {
        Payload::Transfers(transfers) => Some(transfers[0].destination),
        _ => None,
    }
}

/// In the order of the block.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct First(Reverse<u32>);

impl TopLevelId<u32> for First {
    fn id(&self) -> u32 {
        self.0.0
    }
}

fn with_prio_graph(transactions: &[Transaction]) -> Once<'_> {
    Box::new(move || {
        let mut graph = PrioGraph::new(|id: &u32, _: &GraphNode<u32>| First(Reverse(*id)));
        for (index, transaction) in (0..).zip(transactions) {
            let source = (transaction.source, AccessKind::Write);
            let credited = credited(transaction).map(|account| (account, AccessKind::Read));
            graph.insert_transaction(index, std::iter::once(source).chain(credited));
        }
        let mut given = 0;
        while graph.pop_and_unblock().is_some() {
            given += 1;
        }
        assert_eq!(given, transactions.len(), "everything was given out");
    })
}

thread_local! {
    // SAFETY: what is asked for is that there is one in a thread at most.
    static MACHINE: RefCell<SchedulingStateMachine> = RefCell::new(unsafe {
        SchedulingStateMachine::exclusively_initialize_current_thread_for_scheduling(None, None)
    });
}

fn with_unified_scheduler(transactions: &[Transaction]) -> Once<'_> {
    let theirs: Vec<_> = transactions.iter().map(in_their_words).collect();
    Box::new(move || {
        MACHINE.with_borrow_mut(|machine| {
            let count = theirs.len();
            let mut queues: HashMap<Pubkey, UsageQueue, RandomState> =
                HashMap::with_capacity_and_hasher(2 * count, hasher());
            let mut queue = |key| {
                let queue = queues.entry(key);
                queue
                    .or_insert_with(|| UsageQueue::new(&Capability::FifoQueueing))
                    .clone()
            };
            let mut ready: VecDeque<Task> = VecDeque::new();
            for (index, transaction) in (0..).zip(theirs) {
                let task = SchedulingStateMachine::create_task(transaction, index, &mut queue);
                ready.extend(machine.schedule_or_buffer_task(task, false));
            }
            let mut given = 0;
            while let Some(task) = ready
                .pop_front()
                .or_else(|| machine.schedule_next_unblocked_task())
            {
                machine.deschedule_task(&task);
                given += 1;
            }
            assert_eq!(given, count, "everything was given out");
            machine.reinitialize();
        });
    })
}

/// One that writes the source and reads whom it credits, and does nothing.
fn in_their_words(transaction: &Transaction) -> RuntimeTransaction<SanitizedTransaction> {
    let mut account_keys = vec![Pubkey::new_from_array(transaction.source.0)];
    account_keys.extend(credited(transaction).map(|key| Pubkey::new_from_array(key.0)));
    let message = Message {
        header: MessageHeader {
            num_required_signatures: 1,
            num_readonly_signed_accounts: 0,
            num_readonly_unsigned_accounts: 1,
        },
        account_keys,
        recent_blockhash: Hash::default(),
        instructions: Vec::new(),
    };
    let unsigned = solana_transaction::Transaction::new_unsigned(message);
    RuntimeTransaction::from_transaction_for_tests(unsigned)
}
