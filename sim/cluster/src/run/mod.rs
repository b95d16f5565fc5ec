//! The simulation of one run: events happen to nodes one at a time, and every answer of a ledger is
//! judged.

mod messages;
mod power;
mod work;

use std::collections::BTreeSet;
use std::path::Path;

use lockstep_core::model::Hash;
use lockstep_harness::digest::Digest;

use super::coverage::{count_nodes, point, short};
use super::judge::Judge;
use super::ledger::Ledger;
use super::network::{Message, Network, Parcel};
use super::pool::Pool;
use super::queue::Queue;
use super::scenario::{Fault, NodesScenario};
use super::tree::Tree;
use lockstep_harness::coverage::Coverage;
use lockstep_harness::trace::Trace;
use lockstep_harness::violation::Failure;
use lockstep_sim::world::World;

/// Time that a node takes to add one block, or for one rewind, in milliseconds.
const WORK_MS: u64 = 5;
/// Interval at which a node announces its tip and asks again for missing blocks, in milliseconds.
const ANNOUNCE_MS: u64 = 200;

/// The result of a run without a violation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Observed {
    /// Hash of the trace.
    pub trace: Digest,
    /// Number of events.
    pub events: u64,
    /// Number of events after the last fault and the last mined block.
    pub events_to_converge: u64,
    /// Largest number of such events that is allowed.
    pub most_events_to_converge: u64,
}

/// Runs a scenario: every step of every node is judged, and at the end all must be at one tip.
///
/// Files are created in `folder`, which must exist, and removed afterwards.
///
/// # Errors
///
/// [`Failure::Violation`] at the first event after which an invariant does not hold;
/// [`Failure::Infrastructure`] if the scenario is invalid or the machine fails.
pub fn run(
    scenario: &NodesScenario,
    folder: &Path,
    coverage: &mut Coverage,
    trace: &mut Trace,
) -> Result<Observed, Failure> {
    scenario.check().map_err(Failure::Infrastructure)?;
    count_nodes(coverage, &scenario.nodes);
    let tree = match Tree::new(scenario, coverage) {
        Ok(tree) => tree,
        Err(reason) => {
            // The answer of core to such a genesis is tested with one ledger; no event happens here.
            coverage.count(point!("impossible genesis", rare));
            trace.line(0, reason);
            return Ok(Observed {
                trace: trace.digest(),
                events: 0,
                events_to_converge: 0,
                most_events_to_converge: 0,
            });
        }
    };
    let files = tempfile::Builder::new()
        .prefix("nodes-")
        .tempdir_in(folder)
        .map_err(|error| Failure::Infrastructure(format!("{}: {error}", folder.display())))?;
    let mut simulation = Simulation {
        scenario,
        tree: &tree,
        judge: Judge::new(&tree),
        nodes: Vec::new(),
        queue: Queue::new(),
        network: Network::new(scenario),
        happened: BTreeSet::new(),
        events: 0,
        since_fault: 0,
        coverage,
        trace,
    };
    simulation.begin(files.path())?;
    simulation.go_on()
}

/// A node: its ledger, its pool and its state in the simulation.
struct Node {
    ledger: Ledger,
    pool: Pool,
    /// The state of the ledger after its last operation.
    world: World,
    /// Indices of the blocks that it mined, and gets again after a restart.
    given: Vec<usize>,
    /// Requests since its last announcement, by peer and block.
    asked: BTreeSet<(usize, Hash)>,
    state: NodeState,
    /// Number of its restarts. An event that was scheduled in an earlier life has no effect.
    life: u64,
    /// True if its next operation is scheduled.
    is_busy: bool,
}

enum NodeState {
    Up,
    Down(Down),
}

/// The state that is allowed when a node starts again.
struct Down {
    /// True after a power loss, false after a clean shutdown.
    has_crashed: bool,
    /// Tips that its ledger may have, the one before the operation first.
    tips: Vec<Hash>,
}

enum Event {
    Mined(usize),
    Arrives(Parcel),
    Works { node: usize, life: u64 },
    Announces { node: usize, life: u64 },
    Starts { node: usize, life: u64 },
    FaultBegins(usize),
    Heals,
}

struct Simulation<'s> {
    scenario: &'s NodesScenario,
    tree: &'s Tree,
    judge: Judge<'s>,
    nodes: Vec<Node>,
    queue: Queue<Event>,
    network: Network<'s>,
    /// Indices of the faults within operations that have happened.
    happened: BTreeSet<usize>,
    events: u64,
    /// Number of events since the last fault and the last mined block.
    since_fault: u64,
    coverage: &'s mut Coverage,
    trace: &'s mut Trace,
}

impl Simulation<'_> {
    fn begin(&mut self, folder: &Path) -> Result<(), Failure> {
        for (index, recipe) in self.scenario.nodes.iter().enumerate() {
            let file = folder.join(format!("{}.redb", recipe.name));
            let ledger = self
                .judge
                .ask(recipe, || Ledger::begin(recipe, &self.tree.genesis, &file))?;
            let world = self.judge.look(recipe, &*ledger.subject)?;
            self.judge
                .reopened(recipe, &self.tree.beginning, &world, &*ledger.subject)?;
            self.nodes.push(Node {
                ledger,
                pool: Pool::new(self.tree.beginning.hash),
                world,
                given: Vec::new(),
                asked: BTreeSet::new(),
                state: NodeState::Up,
                life: 0,
                is_busy: false,
            });
            // The nodes do not announce all at once.
            let first_ms = ANNOUNCE_MS / 2 + 7 * index as u64;
            self.queue.after(
                first_ms,
                Event::Announces {
                    node: index,
                    life: 0,
                },
            );
        }
        for (index, mined) in self.scenario.blocks.iter().enumerate() {
            self.queue.at(mined.at_ms, Event::Mined(index));
        }
        for (index, fault) in self.scenario.faults.iter().enumerate() {
            match fault {
                Fault::Cut { since_ms, .. } => {
                    self.queue.at(*since_ms, Event::FaultBegins(index));
                }
                Fault::Partition {
                    since_ms, until_ms, ..
                } => {
                    self.queue.at(*since_ms, Event::FaultBegins(index));
                    self.queue.at(*until_ms, Event::Heals);
                }
                Fault::Restart { at_ms, .. } | Fault::Crash { at_ms, .. } => {
                    self.queue.at(*at_ms, Event::FaultBegins(index));
                }
                Fault::Lost { .. }
                | Fault::Duplicated { .. }
                | Fault::Late { .. }
                | Fault::PowerCut { .. }
                | Fault::StorageFails { .. } => {}
            }
        }
        Ok(())
    }

    fn go_on(&mut self) -> Result<Observed, Failure> {
        let calm_ms = self.scenario.calm_at_ms();
        let most = most_events_to_converge(self.scenario);
        while let Some(event) = self.queue.next() {
            self.events += 1;
            self.since_fault += 1;
            self.judge.step = usize::try_from(self.events).unwrap_or(usize::MAX);
            self.happens(event)?;
            if self.queue.now_ms() < calm_ms {
                self.since_fault = 0;
                continue;
            }
            if self.has_converged() {
                self.coverage
                    .count(point!("nodes: converged", in ["a few runs"]));
                return self.conclude(most);
            }
            if self.since_fault >= most {
                return Err(self.judge.not_converged(most, self.describe_tips()));
            }
        }
        unreachable!("every node that is up goes on telling the others its newest block")
    }

    fn conclude(&mut self, most: u64) -> Result<Observed, Failure> {
        let tip = self.tree.best();
        for (node, recipe) in self.nodes.iter().zip(&self.scenario.nodes) {
            let bytes = self
                .judge
                .same_bytes(recipe, &*node.ledger.subject, tip.hash)?;
            self.trace.line(
                self.queue.now_ms(),
                format_args!(
                    "node {} ends at {} with bytes {}",
                    recipe.name,
                    self.name(tip.hash),
                    short(bytes.as_bytes())
                ),
            );
        }
        Ok(Observed {
            trace: self.trace.digest(),
            events: self.events,
            events_to_converge: self.since_fault,
            most_events_to_converge: most,
        })
    }

    fn has_converged(&self) -> bool {
        let best = self.tree.best().hash;
        self.nodes
            .iter()
            .all(|node| matches!(node.state, NodeState::Up) && node.world.hash == best)
    }

    fn describe_tips(&self) -> String {
        let tips = self
            .nodes
            .iter()
            .zip(&self.scenario.nodes)
            .map(|(node, recipe)| {
                let place = match node.state {
                    NodeState::Up => "at",
                    NodeState::Down(_) => "down at",
                };
                format!(
                    "node {} {place} {}",
                    recipe.name,
                    self.name(node.world.hash)
                )
            });
        format!(
            "{}; all must be at {}",
            tips.collect::<Vec<_>>().join(", "),
            self.name(self.tree.best().hash)
        )
    }

    fn happens(&mut self, event: Event) -> Result<(), Failure> {
        match event {
            Event::Mined(block) => {
                let by = self.scenario.node(self.scenario.blocks[block].by);
                let node = by.unwrap_or(0);
                self.nodes[node].given.push(block);
                if self.is_up(node) {
                    self.give(node, block);
                }
            }
            Event::Arrives(parcel) => self.arrives(parcel)?,
            Event::Works { node, life } if self.lives(node, life) => {
                self.nodes[node].is_busy = false;
                self.work(node)?;
            }
            Event::Announces { node, life } if self.lives(node, life) => self.announce(node),
            Event::Starts { node, life } if self.nodes[node].life == life => self.start(node)?,
            Event::FaultBegins(index) => self.fault_begins(index),
            Event::Heals => {
                self.coverage.count(point!("network: healed"));
                self.line(format_args!("a partition heals"));
            }
            Event::Works { .. } | Event::Announces { .. } | Event::Starts { .. } => {}
        }
        Ok(())
    }

    fn fault_begins(&mut self, index: usize) {
        match &self.scenario.faults[index] {
            Fault::Cut { from, to, .. } => {
                self.coverage.count(point!("network: cut"));
                self.line(format_args!("from {from} to {to} nothing is sent"));
            }
            Fault::Partition { side, .. } => {
                self.coverage.count(point!("network: partition"));
                self.line(format_args!("partition of {side:?}"));
            }
            Fault::Restart { node, down_ms, .. } => {
                if let Some(node) = self.up(*node) {
                    let tip = self.nodes[node].world.hash;
                    self.stop(node, *down_ms, None, vec![tip]);
                }
            }
            Fault::Crash {
                node,
                down_ms,
                loss,
                ..
            } => {
                if let Some(node) = self.up(*node) {
                    let tip = self.nodes[node].world.hash;
                    if self.stop(node, *down_ms, Some(*loss), vec![tip]) {
                        self.coverage.count(point!("crash: between operations"));
                    }
                }
            }
            _ => {}
        }
    }

    fn is_up(&self, node: usize) -> bool {
        matches!(self.nodes[node].state, NodeState::Up)
    }

    fn lives(&self, node: usize, life: u64) -> bool {
        self.is_up(node) && self.nodes[node].life == life
    }

    /// Returns the index of the node with this name, if it is up.
    fn up(&self, name: u32) -> Option<usize> {
        self.scenario.node(name).filter(|node| self.is_up(*node))
    }

    fn name_number(&self, hash: Hash) -> u32 {
        self.tree.name(hash).unwrap_or(u32::MAX)
    }

    fn name(&self, hash: Hash) -> String {
        match self.tree.name(hash) {
            Some(0) => "the genesis".to_owned(),
            Some(name) => format!("block {name}"),
            None => format!("unknown {}", short(&hash.0)),
        }
    }

    fn describe(&self, parcel: &Parcel, arrow: &str) -> String {
        let name = |node: usize| self.scenario.nodes[node].name;
        let what = match &parcel.message {
            Message::Block(block, _) => format!("block {block}"),
            Message::Ask(hash) => format!("asks for {}", self.name(*hash)),
            Message::Tip(hash) => format!("is at {}", self.name(*hash)),
        };
        format!("{} {arrow} {}: {what}", name(parcel.from), name(parcel.to))
    }

    fn line(&mut self, what: impl std::fmt::Display) {
        self.trace.line(self.queue.now_ms(), what);
    }
}

/// Returns the largest number of events within which nodes must converge.
///
/// After the last fault no message is lost. In the worst case every node learns every block of the best
/// branch one by one, each with a request and an answer, and forwards it to all; meanwhile all announce
/// their tips to all. Runs take a tenth of it.
fn most_events_to_converge(scenario: &NodesScenario) -> u64 {
    let (nodes, blocks) = (scenario.nodes.len() as u64, scenario.blocks.len() as u64);
    500 + 4 * nodes * nodes * (blocks + 1)
}
