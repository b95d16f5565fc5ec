//! Trials of an executor as the workload of a campaign.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::campaign::{Execution, RunId, SelfCheckFailed, Workload};
use crate::choice::Seeded;
use crate::coverage::Coverage;
use crate::shrink::Budget;
use crate::signature::signature;
use crate::trace::Trace;
use crate::violation::{Failure, Violation};
use crate::watchdog::Silence;

use super::SYSTEM;
use super::adapter::Adapter;
use super::answer::Contender;
use super::case::Case;
use super::child::{ChildCommand, isolated};
use super::class::Class;
use super::registers;
use super::shrinking::{Limits, Smallest, shrink_case};
use super::trial::{Ending, draws_differently, judge, of_silence};

/// Settings of a campaign of trials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Time limits of the contender.
    pub limits: Limits,
    /// True if a campaign in which no parallelism was measured is vacuous.
    pub must_be_parallel: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            limits: Limits::DEFAULT,
            must_be_parallel: false,
        }
    }
}

/// Trials of one executor: draws cases, executes them, shrinks those that show a finding.
pub struct Trials<'a, A: Adapter> {
    adapter: &'a A,
    contender: RefCell<Box<dyn Contender<A> + 'a>>,
    /// The command of child processes; `None` for a contender in this process.
    command: Option<ChildCommand>,
    settings: Settings,
    /// True if two identical streams of choices drew two cases.
    drawn_differently: Cell<bool>,
    /// The classes of the findings so far, by their signatures.
    classes: Arc<Mutex<BTreeMap<String, Class>>>,
}

impl<'a, A: Adapter> Trials<'a, A> {
    /// Trials with the contender in child processes that are started with this command.
    #[must_use]
    pub fn isolated(adapter: &'a A, command: ChildCommand, settings: Settings) -> Self {
        Trials {
            contender: RefCell::new(isolated(command.clone())),
            command: Some(command),
            ..Trials::with(adapter, super::answer::InProcess, settings)
        }
    }

    /// Trials with this contender.
    #[must_use]
    pub fn with(adapter: &'a A, contender: impl Contender<A> + 'a, settings: Settings) -> Self {
        Trials {
            adapter,
            contender: RefCell::new(Box::new(contender)),
            command: None,
            settings,
            drawn_differently: Cell::new(false),
            classes: Arc::default(),
        }
    }

    /// The same trials for another thread, with a child process of its own. The classes of findings are shared.
    #[must_use]
    pub fn lane(&self) -> Lane<'a, A> {
        Lane {
            adapter: self.adapter,
            command: self.command.clone(),
            settings: self.settings,
            classes: Arc::clone(&self.classes),
        }
    }

    fn classes(&self) -> MutexGuard<'_, BTreeMap<String, Class>> {
        self.classes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The isolation of the contender in words.
    #[must_use]
    pub fn isolation(&self) -> String {
        self.contender.borrow().isolation()
    }

    /// Executes a case once.
    ///
    /// # Errors
    ///
    /// As [`judge`].
    pub fn judge(
        &self,
        case: &Case<A>,
        coverage: &mut Coverage,
        trace: &mut Trace,
    ) -> Result<(), Ending> {
        let mut contender = self.contender.borrow_mut();
        let limit = self.settings.limits.long;
        let judged = judge(self.adapter, case, &mut **contender, limit, coverage, trace);
        if let Err(Ending::Found(found)) = &judged {
            let mut classes = self.classes();
            let class = classes.entry(signature(&found.violation));
            class.or_insert_with(|| found.class.clone());
        }
        judged
    }

    /// The class of a finding that these trials had; `None` where they had none like it.
    #[must_use]
    pub fn class_of(&self, violation: &Violation) -> Option<Class> {
        self.classes().get(&signature(violation)).cloned()
    }

    /// Shrinks a case that shows a finding of this class.
    #[must_use]
    pub fn shrink(&self, case: &Case<A>, class: &Class, budget: Budget<'_>) -> Smallest<A> {
        let mut contender = self.contender.borrow_mut();
        let limits = self.settings.limits;
        shrink_case(self.adapter, case, class, &mut **contender, limits, budget)
    }
}

/// Trials that another thread can [begin](Lane::trials).
pub struct Lane<'a, A: Adapter> {
    adapter: &'a A,
    command: Option<ChildCommand>,
    settings: Settings,
    classes: Arc<Mutex<BTreeMap<String, Class>>>,
}

impl<'a, A: Adapter> Lane<'a, A> {
    /// The trials, with a contender of their own: in a child process, or in this one where those that they are
    /// a lane of have no command for children.
    #[must_use]
    pub fn trials(&self) -> Trials<'a, A> {
        let trials = match &self.command {
            Some(command) => Trials::isolated(self.adapter, command.clone(), self.settings),
            None => Trials::with(self.adapter, super::answer::InProcess, self.settings),
        };
        Trials {
            classes: Arc::clone(&self.classes),
            ..trials
        }
    }
}

impl<A: Adapter> Workload for Trials<'_, A> {
    type Case = Case<A>;
    type Profile = String;

    fn system(&self) -> &'static str {
        SYSTEM
    }

    fn draw(&self, run: RunId) -> (String, Case<A>) {
        let draw = || Case::draw(self.adapter, &mut Seeded::new(run.seed, run.run));
        let case = draw();
        self.drawn_differently.set(case != draw());
        (case.to_string(), case)
    }

    fn profile(&self, run: RunId) -> String {
        Case::draw(self.adapter, &mut Seeded::new(run.seed, run.run)).to_string()
    }

    fn execute(&self, case: &Case<A>, is_repeated: bool) -> Execution {
        let (mut coverage, mut trace) = (Coverage::default(), Trace::default());
        let mut case = case.clone();
        if is_repeated {
            let most = usize::try_from(A::SIZE.most_workers).unwrap_or(usize::MAX);
            case.workers = case.workers % most.max(1) + 1;
        }
        let judged = match self.drawn_differently.take() {
            true => Err(draws_differently()),
            false => self.judge(&case, &mut coverage, &mut trace),
        };
        let outcome = match judged {
            Ok(()) => Ok(trace.digest()),
            Err(Ending::Found(found)) => Err(found.violation.into()),
            Err(Ending::Infrastructure(reason)) => Err(Failure::Infrastructure(reason)),
        };
        Execution {
            coverage,
            trace,
            outcome,
        }
    }

    fn self_check(&self, seed: u64) -> Result<Vec<String>, SelfCheckFailed> {
        registers::self_check(seed, self.command.as_ref())
    }

    fn of_silence(&self) -> fn(&Silence) -> Violation {
        of_silence
    }

    fn missing(&self, coverage: &Coverage, _: u64, is_whole: bool) -> Vec<&'static str> {
        if !is_whole {
            return Vec::new();
        }
        let focus = self.settings.must_be_parallel.then_some("parallel");
        let mut missing = coverage.missing(SYSTEM, None);
        let parallel = coverage.missing(SYSTEM, Some("parallel"));
        let is_measured = coverage.of("parallelism: measured") > 0;
        let is_asked = |point: &&str| !missing.contains(point) && (focus.is_some() || is_measured);
        let more: Vec<&str> = parallel.into_iter().filter(is_asked).collect();
        missing.extend(more);
        missing
    }
}
