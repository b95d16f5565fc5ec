//! Seeded bugs as systems under test: subjects that a command judges in place of core, so that it is seen to
//! fail.

use lockstep_core::model::Genesis;
use lockstep_sim::campaign::{Circumstances, SubjectFactory};
use lockstep_sim::subject::{Subject, SubjectError};

use super::buggy_subject::BuggySubject;
use super::list::UNENDING;
use super::{BUGS, Bug, INVENTED};

/// A single ledger with one seeded bug, as the only subject of every run.
#[derive(Clone, Copy, Debug)]
pub struct InjectedBug {
    bug: &'static Bug,
    subject: BuggySubject,
}

impl InjectedBug {
    /// All of them, in the order of the catalogue, the invented ones last: the seeded bugs that a single
    /// ledger on one thread, or the storage around it, can have.
    pub fn all() -> impl Iterator<Item = InjectedBug> {
        let bugs = BUGS.iter().chain(INVENTED.iter()).chain(UNENDING.iter());
        bugs.filter_map(|bug| {
            let subject = BuggySubject::of(bug)?;
            Some(InjectedBug { bug, subject })
        })
    }

    /// Finds the one with this id; `None` if no single ledger can have it.
    #[must_use]
    pub fn named(id: &str) -> Option<Self> {
        InjectedBug::all().find(|injected| injected.bug.id == id)
    }

    /// The id in the catalogue.
    #[must_use]
    pub const fn id(&self) -> &'static str {
        self.bug.id
    }

    /// The bug in a sentence.
    #[must_use]
    pub const fn sentence(&self) -> &'static str {
        self.bug.sentence
    }

    /// Makes the subject that has it.
    ///
    /// # Errors
    ///
    /// [`SubjectError::Damaged`] if the genesis is impossible.
    pub fn subject(
        &self,
        genesis: &Genesis,
        hash_seed: u64,
        workers: Option<u32>,
    ) -> Result<Box<dyn Subject>, SubjectError> {
        self.subject.subject(genesis, hash_seed, workers)
    }
}

impl SubjectFactory for InjectedBug {
    fn subjects(
        &self,
        genesis: &Genesis,
        circumstances: &Circumstances<'_>,
    ) -> Result<Vec<Box<dyn Subject>>, SubjectError> {
        let Circumstances {
            hash_seed, workers, ..
        } = *circumstances;
        Ok(vec![self.subject(genesis, hash_seed, workers)?])
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use lockstep_harness::campaign::{Plan, Runs, Unwatched, Verdict, run};
    use lockstep_sim::campaign::Ledgers;
    use lockstep_sim::generate::Preset;

    use super::*;

    #[test]
    fn a_campaign_finds_an_injected_bug() {
        let bug = InjectedBug::named("fee-not-debited").expect("the buggy executor can have it");
        let ledgers = Ledgers {
            preset: Preset::Default,
            hash_seed: 0,
            subjects: &bug,
        };
        let plan = Plan {
            is_self_checked: false,
            ..Plan::of(Runs::Seeds(0..20))
        };
        let summary = run(&plan, &ledgers, &mut Unwatched);
        assert!(matches!(summary.verdict, Verdict::Violated { .. }));
    }

    #[test]
    fn ids_are_those_of_single_ledgers_and_distinct() {
        let ids: Vec<&str> = InjectedBug::all().map(|bug| bug.id()).collect();
        assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len());
        assert!(ids.len() > 30, "{ids:?}");
        assert!(InjectedBug::named("worker-count-semantics").is_none());
    }
}
