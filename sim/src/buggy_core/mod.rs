//! Core in memory with one seeded bug around it: in its public answers, in its state, in the mempool beside it,
//! or in its stored bytes. Core itself has no switch for one.

mod answering;
mod changing;
mod pooling;
mod with_a_past;

pub use answering::AnswerBug;
pub use changing::ChangeBug;
pub use pooling::PoolBug;
pub use with_a_past::PathBug;

/// The methods of a subject that each of these hands on to the core in its field `inner`.
macro_rules! methods_of_inner {
    () => {
        fn name(&self) -> &str {
            self.inner.name()
        }

        fn stored(
            &self,
            height: ::lockstep_core::model::Height,
        ) -> Result<Option<$crate::subject::StoredBlock>, $crate::subject::SubjectError> {
            self.inner.stored(height)
        }

        fn bytes_kept(&self) -> Result<::blake3::Hash, $crate::subject::SubjectError> {
            self.inner.bytes_kept()
        }

        fn entries(
            &self,
        ) -> Result<Option<Vec<$crate::entries::StoredEntry>>, $crate::subject::SubjectError> {
            self.inner.entries()
        }

        fn take_verdicts(
            &mut self,
            verifier: ::std::sync::Arc<dyn ::lockstep_core::signature::Verifier>,
        ) {
            self.inner.take_verdicts(verifier);
        }
    };
}
use methods_of_inner;
