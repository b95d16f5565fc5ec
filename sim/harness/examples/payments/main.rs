//! Tests an executor of rules of its own, the one of `ledger.rs`, in the place of yours.
//!
//! ```sh
//! cargo run --release -p lockstep-harness --example payments                  # passes
//! FORGETS=1 cargo run --release -p lockstep-harness --example payments        # a violation is found
//! ```

mod ledger;

use std::collections::BTreeMap;
use std::process::ExitCode;

use lockstep_harness::choice::Choices;
use lockstep_harness::executor::{self, Adapter, Executed, Observation, Part, RolePool};
use serde::{Deserialize, Serialize};

use ledger::{Account, Accounts, Outcome, Payment, parallel, serial};

/// Adapter of the executor of payments.
struct Payments {
    forgets_the_miner: bool,
}

/// Everything of a case but its payments.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Environment {
    balances: BTreeMap<u8, u64>,
    miner: u8,
}

/// A payment whose nonce counts from the one that is right.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Intent {
    from: u8,
    to: u8,
    amount: u64,
    nonce_ahead: u64,
}

impl Adapter for Payments {
    type Environment = Environment;
    type Intent = Intent;
    type State = Accounts;
    type Transaction = Payment;
    const NAME: &'static str = "payments";

    fn environment(&self, roles: RolePool, choices: &mut impl Choices) -> Environment {
        let balances = (0..roles.names()).map(|name| (name, choices.between(0, 50)));
        Environment {
            balances: balances.collect(),
            miner: roles.pick(choices),
        }
    }

    fn intent(&self, roles: RolePool, _: &Environment, choices: &mut impl Choices) -> Intent {
        Intent {
            from: roles.pick(choices),
            to: roles.pick(choices),
            amount: choices.between(0, 30),
            nonce_ahead: u64::from(choices.chance(1, 8)),
        }
    }

    fn state(&self, environment: &Environment) -> Accounts {
        let account = |balance| Account { balance, nonce: 0 };
        let balances = environment.balances.iter();
        balances
            .map(|(name, balance)| (*name, account(*balance)))
            .collect()
    }

    fn lower(
        &self,
        state: &Accounts,
        environment: &Environment,
        intents: &[Intent],
    ) -> Vec<Payment> {
        // The right nonce is the one that the serial order leaves.
        let mut state = state.clone();
        let lower = |intent: &Intent| {
            let nonce = state.get(&intent.from).map_or(0, |account| account.nonce);
            let (from, to, amount) = (intent.from, intent.to, intent.amount);
            let nonce = nonce + intent.nonce_ahead;
            let payment = Payment {
                from,
                to,
                amount,
                nonce,
            };
            serial(&mut state, environment.miner, &[payment]);
            payment
        };
        intents.iter().map(lower).collect()
    }

    fn reference(
        &self,
        state: &mut Accounts,
        environment: &Environment,
        block: &[Payment],
    ) -> Observation {
        let outcomes = serial(state, environment.miner, block);
        observation(&outcomes, state)
    }

    fn contender(
        &self,
        state: &mut Accounts,
        environment: &Environment,
        block: &[Payment],
        workers: usize,
    ) -> Executed {
        let (outcomes, at_once) = parallel(
            state,
            environment.miner,
            block,
            workers,
            self.forgets_the_miner,
        );
        Executed::from(observation(&outcomes, state)).with_workers_at_once(at_once)
    }
}

fn observation(outcomes: &[Outcome], state: &Accounts) -> Observation {
    let mut observation = Observation::default();
    for (index, outcome) in outcomes.iter().enumerate() {
        observation.note(Part::Outcome, index, format!("{outcome:?}"));
    }
    for (name, account) in state
        .iter()
        .filter(|(_, account)| **account != Account::default())
    {
        observation.note(
            Part::State,
            format!("account {name:03}"),
            format!("{account:?}"),
        );
    }
    observation
}

fn main() -> ExitCode {
    let forgets_the_miner = std::env::var_os("FORGETS").is_some();
    executor::main(&Payments { forgets_the_miner })
}

#[cfg(test)]
mod tests {
    use lockstep_harness::executor::program::{TestPlan, run_test};
    use lockstep_harness::exit::ExitCode;

    use super::Payments;

    lockstep_harness::executor_test! {
        payments_equal_their_serial_order, Payments { forgets_the_miner: false }, cases: 200
    }

    #[test]
    fn a_miner_that_is_forgotten_is_found() {
        let path = concat!(module_path!(), "::a_miner_that_is_forgotten_is_found");
        let forgetful = Payments {
            forgets_the_miner: true,
        };
        let failed = run_test(&forgetful, path, TestPlan::default()).expect_err("it differs");
        assert_eq!(failed.exit_code, ExitCode::Differs, "{failed:?}");
        assert!(failed.text.contains("kind: \"executor\""), "{failed:?}");
    }
}
