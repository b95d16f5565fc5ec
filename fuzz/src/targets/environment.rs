//! Target for the environment variables `LOCKSTEP_PARALLEL_*`.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};

use lockstep_core::config::{
    ConfigError, ExecutionPath, PARALLEL_ENABLED, PARALLEL_TEST_MODE, PARALLEL_THRESHOLD,
    PARALLEL_WORKERS, ParallelConfig,
};
use lockstep_core::model::Network;

const NAMES: [&str; 4] = [
    PARALLEL_ENABLED,
    PARALLEL_THRESHOLD,
    PARALLEL_WORKERS,
    PARALLEL_TEST_MODE,
];

/// Whatever the environment holds, it is read as documented or refused with an error that names a
/// variable that is wrong, and its value; what was read can be written and is read the same.
///
/// The first byte says which variables are set and on which network, the lines after it are their
/// values.
///
/// # Panics
///
/// On a finding.
pub fn environment(data: &[u8]) {
    is_read_as_documented(data, |config, environment| {
        config.with_environment(|name| environment(name))
    });
}

/// Looks a variable up.
type Lookup<'l> = &'l dyn Fn(&str) -> Option<OsString>;

fn is_read_as_documented(
    data: &[u8],
    read: impl Fn(ParallelConfig, Lookup<'_>) -> Result<ParallelConfig, ConfigError>,
) {
    let Some((first, lines)) = data.split_first() else {
        return;
    };
    let base = ParallelConfig::for_network(Network::ALL[usize::from(first >> 4 & 3)]);
    let mut lines = lines.split(|byte| *byte == b'\n');
    let set: BTreeMap<&str, OsString> = NAMES
        .into_iter()
        .enumerate()
        .filter(|(index, _)| first >> index & 1 == 1)
        .map(|(_, name)| (name, os_string(lines.next().unwrap_or_default())))
        .collect();

    let asked = RefCell::new(BTreeSet::new());
    let got = read(base, &|name| {
        asked.borrow_mut().insert(name.to_owned());
        set.get(name).cloned()
    });
    let expected = documented(base, &set);
    match (&got, &expected) {
        (Ok(got), Ok(expected)) => {
            assert_eq!(got, expected, "{set:?} is read as documented");
            assert!(
                asked
                    .borrow()
                    .iter()
                    .map(String::as_str)
                    .eq(BTreeSet::from(NAMES)),
                "four variables are asked for, not {asked:?}"
            );
            reads_back(*got, &read);
            chooses_a_path(got);
        }
        (Err(error), Err(wrong)) => {
            assert!(
                wrong.contains(error.name),
                "the variable named is one that is wrong: {error}; wrong are {wrong:?}"
            );
            let value = set[error.name].to_string_lossy();
            assert_eq!(error.value, value, "the value named is the one that is set");
            let message = error.to_string();
            assert!(
                message.contains(error.name) && message.contains(&format!("{value:?}")),
                "the message names variable and value: {message}"
            );
        }
        _ => panic!("{set:?} is {got:?}, documented is {expected:?}"),
    }
}

#[cfg(unix)]
fn os_string(bytes: &[u8]) -> OsString {
    use std::os::unix::ffi::OsStrExt as _;
    OsStr::from_bytes(bytes).to_owned()
}

#[cfg(not(unix))]
fn os_string(bytes: &[u8]) -> OsString {
    String::from_utf8_lossy(bytes).into_owned().into()
}

/// Reads the variables a second time, from the documentation alone; returns the names of those that are
/// wrong, if any is.
fn documented<'n>(
    base: ParallelConfig,
    set: &BTreeMap<&'n str, OsString>,
) -> Result<ParallelConfig, BTreeSet<&'n str>> {
    let mut config = base;
    let mut wrong = BTreeSet::new();
    for (name, value) in set {
        let is_right = match *name {
            PARALLEL_ENABLED => flag(value).map(|flag| config.enabled = flag),
            PARALLEL_TEST_MODE => flag(value).map(|flag| config.test_mode = flag),
            PARALLEL_THRESHOLD => number(value).map(|number| config.threshold = number),
            _ => number(value)
                .filter(|workers| (1..=256).contains(workers))
                .map(|workers| config.workers = Some(workers)),
        };
        if is_right.is_none() {
            wrong.insert(*name);
        }
    }
    if wrong.is_empty() {
        Ok(config)
    } else {
        Err(wrong)
    }
}

fn flag(value: &OsStr) -> Option<bool> {
    let text = value.to_str()?;
    let is_any_of = |words: [&str; 3]| words.iter().any(|word| word.eq_ignore_ascii_case(text));
    if is_any_of(["1", "true", "on"]) {
        Some(true)
    } else if is_any_of(["0", "false", "off"]) {
        Some(false)
    } else {
        None
    }
}

/// Decimal digits, with a plus in front or without, as far as a `usize` goes.
fn number(value: &OsStr) -> Option<usize> {
    let text = value.to_str()?;
    let digits = text.strip_prefix('+').unwrap_or(text);
    if digits.is_empty() {
        return None;
    }
    let mut number: usize = 0;
    for digit in digits.chars() {
        let digit = usize::try_from(digit.to_digit(10)?).ok()?;
        number = number.checked_mul(10)?.checked_add(digit)?;
    }
    Some(number)
}

/// Checks that a configuration is read back from variables for each of its parts.
fn reads_back(
    config: ParallelConfig,
    read: impl Fn(ParallelConfig, Lookup<'_>) -> Result<ParallelConfig, ConfigError>,
) {
    let written = |name: &str| match name {
        PARALLEL_ENABLED => Some(config.enabled.to_string().into()),
        PARALLEL_THRESHOLD => Some(config.threshold.to_string().into()),
        PARALLEL_WORKERS => config.workers.map(|workers| workers.to_string().into()),
        PARALLEL_TEST_MODE => Some(config.test_mode.to_string().into()),
        _ => None,
    };
    let base = ParallelConfig::for_network(Network::Mainnet);
    let again = read(base, &written);
    assert_eq!(again, Ok(config), "what is written is read again");
}

fn chooses_a_path(config: &ParallelConfig) {
    // Without a number it is that of the machine's cores, which is slow to ask for.
    if config.workers.is_none() {
        return;
    }
    let workers = config.workers();
    assert!((1..=256).contains(&workers), "{workers} workers");
    for transactions in [0, config.threshold.saturating_sub(1), config.threshold] {
        let is_parallel = config.enabled && transactions >= config.threshold && workers > 1;
        assert_eq!(
            config.path(transactions) != ExecutionPath::Serial,
            is_parallel,
            "{transactions} transactions with {config:?}"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_values_and_bad_ones_are_no_finding() {
        for data in [
            &b"\x0ftrue\n10\n4\noff"[..],
            b"\x0fON\n+0\n256\n1",
            b"\x01yes",
            b"\x02",
            b"\x02-1",
            b"\x0299999999999999999999",
            b"\x04\n",
            b"\x04257",
            b"\x04\xff\xfe",
            b"\x38TRUE \n",
            b"",
            b"\x00",
        ] {
            environment(data);
        }
    }

    /// Core, with a seeded bug behind it.
    fn with_bug(
        data: &[u8],
        bug: impl Fn(
            ParallelConfig,
            Result<ParallelConfig, ConfigError>,
        ) -> Result<ParallelConfig, ConfigError>,
    ) {
        is_read_as_documented(data, |base, lookup| {
            bug(base, base.with_environment(|name| lookup(name)))
        });
    }

    #[test]
    #[should_panic(expected = "documented is Err")]
    fn a_bad_value_that_is_ignored_is_found() {
        with_bug(b"\x01yes", |base, got| Ok(got.unwrap_or(base)));
    }

    #[test]
    #[should_panic(expected = "is read as documented")]
    fn a_value_that_is_not_taken_is_found() {
        with_bug(b"\x02123", |base, got| got.map(|_| base));
    }

    #[test]
    #[should_panic(expected = "the variable named is one that is wrong")]
    fn an_error_that_names_another_variable_is_found() {
        with_bug(b"\x05on\n0", |_, got| {
            got.map_err(|error| ConfigError {
                name: PARALLEL_ENABLED,
                ..error
            })
        });
    }

    #[test]
    #[should_panic(expected = "the value named is the one that is set")]
    fn an_error_that_names_another_value_is_found() {
        with_bug(b"\x040", |_, got| {
            got.map_err(|error| ConfigError {
                value: "00".to_owned(),
                ..error
            })
        });
    }

    #[test]
    #[should_panic(expected = "documented is Ok")]
    fn a_good_value_that_is_refused_is_found() {
        with_bug(b"\x04256", |_, got| {
            got.and_then(|config| match config.workers {
                Some(256) => Err(ConfigError {
                    name: PARALLEL_WORKERS,
                    value: "256".to_owned(),
                    expected: "less",
                }),
                _ => Ok(config),
            })
        });
    }

    #[test]
    #[should_panic(expected = "four variables are asked for")]
    fn a_variable_that_is_not_asked_for_is_found() {
        is_read_as_documented(b"\x00", |base, _| Ok(base));
    }
}
