//! Observation: what an executor made of a block, in parts that are compared one by one.
//!
//! An observation is *canonical*: its entries are sorted by part and key, and no key stands in a part
//! twice. An adapter leaves out of it whatever no result depends on: slots that were read and not
//! changed, texts of errors, names of threads. Two canonical observations are equal if and only if the
//! executions are to be taken for the same.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A part of an observation. The first part that differs decides the class of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// The kind of outcome of each transaction, by its number: applied, reverted, a rejection.
    Outcome,
    /// The gas or other cost of each transaction, by its number.
    Gas,
    /// The changes of the block, by the name of the changed thing.
    Change,
    /// The state after the block, by name.
    State,
    /// Everything else: logs, receipts, indexes, by name.
    Side,
}

impl Part {
    /// Every one, in order.
    pub const ALL: [Part; 5] = [
        Part::Outcome,
        Part::Gas,
        Part::Change,
        Part::State,
        Part::Side,
    ];

    /// True if its keys are numbers of transactions.
    #[must_use]
    pub const fn is_by_transaction(self) -> bool {
        matches!(self, Part::Outcome | Part::Gas)
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Part::Outcome => "outcome",
            Part::Gas => "gas",
            Part::Change => "change",
            Part::State => "state",
            Part::Side => "side table",
        })
    }
}

/// The key of an entry: the number of a transaction in its block, or a name. Numbers come first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Key {
    /// The number of a transaction, from 0.
    Index(u64),
    /// A name.
    Name(String),
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Key::Index(index) => write!(f, "transaction {index}"),
            Key::Name(name) => f.write_str(name),
        }
    }
}

impl From<usize> for Key {
    fn from(index: usize) -> Self {
        Key::Index(index as u64)
    }
}

impl From<&str> for Key {
    fn from(name: &str) -> Self {
        Key::Name(name.to_owned())
    }
}

impl From<String> for Key {
    fn from(name: String) -> Self {
        Key::Name(name)
    }
}

/// One observed value: its part, its key, and the value as text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Entry(pub Part, pub Key, pub String);

/// Result of executing a block, by the reference or by the contender.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Observation {
    /// The block was refused as a whole, and nothing changed; the kind of refusal, without numbers.
    Refused(String),
    /// The block was executed.
    Executed(Vec<Entry>),
}

impl Default for Observation {
    /// An executed block of which nothing was observed yet.
    fn default() -> Self {
        Observation::Executed(Vec::new())
    }
}

impl Observation {
    /// A refusal of this kind.
    #[must_use]
    pub fn refused(kind: impl fmt::Display) -> Self {
        Observation::Refused(kind.to_string())
    }

    /// Adds an entry behind those that are there. Does nothing to a refusal.
    pub fn note(&mut self, part: Part, key: impl Into<Key>, value: impl fmt::Display) {
        if let Observation::Executed(entries) = self {
            entries.push(Entry(part, key.into(), value.to_string()));
        }
    }

    /// The same entries sorted by part and key, for an executor whose tables have no order.
    #[must_use]
    pub fn sorted(mut self) -> Self {
        if let Observation::Executed(entries) = &mut self {
            entries.sort();
        }
        self
    }

    /// The entries of a part, in order; none of a refusal.
    pub fn part(&self, part: Part) -> impl Iterator<Item = (&Key, &str)> {
        self.entries()
            .iter()
            .filter(move |entry| entry.0 == part)
            .map(|Entry(_, key, value)| (key, value.as_str()))
    }

    /// All entries, in order; none of a refusal.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        match self {
            Observation::Refused(_) => &[],
            Observation::Executed(entries) => entries,
        }
    }

    /// The outcome of the transaction with this number.
    #[must_use]
    pub fn outcome(&self, index: u64) -> Option<&str> {
        let mut outcomes = self.part(Part::Outcome);
        let found = outcomes.find(|(key, _)| **key == Key::Index(index));
        found.map(|(_, value)| value)
    }

    /// The reason why it is not canonical, and the change that repairs it; `None` where it is.
    #[must_use]
    pub fn objection(&self) -> Option<String> {
        for Entry(part, key, _) in self.entries() {
            if part.is_by_transaction() && !matches!(key, Key::Index(_)) {
                return Some(format!(
                    "the {part} of {key} has a name as its key; give the number of its transaction"
                ));
            }
        }
        for pair in self.entries().windows(2) {
            let [Entry(part, key, _), Entry(next_part, next_key, _)] = pair else {
                continue;
            };
            if (part, key) == (next_part, next_key) {
                return Some(format!(
                    "the {part} of {key} stands there twice; note each key of a part once"
                ));
            }
            if (part, key) > (next_part, next_key) {
                return Some(format!(
                    "the {next_part} of {next_key} stands behind the {part} of {key}; sort the entries \
                     by part and key, as Observation::sorted does"
                ));
            }
        }
        None
    }
}

/// Result of one block by the contender.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Executed {
    /// Its observation.
    pub observation: Observation,
    /// Largest number of workers that executed transactions at the same time; `None` where it is not
    /// measured.
    #[serde(default)]
    pub workers_at_once: Option<usize>,
}

impl Executed {
    /// The same, measured: at most this many workers executed transactions at the same time.
    #[must_use]
    pub fn with_workers_at_once(self, workers: usize) -> Self {
        Executed {
            workers_at_once: Some(workers),
            ..self
        }
    }
}

impl From<Observation> for Executed {
    fn from(observation: Observation) -> Self {
        Executed {
            observation,
            workers_at_once: None,
        }
    }
}

/// The first difference of two observations of one block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The first part that differs.
    pub part: Part,
    /// The first key of it that differs.
    pub key: Key,
    /// The reference's value; `None` where it has none.
    pub expected: Option<String>,
    /// The contender's value; `None` where it has none.
    pub got: Option<String>,
    /// All parts that differ.
    pub parts: Vec<Part>,
}

/// The first difference of two canonical observations of executed blocks; `None` where they are the same.
#[must_use]
pub fn first_difference(expected: &Observation, got: &Observation) -> Option<Difference> {
    let differs = |part: &Part| !expected.part(*part).eq(got.part(*part));
    let parts: Vec<Part> = Part::ALL.into_iter().filter(differs).collect();
    let part = *parts.first()?;
    let [mut expected, mut got] = [expected, got].map(|one| one.part(part).peekable());
    while let (Some(one), Some(other)) = (expected.peek(), got.peek()) {
        if one != other {
            break;
        }
        expected.next();
        got.next();
    }
    let [expected, got] = [expected.peek(), got.peek()];
    let key = [expected, got]
        .into_iter()
        .flatten()
        .map(|(key, _)| *key)
        .min()?
        .clone();
    let value = |one: Option<&(&Key, &str)>| {
        let is_its = one.filter(|(of, _)| **of == key);
        is_its.map(|(_, value)| (*value).to_owned())
    };
    Some(Difference {
        expected: value(expected),
        got: value(got),
        part,
        key,
        parts,
    })
}

impl fmt::Display for Difference {
    /// As `PLACE: got VALUE, expected VALUE`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = |value: &Option<String>| value.clone().unwrap_or_else(|| "nothing".to_owned());
        write!(
            f,
            "{} of {}: got {}, expected {}",
            self.part,
            self.key,
            value(&self.got),
            value(&self.expected)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn observed(entries: &[(Part, &str, &str)]) -> Observation {
        let mut observation = Observation::default();
        for (part, key, value) in entries {
            match key.parse::<usize>() {
                Ok(index) => observation.note(*part, index, value),
                Err(_) => observation.note(*part, *key, value),
            }
        }
        observation
    }

    #[test]
    fn the_first_part_that_differs_decides_whatever_the_order_of_what_is_wrong() {
        let expected = observed(&[
            (Part::Outcome, "0", "applied"),
            (Part::Change, "a", "1"),
            (Part::State, "a", "1"),
        ]);
        assert_eq!(first_difference(&expected, &expected), None);
        let got = observed(&[
            (Part::Outcome, "0", "applied"),
            (Part::Change, "b", "1"),
            (Part::State, "a", "2"),
        ]);
        let difference = first_difference(&expected, &got).expect("they differ");
        assert_eq!(difference.parts, [Part::Change, Part::State]);
        assert_eq!(
            difference.to_string(),
            "change of a: got nothing, expected 1"
        );
        let back = first_difference(&got, &expected).expect("they differ");
        assert_eq!(back.to_string(), "change of a: got 1, expected nothing");
        let less = observed(&[(Part::Outcome, "0", "applied")]);
        let difference = first_difference(&expected, &less).expect("they differ");
        assert_eq!(difference.got, None);
    }

    #[test]
    fn an_observation_that_is_not_canonical_is_told_in_a_sentence() {
        for (entries, said) in [
            (
                vec![(Part::Change, "b", "1"), (Part::Change, "a", "1")],
                "the change of a stands behind the change of b; sort",
            ),
            (
                vec![(Part::State, "a", "1"), (Part::Change, "a", "1")],
                "the change of a stands behind the state of a; sort",
            ),
            (
                vec![(Part::State, "a", "1"), (Part::State, "a", "2")],
                "the state of a stands there twice; note",
            ),
            (
                vec![(Part::Outcome, "a", "applied")],
                "the outcome of a has a name as its key; give",
            ),
        ] {
            let observation = observed(&entries);
            let objection = observation.objection().expect("it is not canonical");
            assert!(objection.starts_with(said), "{objection}");
            let sorts = said.ends_with("sort");
            assert_eq!(observation.sorted().objection().is_none(), sorts, "{said}");
        }
    }

    #[test]
    fn numbers_of_transactions_are_sorted_as_numbers() {
        let observation = observed(&[(Part::Gas, "2", "7"), (Part::Gas, "10", "7")]);
        assert_eq!(observation.objection(), None);
        assert_eq!(observation.outcome(2), None, "gas is no outcome");
    }

    #[test]
    fn an_observation_is_json_and_back() {
        let observation = observed(&[(Part::Outcome, "0", "applied"), (Part::Side, "log", "x")]);
        let text = serde_json::to_string(&observation).expect("it has a text");
        assert_eq!(
            text,
            r#"{"executed":[["outcome",0,"applied"],["side","log","x"]]}"#
        );
        assert_eq!(
            serde_json::from_str::<Observation>(&text).ok(),
            Some(observation)
        );
    }
}
