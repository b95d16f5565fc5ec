//! Command line of a program that tests an executor, without a library for one.

use std::collections::BTreeMap;
use std::fmt::Write as _;

/// A flag of a command.
#[derive(Clone, Copy, Debug)]
pub(super) struct Flag {
    /// Its name, with its hyphens.
    pub(super) name: &'static str,
    /// The placeholder of its value; `None` for a flag without one.
    pub(super) value: Option<&'static str>,
    /// One imperative sentence, with unit and default.
    pub(super) sentence: &'static str,
}

/// A command of the program.
#[derive(Clone, Copy, Debug)]
pub(super) struct Command {
    pub(super) name: &'static str,
    /// The placeholder of its arguments; empty where it has none.
    pub(super) arguments: &'static str,
    pub(super) sentence: &'static str,
    pub(super) flags: &'static [Flag],
}

/// A command line that was understood.
#[derive(Debug, Default)]
pub(super) struct Arguments {
    flags: BTreeMap<&'static str, String>,
    /// The arguments that are no flags.
    pub(super) rest: Vec<String>,
}

impl Arguments {
    /// Reads the words behind the name of a command.
    ///
    /// # Errors
    ///
    /// A sentence about the first word that is not understood.
    pub(super) fn of(
        command: &Command,
        words: impl IntoIterator<Item = String>,
    ) -> Result<Self, String> {
        let mut arguments = Arguments::default();
        let mut words = words.into_iter();
        while let Some(word) = words.next() {
            if !word.starts_with("--") {
                arguments.rest.push(word);
                continue;
            }
            let (name, inline) = match word.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (word.as_str(), None),
            };
            let Some(flag) = command.flags.iter().find(|flag| flag.name == name) else {
                let known: Vec<&str> = command.flags.iter().map(|flag| flag.name).collect();
                return Err(format!(
                    "{} has no flag {name}; its flags are {}",
                    command.name,
                    known.join(", ")
                ));
            };
            let value = match (flag.value, inline) {
                (None, None) => String::new(),
                (None, Some(_)) => return Err(format!("{name} takes no value")),
                (Some(_), Some(value)) => value,
                (Some(placeholder), None) => words
                    .next()
                    .ok_or_else(|| format!("{name} needs a value: {name} {placeholder}"))?,
            };
            if arguments.flags.insert(flag.name, value).is_some() {
                return Err(format!("{name} is given twice"));
            }
        }
        let takes = !command.arguments.is_empty();
        match arguments.rest.first() {
            Some(word) if !takes => Err(format!("{} takes no {word:?}", command.name)),
            None if takes => Err(format!("{} needs {}", command.name, command.arguments)),
            _ => Ok(arguments),
        }
    }

    /// True if a flag was given.
    pub(super) fn has(&self, name: &str) -> bool {
        self.flags.contains_key(name)
    }

    /// The value of a flag, if it was given.
    ///
    /// # Errors
    ///
    /// The parser's reason, with the flag and its value.
    pub(super) fn get<T>(
        &self,
        name: &str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<Option<T>, String> {
        let value = self.flags.get(name);
        let parsed =
            value.map(|value| parse(value).map_err(|reason| format!("{name} {value}: {reason}")));
        parsed.transpose()
    }
}

/// Parses a whole number, at least 1.
pub(super) fn count(text: &str) -> Result<u64, String> {
    match text.parse() {
        Ok(0) | Err(_) => Err("expected a whole number, at least 1".to_owned()),
        Ok(number) => Ok(number),
    }
}

/// The help text of a program with these commands.
pub(super) fn help(program: &str, about: &str, commands: &[Command]) -> String {
    let mut text = format!("{about}\n\nUsage: {program} [COMMAND]\n");
    for command in commands {
        let _ = write!(text, "\n{program} {} {}", command.name, command.arguments);
        let _ = write!(text, "\n  {}\n", command.sentence);
        for flag in command.flags {
            let flag_and_value = format!("{} {}", flag.name, flag.value.unwrap_or_default());
            let _ = writeln!(text, "    {flag_and_value:<22} {}", flag.sentence);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMAND: Command = Command {
        name: "run",
        arguments: "",
        sentence: "Run.",
        flags: &[
            Flag {
                name: "--runs",
                value: Some("N"),
                sentence: "Run N.",
            },
            Flag {
                name: "--json",
                value: None,
                sentence: "Print JSON.",
            },
        ],
    };

    fn of(line: &str) -> Result<Arguments, String> {
        Arguments::of(&COMMAND, line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn flags_have_values_behind_them_or_inline() {
        for line in ["--runs 7 --json", "--json --runs=7"] {
            let arguments = of(line).expect("it is understood");
            assert_eq!(arguments.get("--runs", count), Ok(Some(7)));
            assert!(arguments.has("--json"));
        }
        assert_eq!(
            of("").expect("nothing is fine").get("--runs", count),
            Ok(None)
        );
    }

    #[test]
    fn a_word_that_is_not_understood_is_refused_in_a_sentence() {
        for (line, said) in [
            (
                "--seeds 7",
                "run has no flag --seeds; its flags are --runs, --json",
            ),
            ("--runs", "--runs needs a value: --runs N"),
            ("--json=yes", "--json takes no value"),
            ("--json --json", "--json is given twice"),
            ("fast", "run takes no \"fast\""),
        ] {
            assert_eq!(of(line).err().as_deref(), Some(said));
        }
        let zero = of("--runs 0").expect("it is understood");
        let said = "--runs 0: expected a whole number, at least 1".to_owned();
        assert_eq!(zero.get("--runs", count), Err(said));
    }
}
