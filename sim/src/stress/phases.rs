//! Phases of a block's execution, recorded through the `metrics` facade.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use metrics::{
    Counter, Gauge, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder, SharedString, Unit,
};

/// Name of the histogram, in seconds.
const HISTOGRAM: &str = "lockstep_phase_seconds";
/// Label that names the phase.
const LABEL: &str = "phase";

/// A part of the execution of a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phase {
    /// Name.
    pub name: String,
    /// Total time.
    pub took: Duration,
}

/// Returns the result of `execution` and the phases that it recorded on this thread, in the order
/// of their first recording. Recordings of other threads are not seen.
pub(super) fn recorded<T>(execution: impl FnOnce() -> T) -> (T, Vec<Phase>) {
    let phases = Phases::default();
    let given = metrics::with_local_recorder(&phases, execution);
    let mut phases = phases.0.lock().unwrap_or_else(PoisonError::into_inner);
    (given, std::mem::take(&mut *phases))
}

#[derive(Clone, Default)]
struct Phases(Arc<Mutex<Vec<Phase>>>);

/// Handle for recording one phase.
struct Recording {
    name: String,
    phases: Phases,
}

impl HistogramFn for Recording {
    fn record(&self, seconds: f64) {
        let took = Duration::try_from_secs_f64(seconds).unwrap_or_default();
        let mut phases = self.phases.0.lock().unwrap_or_else(PoisonError::into_inner);
        match phases.iter_mut().find(|phase| phase.name == self.name) {
            Some(phase) => phase.took += took,
            None => phases.push(Phase {
                name: self.name.clone(),
                took,
            }),
        }
    }
}

impl Recorder for Phases {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, _: &Key, _: &Metadata<'_>) -> Counter {
        Counter::noop()
    }

    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::noop()
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        let phase = key.labels().find(|label| label.key() == LABEL);
        match phase {
            Some(phase) if key.name() == HISTOGRAM => Histogram::from_arc(Arc::new(Recording {
                name: phase.value().to_owned(),
                phases: self.clone(),
            })),
            _ => Histogram::noop(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn phase(name: &str, millis: u64) -> Phase {
        Phase {
            name: name.to_owned(),
            took: Duration::from_millis(millis),
        }
    }

    #[test]
    fn phases_are_summed_in_the_order_of_their_first_recording() {
        let ((), phases) = recorded(|| {
            for (name, seconds) in [("write", 0.5), ("admit", 0.25), ("write", 0.125)] {
                metrics::histogram!("lockstep_phase_seconds", "phase" => name).record(seconds);
            }
        });
        assert_eq!(phases, [phase("write", 625), phase("admit", 250)]);
    }

    #[test]
    fn what_is_no_phase_is_left_out() {
        let ((), phases) = recorded(|| {
            metrics::histogram!("lockstep_block_seconds", "phase" => "admit").record(1.0);
            metrics::histogram!("lockstep_phase_seconds").record(1.0);
            metrics::counter!("lockstep_phase_seconds", "phase" => "admit").increment(1);
        });
        assert_eq!(phases, []);
    }
}
