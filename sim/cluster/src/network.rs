//! The simulated network: delivers, delays, duplicates or drops each message.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use lockstep_core::model::Hash;

use lockstep_harness::coverage::Point;

use super::coverage::point;
use super::scenario::{Fault, NodesScenario};

/// A message from one node to another.
#[derive(Clone, Debug)]
pub(super) enum Message {
    /// A block: its name and its bytes.
    Block(u32, Arc<[u8]>),
    /// A request for the block with this hash.
    Ask(Hash),
    /// The announcement of the sender's tip, by its hash.
    Tip(Hash),
}

/// A message in transit.
#[derive(Clone, Debug)]
pub(super) struct Parcel {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) message: Message,
    /// Number of messages sent on this link before it.
    pub(super) number: u64,
    /// True for the second arrival of a duplicated message.
    pub(super) is_repeated: bool,
}

/// The fate of a message that is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fate {
    /// Time until each of its arrivals, in milliseconds; empty if it is lost.
    pub(super) arrivals_ms: Vec<u64>,
    /// Coverage points of the faults that it met.
    pub(super) events: Vec<&'static Point>,
}

/// The links between all nodes.
pub(super) struct Network<'s> {
    scenario: &'s NodesScenario,
    /// Indices of the faults of single messages, by block, sender and receiver. A fault is removed when
    /// it happens.
    of_messages: BTreeMap<(u32, u32, u32), Vec<usize>>,
    /// Number of messages sent on each link.
    sent: BTreeMap<(usize, usize), u64>,
    /// The highest number that arrived on each link.
    arrived: BTreeMap<(usize, usize), u64>,
}

impl<'s> Network<'s> {
    pub(super) fn new(scenario: &'s NodesScenario) -> Self {
        let mut of_messages: BTreeMap<(u32, u32, u32), Vec<usize>> = BTreeMap::new();
        for (index, fault) in scenario.faults.iter().enumerate() {
            if let Fault::Lost { block, from, to }
            | Fault::Duplicated {
                block, from, to, ..
            }
            | Fault::Late {
                block, from, to, ..
            } = fault
            {
                of_messages
                    .entry((*block, *from, *to))
                    .or_default()
                    .push(index);
            }
        }
        Network {
            scenario,
            of_messages,
            sent: BTreeMap::new(),
            arrived: BTreeMap::new(),
        }
    }

    /// Sends a message at this time.
    pub(super) fn send(
        &mut self,
        now_ms: u64,
        from: usize,
        to: usize,
        message: Message,
    ) -> (Parcel, Fate) {
        let number = self.sent.entry((from, to)).or_default();
        let parcel = Parcel {
            from,
            to,
            message,
            number: *number,
            is_repeated: false,
        };
        *number += 1;
        let fate = self.fate(now_ms, &parcel);
        (parcel, fate)
    }

    /// Records an arrival. Returns whether a message sent later on the same link arrived before it.
    pub(super) fn is_overtaken(&mut self, parcel: &Parcel) -> bool {
        let highest = self
            .arrived
            .entry((parcel.from, parcel.to))
            .or_insert(parcel.number);
        *highest = (*highest).max(parcel.number);
        parcel.number < *highest
    }

    fn fate(&mut self, now_ms: u64, parcel: &Parcel) -> Fate {
        let name = |node: usize| self.scenario.nodes[node].name;
        let (from, to) = (name(parcel.from), name(parcel.to));
        if let Some(event) = self.obstacle(now_ms, from, to) {
            return Fate {
                arrivals_ms: Vec::new(),
                events: vec![event],
            };
        }
        let mut arrives_ms = self.scenario.latency_ms;
        let mut again_ms = None;
        let mut events = Vec::new();
        let Message::Block(block, _) = parcel.message else {
            return Fate {
                arrivals_ms: vec![arrives_ms],
                events,
            };
        };
        for index in self
            .of_messages
            .remove(&(block, from, to))
            .unwrap_or_default()
        {
            match &self.scenario.faults[index] {
                Fault::Lost { .. } => {
                    return Fate {
                        arrivals_ms: Vec::new(),
                        events: vec![point!("message: dropped")],
                    };
                }
                Fault::Late { by_ms, .. } => {
                    events.push(point!("message: delayed"));
                    arrives_ms = arrives_ms.saturating_add(*by_ms);
                }
                Fault::Duplicated { after_ms, .. } => {
                    events.push(point!("message: duplicated"));
                    again_ms = Some(*after_ms);
                }
                _ => {}
            }
        }
        let again_ms = again_ms.map(|after_ms| arrives_ms.saturating_add(after_ms));
        Fate {
            arrivals_ms: [arrives_ms].into_iter().chain(again_ms).collect(),
            events,
        }
    }

    /// Returns the coverage point of the cut or partition between two nodes now, if there is one.
    fn obstacle(&self, now_ms: u64, sender: u32, receiver: u32) -> Option<&'static Point> {
        self.scenario.faults.iter().find_map(|fault| match fault {
            Fault::Cut {
                from,
                to,
                since_ms,
                until_ms,
            } if (sender, receiver) == (*from, *to) && (*since_ms..*until_ms).contains(&now_ms) => {
                Some(point!("message: into a cut"))
            }
            Fault::Partition {
                side,
                since_ms,
                until_ms,
            } if (*since_ms..*until_ms).contains(&now_ms) => {
                let side: BTreeSet<&u32> = side.iter().collect();
                (side.contains(&sender) != side.contains(&receiver))
                    .then_some(point!("message: into a partition"))
            }
            _ => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lockstep_sim::scenario::{GenesisRecipe, NetworkName};

    const LATENCY_MS: u64 = 10;

    fn scenario(faults: Vec<Fault>) -> NodesScenario {
        let node = |name| {
            let json = format!(
                r#"{{"name":{name},"storage":"Memory","mode":"Serial","workers":1,"hash_seed":0}}"#
            );
            serde_json::from_str(&json).expect("this is a node")
        };
        NodesScenario {
            genesis: GenesisRecipe {
                network: NetworkName::Devnet,
                reward: 0,
                native_limit: 0,
                max_block_bytes: 0,
                balances: Vec::new(),
            },
            latency_ms: LATENCY_MS,
            nodes: vec![node(1), node(2), node(3)],
            blocks: Vec::new(),
            faults,
        }
    }

    /// Sends block 7 at each of these times, from one node to another, and returns the arrivals of each.
    fn arrivals(faults: Vec<Fault>, sent: &[(u64, usize, usize)]) -> Vec<Vec<u64>> {
        let scenario = scenario(faults);
        let mut network = Network::new(&scenario);
        sent.iter()
            .map(|(at_ms, from, to)| {
                let block = Message::Block(7, Arc::from([0u8].as_slice()));
                network.send(*at_ms, *from, *to, block).1.arrivals_ms
            })
            .collect()
    }

    #[test]
    fn without_a_fault_everything_arrives_once() {
        assert_eq!(arrivals(Vec::new(), &[(0, 0, 1)]), [[LATENCY_MS]]);
    }

    #[test]
    fn what_happens_to_a_message_happens_to_the_first_one() {
        let (block, from, to) = (7, 1, 2);
        let sent = [(0, 0, 1), (5, 0, 1), (9, 1, 0)];
        let once = vec![LATENCY_MS];
        assert_eq!(
            arrivals(vec![Fault::Lost { block, from, to }], &sent),
            [vec![], once.clone(), once.clone()]
        );
        let by_ms = 30;
        let late = Fault::Late {
            block,
            from,
            to,
            by_ms,
        };
        assert_eq!(
            arrivals(vec![late.clone()], &sent),
            [vec![LATENCY_MS + 30], once.clone(), once.clone()]
        );
        let twice = Fault::Duplicated {
            block,
            from,
            to,
            after_ms: 4,
        };
        assert_eq!(
            arrivals(vec![twice, late], &sent),
            [vec![LATENCY_MS + 30, LATENCY_MS + 34], once.clone(), once]
        );
    }

    #[test]
    fn a_cut_has_one_direction_and_an_end() {
        let cut = Fault::Cut {
            from: 1,
            to: 2,
            since_ms: 5,
            until_ms: 8,
        };
        let sent = [
            (4, 0, 1),
            (5, 0, 1),
            (7, 0, 1),
            (8, 0, 1),
            (6, 1, 0),
            (6, 0, 2),
        ];
        let lost: Vec<bool> = arrivals(vec![cut], &sent)
            .iter()
            .map(Vec::is_empty)
            .collect();
        assert_eq!(lost, [false, true, true, false, false, false]);
    }

    #[test]
    fn a_partition_lets_nothing_through_in_either_direction() {
        let partition = Fault::Partition {
            side: vec![1, 3],
            since_ms: 5,
            until_ms: 8,
        };
        let sent = [(5, 0, 1), (5, 1, 2), (5, 0, 2), (8, 1, 0)];
        let lost: Vec<bool> = arrivals(vec![partition], &sent)
            .iter()
            .map(Vec::is_empty)
            .collect();
        assert_eq!(lost, [true, true, false, false]);
    }

    #[test]
    fn what_is_sent_later_and_arrives_first_overtakes() {
        let scenario = scenario(Vec::new());
        let mut network = Network::new(&scenario);
        let (first, _) = network.send(0, 0, 1, Message::Tip(Hash::ZERO));
        let (second, _) = network.send(1, 0, 1, Message::Tip(Hash::ZERO));
        let (other_link, _) = network.send(1, 2, 1, Message::Tip(Hash::ZERO));
        let overtaken = [&second, &first, &other_link].map(|parcel| network.is_overtaken(parcel));
        assert_eq!(overtaken, [false, true, false]);
    }
}
