//! Findings as files: the run as it was found, and as small as it gets.
//!
//! The unshrunk run is written before anything else happens to it, so that it is there, and can be
//! replayed, whatever becomes of shrinking. The small one comes beside it, with the result of shrinking
//! among its remarks.

use std::path::Path;

use crate::reproducer::{Payload, Reproducer, ReproducerError};

/// A smaller run that shows the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Smaller<P> {
    /// The run.
    pub payload: P,
    /// Result of the search, on one line: [`Shrunk`](crate::shrink::Shrunk) in words.
    pub shrunk: String,
    /// More remarks for the file, a line each: the threads that a schedule pauses, and their places.
    pub remarks: Vec<String>,
}

/// The files that were written for one finding.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Files {
    /// The run as it was found; `None` where it could not be written.
    pub unshrunk: Option<String>,
    /// The small one; `None` where there is none or it could not be written.
    pub small: Option<String>,
    /// Result of shrinking, on one line.
    pub shrunk: Option<String>,
}

impl Files {
    /// The file that a person should look at first.
    #[must_use]
    pub fn smallest(&self) -> Option<&str> {
        self.small.as_deref().or(self.unshrunk.as_deref())
    }
}

/// Writes the run as it was found, `NAME.unshrunk.repro`, into `folder`; returns its path. `remark` says
/// what was found and how; it becomes comments.
///
/// # Errors
///
/// [`ReproducerError::File`] if the file cannot be written.
pub fn write_whole<P: Payload>(
    folder: &Path,
    name: &str,
    whole: &Reproducer<P>,
    remark: &str,
) -> Result<String, ReproducerError> {
    let path = folder.join(format!("{name}.unshrunk.repro"));
    whole.write(&path, remark)?;
    Ok(path.display().to_string())
}

/// Writes the small run that shrinking `whole` gave, `NAME.repro`, into `folder`; returns its path.
/// `remark` is that of the whole run; it stands below the result of shrinking.
///
/// # Errors
///
/// [`ReproducerError::File`] if the file cannot be written.
pub fn write_small<P: Payload>(
    folder: &Path,
    name: &str,
    whole: &Reproducer<P>,
    smaller: Smaller<P>,
    remark: &str,
) -> Result<String, ReproducerError> {
    let mut remarks = vec![smaller.shrunk];
    remarks.extend(smaller.remarks);
    remarks.push(format!("before that: {remark}"));
    let path = folder.join(format!("{name}.repro"));
    Reproducer::<P>::new(&whole.shows, smaller.payload)
        .with_seeded_bug(whole.seeded_bug.as_deref())
        .write(&path, &remarks.join("\n"))?;
    Ok(path.display().to_string())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use serde::{Deserialize, Serialize};

    use super::*;
    use crate::reproducer::{LayoutError, pretty};

    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
    struct Number {
        number: u64,
    }

    impl Payload for Number {
        const KIND: &'static str = "number";

        fn fields(&self) -> Result<Vec<(&'static str, String)>, LayoutError> {
            Ok(vec![("number", pretty(&self.number, 0)?)])
        }
    }

    fn whole() -> Reproducer<Number> {
        Reproducer::new("is-even", Number { number: 8 })
    }

    fn smaller() -> Smaller<Number> {
        Smaller {
            payload: Number { number: 2 },
            shrunk: "shrunk from 8 to 2".to_owned(),
            remarks: vec!["it is the smallest".to_owned()],
        }
    }

    #[test]
    fn the_whole_run_and_the_small_one_are_read_back() {
        let folder = tempfile::tempdir().expect("there is room for a temporary folder");
        let new = folder.path().join("new");
        let path = write_whole(&new, "a", &whole(), "8 is even").expect("it can be written");
        assert!(path.ends_with("new/a.unshrunk.repro"), "{path}");
        let kept = Reproducer::<Number>::read(Path::new(&path)).expect("it can be read");
        assert_eq!(kept, whole());
        let small = write_small(&new, "a", &whole(), smaller(), "8 is even");
        let small = small.expect("it can be written");
        let text = fs::read_to_string(&small).expect("it can be read");
        let remarks = "// shrunk from 8 to 2\n// it is the smallest\n// before that: 8 is even\n#!";
        assert!(text.starts_with(remarks), "{text}");
        let small = Reproducer::<Number>::read(Path::new(&small)).expect("it can be read");
        assert_eq!((small.shows.as_str(), small.payload.number), ("is-even", 2));
    }

    #[test]
    fn a_file_that_cannot_be_written_is_an_error() {
        let folder = tempfile::tempdir().expect("there is room for a temporary folder");
        let file = folder.path().join("no-folder");
        fs::write(&file, "").expect("it can be written");
        let whole_run = write_whole(&file, "a", &whole(), "");
        assert!(matches!(whole_run, Err(ReproducerError::File { .. })));
        let small = write_small(&file, "a", &whole(), smaller(), "");
        assert!(matches!(small, Err(ReproducerError::File { .. })));
    }
}
