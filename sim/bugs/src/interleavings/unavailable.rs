//! The stand-in for the search in a build without its feature.

use super::super::{Effort, Search};
use crate::buggy_executor::concurrent::ThreadBug;

const HOW: &str =
    "this program was built without loom; try cargo run --release --features loom -- bugs";

pub(super) fn left_out() -> Option<String> {
    Some(HOW.to_owned())
}

pub(super) fn search(_: Option<ThreadBug>, _: &Effort<'_>) -> Result<Search, String> {
    Err(HOW.to_owned())
}
