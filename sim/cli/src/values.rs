//! Parsers for the values of flags and of their environment variables.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use lockstep_bugs::injected::InjectedBug;
pub(super) use lockstep_harness::values::{duration, seed, seeds, shard};
use lockstep_sim::generate::Preset;

/// Default of `--run-timeout`, as it is typed.
pub(super) const RUN_TIMEOUT: &str = "20s";

/// Parser for the name of a preset.
pub(super) fn preset() -> impl TypedValueParser<Value = Preset> {
    PossibleValuesParser::new(Preset::ALL.map(Preset::name))
        .map(|name| Preset::named(&name).expect("only the name of a preset is possible"))
}

/// The id of a seeded bug of a single ledger.
pub(super) fn injected_bug() -> impl TypedValueParser<Value = InjectedBug> {
    PossibleValuesParser::new(InjectedBug::all().map(|bug| bug.id()))
        .map(|id| InjectedBug::named(&id).expect("only the id of a seeded bug is possible"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_run_timeout_is_that_of_the_harness() {
        let default = duration(RUN_TIMEOUT);
        assert_eq!(default, Ok(lockstep_harness::watchdog::RUN_TIMEOUT));
    }
}
