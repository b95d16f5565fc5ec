//! Notes of the workers of core, and of any executor that makes them, for the watchdog of a run.

use lockstep_harness::watchdog::WorkerNotes;
use lockstep_sync::real::{ThreadActivity, activity, forget_activity};

/// The notes that threads make by `set_current_transaction` and `set_current_place`.
pub const WORKER_NOTES: WorkerNotes = WorkerNotes {
    forget: forget_activity,
    read: || activity().iter().map(in_words).collect(),
};

fn in_words(thread: &ThreadActivity) -> String {
    let transaction = match thread.transaction {
        Some(transaction) => format!("transaction {transaction}"),
        None => "no transaction".to_owned(),
    };
    let place = thread.place.unwrap_or("no place");
    format!("by {}: {transaction}, {place}", thread.thread)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_names_thread_transaction_and_place() {
        let mut thread = ThreadActivity {
            thread: "lockstep-1".to_owned(),
            transaction: Some(7),
            place: Some("execute over the graph"),
        };
        assert_eq!(
            in_words(&thread),
            "by lockstep-1: transaction 7, execute over the graph"
        );
        thread.transaction = None;
        assert_eq!(
            in_words(&thread),
            "by lockstep-1: no transaction, execute over the graph"
        );
    }
}
