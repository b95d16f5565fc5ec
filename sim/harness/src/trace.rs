//! Trace of one run: its observations in order, to be compared with those of another run.
//!
//! Nothing that differs between machines is ever noted: no address, no thread, no time of day, and no
//! name that says how many workers there are.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::digest::Digest;

/// All observations of one run, in order, and the hash of all of them.
#[derive(Clone, Debug)]
pub struct Trace {
    hasher: blake3::Hasher,
    /// None where the hash alone is kept.
    observations: Option<Vec<Observation>>,
}

/// One thing that was observed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observation {
    /// The step of the run, counted from 0, or the simulated time in milliseconds.
    pub step: u64,
    /// The kind of step, or all of what happened.
    pub label: String,
    /// The first half of the hash of what was observed, in hexadecimal, where that is more than the
    /// label says.
    pub hash: Option<String>,
}

impl Default for Trace {
    /// A trace that keeps its observations.
    fn default() -> Self {
        Trace {
            hasher: blake3::Hasher::new(),
            observations: Some(Vec::new()),
        }
    }
}

impl Trace {
    /// Creates a trace that keeps the hash alone.
    #[must_use]
    pub fn hashed() -> Self {
        Trace {
            observations: None,
            ..Trace::default()
        }
    }

    /// Notes bytes that were observed in a step; their hash is kept.
    pub fn observe(&mut self, step: usize, label: &str, bytes: &[u8]) {
        self.hasher.update(&(bytes.len() as u64).to_le_bytes());
        self.hasher.update(bytes);
        if let Some(observations) = &mut self.observations {
            observations.push(Observation {
                step: step as u64,
                label: label.to_owned(),
                hash: Some(hex::encode(&blake3::hash(bytes).as_bytes()[..16])),
            });
        }
    }

    /// Notes an event in words, at a simulated time in milliseconds.
    pub fn line(&mut self, at_ms: u64, what: impl fmt::Display) {
        let line = Observation {
            step: at_ms,
            label: what.to_string(),
            hash: None,
        };
        self.hasher.update(format!("{line}\n").as_bytes());
        if let Some(observations) = &mut self.observations {
            observations.push(line);
        }
    }

    /// The hash of everything that was observed.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest(self.hasher.finalize().into())
    }

    /// The observations in order; none where the hash alone is kept.
    #[must_use]
    pub fn observations(&self) -> &[Observation] {
        self.observations.as_deref().unwrap_or_default()
    }

    /// The observations, taken out.
    #[must_use]
    pub fn into_observations(self) -> Vec<Observation> {
        self.observations.unwrap_or_default()
    }
}

impl fmt::Display for Observation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.hash {
            Some(hash) => write!(f, "step {}, {}: {hash}", self.step, self.label),
            None => write!(f, "{:>7} {}", self.step, self.label),
        }
    }
}

/// The observations as text, one a line.
#[must_use]
pub fn as_text(observations: &[Observation]) -> String {
    observations.iter().map(|one| format!("{one}\n")).collect()
}

/// First observation that is not the same in two runs of one case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// The observation, counted from 0.
    pub index: usize,
    /// The observation of the first and of the second execution, or a text that there was none.
    pub observed: [String; 2],
}

/// The first observation that is not the same; `None` where all are.
#[must_use]
pub fn first_difference(first: &[Observation], second: &[Observation]) -> Option<Difference> {
    let index = (0..first.len().max(second.len())).find(|&i| first.get(i) != second.get(i))?;
    let said = |observations: &[Observation]| match observations.get(index) {
        Some(observation) => observation.to_string(),
        None => format!("nothing more after {} observations", observations.len()),
    };
    Some(Difference {
        index,
        observed: [said(first), said(second)],
    })
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "observation {}\n  first      {}\n  then       {}",
            self.index, self.observed[0], self.observed[1]
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trace(observed: &[(usize, &[u8])]) -> Vec<Observation> {
        let mut trace = Trace::default();
        for (step, bytes) in observed {
            trace.observe(*step, "a block", bytes);
        }
        trace.into_observations()
    }

    #[test]
    fn the_first_difference_is_the_first() {
        let one = trace(&[(0, b"a"), (1, b"b"), (2, b"c")]);
        assert_eq!(first_difference(&one, &one), None);
        let other = trace(&[(0, b"a"), (1, b"B"), (2, b"C")]);
        let difference = first_difference(&one, &other).expect("they differ");
        assert_eq!(difference.index, 1);
        assert!(difference.observed[0].starts_with("step 1, a block: "));
        assert_ne!(difference.observed[0], difference.observed[1]);
    }

    #[test]
    fn a_run_that_observed_less_differs() {
        let whole = trace(&[(0, b"a"), (1, b"b")]);
        let difference = first_difference(&whole[..1], &whole).expect("one is shorter");
        assert_eq!(difference.index, 1);
        assert_eq!(difference.observed[0], "nothing more after 1 observations");
    }

    fn lines(lines: &[&str], mut trace: Trace) -> Trace {
        for line in lines {
            trace.line(5, line);
        }
        trace
    }

    #[test]
    fn a_trace_that_keeps_the_hash_alone_has_the_same_hash() {
        let written = lines(&["a", "b"], Trace::default());
        let hashed = lines(&["a", "b"], Trace::hashed());
        assert_eq!(hashed.digest(), written.digest());
        assert_ne!(lines(&["a"], Trace::hashed()).digest(), written.digest());
        assert_eq!(hashed.observations(), []);
        let text = "      5 a\n      5 b\n";
        assert_eq!(as_text(written.observations()), text);
        assert_eq!(
            written.digest(),
            Digest(blake3::hash(text.as_bytes()).into())
        );
    }
}
