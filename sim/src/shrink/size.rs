//! Order of scenarios by size.

use crate::scenario::{NetworkName, Scenario};

use super::{edit, faults};

/// A limit that never gets in the way.
pub(super) const SIMPLE_LIMIT: u64 = u64::MAX;
/// Room for any block that a person would read.
pub(super) const SIMPLE_BLOCK_BYTES: u64 = 1 << 20;

/// Amount of a scenario that a person must read and understand, the heaviest part first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size {
    steps: usize,
    transactions: usize,
    submitted: usize,
    sendings_and_signers: usize,
    flaws: usize,
    faults: usize,
    weight_of_faults: usize,
    holdings: usize,
    accounts: usize,
    assets: usize,
    names: u64,
    unusual_settings: usize,
    workers: u32,
    numbers_above_zero: usize,
    sum: u128,
}

impl Size {
    pub(super) fn of(scenario: &Scenario) -> Self {
        let accounts = edit::accounts(scenario);
        let assets = edit::assets(scenario);
        let numbers = edit::numbers(scenario);
        let genesis = &scenario.genesis;
        let unusual_settings = [
            scenario.hash_seed != 0,
            scenario.workers.is_some(),
            genesis.network != NetworkName::Devnet,
            genesis.native_limit != SIMPLE_LIMIT,
            genesis.max_block_bytes != SIMPLE_BLOCK_BYTES,
        ];
        Size {
            steps: scenario.steps.len(),
            transactions: scenario.transactions(),
            submitted: scenario.submitted(),
            sendings_and_signers: edit::sendings(scenario)
                + edit::cosigners(scenario)
                + edit::participants(scenario),
            flaws: edit::flaws(scenario),
            faults: scenario.faults().count(),
            weight_of_faults: scenario.faults().map(faults::weight).sum(),
            holdings: genesis.balances.len(),
            accounts: accounts.len(),
            assets: assets.len(),
            names: accounts
                .into_iter()
                .chain(assets)
                .map(u64::from)
                .sum::<u64>(),
            unusual_settings: unusual_settings.into_iter().filter(|is| *is).count(),
            workers: scenario.workers.unwrap_or(0),
            numbers_above_zero: numbers.iter().filter(|number| **number > 0).count(),
            sum: numbers.iter().copied().map(u128::from).sum(),
        }
    }
}
