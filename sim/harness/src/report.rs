//! Reports: lines of a key and its value, with the key column of one width in every program.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Write as _;

use serde_json::{Value, json};

use crate::campaign::{RunId, SelfCheckFailed, Summary, Verdict};
use crate::coverage::Coverage;
use crate::exit::ExitCode;
use crate::shards::{Group, Merged, Record};
use crate::violation::Violation;

/// Prints a line to standard output. Errors are ignored, so that a closed pipe (`| head`) does not end
/// the run.
pub fn say(line: impl fmt::Display) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// Encodes a record as a line of JSON.
#[must_use]
pub fn as_line(record: &Record) -> String {
    serde_json::to_string(record).expect("a record is numbers, lists and texts")
}

/// Width of the key column, in characters. A longer key is followed by one space.
const KEY_WIDTH: usize = 13;

/// A key and its value.
pub type Fact = (&'static str, String);

/// Line of a key and its value, without the indent of a report.
#[must_use]
pub fn pair(key: &str, value: impl fmt::Display) -> String {
    format!("{key:<KEY_WIDTH$} {value}").trim_end().to_owned()
}

/// Prints a key and its value as a line of a report.
pub fn say_pair(key: &str, value: impl fmt::Display) {
    say(format_args!("  {}", pair(key, value)));
}

/// Prints facts, one a line.
pub fn say_facts(facts: &[Fact]) {
    for (key, value) in facts {
        say_pair(key, value);
    }
}

/// Prints the ids of the seeded bugs that a self-check detected.
pub fn say_self_checks(bugs: &[String]) {
    if !bugs.is_empty() {
        let list = bugs.join(", ");
        say_pair(
            "seeded bugs",
            format_args!("{} detected: {list}", bugs.len()),
        );
    }
}

/// Name of a run, as the value of the key `run`.
#[must_use]
pub fn of_seed(run: RunId) -> String {
    format!("{} of seed {}", run.run, run.seed)
}

/// The verdict of a campaign whose subject was given a bug on purpose: one without a finding is a failed
/// self-check.
#[must_use]
pub fn of_injected_bug<C>(verdict: Verdict<C>, bug: Option<&str>, runs: u64) -> Verdict<C> {
    match (bug, verdict) {
        (Some(id), Verdict::Passed | Verdict::Vacuous { .. }) => {
            Verdict::SelfCheckFailed(not_detected(id, format!("nothing in {runs} runs")))
        }
        (_, verdict) => verdict,
    }
}

/// An injected bug that was not detected.
#[must_use]
pub fn not_detected(id: &str, got: String) -> SelfCheckFailed {
    SelfCheckFailed {
        bug: id.to_owned(),
        found_by: "an invariant".to_owned(),
        got,
    }
}

/// Prints the coverage points that were reached, with the number of events of each; the points of a
/// group ("group: event") share a line, and `ungrouped` is the key of the others.
pub fn say_coverage(coverage: &Coverage, system: &str, ungrouped: &str) {
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
pub fn say_verdict<C>(verdict: &Verdict<C>) {
    say(verdict.name());
    say_facts(&facts(verdict));
}

/// Facts about a verdict without findings.
#[must_use]
pub fn facts<C>(verdict: &Verdict<C>) -> Vec<Fact> {
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
pub fn say_second_verdict<C>(summary: &Summary<C>) {
    if let Some(verdict) = &summary.besides {
        say_verdict(&**verdict);
    }
}

/// Prints a violation: its place, and further facts.
pub fn say_violation(violation: &Violation, place: &[Fact], more: &[Fact]) {
    say(format_args!("violated: {}", violation.invariant));
    say_facts(place);
    say_pair("subject", &violation.subject);
    say_facts(&explained(&violation.detail));
    say_facts(more);
}

/// Facts of a violation's detail; of a line with "got" and "expected", one fact each.
#[must_use]
pub fn explained(detail: &str) -> Vec<Fact> {
    let mut facts = Vec::new();
    for line in detail.lines().map(str::trim) {
        if let Some(engine) = line.strip_prefix("found by ") {
            facts.push(("found by", engine.trim().to_owned()));
            continue;
        }
        if let Some(noted) = line.strip_prefix("last noted ") {
            facts.push(("last noted", noted.to_owned()));
            continue;
        }
        if let Some(written) = line.strip_prefix("it wrote last ") {
            facts.push(("wrote last", written.to_owned()));
            continue;
        }
        if let Some(place) = line.strip_prefix("panicked at ") {
            facts.push(("panicked at", place.to_owned()));
            continue;
        }
        let key = if facts.is_empty() { "detail" } else { "" };
        let parts = line
            .split_once(": got ")
            .and_then(|(place, rest)| Some((place, rest.rsplit_once(", expected ")?)));
        match parts {
            Some((place, (got, expected))) => facts.extend([
                (key, place.to_owned()),
                ("got", got.to_owned()),
                ("expected", expected.to_owned()),
            ]),
            None => facts.push((key, line.to_owned())),
        }
    }
    facts
}

/// Prints the findings with one signature. `program` replays the smallest of them.
pub fn say_group(group: &Group, program: &str) {
    let smallest = &group.smallest;
    say(format_args!("finding: {}", group.signature));
    say_pair("exit code", group.exit_code);
    say_pair("runs", group.runs);
    let shards = group.shards.iter().map(String::as_str);
    say_pair(
        "shards",
        format_args!("{}: {}", group.shards.len(), first_few(shards)),
    );
    let keys = std::iter::once("detail").chain(std::iter::repeat(""));
    for (key, line) in keys.zip(smallest.detail.lines()) {
        say_pair(key, line.trim());
    }
    if let Some(file) = smallest.reproducer.as_ref().or(smallest.unshrunk.as_ref()) {
        say_pair("smallest", format_args!("{} transactions", smallest.size));
        say_pair("replay", format_args!("{program} replay {file}"));
    }
}

fn first_few<'t>(texts: impl Iterator<Item = &'t str>) -> String {
    const SHOWN: usize = 4;
    let texts: Vec<&str> = texts.collect();
    match texts.len() {
        0..=SHOWN => texts.join("; "),
        count => format!("{}; {} more", texts[..SHOWN].join("; "), count - SHOWN),
    }
}

/// Prints the problems of a merge and its verdict.
pub fn say_end_of_merge(merged: &Merged) {
    for problem in &merged.problems {
        say(format_args!("error: {}", problem.message));
        say_pair("exit code", problem.exit_code);
    }
    match merged.exit_code {
        ExitCode::Passed => say("passed"),
        exit_code => {
            say("failed");
            say_pair("exit code", format_args!("{exit_code} (the most severe)"));
        }
    }
}

/// The JSON record of a merge of this many files. `quantities` gives the fields of a campaign that are its
/// system's own.
#[must_use]
pub fn merge_record(
    merged: &Merged,
    files: usize,
    quantities: impl Fn(&Coverage) -> Vec<(&'static str, u64)>,
) -> Value {
    let campaigns: Vec<Value> = merged
        .campaigns
        .iter()
        .map(|campaign| {
            let events: serde_json::Map<_, _> = campaign
                .coverage
                .events()
                .map(|(event, count)| (event.to_owned(), count.into()))
                .collect();
            let mut record = json!({
                "name": campaign.name,
                "shards": campaign.shards.0,
                "of": campaign.shards.1,
                "runs": campaign.runs,
                "repetitions": campaign.repetitions,
                "coverage": events,
            });
            for (name, amount) in quantities(&campaign.coverage) {
                record[name] = amount.into();
            }
            record
        })
        .collect();
    let groups: Vec<Value> = merged
        .groups
        .iter()
        .map(|group| {
            json!({
                "signature": group.signature,
                "exit_code": group.exit_code,
                "runs": group.runs,
                "shards": group.shards,
                "smallest": group.smallest,
            })
        })
        .collect();
    let problems: Vec<Value> = merged
        .problems
        .iter()
        .map(|problem| json!({"exit_code": problem.exit_code, "message": problem.message}))
        .collect();
    json!({
        "kind": "merge",
        "files": files,
        "exit_code": merged.exit_code,
        "campaigns": campaigns,
        "findings": groups,
        "problems": problems,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn got_stands_above_expected() {
        let detail = "transaction 8: got Applied { fee: Amount(0) }, expected Rejected(Network)\n  \
                      more\n  found by   random";
        let expected = [
            ("detail", "transaction 8"),
            ("got", "Applied { fee: Amount(0) }"),
            ("expected", "Rejected(Network)"),
            ("", "more"),
            ("found by", "random"),
        ];
        let expected = expected.map(|(key, value)| (key, value.to_owned()));
        assert_eq!(explained(detail), expected);
        let alone = [("detail", "17 are gone".to_owned())];
        assert_eq!(explained("17 are gone"), alone);
    }

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
