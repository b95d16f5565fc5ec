//! Tests of several nodes.

mod export;
mod nodes;
