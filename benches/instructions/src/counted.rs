//! The one function inside of which valgrind counts, and the lines that assign each count to a function.

use std::hint::black_box;

/// Pattern by which callgrind knows [`under_count`], whatever its types are and however names are mangled.
pub(crate) const FUNCTION: &str = "*under_count*";

/// The same, otherwise: of two options with one pattern valgrind 3.19 forgets the first.
pub(crate) const FUNCTION_AGAIN: &str = "*nder_count*";

/// Does something, counted, and says so on the standard output: callgrind writes its counts in the
/// same order. What is given back is dropped by the caller, uncounted; so what was taken and is not
/// to be counted when it is dropped is given back too.
pub(crate) fn count<I, O>(name: &str, items: usize, input: I, work: impl FnOnce(I) -> O) -> O {
    let output = under_count(input, work);
    println!("{ROW} {items} {name}");
    output
}

/// First word of a line about a counted function.
pub(crate) const ROW: &str = "counted";

// Never inlined: callgrind switches on when it is entered and off when it is left.
#[inline(never)]
fn under_count<I, O>(input: I, work: impl FnOnce(I) -> O) -> O {
    black_box(work(black_box(input)))
}
