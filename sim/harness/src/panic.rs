//! Panics of a system under test: catching one with its message and its place, and silencing the report of
//! each.
//!
//! A panic of what is tested is a finding, told once with everything else that is known of it. The
//! report that Rust prints on standard error for each is noise then, above all while thousands of
//! candidates are judged, or where a system under test swallows its own panics.
//!
//! The message of a panic travels with it, from thread to thread; its place does not. Every hook of this
//! module remembers the places of the last panics by their messages.

use std::any::Any;
use std::collections::{BTreeMap, VecDeque};
use std::io::Write as _;
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind, resume_unwind};
use std::sync::{Mutex, PoisonError};

use crate::signature::without_numbers;

type Hook = Box<dyn Fn(&PanicHookInfo<'_>) + Sync + Send + 'static>;

/// Runs `work` and gives what it returns.
///
/// The caller says that what `work` shares with the outside may be used after a panic, or throws it
/// away.
///
/// # Errors
///
/// The message of its panic, in full.
pub fn catch_panic<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|payload| message(&*payload).to_owned())
}

/// The text that a panic was raised with; `no message` where it was raised with something else.
#[must_use]
pub fn message(payload: &(dyn Any + Send)) -> &str {
    payload
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| payload.downcast_ref::<&str>().copied())
        .unwrap_or("no message")
}

/// The number of calls of [`silence_panics`] that have not returned, and the hook from before them.
static SILENCED: Mutex<(usize, Option<Hook>)> = Mutex::new((0, None));

/// Runs `work` while no panic of any thread is reported, and puts the panic hook back.
///
/// Calls may nest and overlap: the hook comes back with the last one that returns. A hook that
/// `work` installs itself is lost then.
///
/// # Panics
///
/// As `work` does, after the hook is back.
pub fn silence_panics<T>(work: impl FnOnce() -> T) -> T {
    enter();
    let done = catch_unwind(AssertUnwindSafe(work));
    leave();
    done.unwrap_or_else(|payload| resume_unwind(payload))
}

/// The place of the last panic with this message, as `panicked at FILE:LINE`, if a hook of this module saw
/// it.
#[must_use]
pub fn place_of(message: &str) -> Option<String> {
    let places = PLACES.lock().unwrap_or_else(PoisonError::into_inner);
    let mut latest = places.iter().rev();
    latest
        .find(|(of, _)| of == message)
        .map(|(_, place)| format!("panicked at {place}"))
}

/// Forgets the places of all panics so far.
pub fn forget_places() {
    PLACES
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clear();
}

/// The messages and places of the last panics since [`forget_places`], the first one first, if a hook of this
/// module saw them; at most 64.
#[must_use]
pub fn places() -> Vec<(String, String)> {
    let places = PLACES.lock().unwrap_or_else(PoisonError::into_inner);
    places.iter().cloned().collect()
}

/// A message of a panic, and its place on a line of its own if it is known.
#[must_use]
pub fn with_place(message: String) -> String {
    match place_of(&message) {
        Some(place) => format!("{message}\n{place}"),
        None => message,
    }
}

/// The messages and the places of the last panics.
static PLACES: Mutex<VecDeque<(String, String)>> = Mutex::new(VecDeque::new());

/// Remembers the place of a panic; returns it with the message.
fn remember(report: &PanicHookInfo<'_>) -> (String, String) {
    const REMEMBERED: usize = 64;
    let message = message(report.payload()).to_owned();
    let place = report.location().map_or_else(
        || "an unknown place".to_owned(),
        |at| format!("{}:{}", of_any_machine(at.file()), at.line()),
    );
    let mut places = PLACES.lock().unwrap_or_else(PoisonError::into_inner);
    if places.len() == REMEMBERED {
        places.pop_front();
    }
    places.push_back((message.clone(), place.clone()));
    (message, place)
}

/// The path of a source file without the folder in which a machine keeps the sources of crates.
fn of_any_machine(file: &str) -> &str {
    let of_registry = || {
        let (_, rest) = file.split_once("/registry/src/")?;
        rest.split_once('/').map(|(_, path)| path)
    };
    let of_std = || file.find("/library/").map(|at| &file[at + 1..]);
    of_registry().or_else(of_std).unwrap_or(file)
}

/// Panics that were reported, by message and place without numbers, each with its number.
static REPORTED: Mutex<BTreeMap<String, u64>> = Mutex::new(BTreeMap::new());

/// Reports on standard error, until the process ends, the first panic of each kind on one line, and none
/// of the same kind again: a system under test that swallows a panic in every block would fill a disk.
/// Kinds are told apart by message and place, numbers aside.
pub fn report_each_kind_once() {
    std::panic::set_hook(Box::new(|report| {
        let (message, place) = remember(report);
        let kind = without_numbers(&format!("{place} {message}"));
        if is_first(&REPORTED, kind) {
            let line: Vec<&str> = message.lines().map(str::trim).collect();
            // That it cannot be told changes nothing.
            let _ = writeln!(
                std::io::stderr(),
                "panicked at {place}: {} (the same is not reported again)",
                line.join("; ")
            );
        }
    }));
}

/// Counts an event of this kind; true for the first one. Of very many kinds all further ones are one.
fn is_first(counts: &Mutex<BTreeMap<String, u64>>, kind: String) -> bool {
    const KINDS: usize = 100;
    let mut counts = counts.lock().unwrap_or_else(PoisonError::into_inner);
    let kind = match counts.len() < KINDS || counts.contains_key(&kind) {
        true => kind,
        false => "other".to_owned(),
    };
    let count = counts.entry(kind).or_default();
    *count += 1;
    *count == 1
}

/// The kinds of panics that were reported and came again, each with the number of its panics.
#[must_use]
pub fn repeated_kinds() -> Vec<(String, u64)> {
    let reported = REPORTED.lock().unwrap_or_else(PoisonError::into_inner);
    let repeated = reported.iter().filter(|(_, count)| **count > 1);
    repeated
        .map(|(kind, count)| (kind.clone(), *count))
        .collect()
}

/// Remembers the places of panics and reports them as before, until the process ends.
pub fn report_every_panic() {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |report| {
        remember(report);
        hook(report);
    }));
}

/// Runs `work`, which may install a panic hook, and puts the one back that was there.
pub fn keep_panic_hook<T>(work: impl FnOnce() -> T) -> T {
    let hook = std::panic::take_hook();
    let done = work();
    std::panic::set_hook(hook);
    done
}

fn enter() {
    let mut silenced = SILENCED.lock().unwrap_or_else(PoisonError::into_inner);
    if silenced.0 == 0 {
        silenced.1 = Some(std::panic::take_hook());
        std::panic::set_hook(Box::new(|report| {
            remember(report);
        }));
    }
    silenced.0 += 1;
}

fn leave() {
    let mut silenced = SILENCED.lock().unwrap_or_else(PoisonError::into_inner);
    silenced.0 -= 1;
    if silenced.0 == 0
        && let Some(hook) = silenced.1.take()
    {
        std::panic::set_hook(hook);
    }
}

#[cfg(test)]
mod tests {
    use std::panic::panic_any;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn a_panic_is_given_with_its_message() {
        assert_eq!(catch_panic(|| 7), Ok(7));
        let number = 3;
        let got = [
            catch_panic(|| panic!("a literal")),
            catch_panic(|| panic!("number {number}\nand more")),
            catch_panic(|| panic_any(number)),
        ];
        let expected: [Result<(), String>; 3] =
            ["a literal", "number 3\nand more", "no message"].map(|text| Err(text.to_owned()));
        assert_eq!(got, expected);
    }

    #[test]
    fn the_first_of_a_kind_is_reported_and_counted() {
        let counts = Mutex::default();
        assert!(is_first(&counts, "a".to_owned()));
        assert!(is_first(&counts, "b".to_owned()));
        assert!(!is_first(&counts, "a".to_owned()));
        let many = (0..1_000).filter(|kind| is_first(&counts, format!("kind {kind}")));
        assert_eq!(many.count(), 99, "98 kinds and all others as one");
    }

    #[test]
    fn a_place_names_no_machine() {
        for (file, expected) in [
            ("core/src/chain/mod.rs", "core/src/chain/mod.rs"),
            (
                "/home/a/.cargo/registry/src/index.crates.io-1949cf8c6b5b557f/redb-4.6.0/src/db.rs",
                "redb-4.6.0/src/db.rs",
            ),
            (
                "/rustc/59807616e1fa/library/core/src/option.rs",
                "library/core/src/option.rs",
            ),
        ] {
            assert_eq!(of_any_machine(file), expected);
        }
    }

    /// The hook is the process's, so one test asks everything about it.
    #[test]
    fn panics_are_reported_again_after_the_last_silencing_call_returned() {
        static REPORTED: AtomicUsize = AtomicUsize::new(0);
        const MINE: &str = "one that the hook of this test counts";
        let reported = || {
            let before = REPORTED.load(Ordering::SeqCst);
            let _ = catch_panic(|| panic!("{MINE}"));
            REPORTED.load(Ordering::SeqCst) - before
        };
        keep_panic_hook(|| {
            std::panic::set_hook(Box::new(|report| {
                if message(report.payload()) == MINE {
                    REPORTED.fetch_add(1, Ordering::SeqCst);
                }
            }));
            assert_eq!(reported(), 1);
            silence_panics(|| {
                assert_eq!(reported(), 0);
                assert_eq!(silence_panics(reported), 0);
                let place = place_of(MINE).expect("the silent hook remembers it");
                assert!(
                    place.starts_with("panicked at sim/harness/src/panic.rs:"),
                    "{place}"
                );
                assert_eq!(with_place(MINE.to_owned()), format!("{MINE}\n{place}"));
                assert_eq!(place_of("no panic has this message"), None);
                assert_eq!(reported(), 0, "the outer call has not returned");
            });
            assert_eq!(reported(), 1);
            let panicked = catch_panic(|| silence_panics(|| panic!("{MINE}")));
            assert_eq!(panicked, Err::<(), _>(MINE.to_owned()));
            assert_eq!(reported(), 1, "a panic leaves the hook as it was");
        });
    }
}
