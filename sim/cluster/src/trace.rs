//! What happened in a run, line by line.
//!
//! Nothing that must not matter stands in it: no workers, hash seeds, files or places of the machine.
//! So the traces of one run under other such settings are the same, byte for byte.

use std::fmt;

use lockstep_core::model::Hash;

/// Lines, and the hash of all of them.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    hasher: blake3::Hasher,
    text: Option<String>,
}

impl Trace {
    /// A trace that keeps the hash alone.
    #[must_use]
    pub fn hashed() -> Self {
        Trace::default()
    }

    /// A trace that keeps its text.
    #[must_use]
    pub fn written() -> Self {
        Trace {
            text: Some(String::new()),
            ..Trace::default()
        }
    }

    /// Adds a line.
    pub(super) fn line(&mut self, at_ms: u64, what: impl fmt::Display) {
        let line = format!("{at_ms:>7} {what}\n");
        self.hasher.update(line.as_bytes());
        if let Some(text) = &mut self.text {
            text.push_str(&line);
        }
    }

    /// The hash of all lines so far.
    #[must_use]
    pub fn hash(&self) -> Hash {
        Hash(self.hasher.finalize().into())
    }

    /// The first line, counted from 1, that is not the same in both, as it stands in each; `None`
    /// where all are, or where not both were kept.
    #[must_use]
    pub fn first_difference(&self, other: &Trace) -> Option<(usize, [String; 2])> {
        let lines = |trace: &Trace| trace.text.clone().unwrap_or_default();
        let (first, second) = (lines(self), lines(other));
        let (mut first, mut second) = (first.lines(), second.lines());
        for line in 1.. {
            match (first.next(), second.next()) {
                (None, None) => break,
                (one, other) if one == other => {}
                (one, other) => {
                    let said = |line: Option<&str>| line.unwrap_or("the end").to_owned();
                    return Some((line, [said(one), said(other)]));
                }
            }
        }
        None
    }

    /// All lines so far, where they are kept.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        self.text.as_deref()
    }
}

/// The first digits of a hash, for a line.
pub(super) fn short(hash: &[u8; 32]) -> String {
    hex::encode(&hash[..8])
}

#[cfg(test)]
mod tests {
    use super::Trace;

    fn trace(lines: &[&str]) -> Trace {
        let mut trace = Trace::written();
        for line in lines {
            trace.line(5, line);
        }
        trace
    }

    #[test]
    fn the_first_line_that_differs_is_named() {
        let one = trace(&["a", "b", "c"]);
        assert_eq!(one.first_difference(&trace(&["a", "b", "c"])), None);
        let (line, said) = one
            .first_difference(&trace(&["a", "x", "y"]))
            .expect("they differ");
        assert_eq!(line, 2);
        assert_eq!(said.map(|said| said.trim().to_owned()), ["5 b", "5 x"]);
        let (line, said) = one
            .first_difference(&trace(&["a"]))
            .expect("one is shorter");
        assert_eq!((line, said[1].as_str()), (2, "the end"));
    }

    #[test]
    fn the_hash_is_that_of_the_text() {
        let written = trace(&["a", "b"]);
        let mut hashed = Trace::hashed();
        hashed.line(5, "a");
        assert_ne!(hashed.hash(), written.hash());
        hashed.line(5, "b");
        assert_eq!(hashed.hash(), written.hash());
        assert_eq!(hashed.text(), None);
    }
}
