//! The program `lockstep-evm-trial`: campaigns of drawn blocks, by the harness.

use std::process::ExitCode;

use lockstep_evm::block_stm::Bug;
use lockstep_evm::trial::Evm;

/// Names a seeded bug; the child processes of a campaign inherit it.
const BUG: &str = "LOCKSTEP_EVM_BUG";

fn main() -> ExitCode {
    let named = std::env::var(BUG).ok();
    let bug = named.as_ref().map(|id| {
        let mut bugs = Bug::ALL.iter().copied();
        bugs.find(|bug| bug.id() == id)
    });
    match bug {
        Some(None) => {
            eprintln!("error: {BUG} names no seeded bug; `lockstep-evm bugs` lists them");
            ExitCode::from(2)
        }
        other => lockstep_harness::executor::main(&Evm {
            bug: other.flatten(),
        }),
    }
}
