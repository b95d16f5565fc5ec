//! Findings as files: the run as it was found, and as small as it gets.
//!
//! The unshrunk run is written before anything else happens to it, so that it is there whatever becomes
//! of shrinking. The small one comes beside it, with the result of shrinking among its remarks.

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

/// Writes `NAME.unshrunk.repro` into `folder`, then asks `shrink` for a smaller run, then writes
/// `NAME.repro`. `remark` says what was found and how; it becomes comments in both.
///
/// `shrink` is not asked where the whole run could not be written, and returns `None` where it is not
/// worth the time.
///
/// # Errors
///
/// [`ReproducerError::File`] where a file could not be written; what was written before is in
/// [`Files`] all the same.
pub fn write<P: Payload>(
    folder: &Path,
    name: &str,
    whole: &Reproducer<P>,
    remark: &str,
    shrink: impl FnOnce(&P) -> Option<Smaller<P>>,
) -> (Files, Result<(), ReproducerError>) {
    let mut files = Files::default();
    let path = folder.join(format!("{name}.unshrunk.repro"));
    if let Err(error) = whole.write(&path, remark) {
        return (files, Err(error));
    }
    files.unshrunk = Some(path.display().to_string());
    let Some(smaller) = shrink(&whole.payload) else {
        return (files, Ok(()));
    };
    let mut remarks = vec![smaller.shrunk.clone()];
    remarks.extend(smaller.remarks);
    remarks.push(format!("before that: {remark}"));
    files.shrunk = Some(smaller.shrunk);
    let path = folder.join(format!("{name}.repro"));
    let small = Reproducer::<P>::new(&whole.shows, smaller.payload)
        .with_seeded_bug(whole.seeded_bug.as_deref());
    let written = small.write(&path, &remarks.join("\n"));
    if written.is_ok() {
        files.small = Some(path.display().to_string());
    }
    (files, written)
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

    fn smaller(number: &Number) -> Option<Smaller<Number>> {
        (number.number > 2).then(|| Smaller {
            payload: Number { number: 2 },
            shrunk: "shrunk from 8 to 2".to_owned(),
            remarks: vec!["it is the smallest".to_owned()],
        })
    }

    #[test]
    fn the_whole_run_is_there_before_it_is_shrunk_and_stays() {
        let folder = tempfile::tempdir().expect("there is room for a temporary folder");
        let path = folder.path().join("new/a.unshrunk.repro");
        let (files, written) = write(
            &folder.path().join("new"),
            "a",
            &whole(),
            "8 is even",
            |number| {
                assert!(path.exists(), "the whole run was written first");
                smaller(number)
            },
        );
        written.expect("both can be written");
        let kept = Reproducer::<Number>::read(&path).expect("it can be read");
        assert_eq!(kept, whole());
        assert_eq!(files.unshrunk.as_deref(), path.to_str());
        let small = Path::new(files.smallest().expect("it was written"));
        let text = fs::read_to_string(small).expect("it can be read");
        let remarks = "// shrunk from 8 to 2\n// it is the smallest\n// before that: 8 is even\n#!";
        assert!(text.starts_with(remarks), "{text}");
        let small = Reproducer::<Number>::read(small).expect("it can be read");
        assert_eq!((small.shows.as_str(), small.payload.number), ("is-even", 2));
    }

    #[test]
    fn what_is_not_shrunk_is_kept_whole() {
        let folder = tempfile::tempdir().expect("there is room for a temporary folder");
        let (files, written) = write(folder.path(), "a", &whole(), "", |_| None);
        written.expect("it can be written");
        assert_eq!((&files.small, &files.shrunk), (&None, &None));
        assert_eq!(files.smallest(), files.unshrunk.as_deref());
    }

    #[test]
    fn nothing_is_shrunk_that_could_not_be_kept() {
        let folder = tempfile::tempdir().expect("there is room for a temporary folder");
        let file = folder.path().join("no-folder");
        fs::write(&file, "").expect("it can be written");
        let (files, written) = write(&file, "a", &whole(), "", |_| {
            panic!("the whole run could not be written")
        });
        assert_eq!(files, Files::default());
        assert!(matches!(written, Err(ReproducerError::File { .. })));
    }
}
