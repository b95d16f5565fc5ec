//! Invariants: the claims that a judge can find broken, registered by the lines that define them.
//!
//! The linker collects them, as it collects coverage points, so there is no list to be kept beside
//! the code. A [`Violation`](crate::violation::Violation) is made of a registered invariant alone:
//! a finding that no list of invariants knows cannot be reported. Each names the seeded bug that it
//! must catch, because a checker that was never seen to find anything shows nothing.

use std::collections::BTreeMap;
use std::fmt;

use crate::exit::ExitCode;

/// A claim that holds after every step of every run.
#[derive(Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Invariant {
    /// The name in reports, reproducers and on the command line, in words joined by hyphens.
    pub name: &'static str,
    /// The claim.
    pub sentence: &'static str,
    /// The exit code of a process that finds it broken.
    pub exit_code: ExitCode,
    /// The id of a seeded bug that it catches.
    pub seeded_bug: &'static str,
}

impl Invariant {
    /// For [`invariant!`](crate::invariant!), which registers what it makes.
    #[doc(hidden)]
    #[must_use]
    pub const fn of_macro(
        name: &'static str,
        sentence: &'static str,
        exit_code: ExitCode,
        seeded_bug: &'static str,
    ) -> Self {
        Invariant {
            name,
            sentence: sentence.trim_ascii(),
            exit_code,
            seeded_bug,
        }
    }
}

impl fmt::Display for Invariant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl PartialEq<str> for Invariant {
    fn eq(&self, name: &str) -> bool {
        self.name == name
    }
}

/// An invariant that the linker put into the program.
pub struct Registered(pub &'static Invariant);

inventory::collect!(Registered);

/// Defines an invariant and registers it. Its documentation is its sentence.
///
/// ```
/// lockstep_harness::invariant! {
///     /// A sum is the sum of its parts.
///     pub static SUMS_ADD_UP: "sums-add-up", exits Violated, catches "part-dropped";
/// }
/// assert_eq!(SUMS_ADD_UP.sentence, "A sum is the sum of its parts.");
/// assert!(lockstep_harness::invariant::named("sums-add-up").is_some());
/// ```
#[macro_export]
macro_rules! invariant {
    ($(
        $(#[doc = $line:literal])+
        $visibility:vis static $identifier:ident: $name:literal, exits $exit_code:ident, catches $bug:literal;
    )+) => {$(
        $(#[doc = $line])+
        $visibility static $identifier: $crate::invariant::Invariant =
            $crate::invariant::Invariant::of_macro(
                $name,
                concat!($($line),+),
                $crate::exit::ExitCode::$exit_code,
                $bug,
            );
        $crate::inventory::submit! { $crate::invariant::Registered(&$identifier) }
    )+};
}

/// All invariants of the program, by name.
///
/// # Panics
///
/// If two have one name.
#[must_use]
pub fn registered() -> BTreeMap<&'static str, &'static Invariant> {
    let mut by_name = BTreeMap::new();
    for Registered(invariant) in inventory::iter::<Registered>() {
        let other = by_name.insert(invariant.name, *invariant);
        assert!(other.is_none(), "one invariant is called {invariant}");
    }
    by_name
}

/// The invariant with this name; `None` if the program has none.
#[must_use]
pub fn named(name: &str) -> Option<&'static Invariant> {
    inventory::iter::<Registered>()
        .map(|registered| registered.0)
        .find(|invariant| invariant.name == name)
}

invariant! {
    /// A system under test does not panic, whatever it is given.
    pub static NEVER_PANICS: "never-panics", exits Violated, catches "PanicsOnABlock";

    /// A call ends within its steps: no deadlock, no endless loop.
    pub static ALWAYS_ENDS: "always-ends", exits Hang, catches "self-deadlock";

    /// A process that does a run is still there at its end.
    pub static PROCESS_SURVIVES: "process-survives", exits Violated, catches "process-dies";

    /// A run goes on until it ends: some operation of it ends, or a worker gets on, within the time limit.
    pub static FINISHES_IN_TIME: "finishes-in-time", exits Hang, catches "never-ends";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_that_defines_an_invariant_registers_it() {
        assert_eq!(named("never-panics"), Some(&NEVER_PANICS));
        assert_eq!(registered().get("always-ends"), Some(&&ALWAYS_ENDS));
        assert_eq!(named("nothing-asks-this"), None);
    }

    #[test]
    fn the_sentence_is_the_documentation() {
        assert_eq!(
            NEVER_PANICS.sentence,
            "A system under test does not panic, whatever it is given."
        );
    }
}
