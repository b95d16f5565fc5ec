//! The table of counts: each entry of `loom-tests/counts.txt` belongs to a scenario, each scenario has
//! an entry, and docs/model-checking.md and docs/results.md repeat them.

mod counts;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use counts::{Row, compare, parse};

const EXPECTED: &str = "\
change fewer-locks
  why One lock where there were two.
scenario credits_count
  uses 2 threads, 4 shards
  search complete
  count 400
  count 100 by fewer-locks
";

fn explored(name: &str, uses: &str, search: &str, interleavings: usize) -> Row {
    Row {
        name: name.to_owned(),
        uses: uses.to_owned(),
        search: search.to_owned(),
        interleavings,
    }
}

fn differs(name: &str, uses: &str, search: &str, interleavings: usize) -> String {
    let found = explored(name, uses, search, interleavings);
    compare(&parse(EXPECTED), &found).expect_err("it differs from its entry")
}

#[test]
fn a_count_within_a_tenth_of_the_last_one_passes() {
    for count in [90, 100, 110] {
        let found = explored("credits_count", "2 threads, 4 shards", "complete", count);
        assert_eq!(compare(&parse(EXPECTED), &found), Ok(()));
    }
}

#[test]
fn a_count_that_differs_by_more_than_a_tenth_fails_with_both() {
    for count in [89, 111, 400] {
        let message = differs("credits_count", "2 threads, 4 shards", "complete", count);
        let begin = format!("credits_count: {count} interleavings, expected 100 ");
        assert!(message.starts_with(&begin), "{message}");
    }
}

#[test]
fn a_scenario_without_an_entry_fails() {
    let message = differs("debits_count", "2 threads, 4 shards", "complete", 100);
    assert!(message.starts_with("debits_count: loom-tests/counts.txt has no entry"));
}

#[test]
fn another_bound_or_number_of_threads_fails() {
    for (uses, search) in [
        ("2 threads, 4 shards", "at most 3 preemptions"),
        ("3 threads, 4 shards", "complete"),
    ] {
        let message = differs("credits_count", uses, search, 100);
        assert!(message.contains("Correct it there"), "{message}");
    }
}

#[test]
#[should_panic(expected = "every count but the first")]
fn a_second_count_without_a_change_is_refused() {
    parse(&EXPECTED.replace(" by fewer-locks", ""));
}

#[test]
#[should_panic(expected = "every change is explained")]
fn a_change_without_an_explanation_is_refused() {
    let without = EXPECTED.lines().filter(|line| !line.contains("why"));
    parse(&without.collect::<Vec<_>>().join("\n"));
}

#[test]
#[should_panic(expected = "every change is explained")]
fn an_explanation_that_no_count_names_is_refused() {
    parse(&EXPECTED.replace(
        "change fewer-locks",
        "change no-locks\n  why None.\nchange fewer-locks",
    ));
}

#[test]
fn every_scenario_has_an_entry_and_every_entry_a_scenario() {
    let rows = counts::read();
    let entries: BTreeSet<String> = rows.iter().map(|row| row.name.clone()).collect();
    assert_eq!(entries.len(), rows.len(), "no scenario has two entries");
    let explored: BTreeSet<String> = sources().iter().flat_map(|text| scenarios(text)).collect();
    let missing: Vec<_> = explored.difference(&entries).collect();
    let stale: Vec<_> = entries.difference(&explored).collect();
    assert!(
        missing.is_empty() && stale.is_empty(),
        "loom-tests/counts.txt lacks an entry for {missing:?}, and no scenario has the entries {stale:?}"
    );
}

#[test]
fn the_names_of_scenarios_are_read_from_their_sources() {
    let text =
        "explore(\"one\", f); explore_within(\n 6,\n \"two\", f); expect_found(\"three\", m, f);
        let claim = \"four\"; explore(claim, f); fn explore(claim: &str) {}";
    assert_eq!(scenarios(text), ["one", "two", "three", "four"]);
}

/// The names that a source gives to its scenarios, by the call that explores them.
fn scenarios(text: &str) -> Vec<String> {
    const BEFORE: [&str; 4] = [
        "explore(",
        "explore_within(",
        "expect_found(",
        "let claim =",
    ];
    let named = |before: &'static str| {
        text.split(before).skip(1).filter_map(|call| {
            let is_bound = |c: char| c.is_ascii_digit() || c.is_whitespace() || c == ',';
            let name = call.trim_start_matches(is_bound).strip_prefix('"')?;
            Some(name.split_once('"')?.0.to_owned())
        })
    };
    BEFORE.into_iter().flat_map(named).collect()
}

/// Of everything that is explored under loom.
fn sources() -> Vec<String> {
    const EXPLORED: [&str; 4] = ["under_loom.rs", "body_cache", "executor", "racy_snippets"];
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let files = EXPLORED.iter().flat_map(|name| match tests.join(name) {
        file if file.is_file() => vec![file],
        folder => files_in(&folder),
    });
    files.map(|file| read(&file)).collect()
}

fn files_in(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a source folder can be read");
    entries
        .map(|entry| entry.expect("a source folder can be read").path())
        .collect()
}

fn read(file: &Path) -> String {
    fs::read_to_string(file).expect("a file of the repository can be read")
}

#[test]
fn the_docs_repeat_the_counts_of_the_file() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
    let page = read(&docs.join("model-checking.md"));
    let results = read(&docs.join("results.md"));
    let (racy, claims): (Vec<Row>, Vec<Row>) = counts::read()
        .into_iter()
        .partition(|row| row.search == "until found");

    let shown = table(&page, "| claim |").map(|row| cells(row, 5));
    let expected = claims.iter().map(|row| {
        let (threads, shards) = uses(row);
        let search = row.search.replace("at most", "≤");
        [
            in_words(row),
            threads,
            shards,
            grouped(row.interleavings),
            search,
        ]
        .to_vec()
    });
    repeats(shown, expected);

    let shown = table(&page, "| racy snippet |").map(|row| cells(row, 2));
    let expected = racy
        .iter()
        .map(|row| [in_words(row), grouped(row.interleavings)].to_vec());
    repeats(shown, expected);

    let number = claims.len();
    let complete = claims.iter().filter(|row| row.search == "complete").count();
    let bounded = number - complete;
    let all = grouped(claims.iter().map(|row| row.interleavings).sum());
    let total = format!(
        "| {number} claims | {all} interleavings, {complete} searches complete, {bounded} bounded |"
    );
    for (name, text) in [("model-checking.md", &page), ("results.md", &results)] {
        assert!(text.contains(&total), "docs/{name} has: {total}");
    }
}

/// Checks that the rows of a table of docs/model-checking.md are those of the file.
fn repeats(shown: impl Iterator<Item = Vec<String>>, expected: impl Iterator<Item = Vec<String>>) {
    let (shown, expected): (BTreeSet<_>, BTreeSet<_>) = (shown.collect(), expected.collect());
    let wrong: Vec<_> = shown.difference(&expected).collect();
    let missing: Vec<_> = expected.difference(&shown).collect();
    assert!(
        wrong.is_empty() && missing.is_empty(),
        "docs/model-checking.md has the rows {wrong:?} where loom-tests/counts.txt has {missing:?}"
    );
}

/// The rows under a header.
fn table<'a>(page: &'a str, header: &str) -> impl Iterator<Item = &'a str> {
    let lines = page
        .lines()
        .skip_while(move |line| !line.starts_with(header));
    lines.skip(2).take_while(|line| line.starts_with('|'))
}

/// The first cells of a row; those after them are times and other checkers' counts.
fn cells(row: &str, number: usize) -> Vec<String> {
    let cells = row.split('|').skip(1).take(number);
    cells.map(|cell| cell.trim().to_owned()).collect()
}

fn in_words(row: &Row) -> String {
    row.name.replace('_', " ")
}

/// Threads and shards; a dash where the scenario has no map.
fn uses(row: &Row) -> (String, String) {
    let (threads, shards) = row.uses.split_once(", ").unwrap_or((&row.uses, "–"));
    let number = |of: &str| of.split(' ').next().unwrap_or_default().to_owned();
    (number(threads), number(shards))
}

/// With a comma between thousands.
fn grouped(number: usize) -> String {
    match number {
        0..1_000 => number.to_string(),
        _ => format!("{},{:03}", grouped(number / 1_000), number % 1_000),
    }
}
