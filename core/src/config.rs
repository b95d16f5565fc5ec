//! What an operator may choose. None of it changes a result.

use std::ffi::OsString;
use std::fmt;

use thiserror::Error;

use crate::model::Network;

/// Environment variable: whether blocks may be executed in parallel.
pub const PARALLEL_ENABLED: &str = "LOCKSTEP_PARALLEL_ENABLED";
/// Environment variable: from how many transactions on a block is executed in parallel.
pub const PARALLEL_THRESHOLD: &str = "LOCKSTEP_PARALLEL_THRESHOLD";
/// Environment variable: how many workers execute.
pub const PARALLEL_WORKERS: &str = "LOCKSTEP_PARALLEL_WORKERS";
/// Environment variable: whether every block is executed both ways and compared.
pub const PARALLEL_TEST_MODE: &str = "LOCKSTEP_PARALLEL_TEST_MODE";

/// The most workers that may be asked for.
pub const MAX_WORKERS: usize = 256;

/// How blocks are executed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParallelConfig {
    /// Whether blocks may be executed in parallel.
    pub enabled: bool,
    /// From how many transactions on.
    pub threshold: usize,
    /// By how many workers, 1 to [`MAX_WORKERS`]; `None` for one a core.
    pub workers: Option<usize>,
    /// Execute every block both ways, compare, keep the serial result.
    pub test_mode: bool,
    /// What the stateful part of a transaction is believed to cost, in nanoseconds: from
    /// [`GRAPH_PAYS_NS`] on it runs over the graph of conflicts. Bare transfers from memory take
    /// some hundreds.
    pub stateful_ns: u64,
    /// Takes this path whatever a block looks like. For the harness.
    pub forced: Option<ExecutionPath>,
}

/// From this cost of the stateful part of a transaction on, scheduling it over a graph pays.
pub const GRAPH_PAYS_NS: u64 = 1_000;

/// What the verification of a transaction costs in a batch, in nanoseconds, about. The threshold of a
/// network is in transactions that are to be verified.
pub const VERIFICATION_NS: u64 = 13_000;

/// How a block is executed. The result is the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ExecutionPath {
    /// On the caller's thread.
    Serial,
    /// The stateless checks on the workers, the rest in block order on one thread; `spread-checks` in
    /// logs and metrics.
    ParallelValidation,
    /// The stateless checks on the workers, the rest on the workers too, over the graph of
    /// conflicts.
    Graph,
}

impl ExecutionPath {
    /// Every path.
    pub const ALL: [ExecutionPath; 3] = [
        ExecutionPath::Serial,
        ExecutionPath::ParallelValidation,
        ExecutionPath::Graph,
    ];

    /// As logs and metrics spell it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            ExecutionPath::Serial => "serial",
            ExecutionPath::ParallelValidation => "spread-checks",
            ExecutionPath::Graph => "graph",
        }
    }
}

impl ParallelConfig {
    /// What suits a network: blocks of mainnet are parallel from 20 transactions on, of testnet and
    /// stagenet from 10, of devnet from 4.
    #[must_use]
    pub const fn for_network(network: Network) -> Self {
        ParallelConfig {
            enabled: true,
            threshold: match network {
                Network::Mainnet => 20,
                Network::Testnet | Network::Stagenet => 10,
                Network::Devnet => 4,
            },
            workers: None,
            test_mode: false,
            stateful_ns: 300,
            forced: None,
        }
    }

    /// How many workers execute: as many as were asked for, or one a core.
    #[must_use]
    pub fn workers(&self) -> usize {
        let available = || std::thread::available_parallelism().map_or(1, usize::from);
        self.workers.unwrap_or_else(available).clamp(1, MAX_WORKERS)
    }

    /// The path of a block of so many transactions.
    #[must_use]
    pub fn path(&self, transactions: usize) -> ExecutionPath {
        self.path_where(transactions >= self.threshold)
    }

    /// The path of so many transactions whose verdicts are known, for whoever executes such on a
    /// state of their own. Workers are woken for as much work as the threshold is, which takes many
    /// more of these: what is left of one is [`ParallelConfig::stateful_ns`].
    #[must_use]
    pub fn path_of_verified(&self, transactions: usize) -> ExecutionPath {
        let work = |transactions: usize, ns: u64| transactions as u128 * u128::from(ns);
        let pays = work(self.threshold, VERIFICATION_NS) <= work(transactions, self.stateful_ns);
        self.path_where(pays)
    }

    fn path_where(&self, workers_pay: bool) -> ExecutionPath {
        if let Some(forced) = self.forced {
            return forced;
        }
        if !self.enabled || !workers_pay || self.workers() == 1 {
            ExecutionPath::Serial
        } else if self.stateful_ns < GRAPH_PAYS_NS {
            ExecutionPath::ParallelValidation
        } else {
            ExecutionPath::Graph
        }
    }

    /// The same with what the environment says. `variable` looks one up, for instance
    /// [`std::env::var_os`].
    ///
    /// # Errors
    ///
    /// Where a variable has a value that it cannot have. An unset one is not an error; an empty one
    /// is.
    pub fn with_environment(
        self,
        variable: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Self, ConfigError> {
        let flag = |name| {
            read(
                &variable,
                name,
                "one of 1, 0, true, false, on, off",
                parse_flag,
            )
        };
        let number = |name, expected, least, most| {
            read(&variable, name, expected, |text| {
                text.parse()
                    .ok()
                    .filter(|number| (least..=most).contains(number))
            })
        };
        Ok(ParallelConfig {
            enabled: flag(PARALLEL_ENABLED)?.unwrap_or(self.enabled),
            threshold: number(
                PARALLEL_THRESHOLD,
                "a number of transactions",
                0,
                usize::MAX,
            )?
            .unwrap_or(self.threshold),
            workers: number(PARALLEL_WORKERS, "a number from 1 to 256", 1, MAX_WORKERS)?
                .or(self.workers),
            test_mode: flag(PARALLEL_TEST_MODE)?.unwrap_or(self.test_mode),
            ..self
        })
    }
}

fn read<T>(
    variable: impl Fn(&str) -> Option<OsString>,
    name: &'static str,
    expected: &'static str,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<Option<T>, ConfigError> {
    let Some(value) = variable(name) else {
        return Ok(None);
    };
    match value.to_str().and_then(parse) {
        Some(parsed) => Ok(Some(parsed)),
        None => Err(ConfigError {
            name,
            value: value.to_string_lossy().into_owned(),
            expected,
        }),
    }
}

fn parse_flag(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "1" | "true" | "on" => Some(true),
        "0" | "false" | "off" => Some(false),
        _ => None,
    }
}

/// An environment variable has a value that it cannot have.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{name}={value:?} is not {expected}; correct it or unset it")]
pub struct ConfigError {
    /// The variable.
    pub name: &'static str,
    /// Its value, as far as it is text.
    pub value: String,
    /// What it may be.
    pub expected: &'static str,
}

/// The seed of the hash maps that a node keeps keys in.
///
/// No result depends on it. It keeps whoever chooses keys from choosing ones that collide.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub enum HashSeed {
    /// Another one in each process, nobody knows which.
    #[default]
    Random,
    /// This one, the same in every process, to show that it makes no difference.
    Fixed(u64),
}

impl HashSeed {
    pub(crate) fn build_hasher(self) -> ahash::RandomState {
        match self {
            HashSeed::Random => ahash::RandomState::new(),
            // Not `with_seed`: it mixes the seed with what it draws from the system, once in each
            // process. All four words are given, because those left at zero would be known.
            HashSeed::Fixed(seed) => {
                let word = |number: u64| {
                    seed.wrapping_add(number)
                        .wrapping_mul(0x9e37_79b9_7f4a_7c15)
                };
                ahash::RandomState::with_seeds(word(1), word(2), word(3), word(4))
            }
        }
    }
}

impl fmt::Debug for HashSeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HashSeed::Random => f.write_str("Random"),
            HashSeed::Fixed(seed) => write!(f, "Fixed({seed})"),
        }
    }
}

/// How much a [`BodyCache`](crate::chain::BodyCache) keeps, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BodyCacheLimits {
    /// The most bodies.
    pub entries: usize,
    /// The most bytes of all their encodings.
    pub bytes: u64,
    /// How long one is kept, in milliseconds. A body that is remembered again starts anew.
    pub time_to_live_ms: u64,
}

impl Default for BodyCacheLimits {
    /// 64 bodies, 64 MiB, 300 seconds.
    fn default() -> Self {
        BodyCacheLimits {
            entries: 64,
            bytes: 64 << 20,
            time_to_live_ms: 300_000,
        }
    }
}

/// Everything that an operator may choose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// How blocks are executed.
    pub parallel: ParallelConfig,
    /// How many bodies of templates are remembered, and for how long.
    pub bodies: BodyCacheLimits,
    /// The seed of the hash maps.
    pub hash_seed: HashSeed,
}

impl Config {
    /// What suits a network.
    #[must_use]
    pub fn for_network(network: Network) -> Self {
        Config {
            parallel: ParallelConfig::for_network(network),
            bodies: BodyCacheLimits::default(),
            hash_seed: HashSeed::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::HashSeed;

    #[test]
    fn a_fixed_seed_hashes_alike_in_every_process() {
        const IN_ANOTHER: &str = "LOCKSTEP_TEST_IN_ANOTHER_PROCESS";
        let said = format!(
            "hash {}",
            HashSeed::Fixed(7).build_hasher().hash_one("a key")
        );
        if std::env::var_os(IN_ANOTHER).is_some() {
            println!("{said}");
            return;
        }
        let this = std::env::current_exe().expect("a test is a program");
        let other = Command::new(this)
            .args(["--exact", "--nocapture"])
            .arg("config::tests::a_fixed_seed_hashes_alike_in_every_process")
            .env(IN_ANOTHER, "1")
            .output()
            .expect("a program can be started again");
        let other = String::from_utf8_lossy(&other.stdout);
        assert!(other.contains(&said), "{said} here, and there:\n{other}");
    }

    #[test]
    fn another_seed_hashes_otherwise() {
        let hash = |seed| HashSeed::Fixed(seed).build_hasher().hash_one("a key");
        assert_ne!(hash(0), hash(1));
    }
}
