//! Entrance of child processes: a program that tests an executor calls it before anything else.

use super::adapter::Adapter;
use super::child;
use super::registers::{RegisterBug, RegisterMachine};

/// Serves cases and never returns, if this process is the child of a campaign of this program.
///
/// # Panics
///
/// In a child that is asked to serve something that this program does not know.
pub fn serve_if_child<A: Adapter>(adapter: &A) {
    let Some(serves) = child::serve_if_child(adapter) else {
        return;
    };
    match RegisterBug::named(&serves) {
        Some(bug) => child::serve(&RegisterMachine::new(Some(bug))),
        None => panic!(
            "{}={serves} is neither {:?} nor a seeded bug; a campaign sets it for its child processes alone",
            child::CHILD,
            child::OWN
        ),
    }
}
