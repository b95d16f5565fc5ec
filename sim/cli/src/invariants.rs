//! `lockstep invariants`: the list of all invariants.

use clap::Args;
use clap::builder::BoolishValueParser;
use lockstep_harness::exit::ExitCode;
use lockstep_harness::invariant::{self, Invariant};
use serde_json::json;

use super::say;

#[derive(Debug, Args)]
pub(super) struct Invariants {
    /// Print a JSON record per invariant, in place of text
    #[arg(long, env = "LOCKSTEP_INVARIANTS_JSON", value_parser = BoolishValueParser::new())]
    json: bool,
}

impl Invariants {
    pub(super) fn execute(self) -> ExitCode {
        let all: Vec<&Invariant> = invariant::registered().into_values().collect();
        match self.json {
            true => all.iter().map(|one| record(one)).for_each(say),
            false => table(&all).iter().for_each(say),
        }
        ExitCode::Passed
    }
}

fn record(invariant: &Invariant) -> serde_json::Value {
    json!({
        "kind": "invariant",
        "invariant": invariant.name,
        "sentence": invariant.sentence,
        "exit_code": invariant.exit_code,
        "seeded_bug": invariant.seeded_bug,
    })
}

/// Lines of the table: name, exit code, seeded bug and sentence, in aligned columns.
fn table(all: &[&Invariant]) -> Vec<String> {
    let width = |text: fn(&Invariant) -> &str| {
        let widths = all.iter().map(|invariant| text(invariant).len());
        widths.max().unwrap_or(0)
    };
    let (name, bug) = (width(|one| one.name), width(|one| one.seeded_bug));
    let line = |columns: [&str; 4]| {
        let [first, exit, catches, sentence] = columns;
        format!("{first:<name$}  {exit:>4}  {catches:<bug$}  {sentence}")
    };
    let head = line(["invariant", "exit", "seeded bug", "sentence"]);
    let lines = all.iter().map(|one| {
        let exit = one.exit_code.to_string();
        line([one.name, &exit, one.seeded_bug, one.sentence])
    });
    std::iter::once(head).chain(lines).collect()
}

#[cfg(test)]
mod tests {
    use lockstep_harness::invariant::NEVER_PANICS;
    use lockstep_sim::invariants::SAME_AS_SERIAL;

    use super::*;

    #[test]
    fn columns_are_aligned_and_the_sentence_stands_last() {
        let lines = table(&[&NEVER_PANICS, &SAME_AS_SERIAL]);
        let at = lines[0]
            .find("sentence")
            .expect("the head names its columns");
        assert_eq!(lines.len(), 3);
        for (line, one) in lines[1..].iter().zip([&NEVER_PANICS, &SAME_AS_SERIAL]) {
            assert!(line.starts_with(one.name), "{line}");
            assert_eq!(&line[at..], one.sentence);
        }
    }
}
