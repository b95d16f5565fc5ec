//! The stand-in for the search in a build without its feature.

use super::super::{Effort, Search};
use crate::buggy_executor::concurrent::ThreadBug;

const HOW: &str = "this program was built without schedule exploration; \
                   try cargo run --release --features shuttle -- bugs";

pub(super) fn left_out() -> Option<String> {
    Some(HOW.to_owned())
}

pub(super) fn search(
    _: &'static [&'static str],
    _: Option<ThreadBug>,
    _: u64,
    _: &Effort<'_>,
) -> Result<Search, String> {
    Err(HOW.to_owned())
}
