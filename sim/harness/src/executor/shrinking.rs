//! Smaller cases that show a finding of the same class.
//!
//! The search knows the JSON form of intents and environment, not their types: after blocks, transactions and
//! workers have been taken away, it lowers their numbers and empties their lists, and drops a candidate that no
//! longer reads as one. An adapter may offer simpler ones of its own.
//!
//! If a finding does not show in every execution, each candidate is executed several times, and counts if it
//! shows once. A hang costs its whole limit at each, so candidates have a short one; the smallest case is
//! executed with the long one.

use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::coverage::Coverage;
use crate::shrink::{Budget, Pass, Search, Shrinkable, Shrunk, shrink};
use crate::trace::Trace;

use super::adapter::Adapter;
use super::answer::Contender;
use super::case::Case;
use super::class::{Class, Kind};
use super::trial::{Ending, Found, judge};

/// Largest number of candidates, if nothing else is asked for.
pub const BUDGET: u64 = 2_000;

/// Largest number of candidates of a class of which each costs its whole time limit.
pub const SLOW_BUDGET: u64 = 150;

/// Executions of a finding before it is shrunk, which tell how often it shows.
const TRIED: u32 = 5;

/// Executions of a candidate where a finding does not always show.
const TRIES: u64 = 12;

/// Time limits of a contender's case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// In a campaign, and of the smallest case.
    pub long: Duration,
    /// Of a candidate.
    pub short: Duration,
}

impl Limits {
    /// 10 seconds, and 1 of a candidate.
    pub const DEFAULT: Limits = Limits {
        long: Duration::from_secs(10),
        short: Duration::from_secs(1),
    };
}

/// A finding that was shrunk.
#[derive(Clone, Debug)]
pub struct Smallest<A: Adapter> {
    /// The search and its result.
    pub shrunk: Shrunk<Case<A>>,
    /// The finding in the smallest case, with the long limit; `None` where it did not show again.
    pub found: Option<Found>,
    /// Number of executions of the case as drawn that showed it.
    pub shown: u32,
    /// Number of executions of the case as drawn.
    pub of: u32,
}

impl<A: Adapter> Smallest<A> {
    /// The result on one line.
    #[must_use]
    pub fn in_words(&self) -> String {
        let often = match self.shown == self.of {
            true => String::new(),
            false => format!(
                "; the case as drawn shows it in {} of {} executions",
                self.shown, self.of
            ),
        };
        let confirmed = match self.found {
            Some(_) => "",
            None => "; it did not show again with the long limit",
        };
        format!("{}{often}{confirmed}", self.shrunk)
    }
}

/// Shrinks a case that shows a finding of this class. Returns it as it is where it does not show again.
#[must_use]
pub fn shrink_case<A: Adapter>(
    adapter: &A,
    case: &Case<A>,
    class: &Class,
    contender: &mut dyn Contender<A>,
    limits: Limits,
    budget: Budget<'_>,
) -> Smallest<A> {
    let is_slow = class.kind.is_slow();
    let is_of_memory = class.kind == Kind::OutOfMemory;
    let class = class.to_string();
    let contender = std::cell::RefCell::new(contender);
    let once = |case: &Case<A>, limit| {
        let mut contender = contender.borrow_mut();
        let judged = judge(
            adapter,
            case,
            &mut **contender,
            limit,
            &mut Coverage::default(),
            &mut Trace::hashed(),
        );
        match judged {
            Err(Ending::Found(found)) if found.class.to_string() == class => Some(*found),
            _ => None,
        }
    };
    let of = if is_slow { 1 } else { TRIED };
    let shown = (0..of)
        .filter(|_| once(case, limits.long).is_some())
        .count();
    let shown = u32::try_from(shown).unwrap_or(of);
    let tries = if shown == of { 1 } else { TRIES };
    let shows = |case: &Case<A>, limit| (0..tries).find_map(|_| once(case, limit));
    let budget = match is_slow {
        true => budget.at_most(SLOW_BUDGET),
        false => budget.executed(tries),
    };
    // An execution that takes memory without end ends by itself, and takes its time.
    let limit = match is_of_memory {
        true => limits.long,
        false => limits.short,
    };
    let judge = |candidate: &Case<A>| shows(candidate, limit).map(|_| class.clone());
    let shrunk = shrink(case, &passes::<A>(), &class, budget, &judge);
    Smallest {
        found: shows(&shrunk.smallest, limits.long),
        shrunk,
        shown,
        of,
    }
}

impl<A: Adapter> Shrinkable for Case<A> {
    /// Transactions, blocks, workers, length of the JSON form, and the sum of its numbers.
    type Size = (usize, usize, usize, usize, u128);

    fn size(&self) -> Self::Size {
        let json = serde_json::to_value(self).unwrap_or_default();
        (
            self.transactions(),
            self.blocks.len(),
            self.workers,
            json.to_string().len(),
            sum(&json),
        )
    }

    fn in_words(&self) -> String {
        self.to_string()
    }

    fn weight(&self) -> u64 {
        self.transactions() as u64
    }
}

/// The sum of all numbers.
fn sum(json: &Value) -> u128 {
    match json {
        Value::Array(values) => values.iter().map(sum).sum(),
        Value::Object(fields) => fields.values().map(sum).sum(),
        value => number_of(value).map_or(0, u128::from),
    }
}

/// The number that a value is: of 64 bits, or a text that is one in decimal or, behind `0x`, in hexadecimal
/// digits, as virtual machines write quantities.
fn number_of(value: &Value) -> Option<u64> {
    match value {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => match text.strip_prefix("0x") {
            Some(digits) => u64::from_str_radix(digits, 16).ok(),
            None => text.parse().ok(),
        },
        _ => None,
    }
}

/// A number in the form that another value has.
fn in_form_of(value: &Value, number: u64) -> Value {
    match value {
        Value::String(text) if text.starts_with("0x") => format!("{number:#x}").into(),
        Value::String(_) => number.to_string().into(),
        _ => number.into(),
    }
}

fn passes<A: Adapter>() -> [Pass<Case<A>>; 6] {
    [
        fewer_blocks::<A>,
        fewer_transactions::<A>,
        one_block::<A>,
        fewer_workers::<A>,
        simpler::<A>,
        smaller_values::<A>,
    ]
}

fn fewer_blocks<A: Adapter>(search: &mut Search<'_, Case<A>>) {
    search.take_away(
        |case| case.blocks.len(),
        |case, gone| {
            let mut rest = case.clone();
            rest.blocks.drain(gone);
            vec![rest]
        },
    );
}

/// Transactions are counted through all blocks; a block that becomes empty goes.
fn fewer_transactions<A: Adapter>(search: &mut Search<'_, Case<A>>) {
    search.take_away(Case::transactions, |case, gone| {
        let mut rest = case.clone();
        let mut index = 0;
        for block in &mut rest.blocks {
            block.retain(|_| {
                index += 1;
                !gone.contains(&(index - 1))
            });
        }
        rest.blocks.retain(|block| !block.is_empty());
        vec![rest]
    });
}

fn one_block<A: Adapter>(search: &mut Search<'_, Case<A>>) {
    let mut joined = search.smallest().clone();
    joined.blocks = vec![joined.blocks.concat()];
    search.keeps(joined);
}

fn fewer_workers<A: Adapter>(search: &mut Search<'_, Case<A>>) {
    let workers = search.smallest().workers as u64;
    search.lower(workers, |case, _, workers| {
        let mut fewer = case.clone();
        fewer.workers = usize::try_from(workers.max(1)).unwrap_or(fewer.workers);
        fewer
    });
}

/// The adapter's own simpler intents and environments.
fn simpler<A: Adapter>(search: &mut Search<'_, Case<A>>) {
    for (block, index) in places(search.smallest()) {
        let case = search.smallest();
        let simpler = A::simpler(&case.blocks[block][index]).into_iter();
        let candidates: Vec<Case<A>> = simpler
            .map(|intent| {
                let mut with = case.clone();
                with.blocks[block][index] = intent;
                with
            })
            .collect();
        search.keeps_any(candidates);
    }
    let case = search.smallest();
    let simpler = A::simpler_environment(&case.environment).into_iter();
    let candidates: Vec<Case<A>> = simpler
        .map(|environment| {
            let mut with = case.clone();
            with.environment = environment;
            with
        })
        .collect();
    search.keeps_any(candidates);
}

/// Block and index of each intent.
fn places<A: Adapter>(case: &Case<A>) -> Vec<(usize, usize)> {
    let blocks = case.blocks.iter().enumerate();
    blocks
        .flat_map(|(block, intents)| (0..intents.len()).map(move |index| (block, index)))
        .collect()
}

/// Smaller numbers and shorter lists in intents and environment.
fn smaller_values<A: Adapter>(search: &mut Search<'_, Case<A>>) {
    for (block, index) in places(search.smallest()) {
        let intent = |case: &Case<A>| case.blocks[block][index].clone();
        smaller_parts(search, intent, |case, intent| {
            case.blocks[block][index] = intent;
        });
    }
    smaller_parts(
        search,
        |case| case.environment.clone(),
        |case, environment| case.environment = environment,
    );
}

/// Lowers the numbers and empties the lists and texts of bytes in the JSON form of one part of a case.
fn smaller_parts<A: Adapter, P: Serialize + DeserializeOwned>(
    search: &mut Search<'_, Case<A>>,
    part: impl Fn(&Case<A>) -> P,
    put: impl Fn(&mut Case<A>, P),
) {
    let with = |case: &Case<A>, json: Value| {
        let part = serde_json::from_value(json).ok()?;
        let mut with = case.clone();
        put(&mut with, part);
        Some(with)
    };
    // Numbers beyond 64 bits have no such form, and stay.
    let json_of = |case: &Case<A>| serde_json::to_value(part(case)).unwrap_or_default();
    for path in paths(&json_of(search.smallest())) {
        let mut json = json_of(search.smallest());
        let Some(value) = at(&mut json, &path) else {
            continue;
        };
        if let Some(number) = number_of(value) {
            search.lower(number, |case, _, lower| {
                let mut json = json_of(case);
                if let Some(value) = at(&mut json, &path) {
                    *value = in_form_of(value, lower);
                }
                with(case, json).unwrap_or_else(|| case.clone())
            });
            continue;
        }
        match value {
            Value::Array(values) => {
                // The last ones first, so that the numbers of those before them stay.
                for index in (0..values.len()).rev() {
                    let mut json = json_of(search.smallest());
                    if let Some(Value::Array(values)) = at(&mut json, &path)
                        && index < values.len()
                    {
                        values.remove(index);
                    }
                    let candidate = with(search.smallest(), json);
                    search.keeps_any(candidate);
                }
            }
            Value::Object(fields) => {
                let names: Vec<String> = fields.keys().cloned().collect();
                for name in names {
                    let mut json = json_of(search.smallest());
                    if let Some(Value::Object(fields)) = at(&mut json, &path) {
                        fields.remove(&name);
                    }
                    let candidate = with(search.smallest(), json);
                    search.keeps_any(candidate);
                }
            }
            Value::String(text) if text.starts_with("0x") => {
                let mut json = json_of(search.smallest());
                if let Some(value) = at(&mut json, &path) {
                    *value = "0x".into();
                }
                let candidate = with(search.smallest(), json);
                search.keeps_any(candidate);
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
}

/// A step from a JSON value into one of its parts.
#[derive(Clone, Debug)]
enum Step {
    Index(usize),
    Field(String),
}

/// The paths of all parts of a value that can be made smaller, the value itself included.
fn paths(json: &Value) -> Vec<Vec<Step>> {
    let children: Vec<(Step, &Value)> = match json {
        Value::Array(values) => {
            let values = values.iter().enumerate();
            values
                .map(|(index, value)| (Step::Index(index), value))
                .collect()
        }
        Value::Object(fields) => {
            let fields = fields.iter();
            fields
                .map(|(name, value)| (Step::Field(name.clone()), value))
                .collect()
        }
        Value::Number(_) | Value::String(_) => return vec![Vec::new()],
        Value::Null | Value::Bool(_) => return Vec::new(),
    };
    let below = children.into_iter().flat_map(|(step, value)| {
        let paths = paths(value).into_iter();
        paths.map(move |path| [vec![step.clone()], path].concat())
    });
    std::iter::once(Vec::new()).chain(below).collect()
}

fn at<'j>(json: &'j mut Value, path: &[Step]) -> Option<&'j mut Value> {
    path.iter().try_fold(json, |value, step| match step {
        Step::Index(index) => value.get_mut(*index),
        Step::Field(name) => value.get_mut(name.as_str()),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn quantities_are_numbers_in_every_form_and_keep_it() {
        for (value, lower) in [
            (json!(70), json!(7)),
            (json!("70"), json!("7")),
            (json!("0x46"), json!("0x7")),
        ] {
            assert_eq!(number_of(&value), Some(70));
            assert_eq!(in_form_of(&value, 7), lower);
        }
        let long = json!("0x00000000000000000000000000000000000000aa55");
        assert_eq!(number_of(&json!("sender")), None);
        assert_eq!(number_of(&json!(-3)), None);
        assert_eq!(sum(&json!({"a": [1, "2", "0x3"], "b": "c", "d": null})), 6);
        assert_eq!(number_of(&long), Some(0xaa55), "leading zeros are digits");
    }

    #[test]
    fn every_part_that_can_be_smaller_has_a_path() {
        let mut value = json!({"a": [1, {"b": "0xff"}], "c": true});
        let paths = paths(&value);
        assert_eq!(paths.len(), 5, "{paths:?}");
        let at: Vec<Value> = paths
            .iter()
            .filter_map(|path| at(&mut value, path).cloned())
            .collect();
        assert_eq!(at[2], json!(1));
        assert_eq!(at[4], json!("0xff"));
    }
}
