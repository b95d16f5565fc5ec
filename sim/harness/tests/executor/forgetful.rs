//! An adapter of the smallest size, whose cases lose something in their JSON form.

use lockstep_harness::campaign::{Plan, Runs, Unwatched, run};
use lockstep_harness::choice::Choices;
use lockstep_harness::executor::answer::InProcess;
use lockstep_harness::executor::{
    Adapter, Executed, Observation, Part, RolePool, Settings, Trials,
};
use lockstep_harness::exit::ExitCode;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Environment {
    #[serde(skip)]
    begin: u64,
}

/// Adds numbers to a sum, of which the environment has the beginning.
struct Forgetful;

impl Adapter for Forgetful {
    type Environment = Environment;
    type Intent = u64;
    type State = u64;
    type Transaction = u64;
    const NAME: &'static str = "forgetful adder";

    fn environment(&self, _: RolePool, choices: &mut impl Choices) -> Environment {
        Environment {
            begin: choices.between(1, 9),
        }
    }

    fn intent(&self, _: RolePool, _: &Environment, choices: &mut impl Choices) -> u64 {
        choices.below(9)
    }

    fn state(&self, environment: &Environment) -> u64 {
        environment.begin
    }

    fn lower(&self, _: &u64, _: &Environment, intents: &[u64]) -> Vec<u64> {
        intents.to_vec()
    }

    fn reference(&self, sum: &mut u64, _: &Environment, block: &[u64]) -> Observation {
        *sum += block.iter().sum::<u64>();
        let mut observation = Observation::default();
        observation.note(Part::State, "sum", *sum);
        observation
    }

    fn contender(&self, sum: &mut u64, of: &Environment, block: &[u64], _: usize) -> Executed {
        self.reference(sum, of, block).into()
    }
}

#[test]
fn a_case_that_does_not_survive_its_json_form_is_found() {
    let trials = Trials::with(&Forgetful, InProcess, Settings::default());
    let summary = run(&Plan::of(Runs::Seeds(0..9)), &trials, &mut Unwatched);
    assert_eq!(summary.verdict.exit_code(), ExitCode::Unreliable);
    let said = summary.verdict.to_string();
    assert!(
        said.contains("adapter-agrees-with-itself") && said.contains("reads back as another case"),
        "{said}"
    );
}
