//! Shutdown, crash and restart of a node.

use lockstep_core::model::Hash;

use super::super::coverage::{point, short};
use super::super::pool::Next;
use super::{Down, Event, NodeState, Simulation};
use lockstep_harness::violation::Failure;
use lockstep_sim::disk::Loss;

impl Simulation<'_> {
    /// Takes a node down: with a loss it crashes, without one it is closed. Returns whether it crashed,
    /// which takes a simulated disk.
    pub(super) fn stop(
        &mut self,
        node: usize,
        down_ms: u64,
        loss: Option<Loss>,
        tips: Vec<Hash>,
    ) -> bool {
        let me = &mut self.nodes[node];
        let has_crashed = loss.is_some_and(|loss| me.ledger.crash(loss));
        // A rewind that blocks were to follow is one half of a reorganisation.
        let is_reorganising =
            matches!(me.pool.next(me.world.hash), Next::Add(_) | Next::Rewind(..));
        me.state = NodeState::Down(Down { has_crashed, tips });
        me.life += 1;
        me.is_busy = false;
        let life = me.life;
        self.coverage.count(if has_crashed {
            point!("restart: after a crash")
        } else {
            point!("restart: clean")
        });
        if is_reorganising {
            self.coverage
                .count(point!("restart: with operations pending"));
        }
        self.line(format_args!(
            "node {} {}",
            self.scenario.nodes[node].name,
            if has_crashed { "crashes" } else { "is closed" }
        ));
        self.queue.after(down_ms, Event::Starts { node, life });
        has_crashed
    }

    /// Starts a node again. Its ledger must be what it was, or what is allowed after a crash.
    pub(super) fn start(&mut self, node: usize) -> Result<(), Failure> {
        let recipe = &self.scenario.nodes[node];
        let me = &mut self.nodes[node];
        let NodeState::Down(down) = std::mem::replace(&mut me.state, NodeState::Up) else {
            return Ok(());
        };
        self.since_fault = 0;
        let subject = &mut me.ledger.subject;
        let reopened = self.judge.catch_panic(recipe, || subject.reopen())?;
        self.judge.opened(recipe, reopened, down.has_crashed)?;
        let world = self.judge.look(recipe, &*me.ledger.subject)?;
        if down.has_crashed {
            self.judge.before_or_after(recipe, &world, &down.tips)?;
        }
        let expected = self
            .tree
            .world(world.hash)
            .filter(|_| down.has_crashed)
            .unwrap_or(&me.world);
        self.judge
            .reopened(recipe, expected, &world, &*me.ledger.subject)?;
        let bytes = self
            .judge
            .same_bytes(recipe, &*me.ledger.subject, world.hash)?;
        me.pool.clear();
        me.asked.clear();
        for bytes in self.judge.chain(recipe, &world, &*me.ledger.subject)? {
            me.pool.hear(&bytes);
        }
        if down.has_crashed && down.tips.len() > 1 {
            self.coverage.count(if world.hash == down.tips[0] {
                point!("crash: recovered before the operation")
            } else {
                point!("crash: recovered after the operation", rare)
            });
        }
        me.world = world;
        let life = me.life;
        let given = me.given.clone();
        let tip = me.world.hash;
        self.line(format_args!(
            "node {} starts at {}, bytes {}",
            recipe.name,
            self.name(tip),
            short(bytes.as_bytes())
        ));
        for block in given {
            self.give(node, block);
        }
        self.queue.after(0, Event::Announces { node, life });
        Ok(())
    }
}
