//! Tests of the harness around this ledger, one program.

mod architecture;
mod corpora;
mod crash;
mod drawn_faults;
mod export;
mod faults;
mod harness;
mod mempool;
mod properties;
mod shrink;
mod stress;
