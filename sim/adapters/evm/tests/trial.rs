//! Drawn blocks: the correct Block-STM equals revm in order, and a seeded bug is found and shrunk.

use lockstep_evm::block_stm::Bug;
use lockstep_evm::trial::Evm;
use lockstep_harness::executor::program::{TestPlan, run_test};
use lockstep_harness::exit::ExitCode;

lockstep_harness::executor_test! {
    the_block_stm_equals_revm_in_order, Evm { bug: None }, cases: 200
}

#[test]
fn a_value_of_zero_that_is_not_written_is_found() {
    let path = concat!(
        module_path!(),
        "::a_value_of_zero_that_is_not_written_is_found"
    );
    let bug = Some(Bug::ZeroWriteIsTouch);
    let failed = run_test(&Evm { bug }, path, TestPlan::default()).expect_err("it differs");
    assert_eq!(failed.exit_code, ExitCode::Differs, "{failed:?}");
}
