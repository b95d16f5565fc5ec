//! The generator of the tables of `docs/known-bugs.md`, from the catalogue.

use std::fmt::Write as _;

use lockstep_harness::seeded_bug::{Area, Entry, Host, catalogue};

/// The mark: the line of the page after which the generated tables begin.
const BEGIN: &str =
    "<!-- From here on: cargo run -p lockstep-bugs --example known_bugs_page. -->\n";

/// Replaces everything after the mark of a page by the tables of this program's catalogue. A page without
/// the mark gets it at its end.
#[must_use]
pub fn with_tables(page: &str) -> String {
    let by_hand = page.split(BEGIN).next().unwrap_or_default();
    let catalogue = catalogue();
    let mut page = format!("{by_hand}{BEGIN}{}", hosts(&catalogue));
    for area in Area::ALL {
        let of_area: Vec<&Entry> = catalogue
            .iter()
            .filter(|entry| entry.bug.area == area)
            .collect();
        page.push_str(&table(area, &of_area));
    }
    page
}

fn hosts(catalogue: &[Entry]) -> String {
    let mut hosts: Vec<Host> = catalogue
        .iter()
        .flat_map(|entry| entry.seedings.iter().map(|seeding| seeding.host))
        .collect();
    hosts.sort();
    hosts.dedup();
    let mut text = "\n| host | description | defined in |\n|---|---|---|\n".to_owned();
    for Host {
        name,
        sentence,
        file,
    } in hosts
    {
        let file = file.replace('\\', "/");
        let _ = writeln!(text, "| {name} | {sentence} | `{file}` |");
    }
    text
}

fn table(area: Area, entries: &[&Entry]) -> String {
    let mut text = format!(
        "\n## {}\n\n| id | bug | hosts | detected by invariant |\n|---|---|---|---|\n",
        area.title()
    );
    for entry in entries {
        let hosts: Vec<&str> = entry
            .seedings
            .iter()
            .map(|seeding| seeding.host.name)
            .collect();
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} |",
            entry.bug.id,
            entry.bug.sentence,
            hosts.join(", "),
            named_by(entry)
        );
    }
    text
}

/// Returns the invariants one of which must detect a bug, by host if there are several hosts; empty if any
/// may.
#[must_use]
pub fn named_by(entry: &Entry) -> String {
    let fixed = entry
        .seedings
        .iter()
        .filter(|seeding| !seeding.named_by.is_empty());
    let of_each: Vec<String> = fixed
        .map(|seeding| {
            let names: Vec<&str> = seeding.named_by.iter().map(|one| one.name).collect();
            let names = names.join(" or ");
            match entry.seedings.len() {
                1 => names,
                _ => format!("{}: {names}", seeding.host.name),
            }
        })
        .collect();
    of_each.join("; ")
}
