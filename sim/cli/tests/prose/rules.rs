//! Readers of documentation, help and pages: first words, persons, and words that were replaced.

use std::fmt;

/// Words that hide the subject of the sentence that they begin.
pub(super) const QUESTIONS: [&str; 10] = [
    "What", "Who", "Where", "Whether", "How", "Why", "Which", "Whoever", "Whom", "Whose",
];

const PERSONS: [&str; 6] = [
    "somebody",
    "nobody",
    "whoever",
    "anybody",
    "everybody",
    "so many",
];

/// Beginnings of words that were replaced everywhere, in help and pages; `docs/renamed.md` has the words
/// that took their place.
pub(super) const OLD_WORDS: [&str; 24] = [
    "accus",
    "by whom",
    "elsewhere",
    "fleet",
    "how soon",
    "mend",
    "mishap",
    "on trial",
    "patience",
    "planted",
    "rival",
    "so long",
    "so many",
    "so often",
    "specimen",
    "suspect",
    "the power go",
    "trouble",
    "twice-every",
    "somebody",
    "nobody",
    "whoever",
    "anybody",
    "everybody",
];

/// Number of doc lines, and of those among them that begin with one of [`QUESTIONS`].
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Share {
    pub(super) bad: usize,
    pub(super) of: usize,
}

impl Share {
    pub(super) fn of_text(text: &str) -> Self {
        let lines = text.lines().filter_map(doc).filter(|line| !line.is_empty());
        lines.fold(Share::default(), |share, line| Share {
            bad: share.bad + usize::from(question(line).is_some()),
            of: share.of + 1,
        })
    }

    pub(super) fn and(self, other: Self) -> Self {
        Share {
            bad: self.bad + other.bad,
            of: self.of + other.of,
        }
    }

    pub(super) fn is_less_than(self, other: Self) -> bool {
        self.bad * other.of < other.bad * self.of
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.bad, self.of)
    }
}

/// Text of a line of documentation, without the slashes; `None` for any other line.
fn doc(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let is_rule = line.starts_with("////");
    let text = line
        .strip_prefix("///")
        .or_else(|| line.strip_prefix("//!"))?;
    (!is_rule).then(|| text.trim())
}

/// First block of `//!` lines of a file, without the slashes.
pub(super) fn head(text: &str) -> String {
    let lines = text.lines().skip_while(|line| !line.starts_with("//!"));
    let lines = lines.take_while(|line| line.starts_with("//!"));
    lines.filter_map(doc).collect::<Vec<_>>().join("\n")
}

/// The one of [`QUESTIONS`] that a line begins with, markup aside.
pub(super) fn question(line: &str) -> Option<&'static str> {
    let line = line.trim_start_matches(|c: char| !c.is_alphanumeric());
    let is_first = |word: &&str| {
        let rest = line.strip_prefix(*word);
        rest.is_some_and(|rest| !rest.starts_with(is_of_a_word))
    };
    QUESTIONS.into_iter().find(is_first)
}

fn is_of_a_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Those of these words that stand in a text, in any case, also across the end of a line. With `whole`,
/// no letters follow.
fn found(text: &str, words: &[&'static str], whole: bool) -> Vec<&'static str> {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let text = text.to_lowercase();
    let is_there = |word: &&&str| {
        text.match_indices(**word).any(|(at, _)| {
            let (before, after) = (&text[..at], &text[at + word.len()..]);
            !(before.ends_with(is_of_a_word) || whole && after.starts_with(is_of_a_word))
        })
    };
    words.iter().filter(is_there).copied().collect()
}

/// Comments of a source that have a line of their own, documentation included, without the slashes.
pub(super) fn comments(source: &str) -> String {
    let lines = source.lines().map(str::trim_start);
    let comments = lines.filter(|line| line.starts_with("//"));
    let texts: Vec<_> = comments
        .map(|line| line.trim_start_matches(['/', '!']).trim())
        .collect();
    texts.join("\n")
}

/// Persons who act in comments.
pub(super) fn persons(comments: &str) -> Vec<&'static str> {
    found(comments, &PERSONS, true)
}

/// Those of [`OLD_WORDS`] with which a word of a text begins.
pub(super) fn old_words(text: &str) -> Vec<&'static str> {
    found(text, &OLD_WORDS, false)
}

/// Sentences of a help text by what they explain: `about`, and each command, argument and option.
pub(super) fn items(help: &str) -> Vec<(String, String)> {
    let about = help.lines().take_while(|line| !line.starts_with("Usage:"));
    let about: Vec<_> = about.map(str::trim).collect();
    let mut items = vec![("about".to_owned(), about.join(" ").trim().to_owned())];
    let mut is_list = false;
    for line in help.lines() {
        if !line.starts_with(' ') {
            is_list = match line {
                "" => is_list,
                heading => ["Commands:", "Arguments:", "Options:"].contains(&heading),
            };
            continue;
        }
        if !is_list {
            continue;
        }
        let indent = line.len() - line.trim_start().len();
        // Clap writes the sentence beside the name, or below it and further in.
        if indent < 8 {
            let (name, sentence) = line.trim().split_once("  ").unwrap_or((line.trim(), ""));
            items.push((name.to_owned(), sentence.trim().to_owned()));
        } else if let Some((_, sentence)) = items.last_mut() {
            if !sentence.is_empty() {
                sentence.push(' ');
            }
            sentence.push_str(line.trim());
        }
    }
    items
}
