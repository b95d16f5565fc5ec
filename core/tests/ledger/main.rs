//! Tests of the ledger from outside: its rules, storages, executor, configuration, metrics and mempool.
//!
//! One program: each would compile the ledger for itself, and that takes longer than to run all.

mod asynchronous;
mod common;
mod config;
mod loading;
mod mempool;
mod merkle;
mod metrics;
mod parallel;
mod rewind;
mod rules_block;
mod rules_effects;
mod rules_genesis;
mod rules_history;
mod rules_multisig;
mod rules_stateful;
mod rules_stateless;
mod rules_supply;
mod storage;
mod storage_damage;
mod storage_faults;
mod template;
mod verifier;
