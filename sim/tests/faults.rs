//! Injected faults happen, core survives them, and a subject that does not is named.

#[path = "buggy/mod.rs"]
mod buggy;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;

use buggy::{BuggyLedger, LedgerBug, scenario};
use lockstep_core::storage::{Batch, Entry, Storage, StorageError, Table};
use lockstep_harness::coverage::Coverage;
use lockstep_harness::violation::Failure;
use lockstep_sim::disk::{Call, Disk, Loss};
use lockstep_sim::faulty::{self, OnDisk, OnDiskBug, PlainStorage};
use lockstep_sim::reproducer::Reproducer;
use lockstep_sim::scenario::{ConcurrentRequest, Fault, InjectionPoint, Scenario, Step};
use lockstep_sim::shrink::{self, BUDGET};
use lockstep_sim::subject::{Execution, Subject};
use lockstep_sim::trial::{self, Setup};

/// Asserts that core survives these faults. Returns the coverage.
fn survived(faults: &[Fault]) -> Coverage {
    let mut coverage = Coverage::default();
    let outcome = trial::run(&scenario(faults), &faulty::subjects, &mut coverage);
    assert!(outcome.is_ok(), "{faults:?}: {outcome:?}");
    coverage
}

/// Runs a scenario on subjects. Returns the name of the violated invariant.
fn named(scenario: &Scenario, setup: &Setup<'_>) -> Option<String> {
    match trial::run(scenario, setup, &mut Coverage::default()) {
        Ok(_) => None,
        Err(Failure::Violation(violation)) => Some(violation.invariant.name.to_owned()),
        Err(Failure::Infrastructure(reason)) => panic!("the machine failed: {reason}"),
    }
}

fn buggy(faults: &[Fault], bug: LedgerBug) -> Option<String> {
    named(&scenario(faults), &|genesis, hash_seed| {
        let subject = BuggyLedger::new(genesis, hash_seed, bug)?;
        Ok(vec![Box::new(subject)])
    })
}

/// Runs a scenario on core over a wrapped storage. Returns the name of the violated invariant.
fn on<S: Storage + 'static>(scenario: &Scenario, wrap: fn(PlainStorage) -> S) -> Option<String> {
    named(scenario, &|genesis, hash_seed| {
        let disk = Disk::default();
        let subject = OnDisk::wrapped(disk, Execution::Serial, genesis, hash_seed, wrap)?;
        Ok(vec![Box::new(subject) as Box<dyn Subject>])
    })
}

/// Runs a scenario on core over a storage that makes two commits of a batch.
fn in_two_commits(scenario: &Scenario) -> Option<String> {
    named(scenario, &|genesis, hash_seed| {
        Ok(vec![
            OnDiskBug::MergeBesideBlock.subject(genesis, hash_seed)?,
        ])
    })
}

fn crash(at: u64, loss: Loss) -> Fault {
    Fault::Crash { at, loss }
}

fn fails(call: Call, at: u64) -> Fault {
    Fault::DiskFails { call, at, count: 1 }
}

#[test]
fn every_fault_happens_and_core_survives_it() {
    let reader = |point| Fault::ConcurrentRequest(point, ConcurrentRequest::Reader);
    let panic = |persists| Fault::Panic {
        transaction: 1,
        persists,
    };
    for (faults, events) in [
        (vec![crash(5, Loss::All)], vec!["crash: in a write"]),
        (
            vec![crash(1_000, Loss::Nothing)],
            vec!["crash: after the last call", "lost: nothing"],
        ),
        (
            vec![crash(9, Loss::Torn(3)), crash(2, Loss::Reordered(1))],
            vec![
                "lost: random sectors",
                "lost: random writes",
                "crash: second while opening",
            ],
        ),
        (
            vec![fails(Call::Write, 0)],
            vec!["failed: write", "failed: retried"],
        ),
        (vec![fails(Call::Sync, 0)], vec!["failed: sync"]),
        (
            vec![Fault::DiskFull { after: 2 }],
            vec!["failed: full disk", "failed: retried"],
        ),
        (
            vec![Fault::ReadFails { at: 1 }],
            vec!["failed: read of the ledger", "failed: retried"],
        ),
        (vec![panic(false)], vec!["panic: once"]),
        (
            vec![Fault::PanicAtRead { at: 1 }],
            vec!["panic: at a read of cells"],
        ),
        (
            vec![Fault::PanicInCommit { is_written: false }],
            vec!["panic: in a commit before it is written", "failed: retried"],
        ),
        (
            vec![Fault::PanicInCommit { is_written: true }],
            vec![
                "panic: in a commit after it is written",
                "failed: done although an error was returned",
            ],
        ),
        (vec![panic(true)], vec!["panic: every time"]),
        (
            vec![Fault::Cancel(InjectionPoint::Step(2))],
            vec!["cancelled: before a step", "failed: retried"],
        ),
        (
            vec![Fault::Cancel(InjectionPoint::Read(1))],
            vec!["cancelled: future dropped during a read", "failed: retried"],
        ),
        (
            vec![reader(InjectionPoint::Step(2))],
            vec!["concurrent: before a step", "concurrent: reads"],
        ),
        (
            vec![reader(InjectionPoint::Read(1))],
            vec!["concurrent: during a read", "concurrent: reads"],
        ),
        (
            vec![Fault::Clock { jump_ms: -9 }],
            vec!["clock: backward jump"],
        ),
        (
            vec![Fault::Clock { jump_ms: 300_000 }],
            vec!["clock: forward jump with the body expired"],
        ),
        (
            vec![Fault::Clock { jump_ms: 299_999 }],
            vec!["clock: forward jump with the body kept"],
        ),
    ] {
        let coverage = survived(&faults);
        for event in events {
            // Once for each execution mode.
            assert_eq!(coverage.of(event), 2, "{faults:?}: {event}");
        }
    }
}

/// Counts the injection points that are reached, from 0 up to the first that is not.
fn each(fault: impl Fn(u64) -> Fault, event: &str) -> u64 {
    let comes = |at: &u64| survived(&[fault(*at)]).of(event) > 0;
    (0..1_000).take_while(comes).count() as u64
}

#[test]
fn every_read_of_a_block_can_fail() {
    let reads = each(|at| Fault::ReadFails { at }, "failed: read of the ledger");
    assert!(reads >= 3, "only {reads} reads");
}

#[test]
fn every_call_to_the_disk_can_fail_and_every_write_find_the_disk_full() {
    let writes = each(|at| fails(Call::Write, at), "failed: write");
    let syncs = each(|at| fails(Call::Sync, at), "failed: sync");
    let room = each(|after| Fault::DiskFull { after }, "failed: full disk");
    assert!(writes > 5 && syncs > 0, "{writes} writes, {syncs} syncs");
    assert_eq!(room, writes);
}

#[test]
fn a_block_can_be_cancelled_at_every_injection_point() {
    let steps = each(
        |at| Fault::Cancel(InjectionPoint::Step(at)),
        "cancelled: before a step",
    );
    assert_eq!(
        steps, 3,
        "at the beginning, after the checks, before the commit"
    );
    let reads = each(
        |at| Fault::Cancel(InjectionPoint::Read(at)),
        "cancelled: future dropped during a read",
    );
    assert!(reads >= 3, "only {reads} reads");
}

#[test]
fn a_concurrent_request_can_arrive_at_every_injection_point() {
    for request in [
        ConcurrentRequest::Rewind(0),
        ConcurrentRequest::Rewind(2),
        ConcurrentRequest::SameBlock,
        ConcurrentRequest::OtherBlock,
        ConcurrentRequest::Reader,
        ConcurrentRequest::Close,
    ] {
        let steps = each(
            |at| Fault::ConcurrentRequest(InjectionPoint::Step(at), request),
            "concurrent: before a step",
        );
        assert_eq!(steps, 3, "{request:?}");
        let reads = each(
            |at| Fault::ConcurrentRequest(InjectionPoint::Read(at), request),
            "concurrent: during a read",
        );
        assert!(reads >= 3, "{request:?}: only {reads} reads");
    }
}

#[test]
fn every_transaction_can_panic() {
    for transaction in 0..4 {
        for (persists, event) in [(false, "panic: once"), (true, "panic: every time")] {
            let coverage = survived(&[Fault::Panic {
                transaction,
                persists,
            }]);
            assert_eq!(coverage.of(event), 2);
            // After one panic over the graph the block is executed serially.
            assert_eq!(coverage.of("failed: retried"), 1 + u64::from(persists));
            let recovered = coverage.of("panic: another path taken");
            assert_eq!(recovered, 1 - u64::from(persists));
        }
    }
}

#[test]
fn every_read_of_cells_can_panic_once() {
    let mut reads = 0;
    loop {
        let coverage = survived(&[Fault::PanicAtRead { at: reads }]);
        if coverage.of("panic: at a read of cells") == 0 {
            break;
        }
        reads += 1;
    }
    assert!(reads >= 3, "only {reads} reads");
}

#[test]
fn bugs_around_panics_and_failures_are_named() {
    let named_on = |faults: &[Fault], bug: OnDiskBug| {
        let name = named(&scenario(faults), &|genesis, hash_seed| {
            Ok(vec![bug.subject(genesis, hash_seed)?])
        });
        name.unwrap_or_default()
    };
    let [once, unwritten] = [
        Fault::PanicAtRead { at: 0 },
        Fault::PanicInCommit { is_written: false },
    ];
    for (bug, fault) in [
        (OnDiskBug::SwallowedPanic, None),
        (OnDiskBug::FallbackFailsToo, Some(once)),
        (OnDiskBug::ErrorWithoutFault, None),
        (OnDiskBug::PoisonedByPanic, Some(unwritten)),
        (OnDiskBug::HalfACommit, Some(unwritten)),
    ] {
        let invariant = bug.seeding().named_by[0];
        let faults: Vec<Fault> = fault.into_iter().collect();
        assert_eq!(named_on(&faults, bug), invariant.name, "{bug}");
        if fault.is_some() {
            assert_eq!(named_on(&[], bug), "", "{bug} takes the fault");
        }
    }
}

#[test]
fn a_fault_that_is_never_reached_changes_nothing() {
    let unharmed = |faults: &[Fault]| {
        trial::run(
            &scenario(faults),
            &faulty::subjects,
            &mut Coverage::default(),
        )
    };
    let never = unharmed(&[Fault::ReadFails { at: u64::MAX }]);
    assert!(never.is_ok(), "{never:?}");
    assert_eq!(never, unharmed(&[crash(u64::MAX, Loss::All)]));
}

#[test]
fn a_batch_in_two_commits_is_detected_by_each_kind_of_failure() {
    let torn = |fault: fn(u64) -> Fault| {
        let named: Vec<String> = (0..40)
            .filter_map(|at| in_two_commits(&scenario(&[fault(at)])))
            .collect();
        assert!(!named.is_empty());
        named
    };
    let crashes = torn(|at| crash(at, Loss::All));
    assert!(
        crashes
            .iter()
            .all(|name| name == "crash-leaves-before-or-after")
    );
    for failures in [
        torn(|at| fails(Call::Any, at)),
        torn(|after| Fault::DiskFull { after }),
    ] {
        assert!(
            failures
                .iter()
                .all(|name| name == "failure-leaves-before-or-after"),
            "{failures:?}"
        );
    }
    assert_eq!(
        in_two_commits(&scenario(&[])),
        None,
        "without a fault it passes"
    );
}

#[test]
fn an_operation_that_completes_after_it_was_given_up_is_named() {
    let panic = Fault::Panic {
        transaction: 0,
        persists: true,
    };
    let cancel = Fault::Cancel(InjectionPoint::Step(1));
    let name = |fault| buggy(&[fault], LedgerBug::DoneAfterAll);
    assert_eq!(name(panic).as_deref(), Some("panic-leaves-no-trace"));
    assert_eq!(name(cancel).as_deref(), Some("cancelled-leaves-no-trace"));
    assert_eq!(buggy(&[], LedgerBug::DoneAfterAll), None);
}

#[test]
fn a_failure_that_is_reported_as_a_refusal_is_named() {
    for fault in [Fault::ReadFails { at: 1 }, fails(Call::Write, 0)] {
        let name = buggy(&[fault], LedgerBug::FailureIsRefusal);
        assert_eq!(name.as_deref(), Some("failure-is-no-rejection"));
    }
    assert_eq!(buggy(&[], LedgerBug::FailureIsRefusal), None);
}

#[test]
fn a_panic_is_detected() {
    let name = buggy(&[], LedgerBug::PanicsOnABlock);
    assert_eq!(name.as_deref(), Some("never-panics"));
}

#[test]
fn a_receipt_that_is_not_returned_is_detected() {
    let name = buggy(&[], LedgerBug::ReceiptLost);
    assert_eq!(name.as_deref(), Some("one-receipt-per-transaction"));
}

#[test]
fn a_block_that_is_lost_in_a_restart_is_detected() {
    let mut closed = scenario(&[]);
    closed.steps.insert(3, Step::Reopen);
    let name = named(&closed, &|genesis, hash_seed| {
        let subject = BuggyLedger::new(genesis, hash_seed, LedgerBug::LastBlockForgotten)?;
        Ok(vec![Box::new(subject)])
    });
    assert_eq!(name.as_deref(), Some("reopen-changes-nothing"));
}

#[test]
fn a_clock_that_stands_still_is_detected() {
    let jump = |jump_ms| buggy(&[Fault::Clock { jump_ms }], LedgerBug::ClockStandsStill);
    assert_eq!(jump(300_000).as_deref(), Some("template-lives-its-time"));
    assert_eq!(jump(299_999), None);
}

type Values = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

thread_local! {
    static TIP: RefCell<Values> = const { RefCell::new(BTreeMap::new()) };
}

/// Buggy storage that caches the tip for each thread, as read or written by it.
struct RemembersForEachThread(PlainStorage);

impl RemembersForEachThread {
    fn new(plain: PlainStorage) -> Self {
        TIP.take();
        RemembersForEachThread(plain)
    }
}

impl Storage for RemembersForEachThread {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StorageError> {
        if table != Table::Meta {
            return self.0.get(table, key);
        }
        if let Some(known) = TIP.with_borrow(|tip| tip.get(key).cloned()) {
            return Ok(known);
        }
        let value = self.0.get(table, key)?;
        TIP.with_borrow_mut(|tip| tip.insert(key.to_vec(), value.clone()));
        Ok(value)
    }

    fn get_many(
        &self,
        table: Table,
        keys: &[Vec<u8>],
    ) -> Result<Vec<Option<Vec<u8>>>, StorageError> {
        self.0.get_many(table, keys)
    }

    fn scan(&self, table: Table, start: &[u8], limit: usize) -> Result<Vec<Entry>, StorageError> {
        self.0.scan(table, start, limit)
    }

    fn commit(&mut self, batch: &Batch) -> Result<(), StorageError> {
        self.0.commit(batch)?;
        for (_, changes) in batch.tables().filter(|(table, _)| *table == Table::Meta) {
            TIP.with_borrow_mut(|tip| tip.extend(changes.clone()));
        }
        Ok(())
    }
}

#[test]
fn a_cache_that_another_thread_does_not_clear_is_detected_by_a_concurrent_request() {
    for request in [ConcurrentRequest::Rewind(0), ConcurrentRequest::Rewind(1)] {
        let fault = Fault::ConcurrentRequest(InjectionPoint::Step(1), request);
        let name = on(&scenario(&[fault]), RemembersForEachThread::new);
        assert_eq!(
            name.as_deref(),
            Some("concurrent-requests-serialise"),
            "{request:?}"
        );
    }
    let alone = scenario(&[]);
    assert_eq!(on(&alone, RemembersForEachThread::new), None);
}

/// Buggy storage that performs a commit at the next read or commit.
struct WritesLate(Mutex<(PlainStorage, Option<Batch>)>);

impl WritesLate {
    fn new(plain: PlainStorage) -> Self {
        WritesLate(Mutex::new((plain, None)))
    }

    fn written<T>(&self, then: impl FnOnce(&PlainStorage) -> T) -> Result<T, StorageError> {
        let mut inner = self.0.lock().expect("no thread panics with it");
        let (plain, late) = &mut *inner;
        if let Some(batch) = late.take() {
            plain.commit(&batch)?;
        }
        Ok(then(plain))
    }
}

impl Storage for WritesLate {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StorageError> {
        self.written(|plain| plain.get(table, key))?
    }

    fn get_many(
        &self,
        table: Table,
        keys: &[Vec<u8>],
    ) -> Result<Vec<Option<Vec<u8>>>, StorageError> {
        self.written(|plain| plain.get_many(table, keys))?
    }

    fn scan(&self, table: Table, start: &[u8], limit: usize) -> Result<Vec<Entry>, StorageError> {
        self.written(|plain| plain.scan(table, start, limit))?
    }

    fn commit(&mut self, batch: &Batch) -> Result<(), StorageError> {
        self.written(|_| ())?;
        self.0.get_mut().expect("no thread panics with it").1 = Some(batch.clone());
        Ok(())
    }
}

#[test]
fn a_block_that_is_written_late_is_named_by_a_concurrent_close() {
    let closes = scenario(&[Fault::ConcurrentRequest(
        InjectionPoint::Step(1),
        ConcurrentRequest::Close,
    )]);
    let name = on(&closes, WritesLate::new);
    assert_eq!(name.as_deref(), Some("concurrent-requests-serialise"));
    // A close after a read finds the block written.
    let mut closed = scenario(&[]);
    closed.steps.insert(3, Step::Reopen);
    assert_eq!(on(&closed, WritesLate::new), None);
}

fn kept(name: &str) -> Scenario {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../corpora/reproducers");
    let reproducer = Reproducer::read(&folder.join(name));
    reproducer
        .expect("a kept reproducer can be read")
        .payload
        .scenario
}

#[test]
fn kept_reproducers_with_faults_still_detect_their_bugs() {
    let crash = kept("0017-crash-between-two-commits.repro");
    assert_eq!(
        in_two_commits(&crash).as_deref(),
        Some("crash-leaves-before-or-after")
    );
    let rewound = kept("0018-rewound-while-a-block-is-added.repro");
    assert_eq!(
        on(&rewound, RemembersForEachThread::new).as_deref(),
        Some("concurrent-requests-serialise")
    );
}

/// Lists one of each kind of fault and of each of its variants.
fn every_kind() -> Vec<Fault> {
    let losses = [
        Loss::Nothing,
        Loss::All,
        Loss::Last,
        Loss::AllButLast,
        Loss::Lengths,
        Loss::TornLast(4),
        Loss::Reordered(5),
        Loss::Torn(6),
    ];
    let calls = [
        Call::Any,
        Call::Len,
        Call::Read,
        Call::SetLen,
        Call::Write,
        Call::Sync,
    ];
    let requests = [
        ConcurrentRequest::Rewind(2),
        ConcurrentRequest::SameBlock,
        ConcurrentRequest::OtherBlock,
        ConcurrentRequest::Reader,
        ConcurrentRequest::Close,
    ];
    let mut faults: Vec<Fault> = losses.map(|loss| crash(3, loss)).into();
    faults.extend(calls.map(|call| Fault::DiskFails {
        call,
        at: 1,
        count: 2,
    }));
    faults
        .extend(requests.map(|request| Fault::ConcurrentRequest(InjectionPoint::Step(1), request)));
    faults.extend([
        Fault::DiskFull { after: 1 },
        Fault::ReadFails { at: 1 },
        Fault::Panic {
            transaction: 1,
            persists: true,
        },
        Fault::Cancel(InjectionPoint::Read(1)),
        Fault::Clock { jump_ms: -5 },
    ]);
    faults
}

#[test]
fn every_kind_of_fault_is_text_and_back() {
    let reproducer = Reproducer::new("same-as-serial", scenario(&every_kind()));
    let text = reproducer.to_text("faults").expect("it can be written");
    assert!(text.contains("loss: Torn(6)"), "{text}");
    let again = Reproducer::from_text(&text, "memory").expect("what was written can be read");
    assert_eq!(again, reproducer);
}

#[test]
fn a_file_that_calls_a_concurrent_request_a_rival_still_reads() {
    let reproducer = Reproducer::new("same-as-serial", scenario(&every_kind()));
    let text = reproducer.to_text("faults").expect("it can be written");
    let old = text.replace("Fault(ConcurrentRequest(", "Fault(Rival(");
    assert_ne!(old, text);
    let read = Reproducer::from_text(&old, "memory").expect("the old name is an alias");
    assert_eq!(read, reproducer);
}

#[test]
fn a_fault_that_nothing_depends_on_is_left_out() {
    let scenario = scenario(&every_kind());
    let shrunk = shrink::shrink(&scenario, "three blocks", BUDGET, &|scenario| {
        (scenario.blocks() >= 3).then(|| "three blocks".to_owned())
    });
    assert_eq!(shrunk.smallest.faults().count(), 0);
    assert_eq!(shrunk.smallest.blocks(), 3);
}
