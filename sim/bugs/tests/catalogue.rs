//! The catalogue of seeded bugs is complete, and pages agree with it.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use lockstep_bugs::matrix_image::svg;
use lockstep_bugs::page::with_tables;
use lockstep_bugs::{BUGS, CORRECT};
use lockstep_harness::seeded_bug::{Area, catalogue, objections};

fn text(file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(file);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn every_bug_is_defined_once_and_in_a_sentence() {
    assert_eq!(objections(), Vec::<String>::new());
}

#[test]
fn no_bug_and_no_control_have_one_id() {
    let catalogue = catalogue();
    let of_bugs = catalogue.iter().map(|entry| entry.bug.id);
    let ids: Vec<&str> = of_bugs
        .chain(CORRECT.iter().map(|control| control.id))
        .collect();
    let different: BTreeSet<&str> = ids.iter().copied().collect();
    assert_eq!(ids.len(), different.len(), "{ids:?}");
}

#[test]
fn the_bugs_of_the_matrix_are_those_that_were_not_invented() {
    let known: Vec<&str> = catalogue()
        .iter()
        .filter(|entry| entry.bug.area != Area::Invented)
        .map(|entry| entry.bug.id)
        .collect();
    let of_matrix: Vec<&str> = BUGS.iter().map(|bug| bug.id).collect();
    assert_eq!(of_matrix, known);
    assert!(BUGS.iter().all(|bug| bug.hosts().next().is_some()));
}

#[test]
fn the_page_is_the_catalogue() {
    let page = text("docs/known-bugs.md");
    assert!(
        page == with_tables(&page),
        "docs/known-bugs.md differs: cargo run -p lockstep-bugs --example known_bugs_page"
    );
}

#[test]
fn an_edited_row_of_the_page_is_found() {
    let page = with_tables("");
    for (written, edited) in [
        ("| self-transfer |", "| transfer-to-oneself |"),
        ("two copies |", "three copies |"),
        ("| buggy executor, node |", "| node |"),
        ("| same-as-serial |", "| |"),
    ] {
        let edited = page.replacen(written, edited, 1);
        assert!(edited != page, "{written} is in the page");
        assert!(edited != with_tables(&edited), "{written}");
    }
}

/// Returns the first cells of the rows of the table whose head starts with this.
fn rows<'t>(text: &'t str, head: &str) -> Vec<&'t str> {
    let lines = text.lines().skip_while(|line| !line.starts_with(head));
    let rows = lines.skip(2).map_while(|line| line.strip_prefix("| "));
    rows.filter_map(|row| row.split(" | ").next()).collect()
}

/// Only the ids are compared: the cells are measured.
#[test]
fn the_rows_of_the_matrix_in_the_docs_are_the_bugs() {
    let known: Vec<&str> = BUGS.iter().map(|bug| bug.id).collect();
    assert_eq!(
        rows(&text("docs/detection-matrix.md"), "| bug | trial |"),
        known
    );
}

#[test]
fn the_image_of_the_matrix_is_that_of_its_table() {
    let image = svg(&text("docs/detection-matrix.md")).expect("the table can be read");
    assert!(
        image == text("docs/images/detection-matrix.svg"),
        "the image differs: cargo run -p lockstep-bugs --example detection_matrix_image"
    );
}

#[test]
fn another_table_has_another_image() {
    let page = text("docs/detection-matrix.md");
    let image = svg(&page).expect("the table can be read");
    for (written, edited) in [
        ("| self-transfer | <.01 |", "| self-transfer | no |"),
        ("| self-transfer |", "| transfer-to-oneself |"),
        ("| 5 of 11 |", "| 0.02 |"),
    ] {
        let other = page.replacen(written, edited, 1);
        assert!(other != page, "{written} is in the page");
        assert_ne!(svg(&other), Ok(image.clone()), "{written}");
    }
}

#[test]
fn a_cell_that_is_no_time_is_refused() {
    let page = text("docs/detection-matrix.md");
    for (written, edited) in [("| <.01 |", "| soon |"), ("| <.01 | <.01 |", "| <.01 |")] {
        assert!(svg(&page.replacen(written, edited, 1)).is_err(), "{edited}");
    }
    assert!(svg("| engine | bug |").is_err());
}
