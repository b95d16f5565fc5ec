//! The matrix as a page: one file, no scripts, nothing from elsewhere.

use super::{Column, Line};

/// The page.
pub(super) fn page(_heading: &str, _command: &str, _columns: &[Column], _lines: &[Line]) -> String {
    String::new()
}
