//! Reports: lines of a key and its value, with the key column of one width in every command.

use std::collections::BTreeMap;
use std::fmt;

use lockstep_harness::campaign::{RunId, SelfCheckFailed, Summary, Verdict};
use lockstep_harness::coverage::Coverage;
use lockstep_harness::exit::ExitCode;
use lockstep_harness::shards::Record;
use lockstep_sim::scenario::Scenario;

use super::say;

/// Summary of a ledger campaign.
pub(super) type LedgerSummary = Summary<Scenario>;

/// Encodes a record as a line of JSON.
pub(super) fn as_line(record: &Record) -> String {
    serde_json::to_string(record).expect("a record is numbers, lists and texts")
}

/// Width of the key column, in characters. A longer key is followed by one space.
const KEY_WIDTH: usize = 13;

/// A key and its value.
pub(crate) type Fact = (&'static str, String);

/// Line of a key and its value, without the indent of a report.
pub(crate) fn pair(key: &str, value: impl fmt::Display) -> String {
    format!("{key:<KEY_WIDTH$} {value}").trim_end().to_owned()
}

/// Prints a key and its value as a line of a report.
pub(crate) fn say_pair(key: &str, value: impl fmt::Display) {
    say(format_args!("  {}", pair(key, value)));
}

/// Prints facts, one a line.
pub(crate) fn say_facts(facts: &[Fact]) {
    for (key, value) in facts {
        say_pair(key, value);
    }
}

/// Prints the ids of the seeded bugs that a self-check detected.
pub(crate) fn say_self_checks(bugs: &[String]) {
    if !bugs.is_empty() {
        let list = bugs.join(", ");
        say_pair(
            "seeded bugs",
            format_args!("{} detected: {list}", bugs.len()),
        );
    }
}

/// Name of a run, as the value of the key `run`.
pub(crate) fn of_seed(run: RunId) -> String {
    format!("{} of seed {}", run.run, run.seed)
}

/// Number of runs, and of repetitions: with other worker counts and hash seeds, or in another process.
pub(crate) fn runs(runs: u64, repetitions: u64) -> String {
    format!(
        "{runs}, and {repetitions} repetitions (other worker counts and hash seeds; another process)"
    )
}

/// The verdict of a campaign whose subject was given a bug on purpose: one without a finding is a failed
/// self-check.
pub(crate) fn of_injected_bug<C>(verdict: Verdict<C>, bug: Option<&str>, runs: u64) -> Verdict<C> {
    match (bug, verdict) {
        (Some(id), Verdict::Passed | Verdict::Vacuous { .. }) => {
            Verdict::SelfCheckFailed(not_detected(id, format!("nothing in {runs} runs")))
        }
        (_, verdict) => verdict,
    }
}

/// An injected bug that was not detected.
pub(crate) fn not_detected(id: &str, got: String) -> SelfCheckFailed {
    SelfCheckFailed {
        bug: id.to_owned(),
        found_by: "an invariant".to_owned(),
        got,
    }
}

/// Prints the coverage points that were reached, with the number of events of each; the points of a
/// group ("group: event") share a line, and `ungrouped` is the key of the others.
pub(crate) fn say_coverage(coverage: &Coverage, system: &str, ungrouped: &str) {
    let reached = coverage.events().count();
    let points = reached + coverage.never_reached(system).count();
    say_pair(
        "coverage",
        format_args!("{reached} of {points} points reached, with their events"),
    );
    let mut groups: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (point, count) in coverage.events() {
        let (group, event) = point.split_once(": ").unwrap_or((ungrouped, point));
        let events = groups.entry(group).or_default();
        events.push(format!("{event} {count}"));
    }
    let width = KEY_WIDTH - 2;
    for (group, events) in groups {
        say(format_args!("    {group:<width$} {}", events.join(", ")));
    }
}

/// Prints a verdict without findings: its name, and the facts about it.
pub(crate) fn say_verdict<C>(verdict: &Verdict<C>) {
    say(verdict.name());
    say_facts(&facts(verdict));
}

fn facts<C>(verdict: &Verdict<C>) -> Vec<Fact> {
    match verdict {
        Verdict::Passed | Verdict::Violated { .. } => Vec::new(),
        Verdict::NotDeterministic { run, difference } => {
            let [first, second] = &difference.observed;
            vec![
                ("run", of_seed(*run)),
                ("observation", difference.index.to_string()),
                ("first", first.to_string()),
                ("second", second.to_string()),
                (
                    "consequence",
                    "no other result of this campaign is reliable until this is fixed".to_owned(),
                ),
            ]
        }
        Verdict::SelfCheckFailed(failed) => vec![
            ("seeded bug", failed.bug.clone()),
            ("expected", format!("detected by {}", failed.found_by)),
            ("got", failed.got.clone()),
        ],
        Verdict::Vacuous { missing } => vec![
            ("found", "nothing".to_owned()),
            ("not reached", missing.join(", ")),
            (
                "exit code",
                format!(
                    "{}, because these points were not reached: the runs were too few to show that \
                     nothing is to be found; a longer campaign reaches them",
                    ExitCode::Vacuous
                ),
            ),
        ],
        Verdict::Interrupted => vec![(
            "found",
            "nothing in the runs before Ctrl-C, which show no more than that".to_owned(),
        )],
        Verdict::Infrastructure { run, reason } => {
            let run = run.map(|run| ("run", of_seed(run)));
            run.into_iter()
                .chain([("reason", reason.clone())])
                .collect()
        }
    }
}

/// Prints the verdict that ended a campaign in addition to its findings.
pub(crate) fn say_second_verdict<C>(summary: &Summary<C>) {
    if let Some(verdict) = &summary.besides {
        say_verdict(&**verdict);
    }
}

#[cfg(test)]
mod tests {
    use lockstep_harness::campaign::SelfCheckFailed;

    use super::*;

    #[test]
    fn values_are_aligned_and_a_long_key_keeps_a_space() {
        assert_eq!(pair("runs", 7), "runs          7");
        assert_eq!(
            pair("a key that is too long", 7),
            "a key that is too long 7"
        );
        assert_eq!(pair("detail", ""), "detail");
    }

    #[test]
    fn a_verdict_without_findings_is_explained_by_facts() {
        let verdict: Verdict<()> = Verdict::SelfCheckFailed(SelfCheckFailed {
            bug: "unit-lost".to_owned(),
            found_by: "supply-is-conserved".to_owned(),
            got: "nothing".to_owned(),
        });
        let expected = [
            ("seeded bug", "unit-lost".to_owned()),
            ("expected", "detected by supply-is-conserved".to_owned()),
            ("got", "nothing".to_owned()),
        ];
        assert_eq!(facts(&verdict), expected);
        let verdict: Verdict<()> = Verdict::Infrastructure {
            run: Some(RunId { seed: 1, run: 2 }),
            reason: "the disk is full".to_owned(),
        };
        let expected = [
            ("run", "2 of seed 1".to_owned()),
            ("reason", "the disk is full".to_owned()),
        ];
        assert_eq!(facts(&verdict), expected);
    }

    #[test]
    fn a_campaign_that_was_too_short_says_first_that_nothing_was_found() {
        let verdict: Verdict<()> = Verdict::Vacuous {
            missing: vec!["a point", "another"],
        };
        let facts = facts(&verdict);
        assert_eq!(facts[0], ("found", "nothing".to_owned()));
        assert_eq!(facts[1], ("not reached", "a point, another".to_owned()));
        assert_eq!(facts[2].0, "exit code");
        assert!(facts[2].1.starts_with("15, because"), "{facts:?}");
    }

    #[test]
    fn an_injected_bug_without_a_finding_fails_the_self_check() {
        let vacuous = || Verdict::<()>::Vacuous {
            missing: vec!["a point"],
        };
        for verdict in [Verdict::Passed, vacuous()] {
            let verdict = of_injected_bug(verdict, Some("unit-lost"), 7);
            let failed = not_detected("unit-lost", "nothing in 7 runs".to_owned());
            assert_eq!(verdict, Verdict::SelfCheckFailed(failed));
        }
        assert_eq!(of_injected_bug(vacuous(), None, 7), vacuous());
        let found = || Verdict::<()>::Violated {
            findings: Vec::new(),
        };
        assert_eq!(of_injected_bug(found(), Some("unit-lost"), 7), found());
    }
}
