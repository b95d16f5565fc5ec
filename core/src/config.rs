//! The choices of an operator. None of them changes a result.

use std::ffi::OsString;
use std::fmt;

use thiserror::Error;

use crate::model::Network;

/// Environment variable: whether blocks may be executed in parallel.
pub const PARALLEL_ENABLED: &str = "LOCKSTEP_PARALLEL_ENABLED";
/// Environment variable: the fewest transactions of a block that is executed in parallel.
pub const PARALLEL_THRESHOLD: &str = "LOCKSTEP_PARALLEL_THRESHOLD";
/// Environment variable: the number of workers that execute.
pub const PARALLEL_WORKERS: &str = "LOCKSTEP_PARALLEL_WORKERS";
/// Environment variable: whether every block is executed on every path and the results are compared.
pub const PARALLEL_TEST_MODE: &str = "LOCKSTEP_PARALLEL_TEST_MODE";

/// The most workers that may be asked for.
pub const MAX_WORKERS: usize = 256;

/// The choices about how blocks are executed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParallelConfig {
    /// Blocks may be executed in parallel.
    pub enabled: bool,
    /// The fewest transactions of a block that is executed in parallel.
    pub threshold: usize,
    /// The number of workers, 1 to [`MAX_WORKERS`]; `None` for one a core.
    pub workers: Option<usize>,
    /// Every block is executed on every path, the results are compared, the serial one is kept.
    pub test_mode: bool,
    /// The assumed cost of the stateful part of a transaction, in nanoseconds: from
    /// [`GRAPH_PAYS_NS`] on it runs over the graph of conflicts. Bare transfers from memory take
    /// some hundreds.
    pub stateful_ns: u64,
    /// The path of every block, whatever it looks like. For the harness.
    pub forced: Option<ExecutionPath>,
}

/// The least cost of the stateful part of a transaction for which scheduling it over a graph pays, in
/// nanoseconds.
pub const GRAPH_PAYS_NS: u64 = 1_000;

/// The fewest transactions of a parallel block of mainnet, unless an operator chooses another number.
pub(crate) const MAINNET_THRESHOLD: usize = 20;
/// As [`MAINNET_THRESHOLD`], of testnet and stagenet.
pub(crate) const TESTNET_THRESHOLD: usize = 10;
/// As [`MAINNET_THRESHOLD`], of devnet.
pub(crate) const DEVNET_THRESHOLD: usize = 4;

/// The cost of verifying a transaction in a batch, in nanoseconds, about. The threshold of a network
/// counts transactions that are to be verified.
pub const VERIFICATION_NS: u64 = 13_000;

/// A way of executing a block. The result is the same on each.
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

    /// Returns the name, as logs and metrics spell it.
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
    /// Returns the defaults of a network: blocks of mainnet are parallel from 20 transactions on, of
    /// testnet and stagenet from 10, of devnet from 4.
    #[must_use]
    pub const fn for_network(network: Network) -> Self {
        ParallelConfig {
            enabled: true,
            threshold: match network {
                Network::Mainnet => MAINNET_THRESHOLD,
                Network::Testnet | Network::Stagenet => TESTNET_THRESHOLD,
                Network::Devnet => DEVNET_THRESHOLD,
            },
            workers: None,
            test_mode: false,
            stateful_ns: 300,
            forced: None,
        }
    }

    /// Returns the number of workers that execute: as many as were asked for, or one a core.
    #[must_use]
    pub fn workers(&self) -> usize {
        let available = || std::thread::available_parallelism().map_or(1, usize::from);
        self.workers.unwrap_or_else(available).clamp(1, MAX_WORKERS)
    }

    /// Returns the path of a block of `transactions` transactions.
    #[must_use]
    pub fn path(&self, transactions: usize) -> ExecutionPath {
        self.path_where(transactions >= self.threshold)
    }

    /// Returns the path of `transactions` transactions whose stateless verdicts are known, for a caller
    /// that executes them on a state of its own. Workers are woken for as much work as the threshold is,
    /// which takes many more of these: each is [`ParallelConfig::stateful_ns`] of work.
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

    /// Returns the choices with those of the environment in their place. `variable` looks one up, for
    /// instance [`std::env::var_os`].
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if a variable has a value that it cannot have. An unset one is not an error; an
    /// empty one is.
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
    /// The values that it may have.
    pub expected: &'static str,
}

/// The seed of the hash maps that a node keeps keys in.
///
/// No result depends on it. It keeps an attacker from choosing keys that collide.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub enum HashSeed {
    /// Another one in each process, and unknown.
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

/// The limits of a [`BodyCache`](crate::chain::BodyCache).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BodyCacheLimits {
    /// The most bodies that are kept.
    pub entries: usize,
    /// The most bytes of all their encodings.
    pub bytes: u64,
    /// The time for which one is kept, in milliseconds. A body that is remembered again starts anew.
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
    /// The choices about how blocks are executed.
    pub parallel: ParallelConfig,
    /// The limits of the cache of the bodies of templates.
    pub bodies: BodyCacheLimits,
    /// The seed of the hash maps.
    pub hash_seed: HashSeed,
}

impl Config {
    /// Returns the defaults of a network.
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
