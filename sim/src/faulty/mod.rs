//! Core on a simulated disk, with faults of disk, storage, clock, execution and callers.
//!
//! Nothing in core knows of it: faults come through its storage, its clock and its public calls.

mod events;
mod injection;
mod on_disk_bug;
mod seeded_bugs;
mod unreliable_storage;
mod watch;

pub use events::Event;
pub use events::happened;
pub use on_disk_bug::OnDiskBug;
pub use watch::{FaultWatch, WatchedStorage};

pub use crate::subject::{Aftermath, ConcurrentAct, ConcurrentReport, Faulty, Template};

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError};

use lockstep_core::chain::{AddedBlock, Chain, ChainError, Mempool, MempoolLimits};
use lockstep_core::config::{Config, ExecutionPath};
use lockstep_core::model::{
    Block, Cell, Genesis, Header, Height, PublicKey, Timestamp, Transaction,
};
use lockstep_core::signature::Verifier;
use lockstep_core::storage::{RedbStorage, Storage};

use crate::disk::{Disk, DiskFault, Loss};
use crate::entries::{self, StoredEntry};
use crate::reads::{Answer, Question, of_core};
use crate::scenario::{Fault, InjectionPoint};
use crate::subject::{self, Execution, StoredBlock, Subject, SubjectError};
use crate::world::{BlockResult, Newest, World};
use lockstep_harness::panic::catch_panic;
use watch::FaultPlan;

/// Execution modes of [`subjects`]: on one thread, and over the graph, which recovers from the
/// panic of a worker.
pub const EXECUTIONS: [Execution; 2] = [Execution::Serial, Execution::Graph(2)];

/// Creates core on a simulated disk in each of [`EXECUTIONS`].
///
/// # Errors
///
/// As [`OnDisk::new`].
pub fn subjects(genesis: &Genesis, hash_seed: u64) -> Result<Vec<Box<dyn Subject>>, SubjectError> {
    EXECUTIONS
        .into_iter()
        .map(|execution| {
            let subject = OnDisk::new(execution, genesis, hash_seed)?;
            Ok(Box::new(subject) as Box<dyn Subject>)
        })
        .collect()
}

/// Storage of core in this module, without a seeded bug around it.
pub type PlainStorage = WatchedStorage<RedbStorage>;

/// Core with a redb database on a simulated disk.
pub struct OnDisk<S = PlainStorage> {
    name: String,
    disk: Disk,
    watch: FaultWatch,
    clock: Arc<AtomicU64>,
    genesis: Genesis,
    config: Config,
    wrap: Arc<dyn Fn(PlainStorage) -> S + Send + Sync>,
    /// `None` if it verifies signatures itself.
    verifier: Option<Arc<dyn Verifier>>,
    /// `None` while it is closed.
    chain: Option<Arc<Chain<S>>>,
    /// One fault, or several crashes, each but the first while the ledger is opened after the one
    /// before.
    armed: Vec<Fault>,
    concurrent: Option<ConcurrentReport>,
    recovered_panic: Option<String>,
}

impl OnDisk {
    /// Creates a ledger on an empty disk.
    ///
    /// # Errors
    ///
    /// [`SubjectError::Damaged`] if the genesis is impossible.
    pub fn new(
        execution: Execution,
        genesis: &Genesis,
        hash_seed: u64,
    ) -> Result<Self, SubjectError> {
        OnDisk::wrapped(Disk::default(), execution, genesis, hash_seed, |plain| {
            plain
        })
    }
}

impl<S: Storage + 'static> OnDisk<S> {
    /// Opens a ledger on this disk, with `wrap` around its storage.
    ///
    /// # Errors
    ///
    /// [`SubjectError::Damaged`] if the genesis is impossible or the disk holds another ledger,
    /// [`SubjectError::Failed`] if a call to the disk fails.
    pub fn wrapped(
        disk: Disk,
        execution: Execution,
        genesis: &Genesis,
        hash_seed: u64,
        wrap: impl Fn(PlainStorage) -> S + Send + Sync + 'static,
    ) -> Result<Self, SubjectError> {
        let mut ledger = OnDisk {
            name: format!("core on a simulated disk: {execution}"),
            disk,
            watch: FaultWatch::default(),
            clock: Arc::new(AtomicU64::new(genesis.time.0)),
            genesis: genesis.clone(),
            config: execution.config(genesis, hash_seed)?,
            wrap: Arc::new(wrap),
            verifier: None,
            chain: None,
            armed: Vec::new(),
            concurrent: None,
            recovered_panic: None,
        };
        ledger.open()?;
        Ok(ledger)
    }

    /// Returns the current disk; a crash replaces it.
    #[must_use]
    pub const fn disk(&self) -> &Disk {
        &self.disk
    }

    /// Returns the ledger.
    ///
    /// # Errors
    ///
    /// [`SubjectError::Failed`] if it is closed because it could not be opened again.
    pub fn chain(&self) -> Result<&Arc<Chain<S>>, SubjectError> {
        self.chain.as_ref().ok_or_else(subject::closed)
    }

    fn open(&mut self) -> Result<(), SubjectError> {
        self.chain = Some(Arc::new(self.opened_on(&self.disk)?));
        Ok(())
    }

    fn opened_on(&self, disk: &Disk) -> Result<Chain<S>, ChainError> {
        let storage = (self.wrap)(WatchedStorage::new(disk.open()?, self.watch.clone()));
        let clock = Arc::clone(&self.clock);
        let clock = Arc::new(move || Timestamp(clock.load(Ordering::Acquire)));
        let chain = Chain::open(storage, &self.genesis, self.config.clone(), clock)?;
        Ok(subject::with_verifier(chain, self.verifier.as_ref()))
    }

    /// Cuts the power, loses what each crash says, and opens what is left; later crashes happen
    /// while the ledger is opened.
    fn crash(&mut self, crashes: &[(u64, Loss)]) -> Result<Vec<Event>, SubjectError> {
        let mut events = Vec::new();
        for (number, (_, loss)) in crashes.iter().enumerate() {
            let hit = self.disk.disarm();
            let left = self.disk.crash(*loss);
            // Only because the disk is off does this not close it cleanly.
            drop(self.chain.take());
            events.push(match number {
                0 => events::crashed(hit),
                _ => events::crashed_again(hit),
            });
            events.push(events::lost(*loss));
            self.disk = Disk::holding(left);
            if let Some((at, _)) = crashes.get(number + 1) {
                self.disk.arm(DiskFault::PowerCut { at: *at });
                if let Ok(chain) = self.opened_on(&self.disk) {
                    self.chain = Some(Arc::new(chain));
                }
            }
        }
        self.open()?;
        Ok(events)
    }

    fn add(&mut self, block: &Block) -> Result<AddedBlock, SubjectError> {
        let chain = Arc::clone(self.chain()?);
        let added = match self.armed.first().copied() {
            Some(Fault::Panic {
                transaction,
                persists,
            }) if !block.transactions.is_empty() => {
                let index = transaction % block.transactions.len() as u64;
                let index = usize::try_from(index).expect("what is below a length is a usize");
                self.watch.plan(FaultPlan::Panics {
                    account: block.transactions[index].source,
                    persists,
                });
                chain.add_block(block)
            }
            Some(Fault::PanicAtRead { at }) => {
                self.watch.plan(FaultPlan::PanicsAt { left: at });
                chain.add_block(block)
            }
            Some(Fault::PanicInCommit { is_written }) => {
                self.watch.plan(FaultPlan::CommitPanics { is_written });
                catch_panic(|| chain.add_block(block)).map_err(commit_panicked)?
            }
            Some(Fault::Cancel(InjectionPoint::Step(at))) => {
                injection::add_cancelled(&chain, &self.watch, block, at)
            }
            Some(Fault::Cancel(InjectionPoint::Read(at))) => {
                injection::add_dropped(&chain, &self.watch, block, at)?
            }
            Some(Fault::ConcurrentRequest(point, request)) => {
                let act = ConcurrentAct::of(request, chain.tip()?.height, block);
                let others = match act {
                    // The owner drops it, so that the writer of the block holds the last reference.
                    ConcurrentAct::Close => self.chain.take().ok_or_else(subject::closed)?,
                    _ => Arc::clone(&chain),
                };
                let (added, report) =
                    injection::add_beside_request(&chain, others, &self.watch, block, point, act);
                self.concurrent = report;
                added
            }
            _ => chain.add_block(block),
        };
        self.noting_panic(added)
    }

    /// Notes the panic from which an addition recovered.
    fn noting_panic(
        &mut self,
        added: Result<AddedBlock, ChainError>,
    ) -> Result<AddedBlock, SubjectError> {
        let mut added = added?;
        if let Some(from) = added.recovered_from.take() {
            self.recovered_panic = Some(from);
        }
        Ok(added)
    }
}

fn commit_panicked(message: String) -> SubjectError {
    SubjectError::GivenUp(format!("the commit panicked: {message}"))
}

impl<S: Storage + 'static> Faulty for OnDisk<S> {
    fn arm(&mut self, fault: Fault) -> bool {
        let is_crash = |fault: &Fault| matches!(fault, Fault::Crash { .. });
        let goes_with_the_rest = self.armed.iter().chain([&fault]).all(is_crash);
        if !(self.armed.is_empty() || goes_with_the_rest) {
            return false;
        }
        match fault {
            // The trial calls `template` itself.
            Fault::Clock { .. } => return false,
            Fault::Crash { at, .. } if self.armed.is_empty() => {
                self.disk.arm(DiskFault::PowerCut { at });
            }
            Fault::DiskFails { call, at, count } => {
                self.disk.arm(DiskFault::Fails { call, at, count });
            }
            Fault::DiskFull { after } => self.disk.arm(DiskFault::Full { after }),
            Fault::ReadFails { at } => self.watch.plan(FaultPlan::Fails { at }),
            Fault::Crash { .. }
            | Fault::Panic { .. }
            | Fault::PanicAtRead { .. }
            | Fault::PanicInCommit { .. }
            | Fault::Cancel(_)
            | Fault::ConcurrentRequest(..) => {}
        }
        self.armed.push(fault);
        true
    }

    fn recover(&mut self) -> Result<Aftermath, SubjectError> {
        let armed = std::mem::take(&mut self.armed);
        let happened = self.watch.clear();
        let concurrent = self.concurrent.take();
        let crashes: Vec<(u64, Loss)> = armed
            .iter()
            .filter_map(|fault| match fault {
                Fault::Crash { at, loss } => Some((*at, *loss)),
                _ => None,
            })
            .collect();
        let mut events = if crashes.is_empty() {
            let hit = self.disk.disarm();
            let is_full = matches!(armed.as_slice(), [Fault::DiskFull { .. }]);
            let event = hit.map(|call| events::failed(is_full, call));
            event.into_iter().collect()
        } else {
            self.crash(&crashes)?
        };
        if self.chain.is_none() {
            self.open()?;
        }
        if happened {
            events.extend(armed.first().map(events::happened).unwrap_or_default());
        }
        let is_parallel = self.config.parallel.forced != Some(ExecutionPath::Serial);
        let panicked_once = matches!(
            armed.first(),
            Some(
                Fault::Panic {
                    persists: false,
                    ..
                } | Fault::PanicAtRead { .. }
            )
        );
        Ok(Aftermath {
            events,
            concurrent,
            is_recoverable: happened && is_parallel && panicked_once,
        })
    }

    fn template(
        &mut self,
        transactions: &[Transaction],
        miner: PublicKey,
        jump_ms: i64,
    ) -> Result<Template, SubjectError> {
        let chain = Arc::clone(self.chain()?);
        let mut mempool = Mempool::new(self.genesis.rules.network, MempoolLimits::default());
        if let Some(verifier) = &self.verifier {
            mempool = mempool.with_verifier(Arc::clone(verifier));
        }
        for transaction in transactions {
            // A transaction that is not accepted is no candidate.
            let _ = mempool.insert(transaction.clone());
        }
        // Far enough from time 0 for a jump backwards.
        let now = chain.tip()?.time.0.saturating_add(1 << 32);
        self.clock.store(now, Ordering::Release);
        let header: Header = chain.template(&mempool, miner)?;
        let body = chain.bodies().find(header.merkle_root, Timestamp(now));
        let block = Block {
            transactions: body.as_deref().unwrap_or_default().to_vec(),
            header,
        };
        let later = now.saturating_add_signed(jump_ms);
        self.clock.store(later, Ordering::Release);
        let (is_known, added) = match chain.add_header(&block.header) {
            Err(ChainError::UnknownBody { .. }) => (false, chain.add_block(&block)),
            added => (true, added),
        };
        let added = self.noting_panic(added)?;
        Ok(Template {
            block,
            is_known,
            result: subject::result(added),
        })
    }
}

impl<S: Storage + 'static> Subject for OnDisk<S> {
    fn name(&self) -> &str {
        &self.name
    }

    fn add_block(&mut self, block: &Block) -> Result<BlockResult, SubjectError> {
        Ok(subject::result(self.add(block)?))
    }

    fn rewind_to(&mut self, height: Height) -> Result<(), SubjectError> {
        let chain = Arc::clone(self.chain()?);
        match self.armed.first().copied() {
            Some(Fault::PanicInCommit { is_written }) => {
                self.watch.plan(FaultPlan::CommitPanics { is_written });
                catch_panic(|| chain.rewind_to(height)).map_err(commit_panicked)??
            }
            _ => chain.rewind_to(height)?,
        };
        Ok(())
    }

    fn reopen(&mut self) -> Result<(), SubjectError> {
        drop(self.chain.take());
        self.open()
    }

    fn world(&self) -> Result<World, SubjectError> {
        subject::world(self.chain()?)
    }

    fn newest(&self, cells: &[Cell]) -> Result<Option<Newest>, SubjectError> {
        subject::newest(self.chain()?, cells).map(Some)
    }

    fn stored(&self, height: Height) -> Result<Option<StoredBlock>, SubjectError> {
        subject::stored(self.chain()?, height)
    }

    fn bytes_kept(&self) -> Result<blake3::Hash, SubjectError> {
        let storage = self.chain()?.storage();
        let storage = storage.read().unwrap_or_else(PoisonError::into_inner);
        subject::bytes_kept(&*storage)
    }

    fn entries(&self) -> Result<Option<Vec<StoredEntry>>, SubjectError> {
        let storage = self.chain()?.storage();
        let storage = storage.read().unwrap_or_else(PoisonError::into_inner);
        Ok(Some(entries::of_storage(&*storage)?))
    }

    fn stores_as_core(&self) -> bool {
        true
    }

    fn answer(&self, question: &Question) -> Result<Option<Answer>, SubjectError> {
        Ok(Some(of_core::answer(self.chain()?, question)?))
    }

    fn take_verdicts(&mut self, verifier: Arc<dyn Verifier>) {
        self.verifier = Some(verifier);
        if let Some(chain) = self.chain.take() {
            let chain = Arc::into_inner(chain).expect("no request is under way between two steps");
            let chain = subject::with_verifier(chain, self.verifier.as_ref());
            self.chain = Some(Arc::new(chain));
        }
    }

    fn take_recovered_panic(&mut self) -> Option<String> {
        self.recovered_panic.take()
    }

    fn faulty(&mut self) -> Option<&mut dyn Faulty> {
        Some(self)
    }
}
