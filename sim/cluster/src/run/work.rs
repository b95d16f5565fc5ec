//! The operations of a node on its ledger: adding a block, and rewinding.

use lockstep_core::model::{Block, Hash};

use super::super::coverage::{count_block, point, short};
use super::super::pool::Next;
use super::super::scenario::{Fault, Operation};
use super::{Event, Simulation, WORK_MS};
use lockstep_harness::coverage::Point;
use lockstep_harness::violation::Failure;
use lockstep_sim::disk::Loss;
use lockstep_sim::subject::SubjectError;

/// Time after which a node retries a failed operation, in milliseconds.
const RETRY_MS: u64 = 50;

/// The faults that happened in an operation.
struct OperationEnd {
    /// True if a storage call was made to fail.
    has_failed: bool,
    /// Downtime in milliseconds and loss, if the power was lost.
    power_cut: Option<(u64, Loss)>,
}

impl Simulation<'_> {
    /// Schedules the next operation, if there is any and none is scheduled.
    pub(super) fn plan(&mut self, node: usize, in_ms: u64) {
        let me = &mut self.nodes[node];
        if !me.is_busy && me.pool.next(me.world.hash) != Next::Nothing {
            me.is_busy = true;
            let life = me.life;
            self.queue.after(in_ms, Event::Works { node, life });
        }
    }

    /// Adds a block at or below the height of the ledger, as a careless node would. It must be refused
    /// and change nothing.
    pub(super) fn add_again(&mut self, node: usize, bytes: &[u8]) -> Result<(), Failure> {
        let recipe = &self.scenario.nodes[node];
        let tree = self.tree;
        let me = &mut self.nodes[node];
        let Some(answered) = tree.sent_as(bytes) else {
            return Ok(());
        };
        // A block that is refused anyway, or may still be accepted, is no repetition.
        let is_below = answered
            .accepted
            .as_ref()
            .is_some_and(|accepted| accepted.world.height <= me.world.height);
        let (true, Some(block)) = (is_below, &answered.block) else {
            return Ok(());
        };
        let before = me.world.clone();
        let subject = &mut me.ledger.subject;
        let got = self.judge.ask(recipe, || match subject.add_block(block) {
            Ok(result) => Ok(Ok(result)),
            Err(SubjectError::Refused(refusal)) => Ok(Err(refusal)),
            Err(error) => Err(error),
        })?;
        let subject = &*self.nodes[node].ledger.subject;
        let after = self.judge.look(recipe, subject)?;
        self.judge
            .added_again(recipe, block, &before, &after, got.as_ref(), subject)?;
        self.coverage.count(point!("block: duplicate"));
        self.line(format_args!(
            "node {} refuses {} again",
            recipe.name, answered.name
        ));
        Ok(())
    }

    pub(super) fn work(&mut self, node: usize) -> Result<(), Failure> {
        match self.nodes[node].pool.next(self.nodes[node].world.hash) {
            Next::Nothing => Ok(()),
            Next::Add(hash) => {
                let held = self.nodes[node].pool.get(hash).cloned();
                let held = held.expect("only a block that is held is added");
                self.add(node, hash, &held.block, &held.bytes)
            }
            Next::Rewind(to, depth) => self.rewind(node, to, depth),
        }
    }

    fn add(&mut self, node: usize, hash: Hash, block: &Block, bytes: &[u8]) -> Result<(), Failure> {
        let recipe = &self.scenario.nodes[node];
        let tree = self.tree;
        let answered = tree
            .sent_as(bytes)
            .expect("what is sent was mined, and arrives as it was sent");
        self.arm(node, Operation::Adding(answered.name));
        let ledger = &mut self.nodes[node].ledger;
        let got = self
            .judge
            .catch_panic(recipe, || ledger.subject.add_block(block))?;
        self.judge.recovers_from_nothing(&mut *ledger.subject)?;
        let ended = self.disarm(node, Operation::Adding(answered.name));
        let before = self.nodes[node].world.hash;
        if let Some((down_ms, loss)) = ended.power_cut {
            self.coverage.count(point!("crash: while a block is added"));
            self.line(format_args!(
                "node {} loses power while it adds {}",
                recipe.name, answered.name
            ));
            let tips = match got {
                // A block that was acknowledged must be there.
                Ok(_) => vec![hash],
                Err(SubjectError::Refused(_)) => vec![before],
                Err(_) => vec![before, hash],
            };
            self.stop(node, down_ms, Some(loss), tips);
            return Ok(());
        }
        let got = match got {
            Ok(result) => Ok(result),
            Err(SubjectError::Refused(refusal)) => Err(refusal),
            Err(error) => {
                if ended.has_failed {
                    self.coverage
                        .count(point!("storage: failed while a block is added"));
                }
                return self.failed(node, error, &ended, &[before, hash]);
            }
        };
        let ledger = &self.nodes[node].ledger;
        let after = self.judge.look(recipe, &*ledger.subject)?;
        self.judge.added(
            recipe,
            answered,
            block,
            &self.nodes[node].world,
            &after,
            got.as_ref(),
            &*ledger.subject,
        )?;
        let bytes = self
            .judge
            .same_bytes(recipe, &*ledger.subject, after.hash)?;
        self.line(match &got {
            Ok(result) => format!(
                "node {} adds {} at {}: digest {}, {} receipts, bytes {}",
                recipe.name,
                answered.name,
                after.height,
                short(&result.digest.0),
                result.receipts.len(),
                short(bytes.as_bytes())
            ),
            Err(refusal) => format!(
                "node {} refuses {} because {refusal}",
                recipe.name, answered.name
            ),
        });
        if got.is_ok() {
            self.coverage
                .count(point!("block: added", in ["a few runs"]));
            count_block(self.coverage, block);
        } else {
            self.coverage.count(point!("block: refused"));
            self.nodes[node].pool.refuse(hash);
        }
        self.nodes[node].world = after;
        self.plan(node, WORK_MS);
        Ok(())
    }

    fn rewind(&mut self, node: usize, to: Hash, depth: u64) -> Result<(), Failure> {
        let recipe = &self.scenario.nodes[node];
        let tree = self.tree;
        let target = tree.world(to).expect("a node's chain is in the tree");
        let operation = Operation::RewindingTo(self.name_number(to));
        self.arm(node, operation);
        let ledger = &mut self.nodes[node].ledger;
        let got = self
            .judge
            .catch_panic(recipe, || ledger.subject.rewind_to(target.height))?;
        let ended = self.disarm(node, operation);
        let before = self.nodes[node].world.hash;
        if let Some((down_ms, loss)) = ended.power_cut {
            self.coverage
                .count(point!("crash: while blocks are undone"));
            self.line(format_args!(
                "node {} loses power while it goes back to {}",
                recipe.name,
                self.name(to)
            ));
            let tips = match got {
                Ok(()) => vec![to],
                Err(_) => vec![before, to],
            };
            self.stop(node, down_ms, Some(loss), tips);
            return Ok(());
        }
        if let Err(error) = got {
            if ended.has_failed {
                self.coverage
                    .count(point!("storage: failed while blocks are undone"));
            }
            return self.failed(node, error, &ended, &[before, to]);
        }
        let ledger = &self.nodes[node].ledger;
        let after = self.judge.look(recipe, &*ledger.subject)?;
        self.judge
            .rewound(recipe, &self.nodes[node].world, &after, target)?;
        let bytes = self
            .judge
            .same_bytes(recipe, &*ledger.subject, after.hash)?;
        self.coverage.count(reorganisation(depth));
        self.line(format_args!(
            "node {} goes back {depth} to {}: digest {}, bytes {}",
            recipe.name,
            self.name(to),
            short(&after.digest.0),
            short(bytes.as_bytes())
        ));
        self.nodes[node].world = after;
        self.plan(node, WORK_MS);
        Ok(())
    }

    /// Handles a failed operation. The ledger must be in the state before it or after it, and the node
    /// retries.
    fn failed(
        &mut self,
        node: usize,
        error: SubjectError,
        ended: &OperationEnd,
        tips: &[Hash],
    ) -> Result<(), Failure> {
        let recipe = &self.scenario.nodes[node];
        self.judge.may_fail(recipe, error, ended.has_failed)?;
        let subject = &*self.nodes[node].ledger.subject;
        let world = self.judge.look(recipe, subject)?;
        self.judge.before_or_after(recipe, &world, tips)?;
        self.judge.same_bytes(recipe, subject, world.hash)?;
        self.line(format_args!(
            "node {}: the storage failed, it stays at {}",
            recipe.name,
            self.name(world.hash)
        ));
        self.nodes[node].world = world;
        self.plan(node, RETRY_MS);
        Ok(())
    }

    /// Arms the faults that the scenario has for this operation.
    fn arm(&mut self, node: usize, now: Operation) {
        for (index, fault) in self.scenario.faults.iter().enumerate() {
            if self.happened.contains(&index) {
                continue;
            }
            let ledger = &self.nodes[node].ledger;
            match fault {
                Fault::StorageFails {
                    node: name,
                    operation,
                    call,
                } if (*name, *operation) == (self.scenario.nodes[node].name, now) => {
                    ledger.fail_call(*call);
                }
                Fault::PowerCut {
                    node: name,
                    operation,
                    call,
                    ..
                } if (*name, *operation) == (self.scenario.nodes[node].name, now) => {
                    ledger.cut_power_in(*call);
                }
                _ => {}
            }
        }
    }

    /// Disarms the faults of this operation, which do not happen a second time, and returns those that
    /// happened.
    fn disarm(&mut self, node: usize, now: Operation) -> OperationEnd {
        let ledger = &self.nodes[node].ledger;
        let has_failed = ledger.heal();
        let is_off = ledger.keep_power();
        let mut power_cut = None;
        for (index, fault) in self.scenario.faults.iter().enumerate() {
            match fault {
                Fault::StorageFails {
                    node: name,
                    operation,
                    ..
                } if (*name, *operation) == (self.scenario.nodes[node].name, now) => {
                    self.happened.insert(index);
                }
                Fault::PowerCut {
                    node: name,
                    operation,
                    down_ms,
                    loss,
                    ..
                } if (*name, *operation) == (self.scenario.nodes[node].name, now)
                    && self.happened.insert(index)
                    && is_off =>
                {
                    power_cut = Some((*down_ms, *loss));
                }
                _ => {}
            }
        }
        if has_failed || power_cut.is_some() {
            self.since_fault = 0;
        }
        OperationEnd {
            has_failed,
            power_cut,
        }
    }
}

/// The coverage point of a reorganisation of this depth.
fn reorganisation(depth: u64) -> &'static Point {
    match depth {
        1 => point!("reorg: depth 1"),
        2 => point!("reorg: depth 2"),
        3 => point!("reorg: depth 3"),
        4 => point!("reorg: depth 4"),
        5 => point!("reorg: depth 5"),
        6 => point!("reorg: depth 6"),
        7 => point!("reorg: depth 7"),
        8 => point!("reorg: depth 8"),
        _ => point!("reorg: depth above 8", rare),
    }
}
