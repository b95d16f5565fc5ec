//! Processor time of this process, and what its threads wait for.

use std::fs;
use std::time::Duration;

/// Processor time used by this process: its own, and that of its finished children.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProcessorTime {
    /// Its own.
    pub own: Duration,
    /// That of its finished children.
    pub children: Duration,
}

/// Reads the processor time of this process; `None` on systems without `/proc/self/stat`.
#[must_use]
pub fn processor_time() -> Option<ProcessorTime> {
    let text = fs::read_to_string("/proc/self/stat").ok()?;
    parsed(&text)
}

fn parsed(text: &str) -> Option<ProcessorTime> {
    /// Unit of `/proc/self/stat` on every Linux, whatever the kernel's own tick is.
    const TICKS_A_SECOND: u64 = 100;
    // The second field is a name in parentheses, with anything in it; fields 14 to 17 are the user
    // and system ticks of the process and of its finished children.
    let (_, fields) = text.rsplit_once(')')?;
    let fields: Vec<&str> = fields.split_whitespace().collect();
    let ticks: Option<Vec<u64>> = fields
        .get(11..15)?
        .iter()
        .map(|field| field.parse().ok())
        .collect();
    let time = |ticks: u64| Duration::from_millis(ticks * 1_000 / TICKS_A_SECOND);
    match ticks?[..] {
        [user, system, of_children, system_of_children] => Some(ProcessorTime {
            own: time(user + system),
            children: time(of_children + system_of_children),
        }),
        _ => None,
    }
}

/// Tells if a thread of this process, other than the calling one, waits for a processor or for a disk and
/// not for another thread. False on systems without `/proc/self/task`.
#[must_use]
pub fn waits_for_the_machine() -> bool {
    let Ok(this) = fs::read_link("/proc/thread-self") else {
        return false;
    };
    let Ok(threads) = fs::read_dir("/proc/self/task") else {
        return false;
    };
    threads.flatten().any(|thread| {
        Some(thread.file_name().as_os_str()) != this.file_name()
            && fs::read_to_string(thread.path().join("stat")).is_ok_and(|text| is_held_up(&text))
    })
}

/// Tells if a thread is runnable (R) or in a wait that no signal ends (D), by its `stat`.
fn is_held_up(text: &str) -> bool {
    let state = text
        .rsplit_once(')')
        .and_then(|(_, fields)| fields.split_whitespace().next());
    matches!(state, Some("R" | "D"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fields_are_found_behind_a_name_with_anything_in_it() {
        let text = "7 (a) b (c) R 1 7 7 0 -1 4194304 100 0 0 0 150 50 30 20 20 0 1 0 100 1 1";
        let expected = ProcessorTime {
            own: Duration::from_secs(2),
            children: Duration::from_millis(500),
        };
        assert_eq!(parsed(text), Some(expected));
        assert_eq!(parsed("7 (a) R 1"), None);
    }

    #[test]
    fn a_thread_that_waits_for_a_disk_is_told_from_one_that_waits_for_a_thread() {
        assert!(is_held_up("7 (S) D 1 7 7"));
        assert!(is_held_up("7 (a) R 1 7 7"));
        assert!(!is_held_up("7 (R) S 1 7 7"));
        assert!(!is_held_up("7"));
    }

    #[test]
    fn a_thread_that_computes_is_seen() {
        if fs::read_link("/proc/thread-self").is_err() {
            return;
        }
        let is_over = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !is_over.load(std::sync::atomic::Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
            });
            let is_seen = waits_for_the_machine();
            is_over.store(true, std::sync::atomic::Ordering::Relaxed);
            assert!(is_seen);
        });
    }
}
