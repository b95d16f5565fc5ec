//! Target for templates: the bodies that are remembered for them, under a flood of other bodies.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};

use lockstep_core::chain::{BodyCacheLimits, Chain, ChainError, Mempool, MempoolLimits};
use lockstep_core::codec;
use lockstep_core::config::{Config, ExecutionPath, HashSeed};
use lockstep_core::merkle;
use lockstep_core::model::{
    Block, Cell, Genesis, Hash, Header, Height, Network, Nonce, PublicKey, Timestamp, Transaction,
    Value,
};
use lockstep_core::storage::MemoryStorage;

use lockstep_harness::choice::{Choices, FromBytes};
use lockstep_sim::oracle::Oracle;
use lockstep_sim::scenario::build::{self, Keys};
use lockstep_sim::scenario::{
    Action, GenesisRecipe, Holding, NetworkName, Sending, TransactionRecipe,
};

/// Steps of one input.
const MOST_STEPS: u64 = 24;

/// Time for which a node promises to complete a template: five minutes.
const TIME_TO_LIVE_MS: u64 = 300_000;

/// A node that makes templates, is given headers alone, and is flooded with bodies never exceeds
/// its bounds, completes every header whose body is young and was not displaced by newer ones, and
/// only those; what it completes it takes or refuses like the full block, and where it knows no body
/// the full block is welcome.
///
/// # Panics
///
/// On a finding.
pub fn template_cache(data: &[u8]) {
    bounds_and_promises_hold(data, |limits| limits);
}

/// The ledger with which every input begins. Made once: only steps are drawn.
struct Beginning {
    genesis: Genesis,
    storage: MemoryStorage,
    oracle: Oracle,
    /// Each with other transactions, one of them with none.
    mempools: Vec<Mempool>,
    miners: Vec<PublicKey>,
    /// Bodies of the flood, by their roots; from small to large.
    flood: Vec<(Hash, Arc<[Transaction]>)>,
}

static BEGINNING: LazyLock<Beginning> = LazyLock::new(|| {
    let recipe = GenesisRecipe {
        network: NetworkName::Devnet,
        reward: 5,
        native_limit: u64::MAX,
        max_block_bytes: 1 << 20,
        balances: vec![Holding(0, 0, 1_000), Holding(1, 0, 1_000)],
    };
    let mut keys = Keys::default();
    let genesis = build::genesis(&recipe, &mut keys);
    let clock = Arc::new(|| Timestamp(0));
    let config = Config::for_network(Network::Devnet);
    let chain = Chain::open(MemoryStorage::new(), &genesis, config, clock)
        .expect("the genesis is possible");
    let mut pay = |from, nonce, fee| {
        let recipe = TransactionRecipe {
            from,
            nonce,
            fee,
            action: Action::Send(vec![Sending(2, 0, 1)]),
            cosigners: Vec::new(),
            flaw: None,
        };
        let mut transaction = build::unsigned(&recipe, Network::Devnet, &mut keys);
        transaction.signature = keys.sign(from, codec::signing_hash(&transaction));
        transaction
    };
    let mut mempool = |transactions: &[(u32, u64, u64)]| {
        let mut mempool = Mempool::new(Network::Devnet, MempoolLimits::default());
        for (from, nonce, fee) in transactions {
            mempool
                .insert(pay(*from, *nonce, *fee))
                .expect("there is room");
        }
        mempool
    };
    let mempools = vec![
        mempool(&[]),
        mempool(&[(0, 0, 1)]),
        mempool(&[(0, 0, 2), (0, 1, 1)]),
        mempool(&[(1, 0, 0), (0, 0, 1)]),
        mempool(&[(1, 0, 3), (1, 1, 3)]),
    ];
    let flood = [1, 1, 1, 1, 2, 5]
        .into_iter()
        .zip(0..)
        .map(|(length, number)| {
            let body: Arc<[Transaction]> = (0..length).map(|nonce| pay(3, nonce, number)).collect();
            (root(&body), body)
        })
        .collect();
    Beginning {
        oracle: Oracle::new(&genesis).expect("the genesis is possible"),
        storage: chain.into_storage(),
        mempools,
        miners: (0..4)
            .map(|account| Keys::default().public(account))
            .collect(),
        flood,
        genesis,
    }
});

fn root(body: &[Transaction]) -> Hash {
    let ids: Vec<Hash> = body.iter().map(codec::transaction_id).collect();
    merkle::root(&ids)
}

/// Reference for the cache: the bodies that should be remembered.
struct Remembered {
    limits: BodyCacheLimits,
    /// The one that was remembered longest ago first.
    bodies: Vec<Body>,
}

struct Body {
    root: Hash,
    bytes: u64,
    since: u64,
}

impl Remembered {
    fn remember(&mut self, root: Hash, bytes: u64, now: u64) {
        if bytes > self.limits.bytes || self.limits.entries == 0 {
            return;
        }
        self.expire(now);
        self.bodies.retain(|body| body.root != root);
        self.bodies.push(Body {
            root,
            bytes,
            since: now,
        });
        while !self.fits() {
            self.bodies.remove(0);
        }
    }

    fn knows(&mut self, root: Hash, now: u64) -> bool {
        self.expire(now);
        self.bodies.iter().any(|body| body.root == root)
    }

    fn expire(&mut self, now: u64) {
        let limit = self.limits.time_to_live_ms;
        self.bodies
            .retain(|body| now.saturating_sub(body.since) < limit);
    }

    fn size(&self) -> (usize, u64) {
        let bytes = self.bodies.iter().map(|body| body.bytes).sum();
        (self.bodies.len(), bytes)
    }

    fn fits(&self) -> bool {
        let (entries, bytes) = self.size();
        entries <= self.limits.entries && bytes <= self.limits.bytes
    }
}

struct Node {
    chain: Chain<MemoryStorage>,
    clock: Arc<AtomicU64>,
    oracle: Oracle,
    remembered: Remembered,
    /// Templates that were handed out, with their bodies.
    templates: Vec<Block>,
}

/// `configured` is what the node makes of the limits that it is given.
fn bounds_and_promises_hold(data: &[u8], configured: impl Fn(BodyCacheLimits) -> BodyCacheLimits) {
    let mut choices = FromBytes(data);
    let beginning = &*BEGINNING;
    let limits = BodyCacheLimits {
        entries: usize::try_from(choices.below(4)).expect("it is small"),
        // Transactions here take 150 to 250 bytes.
        bytes: choices.pick(&[1 << 20, 1_000, 500, 200, 0]),
        time_to_live_ms: choices.pick(&[TIME_TO_LIVE_MS, TIME_TO_LIVE_MS, 1, 0]),
    };
    let mut node = Node::begin(beginning, limits, configured(limits));
    for _ in 0..choices.between(1, MOST_STEPS) {
        match choices.below(16) {
            0..4 => node.make_template(
                &beginning.mempools[index(&mut choices, beginning.mempools.len())],
                beginning.miners[index(&mut choices, beginning.miners.len())],
            ),
            4..8 => node.submit(&mut choices, |_| {}),
            8 => {
                let lie = choices.below(6);
                node.submit(&mut choices, |header| tell(lie, header));
            }
            9..11 => {
                let later = choices.pick(&[
                    1,
                    1_000,
                    TIME_TO_LIVE_MS / 2,
                    TIME_TO_LIVE_MS - 1,
                    TIME_TO_LIVE_MS,
                    TIME_TO_LIVE_MS + 1,
                ]);
                node.set_clock(node.now().saturating_add(later));
            }
            11 => {
                let earlier = choices.pick(&[1, TIME_TO_LIVE_MS, u64::MAX]);
                node.set_clock(node.now().saturating_sub(earlier));
            }
            12 => node.unknown(Hash([7; 32])),
            13 => node.rewind(choices.between(1, 3)),
            _ => {
                for _ in 0..choices.between(1, 5) {
                    let (root, body) = &beginning.flood[index(&mut choices, beginning.flood.len())];
                    node.flood(*root, body);
                }
            }
        }
        node.compare_sizes();
    }
}

fn index(choices: &mut impl Choices, length: usize) -> usize {
    usize::try_from(choices.below(length as u64)).expect("an index below a length is a usize")
}

/// Changes one field of a header: the first two are a miner's to change, the others are not.
fn tell(lie: u64, header: &mut Header) {
    match lie {
        0 => header.miner = PublicKey([9; 32]),
        1 => header.time = Timestamp(header.time.0.saturating_add(1)),
        2 => header.count = header.count.wrapping_add(1),
        3 => header.parent.0[0] ^= 1,
        4 => header.merkle_root = Hash::ZERO,
        _ => header.height = Height(header.height.0 + 1),
    }
}

impl Node {
    fn begin(beginning: &Beginning, limits: BodyCacheLimits, configured: BodyCacheLimits) -> Self {
        let clock = Arc::new(AtomicU64::new(beginning.genesis.time.0));
        let mut config = Config::for_network(Network::Devnet);
        config.bodies = configured;
        config.hash_seed = HashSeed::Fixed(0);
        config.parallel.forced = Some(ExecutionPath::Serial);
        let reads = Arc::clone(&clock);
        let now = move || Timestamp(reads.load(Ordering::Relaxed));
        Node {
            chain: Chain::open_existing(beginning.storage.clone(), config, Arc::new(now))
                .expect("the ledger was begun"),
            clock,
            oracle: beginning.oracle.clone(),
            remembered: Remembered {
                limits,
                bodies: Vec::new(),
            },
            templates: Vec::new(),
        }
    }

    fn now(&self) -> u64 {
        self.clock.load(Ordering::Relaxed)
    }

    fn set_clock(&self, to: u64) {
        self.clock.store(to, Ordering::Relaxed);
    }

    fn make_template(&mut self, mempool: &Mempool, miner: PublicKey) {
        let header = self
            .chain
            .template(mempool, miner)
            .expect("memory does not fail");
        let tip = self.oracle.world();
        let nonce = |account| match tip.newest(Cell::Nonce(account)) {
            Some(Value::Nonce(nonce)) => *nonce,
            _ => Nonce(0),
        };
        let transactions = mempool
            .choose(|account| Ok::<_, ()>(nonce(account)), usize::MAX, u64::MAX)
            .expect("a nonce was found");
        assert_eq!(
            (header.height, header.parent, header.time),
            (
                Height(tip.height.0 + 1),
                tip.hash,
                Timestamp(self.now().max(tip.time.0))
            ),
            "a template extends the tip, now"
        );
        assert_eq!(
            (header.merkle_root, usize::from(header.count)),
            (root(&transactions), transactions.len()),
            "a template is of what waits"
        );
        if !transactions.is_empty() {
            let bytes = codec::encoded_len(&transactions);
            self.remembered
                .remember(header.merkle_root, bytes, self.now());
        }
        self.templates.push(Block {
            header,
            transactions,
        });
    }

    /// One of the last templates comes back.
    fn submit(&mut self, choices: &mut impl Choices, lie: impl FnOnce(&mut Header)) {
        let newest = self.templates.len();
        if newest == 0 {
            return;
        }
        let mut block = self.templates[newest - 1 - index(choices, newest.min(4))].clone();
        let honest = block.header.merkle_root;
        lie(&mut block.header);
        let root = block.header.merkle_root;
        if root == Hash::ZERO && honest != root {
            block.transactions.clear();
        }
        let is_known = root == Hash::ZERO || self.remembered.knows(root, self.now());
        let added = self.chain.add_header(&block.header);
        if is_known {
            self.is_as_serial(&block, added.map(|added| added.tip.digest));
        } else {
            is_unknown(root, added.map(|added| added.tip.digest));
            let added = self.chain.add_block(&block);
            self.is_as_serial(&block, added.map(|added| added.tip.digest));
        }
    }

    fn unknown(&mut self, root: Hash) {
        let tip = self.oracle.world();
        let header = Header {
            version: 1,
            network: Network::Devnet,
            height: Height(tip.height.0 + 1),
            parent: tip.hash,
            time: tip.time,
            miner: PublicKey([1; 32]),
            merkle_root: root,
            count: 1,
        };
        assert!(
            !self.remembered.knows(root, self.now()),
            "no template has this root"
        );
        let added = self.chain.add_header(&header);
        is_unknown(root, added.map(|added| added.tip.digest));
    }

    fn is_as_serial(&mut self, block: &Block, got: Result<Hash, ChainError>) {
        let expected = self.oracle.add_block(block).map(|result| result.digest);
        match got {
            Ok(digest) => assert_eq!(Ok(digest), expected, "a block is executed as serially"),
            Err(ChainError::Refused(refusal)) => {
                assert_eq!(Err(refusal), expected, "a block is refused as it should be");
            }
            Err(error) => panic!(
                "a body that is younger than {} ms and not displaced is known: {error}",
                self.remembered.limits.time_to_live_ms
            ),
        }
    }

    fn rewind(&mut self, depth: u64) {
        let height = Height(self.oracle.world().height.0.saturating_sub(depth));
        self.chain.rewind_to(height).expect("memory does not fail");
        self.oracle
            .rewind_to(height)
            .expect("the height is not above the tip");
    }

    fn flood(&mut self, root: Hash, body: &Arc<[Transaction]>) {
        let now = self.now();
        let bytes = codec::encoded_len(&**body);
        self.chain
            .bodies()
            .remember(root, Arc::clone(body), Timestamp(now));
        self.remembered.remember(root, bytes, now);
    }

    fn compare_sizes(&self) {
        let (entries, bytes) = self.chain.bodies().size();
        let limits = self.remembered.limits;
        assert!(
            entries <= limits.entries && bytes <= limits.bytes,
            "{entries} bodies of {bytes} bytes are within {limits:?}"
        );
        assert_eq!(
            (entries, bytes),
            self.remembered.size(),
            "nothing is forgotten too soon or kept too long within {limits:?}"
        );
    }
}

fn is_unknown(root: Hash, got: Result<Hash, ChainError>) {
    match got {
        Err(ChainError::UnknownBody { root: named }) => {
            assert_eq!(named, root, "the root that is not known is named");
        }
        other => panic!("a header whose body is not in the cache is not completed: {other:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lockstep_harness::choice::Seeded;

    fn bytes(run: u64) -> Vec<u8> {
        let mut choices = Seeded::new(0, run);
        (0..200)
            .map(|_| u8::try_from(choices.below(256)).expect("a byte is below 256"))
            .collect()
    }

    fn with_limits(configured: impl Fn(BodyCacheLimits) -> BodyCacheLimits) {
        for run in 0..100 {
            bounds_and_promises_hold(&bytes(run), &configured);
        }
    }

    #[test]
    fn core_keeps_its_promises() {
        with_limits(|limits| limits);
    }

    #[test]
    #[should_panic(expected = "are within")]
    fn a_memory_that_takes_one_too_many_is_found() {
        with_limits(|limits| BodyCacheLimits {
            entries: limits.entries + 1,
            ..limits
        });
    }

    #[test]
    #[should_panic(expected = "nothing is forgotten too soon")]
    fn a_memory_that_forgets_one_too_many_is_found() {
        with_limits(|limits| BodyCacheLimits {
            entries: limits.entries.saturating_sub(1),
            ..limits
        });
    }

    #[test]
    #[should_panic(expected = "is known: no body")]
    fn a_body_that_expires_too_early_is_found() {
        with_limits(|limits| BodyCacheLimits {
            time_to_live_ms: limits.time_to_live_ms - limits.time_to_live_ms.min(2),
            ..limits
        });
    }

    #[test]
    #[should_panic(expected = "nothing is forgotten too soon or kept too long")]
    fn a_body_that_expires_too_late_is_found() {
        with_limits(|limits| BodyCacheLimits {
            time_to_live_ms: limits.time_to_live_ms + 1,
            ..limits
        });
    }
}
