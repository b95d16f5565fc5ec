//! Seeded bugs of a grouping, of a graph and of a machine, each of which must be found.

use super::*;
use lockstep_harness::choice::Seeded;

/// A reference with these conflicts: for each transaction the bits of those before it.
fn reference(conflicts: &[u64]) -> Reference {
    let mut levels: Vec<usize> = Vec::new();
    for before in conflicts {
        let level = (0..levels.len())
            .filter(|index| before & bit(*index) != 0)
            .map(|index| levels[index] + 1)
            .max();
        levels.push(level.unwrap_or(0));
    }
    Reference {
        conflicts: conflicts.to_vec(),
        levels,
        accesses: 2 * conflicts.len(),
    }
}

/// 0 and 1 are free, 2 conflicts with both, 3 with 2.
fn four() -> Reference {
    reference(&[0, 0, 0b11, 0b100])
}

fn edges(successors: &[&[u32]], levels: &[u32]) -> Edges {
    let mut waits_for = vec![0; successors.len()];
    for after in successors.iter().copied().flatten() {
        waits_for[*after as usize] += 1;
    }
    Edges {
        waits_for,
        successors: successors.iter().map(|list| list.to_vec()).collect(),
        levels: levels.to_vec(),
    }
}

#[test]
fn what_the_simulator_draws_is_no_finding() {
    let mut widest = 0;
    for run in 0..200 {
        let mut choices = Seeded::new(0, run);
        let bytes: Vec<u8> = (0..400)
            .map(|_| u8::try_from(choices.below(256)).expect("a byte is below 256"))
            .collect();
        group_by_conflicts(&bytes);
        let block = block(&mut FromBytes(&bytes[8..]));
        let reference = Reference::of(&block);
        widest = widest.max(reference.len());
    }
    assert!(
        widest > 16,
        "blocks of some length were looked at, not of {widest} at most"
    );
}

#[test]
fn right_groups_edges_and_machines_are_no_finding() {
    groups_are_right(&four(), &[vec![0, 1], vec![2], vec![3]]);
    edges_are_right(&four(), &edges(&[&[2], &[2], &[3], &[]], &[0, 0, 1, 2]));
}

#[test]
#[should_panic(expected = "2 conflicts with no other in group 0")]
fn a_conflict_that_was_missed_is_found() {
    groups_are_right(&four(), &[vec![0, 1, 2], vec![3]]);
}

#[test]
#[should_panic(expected = "3 conflicts with 2 and comes after it")]
fn a_transaction_that_overtakes_is_found() {
    groups_are_right(&four(), &[vec![0, 1, 3], vec![2]]);
}

#[test]
#[should_panic(expected = "1 comes as early as it can")]
fn a_grouping_that_is_deeper_than_need_be_is_found() {
    groups_are_right(&four(), &[vec![0], vec![1], vec![2], vec![3]]);
}

#[test]
#[should_panic(expected = "group 0 is in the order of the block")]
fn a_group_out_of_order_is_found() {
    groups_are_right(&four(), &[vec![1, 0], vec![2], vec![3]]);
}

#[test]
#[should_panic(expected = "3 is in a group")]
fn a_transaction_that_was_forgotten_is_found() {
    groups_are_right(&four(), &[vec![0, 1], vec![2]]);
}

#[test]
#[should_panic(expected = "0 is in one group")]
fn a_transaction_in_two_groups_is_found() {
    groups_are_right(&four(), &[vec![0, 1], vec![0, 2], vec![3]]);
}

#[test]
#[should_panic(expected = "there is no empty group")]
fn an_empty_group_is_found() {
    groups_are_right(&four(), &[vec![0, 1], vec![2], vec![3], vec![]]);
}

#[test]
#[should_panic(expected = "2 comes after all that it conflicts with")]
fn an_edge_that_is_missing_is_found() {
    edges_are_right(&four(), &edges(&[&[2], &[], &[3], &[]], &[0, 0, 1, 2]));
}

#[test]
#[should_panic(expected = "1 waits for 0, with which it conflicts")]
fn an_edge_without_a_conflict_is_found() {
    edges_are_right(&four(), &edges(&[&[1, 2], &[2], &[3], &[]], &[0, 0, 1, 2]));
}

#[test]
#[should_panic(expected = "the edges that end are counted")]
fn a_count_of_edges_that_is_wrong_is_found() {
    let mut edges = edges(&[&[2], &[2], &[3], &[]], &[0, 0, 1, 2]);
    edges.waits_for[2] = 1;
    edges_are_right(&four(), &edges);
}

#[test]
#[should_panic(expected = "4 accesses make at most two edges each, not 10")]
fn edges_from_each_transaction_to_all_later_ones_are_found() {
    // All transactions of one sender; an edge to the last of them is enough.
    let mut all = reference(&[0, 0b1, 0b11, 0b111, 0b1111]);
    all.accesses = 4;
    edges_are_right(
        &all,
        &edges(
            &[&[1, 2, 3, 4], &[2, 3, 4], &[3, 4], &[4], &[]],
            &[0, 1, 2, 3, 4],
        ),
    );
}

#[test]
#[should_panic(expected = "8 accesses are hashed at most 6 times each, not 49 times")]
fn a_pass_that_is_not_linear_is_found() {
    steps_are_few(&four(), "hashed", 49);
}

#[test]
#[should_panic(expected = "levels are minimal")]
fn a_level_that_is_too_high_is_found() {
    edges_are_right(&four(), &edges(&[&[2], &[2], &[3], &[]], &[0, 0, 1, 3]));
}

/// A machine for a chain of conflicts, which may have a seeded bug.
#[derive(Default)]
struct Chain {
    length: u32,
    given: u32,
    finished: u32,
    gives_too_early: bool,
    forgets_what_runs: bool,
    latches_done: bool,
}

impl Machine for Chain {
    fn give(&mut self) -> Option<u32> {
        let is_ready = self.given == self.finished || self.gives_too_early;
        (is_ready && self.given < self.length).then(|| {
            self.given += 1;
            self.given - 1
        })
    }

    fn finish(&mut self, _: u32) {
        self.finished += 1;
    }

    fn ready(&self) -> usize {
        usize::from(self.given == self.finished && self.given < self.length)
    }

    fn running(&self) -> usize {
        match self.forgets_what_runs {
            true => 0,
            false => (self.given - self.finished) as usize,
        }
    }

    fn is_done(&self) -> bool {
        // That none is ready does not mean that all are done.
        self.finished == self.length || (self.latches_done && self.ready() == 0)
    }
}

fn drive(machine: Chain) {
    let chain = reference(&[0, 0b1, 0b10]);
    machine_is_consistent(
        &chain,
        &[0, 1, 2],
        &mut Chain {
            length: 3,
            ..machine
        },
    );
}

#[test]
fn a_machine_without_a_bug_is_no_finding() {
    drive(Chain::default());
}

#[test]
#[should_panic(expected = "how many are ready and running")]
fn a_machine_that_forgets_what_runs_is_found() {
    drive(Chain {
        forgets_what_runs: true,
        ..Chain::default()
    });
}

#[test]
#[should_panic(expected = "whether all are done")]
fn a_machine_that_is_done_while_something_runs_is_found() {
    drive(Chain {
        latches_done: true,
        ..Chain::default()
    });
}

#[test]
#[should_panic(expected = "Some(1) is given out in place of None")]
fn a_machine_that_gives_out_too_early_is_found() {
    let chain = reference(&[0, 0b1, 0b10]);
    let mut machine = Chain {
        length: 3,
        gives_too_early: true,
        ..Chain::default()
    };
    let mut mirror = Mirror::of(&chain);
    mirror.give(machine.give());
    mirror.give(machine.give());
}

#[test]
#[should_panic(expected = "None is given out in place of Some(0)")]
fn a_machine_that_gives_out_nothing_is_found() {
    Mirror::of(&four()).give(None);
}
