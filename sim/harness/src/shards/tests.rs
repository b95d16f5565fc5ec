//! Tests of merging: nothing that is missing, cut or wrong in the files of shards passes.

use std::collections::BTreeMap;

use super::*;
use crate::coverage::Coverage;
use crate::exit::ExitCode;
use crate::point;

/// A system whose points are registered here, for these tests alone.
const SYSTEM: &str = "a fair";

/// Counts everything that there is once.
fn everything() -> Coverage {
    let mut coverage = Coverage::default();
    for point in [
        point!("a fair", "ride: swing", in ["calm"]),
        point!("a fair", "ride: wheel"),
        point!("a fair", "ride: broken", rare),
        point!("a fair", "visitors", total),
    ] {
        coverage.count(point);
    }
    coverage
}

fn self_checks() -> Vec<String> {
    vec!["unit-lost".to_owned(), "process-dies".to_owned()]
}

fn expected(focuses: &[&str]) -> Expected {
    Expected {
        focuses: focuses.iter().map(|focus| (*focus).to_owned()).collect(),
        self_checks: BTreeMap::from([(SYSTEM.to_owned(), self_checks())]),
    }
}

/// A shard of two that did two runs and reached everything.
fn shard(index: u64) -> VerdictRecord {
    let coverage = everything()
        .events()
        .map(|(name, count)| (name.to_owned(), count))
        .collect();
    VerdictRecord {
        verdict: "passed".to_owned(),
        exit_code: ExitCode::Passed,
        detail: "passed".to_owned(),
        seeds: "7".to_owned(),
        system: SYSTEM.to_owned(),
        focus: "default".to_owned(),
        shard: format!("{index}/2"),
        hash_seed: 0,
        runs: 2,
        repetitions: 1,
        totals: BTreeMap::from([("visitors".to_owned(), 100)]),
        coverage,
        seeded_bugs: self_checks(),
        findings: Vec::new(),
        digest: "00".to_owned(),
        elapsed_ms: 5,
        build: "b".to_owned(),
    }
}

fn run_of(verdict: &VerdictRecord, run: u64) -> RunRecord {
    RunRecord {
        seed: 7,
        run,
        shard: verdict.shard.clone(),
        focus: verdict.focus.clone(),
        scenario: "2 blocks".to_owned(),
        totals: BTreeMap::from([("visitors".to_owned(), 50)]),
        repetitions: 0,
        digest: Some("00".to_owned()),
        failure: None,
        elapsed_ms: 1,
        build: "b".to_owned(),
    }
}

/// The file of a shard, with a name of its own.
fn file(verdict: &VerdictRecord) -> (String, String) {
    let runs = (0..verdict.runs).map(|run| Record::Run(run_of(verdict, run)));
    let lines = runs.chain([Record::Verdict(Box::new(verdict.clone()))]);
    let text = lines
        .map(|record| serde_json::to_string(&record).expect("a record can be written") + "\n")
        .collect();
    (format!("{}.jsonl", verdict.shard), text)
}

fn merged(shards: &[VerdictRecord]) -> Merged {
    merge(&shards.iter().map(file).collect::<Vec<_>>(), &expected(&[]))
}

fn finding(detail: &str, size: u64) -> FindingRecord {
    FindingRecord {
        signature: "versions-descend by core: version # at #".to_owned(),
        exit_code: ExitCode::Violated,
        runs: 2,
        seed: 7,
        run: size,
        detail: detail.to_owned(),
        reproducer: Some(format!("{detail}.repro")),
        unshrunk: None,
        shrunk: None,
        size,
    }
}

/// Checks that these two shards have one problem, with this exit code and text.
#[track_caller]
fn check_problem(shards: &[VerdictRecord], exit_code: ExitCode, said: &str) {
    let merged = merged(shards);
    assert_eq!(merged.exit_code, exit_code, "{merged:?}");
    assert_eq!(merged.problems.len(), 1, "{:?}", merged.problems);
    let what = &merged.problems[0].message;
    assert!(what.contains(said), "{what}");
}

#[test]
fn all_shards_together_pass_and_are_summed() {
    let merged = merged(&[shard(1), shard(0)]);
    assert_eq!(merged.problems, []);
    assert_eq!(merged.exit_code, ExitCode::Passed);
    let [campaign] = &merged.campaigns[..] else {
        panic!("it is one campaign: {:?}", merged.campaigns);
    };
    assert_eq!(campaign.name, "a fair, default, seeds 7");
    assert_eq!(
        (campaign.shards, campaign.runs, campaign.repetitions),
        ((2, 2), 4, 2)
    );
    assert_eq!(campaign.coverage.total("visitors"), 200);
    assert_eq!(campaign.coverage.of("ride: wheel"), 2);
}

#[test]
fn no_file_is_vacuous() {
    assert_eq!(merge(&[], &expected(&[])).exit_code, ExitCode::Vacuous);
}

#[test]
fn a_missing_shard_is_named_and_can_be_had_by_trying_again() {
    check_problem(
        &[shard(1)],
        ExitCode::Infrastructure,
        "shard 0/2 is missing",
    );
    check_problem(
        &[shard(0)],
        ExitCode::Infrastructure,
        "shard 1/2 is missing",
    );
}

#[test]
fn a_shard_that_reported_twice_counts_once() {
    let twice = [shard(0), shard(0), shard(1)];
    check_problem(
        &twice,
        ExitCode::Infrastructure,
        "shard 0/2 reported more than once",
    );
    assert_eq!(merged(&twice).campaigns[0].runs, 4);
}

#[test]
fn an_empty_shard_is_vacuous_whatever_the_others_reached() {
    let empty = VerdictRecord {
        runs: 0,
        totals: BTreeMap::new(),
        coverage: BTreeMap::new(),
        exit_code: ExitCode::Vacuous,
        verdict: "vacuous".to_owned(),
        detail: "vacuous: never reached: a visitor".to_owned(),
        ..shard(1)
    };
    check_problem(
        &[shard(0), empty],
        ExitCode::Vacuous,
        "shard 1/2 is vacuous: never reached: a visitor",
    );
}

#[test]
fn what_no_shard_reached_is_named_and_what_one_reached_is_enough() {
    let without = |index, event: &str| {
        let mut shard = shard(index);
        shard.coverage.remove(event);
        shard
    };
    let one = [without(0, "ride: wheel"), shard(1)];
    assert_eq!(merged(&one).exit_code, ExitCode::Passed);
    let none = [without(0, "ride: wheel"), without(1, "ride: wheel")];
    check_problem(&none, ExitCode::Vacuous, "never reached: ride: wheel");
    let rare = "ride: broken";
    assert_eq!(
        merged(&[without(0, rare), without(1, rare)]).exit_code,
        ExitCode::Passed,
        "a rare one is not asked for"
    );
}

#[test]
fn a_focus_is_asked_for_its_own_points() {
    let calm = |index| {
        let mut shard = VerdictRecord {
            focus: "calm".to_owned(),
            ..shard(index)
        };
        shard.coverage.remove("ride: wheel");
        shard
    };
    assert_eq!(merged(&[calm(0), calm(1)]).exit_code, ExitCode::Passed);
    let without_swings = |index| {
        let mut shard = calm(index);
        shard.coverage.remove("ride: swing");
        shard
    };
    let shards = [without_swings(0), without_swings(1)];
    check_problem(&shards, ExitCode::Vacuous, "never reached: ride: swing");
}

#[test]
fn an_unknown_focus_is_of_another_program() {
    let wild = |index| VerdictRecord {
        focus: "wild".to_owned(),
        ..shard(index)
    };
    let shards = [wild(0), wild(1)];
    check_problem(&shards, ExitCode::Infrastructure, "no preset \"wild\"");
}

#[test]
fn a_campaign_of_which_no_file_is_there_is_missed_where_it_is_expected() {
    let files = [file(&shard(0)), file(&shard(1))];
    let merged = merge(&files, &expected(&["default"]));
    assert_eq!(merged.exit_code, ExitCode::Passed);
    let merged = merge(&files, &expected(&["default", "money"]));
    assert_eq!(merged.exit_code, ExitCode::Infrastructure);
    assert_eq!(merged.problems[0].message, "money: no shard of it reported");
}

#[test]
fn every_seeded_bug_of_the_self_check_must_be_found_by_a_shard() {
    let undetecting = |index| {
        let mut shard = shard(index);
        shard.seeded_bugs.retain(|bug| bug != "unit-lost");
        shard
    };
    assert_eq!(
        merged(&[undetecting(0), shard(1)]).exit_code,
        ExitCode::Passed
    );
    check_problem(
        &[undetecting(0), undetecting(1)],
        ExitCode::Unreliable,
        "no shard found the seeded bug unit-lost",
    );
}

#[test]
fn a_cut_file_does_not_count_as_passed() {
    let (name, text) = file(&shard(1));
    let other = file(&shard(0));
    // Cut between two lines, so the verdict is not there; cut within one, which is no record.
    let between = text.rfind("{\"kind\":\"verdict\"").expect("it is there");
    for length in [0, between, text.len() - 20] {
        let cut = (name.clone(), text[..length].to_owned());
        let merged = merge(&[other.clone(), cut], &expected(&[]));
        let code = ExitCode::Infrastructure;
        assert_eq!(merged.exit_code, code, "{length}: {:?}", merged.problems);
        let names_it = |problem: &Problem| problem.message.starts_with(&name);
        assert!(merged.problems.iter().any(names_it), "{merged:?}");
    }
    // A run in the middle is gone.
    let first_line = text.find('\n').expect("it has lines") + 1;
    let merged = merge(
        &[other, (name, text[first_line..].to_owned())],
        &expected(&[]),
    );
    assert_eq!(merged.exit_code, ExitCode::Infrastructure);
    assert!(
        merged.problems[0]
            .message
            .contains("over 2 runs, 1 lines are there")
    );
}

#[test]
fn a_file_of_something_else_is_refused_with_one_sentence() {
    let name = || "it.jsonl".to_owned();
    for text in [
        "{\"kind\":\"weather\"}\n",
        "[1, 2]\n",
        "a letter\nof two lines",
        "\u{fffd}\u{fffd}\n\u{fffd}\n",
    ] {
        let merged = merge(&[(name(), text.to_owned())], &expected(&[]));
        assert_eq!(merged.exit_code, ExitCode::Usage, "{text}");
        let [problem] = &merged.problems[..] else {
            panic!("{:?}", merged.problems);
        };
        let said = "it.jsonl: its first line is no record of a campaign; name a file that \
                    `run --json` wrote";
        assert_eq!(problem.message, said);
    }
    let merged = merge(&[(name(), "\n".to_owned())], &expected(&[]));
    assert_eq!(merged.exit_code, ExitCode::Infrastructure);
    assert!(
        merged.problems[0]
            .message
            .starts_with("it.jsonl: the file is empty")
    );
}

#[test]
fn the_findings_of_a_shard_that_was_ended_are_there() {
    let (name, text) = file(&shard(0));
    let verdict = text.rfind("{\"kind\":\"verdict\"").expect("it is there");
    let found = Record::Finding(finding("found", 3));
    let found = serde_json::to_string(&found).expect("a record can be written") + "\n";
    let whole = format!("{}{found}{}", &text[..verdict], &text[verdict..]);
    let ended = format!("{}{found}", &text[..verdict]);
    let other = file(&shard(1));
    let merged = |text: String| merge(&[(name.clone(), text), other.clone()], &expected(&[]));
    // Its verdict has them again, or it has none.
    assert_eq!(merged(whole).groups.len(), 0);
    let merged = merged(ended);
    assert_eq!(merged.groups.len(), 1);
    assert_eq!(merged.exit_code, ExitCode::Violated);
}

#[test]
fn shards_of_two_builds_are_not_one_campaign() {
    let other = VerdictRecord {
        build: "c".to_owned(),
        ..shard(1)
    };
    check_problem(
        &[shard(0), other],
        ExitCode::Infrastructure,
        "different builds: b, c",
    );
}

#[test]
fn an_unknown_event_is_of_another_program() {
    let mut strange = shard(1);
    strange.coverage.insert("flew away".to_owned(), 1);
    check_problem(
        &[shard(0), strange],
        ExitCode::Infrastructure,
        "\"flew away\" is no event",
    );
}

#[test]
fn findings_of_one_signature_are_one_group_with_the_smallest_first() {
    let with = |index, findings: Vec<FindingRecord>| VerdictRecord {
        exit_code: ExitCode::Violated,
        verdict: "violated".to_owned(),
        findings,
        ..shard(index)
    };
    let severe = FindingRecord {
        signature: "same-as-serial by core: nonce".to_owned(),
        exit_code: ExitCode::Differs,
        runs: 1,
        ..finding("severe", 9)
    };
    let merged = merged(&[
        with(0, vec![finding("large", 8)]),
        with(1, vec![finding("small", 2), severe]),
    ]);
    assert_eq!(merged.exit_code, ExitCode::Differs);
    assert_eq!(merged.problems, []);
    let [first, second] = &merged.groups[..] else {
        panic!("two kinds were found: {:?}", merged.groups);
    };
    assert_eq!((first.exit_code, first.runs), (ExitCode::Differs, 1));
    assert_eq!((second.exit_code, second.runs), (ExitCode::Violated, 4));
    assert_eq!(second.shards.len(), 2);
    assert_eq!(second.smallest.detail, "small");
}

#[test]
fn a_shard_that_failed_without_a_finding_is_a_group_of_its_own() {
    let two_ways = |index| VerdictRecord {
        exit_code: ExitCode::Unreliable,
        verdict: "not deterministic".to_owned(),
        detail: format!("not deterministic: run {index} of seed 7 done twice went two ways"),
        ..shard(index)
    };
    let merged = merged(&[two_ways(0), two_ways(1)]);
    assert_eq!(merged.exit_code, ExitCode::Unreliable);
    assert_eq!(merged.groups.len(), 1, "{:?}", merged.groups);
    assert_eq!(merged.groups[0].runs, 2);
}

#[test]
fn a_shard_whose_machine_failed_is_asked_for_nothing_but_another_try() {
    let failed = VerdictRecord {
        exit_code: ExitCode::Infrastructure,
        verdict: "infrastructure".to_owned(),
        detail: "infrastructure: in run 3 of seed 7\n  the disk is full".to_owned(),
        coverage: BTreeMap::new(),
        totals: BTreeMap::new(),
        ..shard(1)
    };
    let merged = merged(&[shard(0), failed]);
    assert_eq!(merged.exit_code, ExitCode::Infrastructure);
    assert_eq!(merged.problems, []);
    assert!(merged.groups[0].signature.contains("the disk is full"));
}
