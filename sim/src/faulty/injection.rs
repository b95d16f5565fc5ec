//! Cancellation and concurrent requests at an injection point of the addition of a block.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::pin;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use lockstep_core::asynchronous;
use lockstep_core::chain::{AddedBlock, Chain, ChainError};
use lockstep_core::model::Block;
use lockstep_core::storage::Storage;

use super::watch::{FaultPlan, FaultWatch};
use crate::scenario::InjectionPoint;
use crate::subject::{self, ConcurrentAct, ConcurrentReport, SubjectError};

impl ConcurrentAct {
    fn execute_on<S: Storage>(self, chain: Arc<Chain<S>>) -> ConcurrentReport {
        let mut saw = None;
        let answer = match &self {
            ConcurrentAct::Rewind(height) => chain.rewind_to(*height).map(|_| None),
            ConcurrentAct::Add(block) => chain
                .add_block(block)
                .map(|added| Some(subject::result(added))),
            ConcurrentAct::Read | ConcurrentAct::Close => Ok(None),
        };
        let mut answer = answer.map_err(SubjectError::from);
        if self == ConcurrentAct::Read {
            match subject::world(&chain) {
                Ok(world) => saw = Some(world),
                Err(error) => answer = Err(error),
            }
        }
        // The ledger is closed when its last reference is dropped.
        drop(chain);
        ConcurrentReport {
            act: self,
            answer,
            saw,
        }
    }
}

/// Adds a block and cancels it before step `at`.
pub(super) fn add_cancelled<S: Storage>(
    chain: &Chain<S>,
    watch: &FaultWatch,
    block: &Block,
    at: u64,
) -> Result<AddedBlock, ChainError> {
    let asked = Cell::new(0);
    chain.add_block_unless(block, || {
        let is_now = asked.replace(asked.get() + 1) == at;
        if is_now {
            watch.reach();
        }
        is_now
    })
}

/// Adds a block through the asynchronous interface, drops the future during read `at`, and waits
/// for the threads that it started.
pub(super) fn add_dropped<S: Storage + 'static>(
    chain: &Arc<Chain<S>>,
    watch: &FaultWatch,
    block: &Block,
    at: u64,
) -> Result<Result<AddedBlock, ChainError>, SubjectError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .map_err(|error| SubjectError::Failed(format!("no runtime: {error}")))?;
    let (news, what_happens) = channel();
    let (answer, is_answered) = channel::<()>();
    let reading = news.clone();
    watch.plan(FaultPlan::Does {
        at,
        act: Box::new(move || {
            // The receiver is there: the future is reading and has not ended.
            let _ = reading.send(News::Reading);
            let _ = is_answered.recv();
        }),
    });
    let waker = Waker::from(Arc::new(Bell(news)));
    let inside = runtime.enter();
    let outcome = {
        let mut adding = pin!(asynchronous::add_block(chain, Arc::new(block.clone())));
        loop {
            match adding.as_mut().poll(&mut Context::from_waker(&waker)) {
                Poll::Ready(added) => break Some(added),
                Poll::Pending => match what_happens.recv() {
                    Ok(News::Reading) | Err(_) => break None,
                    Ok(News::Woken) => {}
                },
            }
        }
    };
    let _ = answer.send(());
    drop(inside);
    // Waits for the thread that still reads.
    drop(runtime);
    Ok(outcome.unwrap_or(Err(ChainError::Cancelled)))
}

enum News {
    Reading,
    Woken,
}

struct Bell(Sender<News>);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        // The receiver is gone once the future is dropped.
        let _ = self.0.send(News::Woken);
    }
}

/// Adds a block, starts a concurrent request on another thread at an injection point, and waits for
/// both.
pub(super) fn add_beside_request<S: Storage + 'static>(
    chain: &Chain<S>,
    others: Arc<Chain<S>>,
    watch: &FaultWatch,
    block: &Block,
    point: InjectionPoint,
    act: ConcurrentAct,
) -> (Result<AddedBlock, ChainError>, Option<ConcurrentReport>) {
    let arrived: Arc<Mutex<Option<JoinHandle<ConcurrentReport>>>> = Arc::default();
    let arrive = {
        let arrived = Arc::clone(&arrived);
        move || {
            let concurrent = start(others, act);
            *arrived.lock().unwrap_or_else(PoisonError::into_inner) = Some(concurrent);
        }
    };
    let added = match point {
        InjectionPoint::Step(at) => {
            let asked = Cell::new(0);
            let arrive = RefCell::new(Some(arrive));
            chain.add_block_unless(block, || {
                if asked.replace(asked.get() + 1) == at
                    && let Some(arrive) = arrive.take()
                {
                    watch.reach();
                    arrive();
                }
                false
            })
        }
        InjectionPoint::Read(at) => {
            let act = Box::new(arrive);
            watch.plan(FaultPlan::Does { at, act });
            chain.add_block(block)
        }
    };
    let concurrent = arrived
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .take();
    let report = concurrent.map(|concurrent| match concurrent.join() {
        Ok(report) => report,
        Err(panic) => std::panic::resume_unwind(panic),
    });
    (added, report)
}

/// Starts a request, and gives it time to proceed as far as it can before the block goes on.
fn start<S: Storage + 'static>(
    chain: Arc<Chain<S>>,
    act: ConcurrentAct,
) -> JoinHandle<ConcurrentReport> {
    // These take no permit and always finish.
    let must_finish = matches!(act, ConcurrentAct::Read | ConcurrentAct::Close);
    let (begins, has_begun) = channel();
    let concurrent = thread::spawn(move || {
        let _ = begins.send(());
        act.execute_on(chain)
    });
    let _ = has_begun.recv();
    // A writer waits for the permit that the block holds, which cannot be observed from outside: it
    // is given some time, on which no result of a ledger with a permit depends.
    const MOST_POLLS: u32 = 40;
    let mut waited = 0;
    while !concurrent.is_finished() && (must_finish || waited < MOST_POLLS) {
        thread::sleep(Duration::from_micros(50));
        waited += 1;
    }
    concurrent
}
