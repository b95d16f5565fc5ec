//! Panics of a system under test: catching one with its message, and silencing the report of each.
//!
//! A panic of what is tested is a finding, told once with everything else that is known of it. The
//! report that Rust prints on standard error for each is noise then, above all while thousands of
//! candidates are judged.

use std::any::Any;
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind, resume_unwind};
use std::sync::{Mutex, PoisonError};

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

/// Silences the report of every panic until the process ends.
pub fn silence_panics_for_good() {
    std::panic::set_hook(Box::new(|_| {}));
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
        std::panic::set_hook(Box::new(|_| {}));
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
                assert_eq!(reported(), 0, "the outer call has not returned");
            });
            assert_eq!(reported(), 1);
            let panicked = catch_panic(|| silence_panics(|| panic!("{MINE}")));
            assert_eq!(panicked, Err::<(), _>(MINE.to_owned()));
            assert_eq!(reported(), 1, "a panic leaves the hook as it was");
        });
    }
}
