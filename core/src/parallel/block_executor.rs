//! The choice of the path of a block, and the fallback when a path panics.

use super::in_order::execute_in_order;
use super::parallel_executor::{BatchError, ParallelExecutor};
use super::parallelism::Parallelism;
use super::sync::atomic::{AtomicBool, Ordering};
use super::sync::{Arc, OnceLock, RwLock, catch_panic};
use crate::config::{Config, ExecutionPath, HashSeed, ParallelConfig};
use crate::execution::{Body, Execution};
use crate::ledger::ChainError;
use crate::metrics;
use crate::model::{Block, Hash, Rules};
use crate::signature::{Verifier, Zip215};
use crate::storage::Storage;

/// An executor of blocks, each on the path that suits it.
pub(crate) struct BlockExecutor {
    config: ParallelConfig,
    hash_seed: HashSeed,
    verifier: Arc<dyn Verifier>,
    /// Started with the first block that takes a parallel path.
    workers: OnceLock<Option<ParallelExecutor>>,
    /// Set when a parallel result differed from the serial one: never again in this process.
    /// Relaxed: nothing is handed over with it, and blocks come one after another.
    distrusted: AtomicBool,
}

/// The path of one block, decided once, and the workers that it takes.
#[derive(Clone, Copy)]
pub(crate) struct ChosenPath<'b> {
    path: ExecutionPath,
    /// `None` on the serial path alone.
    workers: Option<&'b ParallelExecutor>,
}

/// A block that was executed.
pub(crate) struct ExecutedBlock {
    /// The path that led to the result.
    pub(crate) path: ExecutionPath,
    pub(crate) execution: Execution,
    /// The message of the panic of another path, after which this one was taken.
    pub(crate) recovered_from: Option<String>,
}

impl<'b> ChosenPath<'b> {
    const SERIAL: ChosenPath<'static> = ChosenPath {
        path: ExecutionPath::Serial,
        workers: None,
    };

    /// Returns the parallelism of the parts of a block of `transactions` transactions that are no
    /// execution.
    pub(crate) fn parallelism(self, transactions: usize) -> Parallelism<'b> {
        Parallelism::over(self.workers.map(ParallelExecutor::workers)).unless_few(transactions)
    }
}

impl BlockExecutor {
    pub(crate) fn new(config: &Config) -> Self {
        BlockExecutor {
            config: config.parallel,
            hash_seed: config.hash_seed,
            verifier: Arc::new(Zip215),
            workers: OnceLock::new(),
            distrusted: AtomicBool::new(false),
        }
    }

    /// Takes the verdicts about signatures from this verifier from now on.
    pub(crate) fn set_verifier(&mut self, verifier: Arc<dyn Verifier>) {
        self.verifier = verifier;
    }

    pub(crate) fn trusts_parallel(&self) -> bool {
        !self.distrusted.load(Ordering::Relaxed)
    }

    /// Decides the path of a block of `transactions` transactions: the serial one in test mode, whose
    /// result is kept, and after a difference.
    pub(crate) fn choose(&self, transactions: usize) -> ChosenPath<'_> {
        if self.config.test_mode || !self.trusts_parallel() {
            return ChosenPath::SERIAL;
        }
        self.with_workers(self.config.path(transactions))
    }

    /// Executes an admitted block. `ids` are the identities of its transactions.
    pub(crate) fn execute<S: Storage>(
        &self,
        chosen: ChosenPath<'_>,
        storage: &Arc<RwLock<S>>,
        rules: &Rules,
        block: &Block,
        ids: &[Hash],
    ) -> Result<ExecutedBlock, ChainError> {
        let body = Body {
            header: &block.header,
            transactions: &block.transactions,
            ids,
            verifier: &*self.verifier,
        };
        let run = |chosen| self.try_path(chosen, storage, rules, &body);
        if self.config.test_mode {
            return self.execute_every_path(|path| run(self.with_workers(path)));
        }
        match run(chosen) {
            Err(ChainError::Panicked { message }) if chosen.path != ExecutionPath::Serial => {
                tracing::error!(
                    path = chosen.path.name(),
                    message,
                    "a worker panicked; executing serially"
                );
                metrics::fallback();
                let execution = run(ChosenPath::SERIAL)?;
                Ok(ExecutedBlock {
                    path: ExecutionPath::Serial,
                    execution,
                    recovered_from: Some(message),
                })
            }
            executed => Ok(ExecutedBlock {
                path: chosen.path,
                execution: executed?,
                recovered_from: None,
            }),
        }
    }

    /// Executes on every path, compares, and returns the serial result.
    pub(crate) fn execute_every_path(
        &self,
        run: impl Fn(ExecutionPath) -> Result<Execution, ChainError>,
    ) -> Result<ExecutedBlock, ChainError> {
        let serial = run(ExecutionPath::Serial)?;
        let mut recovered_from = None;
        for path in [ExecutionPath::ParallelValidation, ExecutionPath::Graph] {
            if !self.trusts_parallel() {
                break;
            }
            let difference = match run(path) {
                Ok(parallel) => serial.difference(&parallel),
                Err(ChainError::Panicked { message }) => {
                    let difference = format!("it panicked: {message}");
                    recovered_from = Some(message);
                    Some(difference)
                }
                // The machine failed; that says nothing about the path.
                Err(_) => None,
            };
            if let Some(difference) = difference {
                self.distrusted.store(true, Ordering::Relaxed);
                metrics::difference(path.name());
                tracing::error!(
                    path = path.name(),
                    difference,
                    "PARALLEL EXECUTION DIFFERS FROM SERIAL: it is switched off, the serial result \
                     is kept. Please report this block."
                );
            }
        }
        Ok(ExecutedBlock {
            path: ExecutionPath::Serial,
            execution: serial,
            recovered_from,
        })
    }

    /// Executes a block on one path; turns a panic into an error.
    fn try_path<S: Storage>(
        &self,
        chosen: ChosenPath<'_>,
        storage: &Arc<RwLock<S>>,
        rules: &Rules,
        body: &Body<'_>,
    ) -> Result<Execution, ChainError> {
        catch_panic(|| self.execute_on_path(chosen, storage, rules, body))
            .unwrap_or_else(|message| Err(ChainError::Panicked { message }))
    }

    fn execute_on_path<S: Storage>(
        &self,
        chosen: ChosenPath<'_>,
        storage: &Arc<RwLock<S>>,
        rules: &Rules,
        body: &Body<'_>,
    ) -> Result<Execution, ChainError> {
        let hasher = self.hash_seed.build_hasher();
        let executed = match (chosen.path, chosen.workers) {
            (ExecutionPath::Graph, Some(workers)) => workers.execute(storage, hasher, rules, body),
            (_, workers) => {
                let parallelism = Parallelism::over(workers.map(ParallelExecutor::workers));
                execute_in_order(parallelism, storage, hasher, rules, body)
                    .map_err(BatchError::from)
            }
        };
        executed.map_err(|error| match error {
            BatchError::Storage(error) => ChainError::Storage(error),
            BatchError::Panicked(message) => ChainError::Panicked { message },
        })
    }

    /// Returns a path and its workers; the serial path if the system gives no threads.
    fn with_workers(&self, path: ExecutionPath) -> ChosenPath<'_> {
        match path {
            ExecutionPath::Serial => ChosenPath::SERIAL,
            _ => self
                .workers()
                .map_or(ChosenPath::SERIAL, |workers| ChosenPath {
                    path,
                    workers: Some(workers),
                }),
        }
    }

    /// Returns the workers, started if need be; `None` if the system gives no threads.
    fn workers(&self) -> Option<&ParallelExecutor> {
        let start = || {
            ParallelExecutor::new(self.config.workers())
                .map_err(|error| tracing::error!(%error, "no workers; executing serially"))
                .ok()
        };
        self.workers.get_or_init(start).as_ref()
    }
}
