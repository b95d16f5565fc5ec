//! Samples of commands and their output in README.md and docs/, compared with what the program prints.
//!
//! A sample is a fence that is marked `console`: lines that begin with `$ ` are typed, those below are the
//! output, and a line `...` stands for any lines. The fences of a page share a folder, so that one fence can
//! replay a reproducer that another has written. Durations, rates and amounts of memory are not compared. A
//! fence that is marked `console slow` needs the release build with the feature `shuttle` and is left out unless
//! `LOCKSTEP_SAMPLES` names that program, as CI does. With `LOCKSTEP_SAMPLES_WRITE` set, samples are rewritten;
//! one that the output fits in no way is reported.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// The environment variable that names the program of the slow samples.
const PROGRAM: &str = "LOCKSTEP_SAMPLES";
/// The environment variable that asks for samples to be rewritten.
const WRITE: &str = "LOCKSTEP_SAMPLES_WRITE";

/// Stands for `cargo` in a sample: the program is built already, an example is built by cargo.
const CARGO: &str = "#!/bin/sh
case \"$*\" in
*--example*)
    shift
    cd \"$ROOT\"
    PATH=${PATH#*:} exec cargo run --quiet \"$@\" ;;
esac
for argument; do
    shift
    case $argument in
    --) break ;;
    run | --release | --features | shuttle | --quiet) ;;
    *) echo \"a sample gives cargo the unexpected argument $argument\"; exit 2 ;;
    esac
done
exec lockstep \"$@\"
";

/// A fence of a page.
#[derive(Debug, PartialEq, Eq)]
struct Sample {
    /// The line of its opening fence, counted from 1.
    line: usize,
    is_slow: bool,
    /// The text between the fences.
    text: String,
}

/// Finds the samples of a page.
fn samples(page: &str) -> Vec<Sample> {
    let mut samples = Vec::new();
    let mut open: Option<Sample> = None;
    for (index, line) in page.lines().enumerate() {
        match (&mut open, line.trim_end()) {
            (Some(_), "```") => samples.extend(open.take()),
            (Some(sample), _) => {
                sample.text.push_str(line);
                sample.text.push('\n');
            }
            (None, "```console" | "```console slow") => {
                open = Some(Sample {
                    line: index + 1,
                    is_slow: line.contains("slow"),
                    text: String::new(),
                });
            }
            (None, other) if other.trim_start().starts_with("```console") => {
                panic!("line {}: a fence that nothing types: {other:?}", index + 1)
            }
            (None, _) => {}
        }
    }
    assert_eq!(open, None, "the last fence is open");
    samples
}

/// A folder with `lockstep` and `cargo` on its path, in which the samples of a page are executed.
struct Terminal {
    folder: TempDir,
    root: PathBuf,
    last_code: i32,
}

impl Terminal {
    fn new(program: &Path) -> Self {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().expect("there is room for a temporary folder");
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let root = root.canonicalize().expect("the workspace is there");
        let bin = folder.path().join(".bin");
        let cargo = bin.join("cargo");
        fs::create_dir(&bin).expect("the folder is empty");
        symlink(program, bin.join("lockstep")).expect("the folder is empty");
        fs::write(&cargo, CARGO).expect("the folder can be written");
        fs::set_permissions(&cargo, fs::Permissions::from_mode(0o755)).expect("it is ours");
        for name in ["corpora", "README.md"] {
            symlink(root.join(name), folder.path().join(name)).expect("the folder is empty");
        }
        Terminal {
            folder,
            root,
            last_code: 0,
        }
    }

    /// Types a command; returns what a terminal would show.
    fn type_in(&mut self, command: &str) -> String {
        if command == "echo $?" {
            return format!("{}\n", self.last_code);
        }
        let bin = self.folder.path().join(".bin");
        let path = std::env::var("PATH").unwrap_or_default();
        let mut shell = Command::new("sh");
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("LOCKSTEP_") {
                shell.env_remove(name);
            }
        }
        let output = shell
            .args(["-c", &format!("exec 2>&1\n{command}")])
            .current_dir(self.folder.path())
            .env("PATH", format!("{}:{path}", bin.display()))
            .env("ROOT", &self.root)
            .output()
            .expect("there is a shell");
        self.last_code = output.status.code().unwrap_or(-1);
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Types the commands of a sample; returns the sample as it should read.
    fn replay(&mut self, sample: &str) -> String {
        let mut shown = String::new();
        let mut lines = sample.lines().peekable();
        while let Some(line) = lines.next() {
            let Some(mut command) = line.strip_prefix("$ ").map(str::to_owned) else {
                continue;
            };
            shown += &format!("{line}\n");
            while command.ends_with('\\')
                && let Some(more) = lines.next()
            {
                command = format!("{command}\n{more}");
                shown += &format!("{more}\n");
            }
            let output = self.type_in(&command);
            shown += &output;
            if !output.is_empty() && !output.ends_with('\n') {
                shown.push('\n');
            }
        }
        shown
    }
}

/// A line without what differs from run to run; spaces are single. `#` stands for a number before a unit of
/// time, rate or memory, for one with a decimal point that is no percentage, and for every number of a row in
/// which one has two decimals or more.
fn comparable(line: &str) -> String {
    const UNITS: [&str; 6] = ["s", "ms", "us", "ns", "MiB", "core-s"];
    let bare = |word: &str| word.trim_matches([',', ';', ':', '(', ')']).to_owned();
    let words: Vec<&str> = line.split_whitespace().collect();
    let is_unit = |text: &str| UNITS.contains(&text) || text.ends_with("/s");
    let is_percentage = |index: usize| words.get(index + 1) == Some(&"%");
    let number = |index: usize| {
        let word = bare(words[index]);
        let end = word.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
        let number = word[..word.len() - end.len()].to_owned();
        let is_number = number.parse::<f64>().is_ok() && (end.is_empty() || is_unit(end));
        (is_number && !is_percentage(index)).then_some((number, !end.is_empty()))
    };
    let decimals = |number: &str| number.split_once('.').map_or(0, |(_, end)| end.len());
    let is_row = (0..words.len())
        .filter_map(number)
        .any(|(number, _)| decimals(&number) > 1);
    let is_core_second = line.trim_start().starts_with("per core-s ");
    let shown = words.iter().enumerate().map(|(index, word)| {
        let Some((number, has_unit)) = number(index) else {
            return (*word).to_owned();
        };
        let next = words.get(index + 1).map(|next| bare(next));
        let is_before_unit = next.is_some_and(|next| is_unit(&next));
        let is_decimal = decimals(&number) > 0;
        match has_unit || is_before_unit || is_decimal || is_row || is_core_second {
            true => word.replacen(&number, "#", 1),
            false => (*word).to_owned(),
        }
    });
    shown.collect::<Vec<_>>().join(" ")
}

/// The first line of a sample that the output does not have where it should; `None` if it is up to date.
fn stale_line(sample: &str, shown: &str) -> Option<String> {
    let shown: Vec<String> = shown.lines().map(comparable).collect();
    let (mut at, mut may_skip) = (0, false);
    for line in sample.lines() {
        if line.trim() == "..." {
            may_skip = true;
            continue;
        }
        let wanted = comparable(line);
        let found = match may_skip {
            true => shown[at..].iter().position(|line| *line == wanted),
            false => (shown.get(at) == Some(&wanted)).then_some(0),
        };
        match found {
            Some(skipped) => at += skipped + 1,
            None => {
                let there = shown.get(at).map_or("the end", String::as_str);
                return Some(format!(
                    "the page has {line:?}, the program prints {there:?}"
                ));
            }
        }
        may_skip = false;
    }
    match shown.get(at) {
        Some(more) if !may_skip => Some(format!("the page ends, the program prints {more:?}")),
        _ => None,
    }
}

/// The sample with the lines that the program prints now, `...` where it was; `None` if they do not fit. A line
/// behind `...` becomes the printed line that is equal, else the one that begins like it for longest.
fn rewritten(sample: &str, shown: &str) -> Option<String> {
    let printed: Vec<&str> = shown.lines().collect();
    let common = |one: &str, other: &str| {
        let pairs = one.chars().zip(other.chars());
        pairs.take_while(|(one, other)| one == other).count()
    };
    let (mut text, mut at, mut may_skip) = (String::new(), 0, false);
    for line in sample.lines() {
        if line.trim() == "..." {
            may_skip = true;
            text += &format!("{line}\n");
            continue;
        }
        if may_skip {
            let rest = printed.get(at..)?;
            let equal = |other: &&str| comparable(other) == comparable(line);
            let alike = || {
                let most = rest.iter().map(|other| common(line, other)).max()?;
                rest.iter().position(|other| common(line, other) == most)
            };
            at += rest.iter().position(equal).or_else(alike)?;
        }
        let now = printed.get(at)?;
        let is_same = comparable(now) == comparable(line);
        text += &format!("{}\n", if is_same { line } else { now });
        (at, may_skip) = (at + 1, false);
    }
    stale_line(&text, shown).is_none().then_some(text)
}

/// README.md and the pages of docs/.
fn pages() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let docs = fs::read_dir(root.join("docs")).expect("there are docs");
    let mut pages: Vec<PathBuf> = docs
        .map(|entry| entry.expect("it is read").path())
        .collect();
    pages.retain(|page| page.extension().is_some_and(|end| end == "md"));
    pages.push(root.join("README.md"));
    pages.sort();
    pages
}

#[test]
fn samples_of_the_pages_are_what_the_program_prints() {
    let release = std::env::var_os(PROGRAM).map(|program| {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let program = root.join(program);
        program
            .canonicalize()
            .unwrap_or_else(|error| panic!("{PROGRAM}={}: {error}", program.display()))
    });
    let program = release.as_deref();
    let program = program.unwrap_or(Path::new(env!("CARGO_BIN_EXE_lockstep")));
    let (mut stale, mut compared) = (Vec::new(), 0);
    for page in pages() {
        let mut text = fs::read_to_string(&page).expect("the page can be read");
        let mut terminal = Terminal::new(program);
        for sample in samples(&text.clone()) {
            if sample.is_slow && release.is_none() {
                continue;
            }
            compared += 1;
            let shown = terminal.replay(&sample.text);
            let Some(difference) = stale_line(&sample.text, &shown) else {
                continue;
            };
            let is_whole = !sample.text.lines().any(|line| line.trim() == "...");
            let now = match is_whole {
                true => Some(shown),
                false => rewritten(&sample.text, &shown),
            };
            match now.filter(|_| std::env::var_os(WRITE).is_some()) {
                Some(now) => text = text.replacen(&sample.text, &now, 1),
                None => {
                    let name = page.file_name().unwrap_or_default().to_string_lossy();
                    stale.push(format!("{name}:{}: {difference}", sample.line));
                }
            }
        }
        if std::env::var_os(WRITE).is_some() {
            fs::write(&page, text).expect("the page can be written");
        }
    }
    let stale = stale.join("\n");
    assert!(
        std::env::var_os(WRITE).is_none(),
        "written: look at the difference, then compare; not written:\n{stale}"
    );
    assert!(stale.is_empty(), "stale samples:\n{stale}");
    // As many as there are: fewer is a page that is no longer looked at.
    let least = if release.is_some() { 33 } else { 23 };
    assert!(compared >= least, "only {compared} samples were compared");
}

#[test]
fn commands_with_a_prompt_stand_in_samples() {
    for page in pages() {
        // Output of programs that are gone.
        if page.ends_with("renamed.md") {
            continue;
        }
        let text = fs::read_to_string(&page).expect("the page can be read");
        let typed: usize = samples(&text)
            .iter()
            .map(|sample| prompts(&sample.text))
            .sum();
        assert_eq!(typed, prompts(&text), "{}", page.display());
    }
}

/// The number of lines that begin with a prompt.
fn prompts(text: &str) -> usize {
    let lines = text.lines().map(str::trim_start);
    lines.filter(|line| line.starts_with("$ ")).count()
}

#[test]
fn a_cut_sample_is_rewritten_where_it_was_cut() {
    let sample = "$ a\nruns  1\n...\nblocks  2 and 1.5 s\n...\nend 3\n";
    let shown = "$ a\nruns  7\nbleak\nblocks  2 and 2.5 s\nblocks again\nend 4\n";
    let now = "$ a\nruns  7\n...\nblocks  2 and 1.5 s\n...\nend 4\n";
    assert_eq!(rewritten(sample, shown).as_deref(), Some(now));
    assert_eq!(rewritten(sample, "$ a\nruns  7\n"), None);
    assert_eq!(rewritten(sample, &format!("{shown}more\n")), None);
}

#[test]
fn a_stale_sample_is_seen() {
    let shown = "$ lockstep run\n  runs  86\n  time  33.0 s\npassed\n";
    assert_eq!(stale_line(shown, shown), None);
    let stale = stale_line("$ lockstep run\n  runs  85\n...\n", shown);
    assert!(stale.is_some_and(|line| line.contains("85")));
    assert!(stale_line("$ lockstep run\n  runs  86\n", shown).is_some());
    assert!(stale_line("$ lockstep run\n...\nfailed\n", shown).is_some());
}

#[test]
fn durations_and_rates_are_not_compared_and_counts_are() {
    let shown = "  time  33.0 s, 2.6 scenarios/s\n";
    assert_eq!(
        stale_line("  time   41.7 s, 2.1 scenarios/s\n", shown),
        None
    );
    assert!(stale_line("  taken  33.0 s, 2.6 scenarios/s\n", shown).is_some());
    assert_eq!(comparable("levels 35  of 100"), "levels 35 of 100");
    assert_eq!(comparable("took 12ms in 3 parts"), "took #ms in 3 parts");
    assert_eq!(comparable("applied 100.00 % of 7"), "applied 100.00 % of 7");
    assert_eq!(
        comparable("reorg-not-undone   0.040   n/a"),
        "reorg-not-undone # n/a"
    );
    assert_eq!(
        comparable("preemptions 72.9 of 477"),
        "preemptions # of 477"
    );
}

#[test]
fn fences_that_are_no_samples_are_left_alone() {
    let page = "```sh\n$ x\n```\n```console slow\n$ y\nz\n```\n";
    let expected = Sample {
        line: 4,
        is_slow: true,
        text: "$ y\nz\n".to_owned(),
    };
    assert_eq!(samples(page), [expected]);
}
