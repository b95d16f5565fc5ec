//! The expected numbers of interleavings, read from `loom-tests/counts.txt`.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// One entry: a scenario that holds a claim or shows that a racy snippet is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) name: String,
    /// Threads, and shards where the scenario has a map: `2 threads, 4 shards`.
    pub(crate) uses: String,
    /// `complete`, `at most N preemptions`, or `until found` for a racy snippet.
    pub(crate) search: String,
    pub(crate) interleavings: usize,
}

/// The file as it is committed.
pub(crate) fn read() -> Vec<Row> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("counts.txt");
    parse(&fs::read_to_string(file).expect("counts.txt can be read"))
}

/// Reads the rows; the head of `counts.txt` describes the format.
///
/// # Panics
///
/// If the text breaks the format, an explanation is missing or one is never used.
pub(crate) fn parse(text: &str) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    let mut change = "";
    let mut explained = BTreeSet::new();
    let mut used = BTreeSet::new();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    for line in lines.filter(|line| !line.trim().is_empty()) {
        let (key, value) = line.trim().split_once(' ').unwrap_or((line.trim(), ""));
        let row = rows.last_mut();
        match (key, row) {
            ("change", None) => change = value,
            ("why", None) => {
                assert!(!change.is_empty() && !value.is_empty(), "{line}");
                explained.insert(change);
            }
            ("scenario", _) => rows.push(Row {
                name: value.to_owned(),
                uses: String::new(),
                search: String::new(),
                interleavings: 0,
            }),
            ("uses", Some(row)) => value.clone_into(&mut row.uses),
            ("search", Some(row)) => value.clone_into(&mut row.search),
            ("count", Some(row)) => {
                let (count, changes) = value.split_once(" by ").unwrap_or((value, ""));
                assert_eq!(
                    row.interleavings > 0,
                    !changes.is_empty(),
                    "every count but the first of {} names the change that moved it: {line}",
                    row.name
                );
                used.extend(changes.split(", ").filter(|change| !change.is_empty()));
                row.interleavings = count.parse().expect("a count is a number");
            }
            _ => panic!("counts.txt has no such line here: {line}"),
        }
    }
    assert_eq!(
        used, explained,
        "every change is explained, and moved a count"
    );
    for row in &rows {
        let is_whole = !row.uses.is_empty() && !row.search.is_empty() && row.interleavings > 0;
        assert!(is_whole, "{} has uses, search and count", row.name);
    }
    rows
}

/// Compares an exploration with its row.
///
/// # Errors
///
/// A message for the author of the change that moved the count: the row is missing, or the explored
/// scenario, the search or, by more than a tenth, the number of interleavings differs from it.
pub(crate) fn compare(rows: &[Row], found: &Row) -> Result<(), String> {
    let name = &found.name;
    let Some(expected) = rows.iter().find(|row| row.name == *name) else {
        return Err(format!(
            "{name}: loom-tests/counts.txt has no entry for it; {} interleavings were explored. Add \
             one there, and a row to docs/model-checking.md",
            found.interleavings
        ));
    };
    if (&found.uses, &found.search) != (&expected.uses, &expected.search) {
        return Err(format!(
            "{name}: explored {}, {}; expected {}, {} in loom-tests/counts.txt. Correct it there and \
             in docs/model-checking.md",
            found.uses, found.search, expected.uses, expected.search
        ));
    }
    let (count, before) = (found.interleavings, expected.interleavings);
    if count.abs_diff(before) * 10 > before {
        return Err(format!(
            "{name}: {count} interleavings, expected {before} in loom-tests/counts.txt: they differ by \
             more than a tenth. Find the change that did it. Where it is intended, add `count {count} \
             by CHANGE` to the entry, explain CHANGE at the head of the file, and correct docs/model-checking.md"
        ));
    }
    Ok(())
}
