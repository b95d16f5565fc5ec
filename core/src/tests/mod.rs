//! Tests of items that no user of the crate sees, in files that are compiled under checkers, too, and so
//! hold none themselves.

mod parallel;
