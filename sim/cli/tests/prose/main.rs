//! Tests of the project's language: documentation names its subject first, and help and pages use the
//! field's words.
//!
//! Each rule is given texts that break it, so that a rule that sees nothing fails here.

mod pages;
mod rules;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use rules::{OLD_WORDS, QUESTIONS, Share, comments, head, items, old_words, persons, question};

/// Largest share of doc lines that may begin with a question's word: as many sentences wrap there.
const MOST: Share = Share { bad: 2, of: 100 };

const NOTHING: [String; 0] = [];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Text of a file, named relative to the root.
fn text(file: &str) -> String {
    fs::read_to_string(root().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// Source files of the workspace and of what is built apart from it, relative to the root.
fn sources() -> Vec<String> {
    files(".rs")
}

/// Files of the repository whose names end so, relative to the root.
fn files(end: &str) -> Vec<String> {
    let mut files = Vec::new();
    gather(Path::new(""), end, &mut files);
    files.sort();
    files
}

fn gather(folder: &Path, end: &str, files: &mut Vec<String>) {
    let entries = fs::read_dir(root().join(folder)).expect("a folder of the repository is listed");
    for entry in entries {
        let entry = entry.expect("a folder of the repository is listed");
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = folder.join(&name);
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if is_folder && name != "target" && !name.starts_with('.') {
            gather(&path, end, files);
        } else if !is_folder && name.ends_with(end) {
            files.push(path.to_string_lossy().replace('\\', "/"));
        }
    }
}

/// The page that lists the old words beside the new ones.
const RENAMED: &str = "docs/renamed.md";

/// The pages of `docs/`, ARCHITECTURE.md and the README.md of every folder, relative to the root.
fn pages() -> Vec<String> {
    let is_page = |file: &String| {
        let name = file.rsplit('/').next().unwrap_or_default();
        file.starts_with("docs/") || ["README.md", "ARCHITECTURE.md"].contains(&name)
    };
    files(".md").into_iter().filter(is_page).collect()
}

/// Standard output of `lockstep COMMAND --help`; of the program itself where the command is empty.
fn help(command: &str) -> String {
    let mut program = Command::new(env!("CARGO_BIN_EXE_lockstep"));
    program.args(command.split_whitespace()).arg("--help");
    let output = program.output().expect("the program starts");
    assert!(output.status.success(), "{command} --help succeeds");
    String::from_utf8(output.stdout).expect("help is text")
}

#[test]
fn every_package_is_among_the_sources() {
    let sources = sources();
    for file in [
        "core/src/lib.rs",
        "core/sync/src/lib.rs",
        "sim/src/lib.rs",
        "sim/harness/src/lib.rs",
        "sim/adapters/evm/src/lib.rs",
        "sim/cluster/src/lib.rs",
        "sim/bugs/src/lib.rs",
        "sim/cli/src/main.rs",
        "sim/cli/tests/prose/main.rs",
        "loom-tests/tests/table.rs",
        "fuzz/src/lib.rs",
        "benches/src/lib.rs",
        "benches/peers/src/main.rs",
        "benches/instructions/src/main.rs",
    ] {
        assert!(sources.iter().any(|source| source == file), "{file}");
    }
}

/// Complaints about the head of a file.
fn wrong_head(text: &str) -> Vec<String> {
    let head = head(text);
    let first = head.lines().next().and_then(question);
    let first = first.map(|word| format!("begins with {word:?}"));
    let named = persons(&head).into_iter();
    let named = named.map(|person| format!("names {person:?}"));
    first.into_iter().chain(named).collect()
}

#[test]
fn the_head_of_a_file_names_its_subject() {
    let files = sources().into_iter();
    let wrong: Vec<_> = files
        .flat_map(|file| {
            let complaints = wrong_head(&text(&file)).into_iter();
            complaints.map(move |complaint| format!("{file}: {complaint}"))
        })
        .collect();
    assert_eq!(wrong, NOTHING);
}

#[test]
fn a_head_that_begins_with_a_question_or_names_a_person_is_found() {
    for word in QUESTIONS {
        let broken = format!("//! {word} is looked at here.\n\nuse std::fs;\n");
        assert_eq!(wrong_head(&broken)[0], format!("begins with {word:?}"));
    }
    for (broken, found) in [
        ("//! [`What`] it does.", "begins with \"What\""),
        (
            "#![no_std]\n\n//! *Whether* it can.",
            "begins with \"Whether\"",
        ),
        ("//! Locks that nobody holds.", "names \"nobody\""),
        (
            "//! A map.\n//!\n//! Somebody may hold it.",
            "names \"somebody\"",
        ),
        ("//! A pool of so many threads.", "names \"so many\""),
    ] {
        assert_eq!(wrong_head(broken), [found]);
    }
    for fine in [
        "//! A map.\n//! What it costs stands elsewhere.\n",
        "//! The dependency graph of a block: which transactions must wait for which.",
        "//! Whatever is a word of its own.",
        "/// Whether the item is there.\nfn is_there() {}",
        "// Whether nobody reads a comment that is no documentation.",
        "",
    ] {
        assert_eq!(wrong_head(fine), NOTHING, "{fine}");
    }
}

/// Share of the doc lines of all these texts that begin with a question's word.
fn share<'t>(texts: impl Iterator<Item = &'t str>) -> Share {
    texts.map(Share::of_text).fold(Share::default(), Share::and)
}

#[test]
fn doc_lines_begin_with_their_subject() {
    let shares: Vec<_> = sources()
        .into_iter()
        .map(|file| (text(&file), file))
        .map(|(text, file)| (Share::of_text(&text), file))
        .collect();
    let all = shares.iter().map(|(share, _)| *share);
    let all = all.fold(Share::default(), Share::and);
    let mut worst: Vec<_> = shares.iter().filter(|(share, _)| share.bad > 0).collect();
    worst.sort_by_key(|(share, _)| std::cmp::Reverse(share.bad));
    worst.truncate(20);
    let worst: String = worst
        .iter()
        .map(|(share, file)| format!("\n{share} {file}"))
        .collect();
    assert!(
        all.is_less_than(MOST),
        "{all} doc lines begin with one of {QUESTIONS:?}, most of them in:{worst}"
    );
}

#[test]
fn a_share_of_two_in_a_hundred_is_too_much() {
    let fine = "/// The sum of a block.\n".repeat(49);
    let broken = format!("{fine}    /// Which block.\n");
    let found = share([broken.as_str()].into_iter());
    assert_eq!(found, Share { bad: 1, of: 50 });
    assert!(!found.is_less_than(MOST), "{found}");
    // One in 51 is less.
    assert!(share([broken.as_str(), "//! A head."].into_iter()).is_less_than(MOST));
    assert!(!share(["/// How it is done."].into_iter()).is_less_than(MOST));
    // What is no documentation does not count, on either side.
    let code = "let it = \"/// Who\";\n// What it is.\n//// Why.\n///\n";
    assert_eq!(share([code].into_iter()), Share::default());
}

#[test]
fn no_person_who_is_not_in_the_code_acts_in_a_comment() {
    let files = sources().into_iter();
    let wrong: Vec<_> = files
        .flat_map(|file| {
            let named = persons(&comments(&text(&file))).into_iter();
            named.map(move |person| format!("{file}: {person}"))
        })
        .collect();
    assert_eq!(wrong, NOTHING);
}

#[test]
fn a_person_who_is_not_in_the_code_is_found() {
    for (broken, found) in [
        (
            "    /// True if somebody waits.\n    fn is_awaited() {}",
            "somebody",
        ),
        ("/// Nobody goes on.", "nobody"),
        ("    // Nobody listens any more.\n    drop(it);", "nobody"),
        ("/// A pool of so\n/// many threads.", "so many"),
        ("/// A pool of so many threads.", "so many"),
    ] {
        assert_eq!(persons(&comments(broken)), [found], "{broken}");
    }
    for fine in [
        "let somebody = 1;",
        "/// The caller, or any body of a block: `so_many`.",
        "/// Returns `nobody_waits`.",
    ] {
        assert_eq!(persons(&comments(fine)), NOTHING, "{fine}");
    }
}

/// Complaints about the help of a command.
fn wrong_help(help: &str) -> Vec<String> {
    let begun = items(help).into_iter().filter_map(|(name, sentence)| {
        let word = question(&sentence)?;
        Some(format!("{name} begins with {word:?}"))
    });
    let used = old_words(help).into_iter();
    begun
        .chain(used.map(|word| format!("uses {word:?}")))
        .collect()
}

/// The commands that the program lists, the hidden one, and the program itself.
fn commands() -> Vec<String> {
    let own = help("");
    let listed = own
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.split_whitespace().next());
    let mut commands = vec![String::new(), "worker".to_owned()];
    commands.extend(listed.filter(|name| *name != "help").map(ToOwned::to_owned));
    commands
}

#[test]
fn help_is_a_sentence_in_the_words_of_the_field() {
    let wrong: Vec<_> = commands()
        .into_iter()
        .flat_map(|command| {
            let complaints = wrong_help(&help(&command)).into_iter();
            complaints.map(move |complaint| format!("lockstep {command} --help: {complaint}"))
        })
        .collect();
    assert_eq!(wrong, NOTHING);
}

/// Or the test above looks at nothing.
#[test]
fn the_help_of_every_command_is_taken_apart() {
    let commands = commands();
    for command in ["", "worker", "run", "merge", "crash", "nodes", "bugs"] {
        assert!(commands.iter().any(|one| one == command), "{command}");
    }
    for command in commands {
        let items = items(&help(&command));
        let about = |(name, sentence): &(String, String)| name == "about" && !sentence.is_empty();
        assert!(items.iter().any(about), "{command}: {items:?}");
        let of_help =
            |(name, sentence): &(String, String)| name.ends_with("--help") && !sentence.is_empty();
        assert!(items.iter().any(of_help), "{command}: {items:?}");
    }
    let items = items(&help("run"));
    assert!(
        items
            .iter()
            .any(|(name, sentence)| name.starts_with("--seed ") && !sentence.is_empty()),
        "{items:?}"
    );
}

#[test]
fn a_help_line_of_the_old_words_is_found() {
    let broken = "\
Puts a ledger on trial

Usage: lockstep run [OPTIONS] <FILE>

Arguments:
  <FILE>  Where the reproducer is

Options:
      --patience <DURATION>  A run that takes longer is a finding [default: 5m]
      --profile <PROFILE>
          What the campaign is about

          [default: calm]
  -h, --help                 Print help

Exit codes:
   0  passed
";
    assert_eq!(
        wrong_help(broken),
        [
            "<FILE> begins with \"Where\"",
            "--profile <PROFILE> begins with \"What\"",
            "uses \"on trial\"",
            "uses \"patience\"",
        ]
    );
    let about = "Which invariants there are\n\nUsage: lockstep invariants\n";
    assert_eq!(wrong_help(about), ["about begins with \"Which\""]);
    let commands = "Tests a ledger.\n\nUsage: lockstep\n\nCommands:\n  crash  How it dies\n";
    assert_eq!(wrong_help(commands), ["crash begins with \"How\""]);
    let fine = "Tests a ledger.\n\nUsage: lockstep\n\nOptions:\n      --only <RUN>  Run this one\n";
    assert_eq!(wrong_help(fine), NOTHING);
}

#[test]
fn pages_use_the_words_of_the_field() {
    let pages = pages();
    for page in ["README.md", "docs/known-bugs.md", "sim/harness/README.md"] {
        assert!(pages.iter().any(|one| one == page), "{page}");
    }
    let wrong: Vec<_> = pages
        .iter()
        .filter(|page| *page != RENAMED)
        .flat_map(|page| {
            let used = old_words(&text(page)).into_iter();
            used.map(move |word| format!("{page}: {word}"))
        })
        .collect();
    assert_eq!(wrong, NOTHING);
}

#[test]
fn a_page_of_the_old_words_is_found() {
    for word in OLD_WORDS {
        let broken = format!("# A page\n\nA line, and ({word}s) in it.\n");
        assert_eq!(old_words(&broken), [word]);
    }
    for (broken, found) in [
        ("Specimens are run.", "specimen"),
        ("whom an invariant accuses", "accus"),
        ("a row is on\ntrial, alone", "on trial"),
    ] {
        assert_eq!(old_words(broken), [found], "{broken}");
    }
    for fine in [
        "A recommended seed, and an on-trial flag? No: a transplanted one.",
        "A trial judges one case; the trial goes on.",
    ] {
        assert_eq!(old_words(fine), NOTHING, "{fine}");
    }
}
