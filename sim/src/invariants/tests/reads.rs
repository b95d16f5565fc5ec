//! Answers to questions about public reads.

use lockstep_core::model::{Asset, Cell, Height, Timestamp, Value};

use super::{SENDER, Step, key};
use crate::invariants::Event;
use crate::oracle::Oracle;
use crate::reads::bodies::{BodyAct, BodyAnswer, BodyScript};
use crate::reads::conflicts::ConflictOrder;
use crate::reads::{Answer, Question, Recorded};

/// Returns the name of the invariant that an honest answer violates once it is falsified like this.
fn violated_by(question: &Question, falsify: impl FnOnce(&mut Answer)) -> Option<&'static str> {
    let step = Step::honest();
    let oracle = Oracle::new(&step.genesis).expect("the genesis is possible");
    let known = Recorded {
        rules: &step.genesis.rules,
        oracle: &oracle,
        blocks: &[],
    };
    let expected = known.answer(question);
    let mut got = expected.clone();
    falsify(&mut got);
    let honest = Step {
        after: step.expected.clone(),
        before: step.expected.clone(),
        ..step
    };
    honest.judged(Event::Read {
        question,
        got: &got,
        expected: &expected,
    })
}

#[test]
fn another_value_at_a_height_is_named() {
    let cell = Cell::Balance(key(SENDER), Asset::NATIVE);
    let question = Question::ValueAt(cell, Height(7));
    assert_eq!(violated_by(&question, |_| {}), None);
    let name = violated_by(&question, |answer| *answer = Answer::ValueAt(None));
    assert_eq!(name, Some("reads-agree"));
    let name = violated_by(&question, |answer| {
        *answer = Answer::ValueAt(Some(Value::Multisig(None)));
    });
    assert_eq!(name, Some("reads-agree"));
}

#[test]
fn a_page_that_lacks_a_cell_is_named() {
    let (after, limit) = (None, 3);
    let question = Question::Cells { after, limit };
    let name = violated_by(&question, |answer| {
        let Answer::Cells(cells) = answer else {
            panic!("a page answers a question for a page");
        };
        assert_eq!(cells.pop(), Some(Cell::Supply(Asset::NATIVE)));
    });
    assert_eq!(name, Some("reads-agree"));
}

#[test]
fn an_order_that_overlooks_a_conflict_is_named() {
    // Both are of the same source.
    let question = Question::Conflicts(Step::honest().block.transactions.into());
    assert_eq!(violated_by(&question, |_| {}), None);
    let falsifications: [fn(&mut ConflictOrder); 5] = [
        |order| order.levels[1] = 0,
        |order| order.groups = vec![vec![0, 1]],
        |order| order.before[1] = 0,
        |order| order.critical_path_lengths[0] = 0,
        |order| order.counts_agree = false,
    ];
    for falsify in falsifications {
        let name = violated_by(&question, |answer| match answer {
            Answer::Conflicts(order) => falsify(order),
            other => panic!("it is no order of conflicts: {other}"),
        });
        assert_eq!(name, Some("levels-follow-conflicts"));
    }
}

#[test]
fn bytes_that_no_block_gave_are_named() {
    let step = Step::honest();
    let (got, rebuilt) = (blake3::hash(b"one more"), blake3::hash(b"one"));
    let step = Step {
        before: step.after.clone(),
        ..step
    };
    let judged = |got, rebuilt| {
        step.judged(Event::Kept {
            got,
            rebuilt,
            difference: None,
        })
    };
    assert_eq!(judged(&got, &got), None);
    assert_eq!(judged(&got, &rebuilt), Some("bytes-depend-on-blocks-alone"));
}

#[test]
fn a_body_that_was_to_give_way_is_named() {
    let transactions = Step::honest().block.transactions;
    let now = Timestamp(5);
    let script = BodyScript {
        entries: 1,
        bytes: u64::MAX,
        time_to_live_ms: 10,
        bodies: vec![transactions[..1].into(), transactions[..].into()],
        acts: vec![
            BodyAct::Remember(0, now),
            BodyAct::Remember(1, now),
            BodyAct::Find(0, now),
            BodyAct::Find(1, Timestamp(14)),
            BodyAct::Find(1, Timestamp(15)),
        ],
    };
    let found = [None, Some(1), None].map(BodyAnswer::Found);
    assert_eq!(script.expected()[2..], found);
    let question = Question::Bodies(script);
    assert_eq!(violated_by(&question, |_| {}), None);
    let name = violated_by(&question, |answer| match answer {
        Answer::Bodies(answers) => answers[2] = BodyAnswer::Found(Some(1)),
        other => panic!("these are no answers of a cache: {other}"),
    });
    assert_eq!(name, Some("bodies-are-kept-by-rule"));
}
