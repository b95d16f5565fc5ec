//! Tests of the pages as pages: the README is short, and every link leads to a file and a heading.

use std::path::{Component, Path, PathBuf};

use super::{NOTHING, files, root, text};

/// Most lines and most words of the README: it is read in five minutes.
const LINES: usize = 150;
const WORDS: usize = 900;

#[test]
fn the_readme_is_read_in_five_minutes() {
    let readme = text("README.md");
    let (lines, words) = (readme.lines().count(), readme.split_whitespace().count());
    assert!(
        lines <= LINES && words <= WORDS,
        "{lines} lines, {words} words"
    );
}

#[test]
fn every_link_of_a_page_leads_to_a_file_and_a_heading() {
    let broken: Vec<String> = files(".md")
        .iter()
        .flat_map(|page| broken_links(page, &text(page)))
        .collect();
    assert_eq!(broken, NOTHING);
}

#[test]
fn a_link_to_nothing_is_found() {
    let page = "docs/README.md";
    for (text, broken) in [
        ("[it](../README.md#crates)", 0),
        ("[it](https://example.org/none)", 0),
        ("```\n[it](none.md)\n```", 0),
        ("# Top of it\n[it](#top-of-it)", 0),
        ("[it](none.md)", 1),
        ("[it](../README.md#none)", 1),
        ("[it](#top)", 1),
    ] {
        assert_eq!(broken_links(page, text).len(), broken, "{text}");
    }
}

/// Links of a page that lead to no file, or to no heading of a page.
fn broken_links(page: &str, content: &str) -> Vec<String> {
    let content = without_code(content);
    let links = content.split("](").skip(1);
    let targets = links.filter_map(|rest| Some(rest.split_once(')')?.0));
    targets
        .filter(|target| !target.contains("://") && !is_there(page, &content, target))
        .map(|target| format!("{page}: {target}"))
        .collect()
}

fn is_there(page: &str, content: &str, target: &str) -> bool {
    let (path, heading) = target.split_once('#').unwrap_or((target, ""));
    let file = beside(page, path);
    if !path.is_empty() && !root().join(&file).exists() {
        return false;
    }
    let other;
    let content = match path {
        "" => content,
        _ if heading.is_empty() => return true,
        _ => {
            other = without_code(&text(&file));
            &other
        }
    };
    let headings = content.lines().filter(|line| line.starts_with('#'));
    heading.is_empty() || headings.map(anchor).any(|anchor| anchor == heading)
}

/// The path of a link, relative to the root.
fn beside(page: &str, path: &str) -> String {
    let folder = Path::new(page).parent().unwrap_or(Path::new(""));
    let mut whole = PathBuf::new();
    for part in folder.join(path).components() {
        match part {
            Component::ParentDir => {
                whole.pop();
            }
            part => whole.push(part),
        }
    }
    whole.to_string_lossy().replace('\\', "/")
}

/// The name under which a heading is linked.
fn anchor(heading: &str) -> String {
    let words = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = words
        .chars()
        .filter(|one| one.is_alphanumeric() || " -_".contains(*one));
    kept.map(|one| if one == ' ' { '-' } else { one }).collect()
}

/// The text without its fenced blocks.
fn without_code(text: &str) -> String {
    let parts = text.split("```").step_by(2);
    parts.collect::<Vec<_>>().join("\n")
}
