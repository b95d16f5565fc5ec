//! Thread primitives behind one door: the real ones, loom's, shuttle's.
//!
//! Each module has the same names, so that concurrent source that is mounted beside an alias of one of
//! them reads the same under each; the README shows how. The differences between the three are settled
//! here. The words are explained in `docs/glossary.md` of the repository.

use std::any::Any;

pub mod real;

#[cfg(feature = "loom")]
#[allow(clippy::duplicate_mod, reason = "the same map, on purpose")]
pub mod loom;
#[cfg(feature = "shuttle")]
#[allow(clippy::duplicate_mod, reason = "the same map, on purpose")]
pub mod shuttle;

/// Returns the message of a panic; "no message" if its payload is no text.
#[must_use]
pub fn panic_message(panic: &(dyn Any + Send)) -> String {
    panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no message")
        .to_owned()
}
