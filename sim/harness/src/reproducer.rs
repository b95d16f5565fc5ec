//! Reproducers: one run as a text file that holds everything it depends on, to be read, edited, kept
//! and run again.
//!
//! ```text
//! // remarks: how it was found, what was found
//! #![enable(implicit_some)]
//! (
//!   lockstep: 2,
//!   kind: "ledger",
//!   shows: "same-as-serial",
//!   seeded_bug: "self-transfer", // only if the subject was given one
//!   scenario: ( .. ),
//! )
//! ```
//!
//! The format is [RON](https://docs.rs/ron). What is common to all files is here; the fields behind
//! `shows` are those of a [`Payload`], one type for each kind. A reader that takes several kinds asks
//! [`Head`] first which one a file is of.
//!
//! Format 1 had no kinds and is still read: its files of a cluster began with `lockstep_nodes`, and a
//! schedule was told by its field.

use std::fmt::Write as _;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

pub use ron::Error as LayoutError;
use ron::extensions::Extensions;
use ron::ser::PrettyConfig;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Deserializer, Serialize};
use thiserror::Error;

/// The version of the format that is written. Those before it are read.
const FORMAT: u32 = 2;

/// Content of a file of one kind. Its fields are fields of the file, so none can be called
/// `lockstep`, `lockstep_nodes`, `kind`, `shows` or `seeded_bug`.
pub trait Payload: DeserializeOwned {
    /// The kind, as files spell it.
    const KIND: &'static str;

    /// The name of each field and its text, in the order of the file. [`pretty`], [`lines()`] and
    /// [`record`] make such texts.
    ///
    /// # Errors
    ///
    /// Those of the serializer, on values that RON has no text for.
    fn fields(&self) -> Result<Vec<(&'static str, String)>, LayoutError>;

    /// Refuses a payload that parses and cannot be run.
    ///
    /// # Errors
    ///
    /// A sentence that names the problem and the change that repairs it.
    fn check(&self) -> Result<(), String> {
        Ok(())
    }
}

/// A run, and the invariant that it violates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reproducer<P> {
    /// The invariant that was violated when this was written; for a bug that was fixed since, the
    /// one that guards against it. Empty where nothing was violated.
    pub shows: String,
    /// Id of the bug that the system under test was given, and is given again in a replay; `None` for
    /// the system as it is. A payload may name bugs of its parts itself.
    pub seeded_bug: Option<String>,
    /// The run.
    pub payload: P,
}

/// Fields of a file before its payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// [`Payload::KIND`] of what it holds.
    pub kind: String,
    /// The invariant that it shows; empty where none.
    pub shows: String,
    /// Id of the bug that the system under test was given.
    pub seeded_bug: Option<String>,
}

/// A file is not a reproducer, or cannot be read or written.
#[derive(Debug, Error)]
pub enum ReproducerError {
    /// It cannot be read or written.
    #[error("{path}: {reason}")]
    File {
        /// The file.
        path: String,
        /// The system's reason.
        reason: String,
    },
    /// Its text is not understood.
    #[error("{path}:{line}:{column}: {reason}")]
    Syntax {
        /// The file.
        path: String,
        /// The line, counted from 1.
        line: usize,
        /// The column, counted from 1.
        column: usize,
        /// The parser's message.
        reason: String,
    },
    /// It is of a later version.
    #[error(
        "{path}: this is format {got}, this program reads formats up to {FORMAT}; replay it with the \
         program that wrote it, or a later one"
    )]
    Format {
        /// The file.
        path: String,
        /// Its version.
        got: u32,
    },
    /// It is of another kind.
    #[error("{path}: this is a run of the kind {got:?}, and one of {expected} is asked for")]
    Kind {
        /// The file.
        path: String,
        /// Its kind.
        got: String,
        /// The kinds that would do.
        expected: String,
    },
    /// It parses and cannot be run.
    #[error("{path}: {reason}")]
    Refused {
        /// The file.
        path: String,
        /// The problem, and the change that repairs it.
        reason: String,
    },
}

impl Head {
    /// Reads the head of a text. `path` is for messages.
    ///
    /// # Errors
    ///
    /// [`ReproducerError::Syntax`] where the text is not RON or has no head, and
    /// [`ReproducerError::Format`] where its version is a later one.
    pub fn from_text(text: &str, path: &str) -> Result<Self, ReproducerError> {
        let written: WrittenHead = parsed(text, path)?;
        let later = |got: u32, newest: u32| {
            (got != 0 && got > newest).then(|| ReproducerError::Format {
                path: path.to_owned(),
                got,
            })
        };
        // A file has one of the two.
        if let Some(error) = later(written.lockstep, FORMAT).or(later(written.lockstep_nodes, 1)) {
            return Err(error);
        }
        let kind = match (written.lockstep, written.lockstep_nodes) {
            (0, 0) => {
                return Err(ReproducerError::Syntax {
                    path: path.to_owned(),
                    line: 1,
                    column: 1,
                    reason: format!(
                        "no field says which format this is; a reproducer begins with `(lockstep: \
                         {FORMAT}, kind: ..`"
                    ),
                });
            }
            (0, _) => "cluster".to_owned(),
            (1, _) if written.schedule => "schedule".to_owned(),
            (1, _) => "ledger".to_owned(),
            _ => written.kind,
        };
        Ok(Head {
            kind,
            shows: written.shows,
            seeded_bug: written.seeded_bug,
        })
    }
}

impl<P: Payload> Reproducer<P> {
    /// A run that violates this invariant, or none where it is empty.
    #[must_use]
    pub fn new(shows: &str, payload: impl Into<P>) -> Self {
        Reproducer {
            shows: shows.to_owned(),
            seeded_bug: None,
            payload: payload.into(),
        }
    }

    /// The same run of a system under test that was given this bug, or none.
    #[must_use]
    pub fn with_seeded_bug(self, id: Option<&str>) -> Self {
        Reproducer {
            seeded_bug: id.map(str::to_owned),
            ..self
        }
    }

    /// The text of the file. Each line of `remark` becomes a comment at its head.
    ///
    /// # Errors
    ///
    /// Those of [`Payload::fields`].
    pub fn to_text(&self, remark: &str) -> Result<String, LayoutError> {
        let mut text = String::new();
        for line in remark.lines() {
            let _ = writeln!(text, "// {line}");
        }
        let mut fields = vec![
            ("lockstep", FORMAT.to_string()),
            ("kind", pretty(P::KIND, 0)?),
            ("shows", pretty(&self.shows, 0)?),
        ];
        if let Some(id) = &self.seeded_bug {
            fields.push(("seeded_bug", pretty(id, 0)?));
        }
        fields.extend(self.payload.fields()?);
        let _ = writeln!(text, "#![enable(implicit_some)]\n{}", record(&fields));
        Ok(text)
    }

    /// Reads a text. `path` is for messages.
    ///
    /// # Errors
    ///
    /// [`ReproducerError::Syntax`], [`ReproducerError::Format`], [`ReproducerError::Kind`] where it
    /// is of another kind than `P`, and [`ReproducerError::Refused`] where it cannot be run.
    pub fn from_text(text: &str, path: &str) -> Result<Self, ReproducerError> {
        let head = Head::from_text(text, path)?;
        if head.kind != P::KIND {
            return Err(ReproducerError::Kind {
                path: path.to_owned(),
                got: head.kind,
                expected: format!("{:?}", P::KIND),
            });
        }
        let payload: P = parsed(text, path)?;
        payload.check().map_err(|reason| ReproducerError::Refused {
            path: path.to_owned(),
            reason,
        })?;
        Ok(Reproducer {
            shows: head.shows,
            seeded_bug: head.seeded_bug,
            payload,
        })
    }

    /// Reads a file.
    ///
    /// # Errors
    ///
    /// As [`Reproducer::from_text`], or [`ReproducerError::File`] where the file cannot be read.
    pub fn read(path: &Path) -> Result<Self, ReproducerError> {
        Reproducer::from_text(&text_of(path)?, &path.display().to_string())
    }

    /// Writes a file, and makes the folder that it is in.
    ///
    /// # Errors
    ///
    /// [`ReproducerError::File`] where it cannot be written.
    pub fn write(&self, path: &Path, remark: &str) -> Result<(), ReproducerError> {
        let file_error = |reason: String| ReproducerError::File {
            path: path.display().to_string(),
            reason,
        };
        let text = self
            .to_text(remark)
            .map_err(|error| file_error(error.to_string()))?;
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(|error| file_error(error.to_string()))?;
        }
        fs::write(path, text).map_err(|error| file_error(error.to_string()))
    }
}

/// The text of a file.
///
/// # Errors
///
/// [`ReproducerError::File`] where it cannot be read, is not UTF-8 or is empty.
pub fn text_of(path: &Path) -> Result<String, ReproducerError> {
    let refused = |reason: &str| ReproducerError::File {
        path: path.display().to_string(),
        reason: format!("{reason}; name a reproducer, a file that ends in .repro"),
    };
    // Some systems open a folder and fail to read it, in words of their own.
    if path.is_dir() {
        return Err(refused("this is a folder"));
    }
    match fs::read_to_string(path) {
        Ok(text) if text.trim().is_empty() => Err(refused("the file is empty")),
        Ok(text) => Ok(text),
        Err(error) => Err(refused(&match error.kind() {
            ErrorKind::NotFound => "there is no such file".to_owned(),
            ErrorKind::InvalidData => "this is a binary file, and a reproducer is text".to_owned(),
            _ => error.to_string(),
        })),
    }
}

/// The text of a value; what is nested deeper than `depth` stands on one line.
///
/// # Errors
///
/// Those of the serializer.
pub fn pretty<T: Serialize + ?Sized>(value: &T, depth: usize) -> Result<String, LayoutError> {
    let config = PrettyConfig::new()
        .depth_limit(depth)
        .indentor("  ")
        .extensions(Extensions::IMPLICIT_SOME);
    let text = ron::ser::to_string_pretty(value, config)?;
    // The extension is named once for the file, not before each part.
    Ok(text
        .strip_prefix("#![enable(implicit_some)]\n")
        .unwrap_or(&text)
        .to_owned())
}

/// The text of a record from the names and texts of its fields, each on a line of its own or on more.
#[must_use]
pub fn record(fields: &[(&str, String)]) -> String {
    let mut text = String::from("(");
    for (name, value) in fields {
        let _ = write!(text, "\n  {name}: {},", value.replace('\n', "\n  "));
    }
    text.push_str("\n)");
    text
}

/// The text of a list: one element after another, each on a line of its own, or on as many as `depth`
/// asks for.
///
/// # Errors
///
/// Those of the serializer.
pub fn lines<T: Serialize>(list: &[T], depth: usize) -> Result<String, LayoutError> {
    let mut text = String::from("[");
    for one in list {
        let one = pretty(one, depth)?.replace('\n', "\n  ");
        let _ = write!(text, "\n  {one},");
    }
    if !list.is_empty() {
        text.push('\n');
    }
    text.push(']');
    Ok(text)
}

/// A head as files spell it. Fields of the payload are passed over.
#[derive(Deserialize)]
struct WrittenHead {
    #[serde(default)]
    lockstep: u32,
    #[serde(default)]
    lockstep_nodes: u32,
    #[serde(default)]
    kind: String,
    #[serde(default)]
    shows: String,
    #[serde(default)]
    seeded_bug: Option<String>,
    #[serde(default, deserialize_with = "is_some")]
    schedule: bool,
}

fn is_some<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    Option::<IgnoredAny>::deserialize(deserializer).map(|value| value.is_some())
}

fn parsed<T: DeserializeOwned>(text: &str, path: &str) -> Result<T, ReproducerError> {
    ron::from_str(text).map_err(|error| ReproducerError::Syntax {
        path: path.to_owned(),
        line: error.span.start.line,
        column: error.span.start.col,
        reason: match error.code {
            LayoutError::ExpectedStructLike | LayoutError::ExpectedNamedStructLike(_) => {
                format!(
                    "this is no reproducer, which begins with `(lockstep: {FORMAT}, kind: ..`; name a \
                     file that ends in .repro"
                )
            }
            _ if is_at_end(text, error.span.end.line, error.span.end.col) => {
                "the file ends in the middle of the run, so its end was cut off; copy it again"
                    .to_owned()
            }
            code => format!("{code}; correct it there, or copy the file again"),
        },
    })
}

/// True for the end of a text, by the line and the column that are counted from 1.
fn is_at_end(text: &str, line: usize, column: usize) -> bool {
    let text = text.trim_end();
    let (lines, last) = (text.lines().count(), text.lines().last());
    let columns = last.map_or(0, |last| last.chars().count());
    line > lines || (line == lines && column >= columns)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
    struct Sums {
        numbers: Vec<u64>,
        #[serde(default)]
        carry: Option<u64>,
    }

    impl Payload for Sums {
        const KIND: &'static str = "sums";

        fn fields(&self) -> Result<Vec<(&'static str, String)>, LayoutError> {
            Ok(vec![
                ("numbers", lines(&self.numbers, 0)?),
                ("carry", pretty(&self.carry, 0)?),
            ])
        }

        fn check(&self) -> Result<(), String> {
            match self.numbers.is_empty() {
                true => Err("there is nothing to add; name a number".to_owned()),
                false => Ok(()),
            }
        }
    }

    const TEXT: &str = "\
// found by hand
// twice
#![enable(implicit_some)]
(
  lockstep: 2,
  kind: \"sums\",
  shows: \"sum-\\\"is\\\"-even\",
  numbers: [
    3,
    4,
  ],
  carry: 1,
)
";

    fn sums() -> Reproducer<Sums> {
        let payload = Sums {
            numbers: vec![3, 4],
            carry: Some(1),
        };
        Reproducer::new("sum-\"is\"-even", payload)
    }

    #[test]
    fn the_seeded_bug_of_a_subject_is_kept() {
        let buggy = sums().with_seeded_bug(Some("carry-lost"));
        let text = buggy.to_text("").expect("it has a text");
        assert!(text.contains("seeded_bug: \"carry-lost\","), "{text}");
        assert_eq!(
            Reproducer::from_text(&text, "buggy").expect("it reads back"),
            buggy
        );
        let head = Head::from_text(&text, "buggy").expect("it has a head");
        assert_eq!(head.seeded_bug.as_deref(), Some("carry-lost"));
        assert_eq!(
            Head::from_text(TEXT, "old")
                .map(|head| head.seeded_bug)
                .ok(),
            Some(None)
        );
    }

    fn refused(text: &str) -> String {
        let error = Reproducer::<Sums>::from_text(text, "it").expect_err("it is refused");
        error.to_string()
    }

    #[test]
    fn a_file_is_laid_out_as_its_payload_says_under_its_remarks() {
        let text = sums().to_text("found by hand\ntwice");
        assert_eq!(text.as_deref(), Ok(TEXT));
    }

    #[test]
    fn what_is_written_reads_back() {
        let folder = tempfile::tempdir().expect("there is room for a temporary folder");
        let path = folder.path().join("new/one.repro");
        sums().write(&path, "a remark").expect("it can be written");
        let read = Reproducer::read(&path).expect("it can be read");
        assert_eq!(read, sums());
    }

    #[test]
    fn a_refusal_says_where_and_what_to_do() {
        let four = TEXT.replace("4,", "four,");
        assert!(
            refused(&four).starts_with("it:10:5: "),
            "{}",
            refused(&four)
        );
        let of_nothing = TEXT.replace("    3,\n    4,\n", "");
        assert!(refused(&of_nothing).ends_with("name a number"));
        let later = TEXT.replace("lockstep: 2", "lockstep: 3");
        assert!(refused(&later).contains("this is format 3"));
        let other = TEXT.replace("\"sums\"", "\"products\"");
        assert_eq!(
            refused(&other),
            "it: this is a run of the kind \"products\", and one of \"sums\" is asked for"
        );
        assert!(refused("(numbers: [3])").contains("begins with `(lockstep: 2"));
        let missing = Reproducer::<Sums>::read(Path::new("/nowhere/at.all"));
        let missing = missing.expect_err("it is not there").to_string();
        let expected = "/nowhere/at.all: there is no such file; name a reproducer, a file that ends \
                        in .repro";
        assert_eq!(missing, expected);
    }

    #[test]
    fn a_file_that_was_cut_off_anywhere_is_refused_in_one_sentence() {
        for length in 1..TEXT.trim_end().len() {
            let text = refused(&TEXT[..length]);
            assert_eq!(text.lines().count(), 1, "{text}");
            let says = [
                "cut off; copy",
                "correct it there",
                "begins with `(lockstep: 2",
            ];
            assert!(
                says.iter().any(|says| text.contains(says)),
                "{length}: {text}"
            );
        }
        let within_the_list = TEXT.find("    4,").expect("it is there");
        for length in [within_the_list, TEXT.trim_end().len() - 1] {
            let text = refused(&TEXT[..length]);
            assert!(text.contains("cut off; copy it again"), "{length}: {text}");
        }
    }

    fn kind(text: &str) -> String {
        Head::from_text(text, "it").expect("it has a head").kind
    }

    #[test]
    fn the_kind_of_an_old_file_is_told_by_its_fields() {
        assert_eq!(
            kind("(lockstep: 1, shows: \"a\", scenario: (steps: []))"),
            "ledger"
        );
        assert_eq!(
            kind("(lockstep: 1, scenario: Burn(3), schedule: Some((switches: [(0, 1, 2)])))"),
            "schedule"
        );
        let implicit = "#![enable(implicit_some)](lockstep: 1, schedule: (block: 0))";
        assert_eq!(kind(implicit), "schedule");
        assert_eq!(kind("(lockstep: 1, schedule: None)"), "ledger");
        assert_eq!(kind("(lockstep_nodes: 1, scenario: ())"), "cluster");
        assert!(Head::from_text("(lockstep_nodes: 2)", "it").is_err());
    }
}
