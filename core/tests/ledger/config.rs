//! Tests of the configuration: the choices of an operator, and the errors of values that cannot be
//! chosen.

use std::collections::BTreeMap;
use std::ffi::OsString;

use lockstep_core::chain::BodyCacheLimits;
use lockstep_core::config::{Config, ConfigError, ExecutionPath, HashSeed, ParallelConfig};
use lockstep_core::model::Network;

fn with(variables: &[(&str, &str)]) -> Result<ParallelConfig, ConfigError> {
    let variables: BTreeMap<&str, &str> = variables.iter().copied().collect();
    ParallelConfig::for_network(Network::Devnet)
        .with_environment(|name| variables.get(name).map(OsString::from))
}

fn refused(name: &str, value: &str) -> ConfigError {
    match with(&[(name, value)]) {
        Err(error) => {
            assert_eq!(error.name, name);
            assert_eq!(error.value, value);
            let message = error.to_string();
            assert!(message.contains(name) && message.contains(error.expected));
            error
        }
        Ok(config) => panic!("{name}={value:?} gave {config:?}"),
    }
}

#[test]
fn parallel_thresholds_are_20_10_10_and_4() {
    let thresholds = Network::ALL.map(|network| ParallelConfig::for_network(network).threshold);
    assert_eq!(thresholds, [20, 10, 10, 4]);
    assert_eq!(
        Network::ALL.map(Network::name),
        ["mainnet", "testnet", "stagenet", "devnet"]
    );
}

#[test]
fn by_default_execution_is_parallel_untested_with_a_worker_a_core() {
    for network in Network::ALL {
        let config = ParallelConfig::for_network(network);
        assert!(config.enabled && !config.test_mode);
        assert_eq!(config.workers, None);
    }
}

#[test]
fn without_variables_nothing_changes() {
    let unset = with(&[]);
    assert_eq!(unset, Ok(ParallelConfig::for_network(Network::Devnet)));
}

#[test]
fn each_variable_changes_its_own_value() {
    let config = with(&[
        ("LOCKSTEP_PARALLEL_ENABLED", "off"),
        ("LOCKSTEP_PARALLEL_THRESHOLD", "17"),
        ("LOCKSTEP_PARALLEL_WORKERS", "3"),
        ("LOCKSTEP_PARALLEL_TEST_MODE", "on"),
    ]);
    assert_eq!(
        config,
        Ok(ParallelConfig {
            enabled: false,
            threshold: 17,
            workers: Some(3),
            test_mode: true,
            ..ParallelConfig::for_network(Network::Devnet)
        })
    );
}

#[test]
fn one_variable_leaves_the_others_as_they_were() {
    let standard = ParallelConfig::for_network(Network::Devnet);
    assert_eq!(
        with(&[("LOCKSTEP_PARALLEL_WORKERS", "256")]),
        Ok(ParallelConfig {
            workers: Some(256),
            ..standard
        })
    );
    assert_eq!(
        with(&[("LOCKSTEP_PARALLEL_THRESHOLD", "0")]),
        Ok(ParallelConfig {
            threshold: 0,
            ..standard
        })
    );
}

#[test]
fn an_unset_variable_keeps_what_was_chosen_before() {
    let chosen = ParallelConfig {
        enabled: false,
        threshold: 1,
        workers: Some(2),
        test_mode: true,
        stateful_ns: 5_000,
        forced: Some(ExecutionPath::Graph),
    };
    assert_eq!(chosen.with_environment(|_| None), Ok(chosen));
}

#[test]
fn flags_are_spelt_in_six_ways_in_any_case() {
    for name in ["LOCKSTEP_PARALLEL_ENABLED", "LOCKSTEP_PARALLEL_TEST_MODE"] {
        for (text, value) in [
            ("1", true),
            ("true", true),
            ("on", true),
            ("TRUE", true),
            ("On", true),
            ("0", false),
            ("false", false),
            ("off", false),
            ("False", false),
            ("OFF", false),
        ] {
            let config = with(&[(name, text)]).expect("it is a flag");
            let read = if name == "LOCKSTEP_PARALLEL_ENABLED" {
                config.enabled
            } else {
                config.test_mode
            };
            assert_eq!(read, value, "{name}={text}");
        }
    }
}

#[test]
fn a_flag_that_is_none_is_an_error_that_names_it() {
    for name in ["LOCKSTEP_PARALLEL_ENABLED", "LOCKSTEP_PARALLEL_TEST_MODE"] {
        for value in ["", " ", "yes", "2", "-1", " true", "tru"] {
            refused(name, value);
        }
    }
}

#[test]
fn a_threshold_that_is_no_number_is_an_error_that_names_it() {
    for value in ["", "-1", "ten", "1.5", "99999999999999999999", "0x10", " 1"] {
        refused("LOCKSTEP_PARALLEL_THRESHOLD", value);
    }
}

#[test]
fn workers_are_1_to_256() {
    for value in ["", "0", "257", "-1", "many", "99999999999999999999"] {
        let error = refused("LOCKSTEP_PARALLEL_WORKERS", value);
        assert_eq!(error.expected, "a number from 1 to 256");
    }
    for (value, workers) in [("1", 1), ("256", 256)] {
        let config = with(&[("LOCKSTEP_PARALLEL_WORKERS", value)]);
        assert_eq!(config.expect("it is possible").workers, Some(workers));
    }
}

#[cfg(unix)]
#[test]
fn a_value_that_is_no_text_is_an_error_that_names_it() {
    use std::os::unix::ffi::OsStringExt;
    let error = ParallelConfig::for_network(Network::Devnet)
        .with_environment(|_| Some(OsString::from_vec(vec![0xff])))
        .expect_err("it is no text");
    assert_eq!(error.name, "LOCKSTEP_PARALLEL_ENABLED");
}

#[test]
fn an_error_says_what_to_do() {
    assert_eq!(
        refused("LOCKSTEP_PARALLEL_WORKERS", "0").to_string(),
        "LOCKSTEP_PARALLEL_WORKERS=\"0\" is not a number from 1 to 256; correct it or unset it"
    );
}

#[test]
fn a_whole_configuration_suits_its_network() {
    let config = Config::for_network(Network::Testnet);
    assert_eq!(
        config.parallel,
        ParallelConfig::for_network(Network::Testnet)
    );
    assert_eq!(config.bodies, BodyCacheLimits::default());
    assert_eq!(config.hash_seed, HashSeed::Random);
}

/// A seed in a log would let others choose keys that collide; a fixed one is for tests.
#[test]
fn a_hash_seed_is_shown_only_where_it_is_fixed() {
    assert_eq!(format!("{:?}", HashSeed::Random), "Random");
    assert_eq!(format!("{:?}", HashSeed::Fixed(3)), "Fixed(3)");
}

#[test]
fn as_many_workers_execute_as_were_asked_for_and_at_least_one() {
    let asked = |workers| {
        let mut config = ParallelConfig::for_network(Network::Devnet);
        config.workers = workers;
        config.workers()
    };
    assert_eq!([1, 3, 256].map(|number| asked(Some(number))), [1, 3, 256]);
    assert_eq!([0, 257].map(|number| asked(Some(number))), [1, 256]);
    assert!((1..=256).contains(&asked(None)));
}

/// Returns the path of a block of `transactions` transactions, with three workers from ten on.
fn path(transactions: usize, change: impl FnOnce(&mut ParallelConfig)) -> ExecutionPath {
    let mut config = ParallelConfig::for_network(Network::Testnet);
    config.workers = Some(3);
    change(&mut config);
    config.path(transactions)
}

#[test]
fn a_block_is_parallel_from_the_threshold_on_where_that_is_allowed_and_there_are_workers() {
    assert_eq!(path(9, |_| ()), ExecutionPath::Serial);
    assert_eq!(path(10, |_| ()), ExecutionPath::ParallelValidation);
    assert_eq!(path(11, |_| ()), ExecutionPath::ParallelValidation);
    let disabled = path(11, |config| config.enabled = false);
    assert_eq!(disabled, ExecutionPath::Serial);
    let alone = path(11, |config| config.workers = Some(1));
    assert_eq!(alone, ExecutionPath::Serial);
}

#[test]
fn the_graph_is_taken_from_a_microsecond_a_transaction_on() {
    for (stateful_ns, expected) in [
        (999, ExecutionPath::ParallelValidation),
        (1_000, ExecutionPath::Graph),
        (1_001, ExecutionPath::Graph),
    ] {
        let path = path(10, |config| config.stateful_ns = stateful_ns);
        assert_eq!(path, expected, "{stateful_ns}");
    }
}

/// Ten transactions to be verified are 130 us of work.
#[test]
fn known_verdicts_take_more_transactions_until_workers_are_woken() {
    let path = |transactions, stateful_ns| {
        let mut config = ParallelConfig::for_network(Network::Testnet);
        config.workers = Some(3);
        config.stateful_ns = stateful_ns;
        config.path_of_verified(transactions)
    };
    assert_eq!(path(129, 999), ExecutionPath::Serial);
    assert_eq!(path(131, 999), ExecutionPath::ParallelValidation);
    assert_eq!(path(129, 1_000), ExecutionPath::Serial);
    assert_eq!(path(130, 1_000), ExecutionPath::Graph);
    assert_eq!(path(2, 50_000), ExecutionPath::Serial);
    assert_eq!(path(3, 50_000), ExecutionPath::Graph);
    assert_eq!(path(usize::MAX, 0), ExecutionPath::Serial);
    assert_eq!(path(usize::MAX, u64::MAX), ExecutionPath::Graph);
}

#[test]
fn a_forced_path_is_taken_whatever_else_was_chosen() {
    for forced in ExecutionPath::ALL {
        let taken = path(1, |config| {
            config.enabled = false;
            config.forced = Some(forced);
        });
        assert_eq!(taken, forced);
    }
}

#[test]
fn paths_and_networks_are_spelt_as_they_are_called() {
    let paths = ExecutionPath::ALL.map(ExecutionPath::name);
    assert_eq!(paths, ["serial", "spread-checks", "graph"]);
    for network in Network::ALL {
        assert_eq!(network.to_string(), network.name());
    }
}
