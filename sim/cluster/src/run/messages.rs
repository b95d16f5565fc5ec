//! The gossip of nodes: blocks, requests for blocks, announcements of tips.

use std::sync::Arc;

use lockstep_core::model::Hash;

use super::super::coverage::point;
use super::super::network::{Message, Parcel};
use super::super::pool::Heard;
use super::super::seeded_bugs::NodeBug;
use super::{ANNOUNCE_MS, Event, Simulation, WORK_MS};
use lockstep_harness::violation::Failure;

impl Simulation<'_> {
    fn send(&mut self, from: usize, to: usize, message: Message) {
        let (parcel, fate) = self.network.send(self.queue.now_ms(), from, to, message);
        if !fate.events.is_empty() {
            self.since_fault = 0;
        }
        for event in fate.events {
            self.coverage.count(event);
            self.line(format_args!(
                "{} {}",
                self.describe(&parcel, "->"),
                event.name
            ));
        }
        for (index, ms) in fate.arrivals_ms.into_iter().enumerate() {
            let parcel = Parcel {
                is_repeated: index > 0,
                ..parcel.clone()
            };
            self.queue.after(ms, Event::Arrives(parcel));
        }
    }

    fn send_to_all_but(&mut self, node: usize, but: Option<usize>, message: &Message) {
        for to in (0..self.nodes.len()).filter(|to| *to != node && Some(*to) != but) {
            self.send(node, to, message.clone());
        }
    }

    pub(super) fn arrives(&mut self, parcel: Parcel) -> Result<(), Failure> {
        if !self.is_up(parcel.to) {
            self.coverage
                .count(point!("message: to a node that is down"));
            self.line(format_args!(
                "{} to a node that is down",
                self.describe(&parcel, "->")
            ));
            return Ok(());
        }
        self.coverage.count(point!("message: delivered", rare));
        if self.network.is_overtaken(&parcel) {
            self.coverage.count(point!("message: overtaken"));
        }
        self.line(format_args!("{}", self.describe(&parcel, "=>")));
        let (me, peer) = (parcel.to, parcel.from);
        match parcel.message {
            Message::Block(name, bytes) => {
                self.coverage
                    .count(point!("block: delivered", in ["a few runs"]));
                self.hear(me, Some(peer), name, &bytes);
                if parcel.is_repeated {
                    self.add_again(me, &bytes)?;
                }
            }
            Message::Ask(hash) => {
                if let Some(held) = self.nodes[me].pool.get(hash) {
                    let bytes = Arc::clone(&held.bytes);
                    let name = self.tree.sent_as(&bytes).map_or(0, |block| block.name);
                    self.send(me, peer, Message::Block(name, bytes));
                }
            }
            Message::Tip(hash) => {
                if !self.nodes[me].pool.has(hash) {
                    self.request(me, peer, hash);
                }
            }
        }
        Ok(())
    }

    /// Requests a block from a peer, unless the node did so since its last announcement.
    fn request(&mut self, node: usize, peer: usize, hash: Hash) {
        if self.nodes[node].asked.insert((peer, hash)) {
            self.coverage.count(point!("message: block request"));
            self.send(node, peer, Message::Ask(hash));
        }
    }

    fn request_from_all(&mut self, node: usize, hash: Hash) {
        for peer in (0..self.nodes.len()).filter(|peer| *peer != node) {
            self.request(node, peer, hash);
        }
    }

    pub(super) fn announce(&mut self, node: usize) {
        let (tip, life) = (self.nodes[node].world.hash, self.nodes[node].life);
        self.nodes[node].asked.clear();
        self.send_to_all_but(node, None, &Message::Tip(tip));
        for hash in self.nodes[node].pool.missing() {
            self.request_from_all(node, hash);
        }
        self.queue
            .after(ANNOUNCE_MS, Event::Announces { node, life });
    }

    pub(super) fn give(&mut self, node: usize, block: usize) {
        let answered = &self.tree.blocks[block];
        self.line(format_args!(
            "node {} is given {}",
            self.scenario.nodes[node].name, answered.name
        ));
        let bytes = Arc::clone(&answered.bytes);
        self.hear(node, None, answered.name, &bytes);
    }

    fn hear(&mut self, node: usize, from: Option<usize>, name: u32, bytes: &Arc<[u8]>) {
        match self.nodes[node].pool.hear(bytes) {
            Heard::Unreadable => self.coverage.count(point!("block: unreadable", rare)),
            Heard::Before => self.coverage.count(point!("block: already known")),
            Heard::New { parent, is_orphan }
                if is_orphan
                    && self.scenario.nodes[node].seeded_bug == Some(NodeBug::AsksForNothing) =>
            {
                self.nodes[node].pool.forget(parent);
            }
            Heard::New { parent, is_orphan } => {
                self.send_to_all_but(node, from, &Message::Block(name, Arc::clone(bytes)));
                if is_orphan {
                    self.coverage.count(point!("block: orphan"));
                    match from {
                        Some(peer) => self.request(node, peer, parent),
                        None => self.request_from_all(node, parent),
                    }
                }
                self.plan(node, WORK_MS);
            }
        }
    }
}
