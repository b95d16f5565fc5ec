//! Blocks under schedules that are drawn: whole blocks of the generator, on several workers, with
//! the oracle and all invariants.
//!
//! A subject executes each block serially first and then under many schedules, drawn by a portfolio
//! of schedulers, none of which suffices alone. What differs from the serial result is what the trial
//! gets to see: it names what is wrong about it, as it does without schedules. A schedule is kept as
//! the switches that make it one, is followed again by them, and is reduced to the fewest that show
//! the same.

mod campaign;
mod portfolio;
mod scheduler;
mod search;
mod subject;

pub use campaign::{Exploration, SYSTEM, Schedules};
pub use portfolio::SCHEDULERS;
pub use scheduler::Pause;
pub use search::{
    Explored, Finding, Plan, explore, follow, let_shuttle_take_the_panic_hook, minimise, plainest,
    shrink,
};
pub use subject::{Added, CoreLedger, Explorable, Kept};
