//! Merge of the records of many shards into one verdict.

use std::collections::{BTreeMap, BTreeSet};

use crate::coverage::{Coverage, is_focus};
use crate::exit::{ExitCode, most_severe};
use crate::signature::without_numbers;

use super::record::{FindingRecord, Record, VerdictRecord};

/// The verdict over all shards.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Merged {
    /// The most severe of all exit codes.
    pub exit_code: ExitCode,
    /// The campaigns, by name.
    pub campaigns: Vec<CampaignMerged>,
    /// Findings by signature, the most severe first.
    pub groups: Vec<Group>,
    /// Problems of the files, or of the whole.
    pub problems: Vec<Problem>,
}

/// One campaign, all its shards together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CampaignMerged {
    /// Its focus and its seeds.
    pub name: String,
    /// Its shards that reported, and how many there should be.
    pub shards: (u64, u64),
    /// Number of runs.
    pub runs: u64,
    /// Number of repetitions of runs that were compared.
    pub repetitions: u64,
    /// Coverage of all its shards together.
    pub coverage: Coverage,
}

/// Findings with one signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// The signature that they have in common.
    pub signature: String,
    /// The exit code that they stand for.
    pub exit_code: ExitCode,
    /// Number of runs in which it was found.
    pub runs: u64,
    /// The shards that found it.
    pub shards: BTreeSet<String>,
    /// The smallest of them, as it was found.
    pub smallest: FindingRecord,
}

/// Something that is wrong with a file, or with the whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The exit code that it gives the merge.
    pub exit_code: ExitCode,
    /// The problem, and where it is.
    pub message: String,
}

/// Expectations of a merge, beside the claims of the records themselves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expected {
    /// There must be a campaign with each of these focuses.
    pub focuses: Vec<String>,
    /// By system, the seeded bugs of which each must have been found by a self-check of some shard.
    pub self_checks: BTreeMap<String, Vec<String>>,
}

/// Merges files, each with its name and its text.
#[must_use]
pub fn merge(files: &[(String, String)], expected: &Expected) -> Merged {
    let mut merged = Merged::default();
    let mut shards = Vec::new();
    for (name, text) in files {
        merged.read(name, text, &mut shards);
    }
    if files.is_empty() {
        merged.problem(ExitCode::Vacuous, "no file was given".to_owned());
    }
    let builds: BTreeSet<&str> = shards.iter().map(|shard| shard.build.as_str()).collect();
    if builds.len() > 1 {
        let builds: Vec<&str> = builds.into_iter().collect();
        let what = format!("the shards are of different builds: {}", builds.join(", "));
        merged.problem(ExitCode::Infrastructure, what);
    }
    let mut campaigns: BTreeMap<Key, Vec<VerdictRecord>> = BTreeMap::new();
    for shard in shards {
        let Some((_, of)) = numbers(&shard.shard) else {
            let what = format!("{:?} is no shard", shard.shard);
            merged.problem(ExitCode::Infrastructure, what);
            continue;
        };
        let key = Key {
            system: shard.system.clone(),
            focus: shard.focus.clone(),
            seeds: shard.seeds.clone(),
            of,
        };
        campaigns.entry(key).or_default().push(shard);
    }
    for focus in &expected.focuses {
        if !campaigns.keys().any(|key| key.focus == *focus) {
            let what = format!("{focus}: no shard of it reported");
            merged.problem(ExitCode::Infrastructure, what);
        }
    }
    for (key, shards) in campaigns {
        let self_checks = expected.self_checks.get(&key.system);
        merged.campaign(&key, &shards, self_checks.map_or(&[], Vec::as_slice));
    }
    merged
        .groups
        .sort_by_key(|group| (group.exit_code.severity(), group.signature.clone()));
    let codes = merged.groups.iter().map(|group| group.exit_code);
    let problems = merged.problems.iter().map(|problem| problem.exit_code);
    merged.exit_code = most_severe(codes.chain(problems));
    merged
}

/// Fields that the records of one campaign have in common.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    system: String,
    focus: String,
    seeds: String,
    of: u64,
}

fn is_last_line(text: &str, index: usize) -> bool {
    index + 1 == text.lines().count()
}

fn has_more_lines(text: &str) -> bool {
    text.lines().count() > 1
}

/// Shard k of n, as "k/n".
fn numbers(shard: &str) -> Option<(u64, u64)> {
    let (index, of) = shard.split_once('/')?;
    let (index, of) = (index.parse().ok()?, of.parse().ok()?);
    (index < of).then_some((index, of))
}

impl Merged {
    fn problem(&mut self, exit_code: ExitCode, what: String) {
        self.problems.push(Problem {
            exit_code,
            message: what,
        });
    }

    fn read(&mut self, name: &str, text: &str, shards: &mut Vec<VerdictRecord>) {
        let mut runs = 0;
        let mut ends_with_a_verdict = false;
        let mut is_cut = false;
        if text.trim().is_empty() {
            let what = format!(
                "{name}: the file is empty: its campaign was ended before the first run, or still \
                 runs; execute this shard again"
            );
            return self.problem(ExitCode::Infrastructure, what);
        }
        // The findings of a campaign that has no verdict yet.
        let mut found: Vec<FindingRecord> = Vec::new();
        for (index, line) in text.lines().enumerate() {
            if line.trim().is_empty() {
                continue;
            }
            ends_with_a_verdict = false;
            match serde_json::from_str(line) {
                Ok(Record::Run(_)) => runs += 1,
                Ok(Record::Finding(finding)) => found.push(finding),
                Ok(Record::Verdict(verdict)) => {
                    // The run in which the machine failed is a line and does not count.
                    let is_complete = runs == verdict.runs
                        || (verdict.exit_code == ExitCode::Infrastructure
                            && runs == verdict.runs + 1);
                    if !is_complete {
                        let what = format!(
                            "{name}:{}: the verdict is over {} runs, {runs} lines are there",
                            index + 1,
                            verdict.runs
                        );
                        self.problem(ExitCode::Infrastructure, what);
                    }
                    runs = 0;
                    found.clear();
                    ends_with_a_verdict = true;
                    shards.push(*verdict);
                }
                // Nothing before it was a record either: this is another file.
                Err(_) if index == 0 && (has_more_lines(text) || text.ends_with('\n')) => {
                    let what = format!(
                        "{name}: its first line is no record of a campaign; name a file that \
                         `run --json` wrote"
                    );
                    return self.problem(ExitCode::Usage, what);
                }
                Err(_) if is_last_line(text, index) && !text.ends_with('\n') => is_cut = true,
                Err(error) => {
                    let what = format!(
                        "{name}:{}: no record of a campaign: {error}; execute this shard again",
                        index + 1
                    );
                    self.problem(ExitCode::Infrastructure, what);
                }
            }
        }
        if !ends_with_a_verdict {
            let end = match is_cut {
                true => "its last line is cut off",
                false => "it does not end with a verdict",
            };
            let what = format!(
                "{name}: {end}: its campaign was ended, or still runs; execute this shard again"
            );
            self.problem(ExitCode::Infrastructure, what);
        }
        for finding in found {
            self.add_finding(name, finding);
        }
    }

    fn campaign(&mut self, key: &Key, shards: &[VerdictRecord], self_checks: &[String]) {
        let of = key.of;
        let name = match key.system.as_str() {
            "ledger" => format!("{}, seeds {}", key.focus, key.seeds),
            system => format!("{system}, {}, seeds {}", key.focus, key.seeds),
        };
        let mut campaign = CampaignMerged {
            name: name.clone(),
            shards: (0, of),
            runs: 0,
            repetitions: 0,
            coverage: Coverage::default(),
        };
        let mut seeded_bugs = BTreeSet::new();
        let mut seen = BTreeSet::new();
        let mut is_complete = true;
        for shard in shards {
            if !seen.insert(&shard.shard) {
                let what = format!("{name}: shard {} reported more than once", shard.shard);
                self.problem(ExitCode::Infrastructure, what);
                continue;
            }
            campaign.runs += shard.runs;
            campaign.repetitions += shard.repetitions;
            seeded_bugs.extend(shard.seeded_bugs.iter().map(String::as_str));
            let counts = shard.coverage.iter().chain(&shard.totals);
            match Coverage::from_names(&key.system, counts) {
                Ok(coverage) => campaign.coverage.add(&coverage),
                Err(reason) => {
                    let what = format!("{name}: shard {}: {reason}", shard.shard);
                    self.problem(ExitCode::Infrastructure, what);
                }
            }
            let has_no_verdict = [ExitCode::Infrastructure, ExitCode::Interrupted];
            if has_no_verdict.contains(&shard.exit_code) {
                is_complete = false;
            } else if shard.exit_code == ExitCode::Vacuous && of > 1 {
                // A shard is asked for so little that without it nothing at all happened there.
                let what = format!("{name}: shard {} is {}", shard.shard, shard.detail);
                self.problem(ExitCode::Vacuous, what);
            }
            self.findings(&name, shard);
        }
        campaign.shards.0 = seen.len() as u64;
        for index in 0..of {
            if !seen.contains(&format!("{index}/{of}")) {
                is_complete = false;
                let what = format!("{name}: shard {index}/{of} is missing");
                self.problem(ExitCode::Infrastructure, what);
            }
        }
        for bug in self_checks {
            if !seeded_bugs.contains(bug.as_str()) {
                let what = format!("{name}: the self-check of no shard found the seeded bug {bug}");
                self.problem(ExitCode::Unreliable, what);
            }
        }
        let focus = (key.focus != "default").then_some(key.focus.as_str());
        if focus.is_some_and(|focus| !is_focus(&key.system, focus)) {
            let what = format!("{name}: there is no preset {:?}", key.focus);
            self.problem(ExitCode::Infrastructure, what);
        } else if is_complete && !key.seeds.contains("run") {
            // One run, chosen by hand, is asked for nothing; and of a shard that is not there it is not
            // known what it would have reached.
            let missing = campaign.coverage.missing(&key.system, focus);
            if !missing.is_empty() {
                let what = format!("{name}: never reached: {}", missing.join(", "));
                self.problem(ExitCode::Vacuous, what);
            }
        }
        self.campaigns.push(campaign);
    }

    fn findings(&mut self, campaign: &str, shard: &VerdictRecord) {
        let place = format!("{campaign}, shard {}", shard.shard);
        for finding in &shard.findings {
            self.add_finding(&place, finding.clone());
        }
        // A shard is not asked for everything, so what makes it vacuous is said of the whole.
        let is_said = matches!(shard.exit_code, ExitCode::Passed | ExitCode::Vacuous)
            || !shard.findings.is_empty();
        if !is_said {
            self.add_finding(
                &place,
                FindingRecord {
                    signature: without_numbers(&shard.detail),
                    exit_code: shard.exit_code,
                    runs: 1,
                    seed: 0,
                    run: 0,
                    detail: shard.detail.clone(),
                    reproducer: None,
                    unshrunk: None,
                    shrunk: None,
                    size: u64::MAX,
                },
            );
        }
    }

    fn add_finding(&mut self, place: &str, finding: FindingRecord) {
        let known = self
            .groups
            .iter_mut()
            .find(|group| group.signature == finding.signature);
        let order = |finding: &FindingRecord| {
            let has_none = finding.reproducer.is_none() && finding.unshrunk.is_none();
            (has_none, finding.size, finding.seed, finding.run)
        };
        match known {
            Some(group) => {
                group.runs += finding.runs;
                group.shards.insert(place.to_owned());
                group.exit_code = most_severe([group.exit_code, finding.exit_code]);
                if order(&finding) < order(&group.smallest) {
                    group.smallest = finding;
                }
            }
            None => self.groups.push(Group {
                signature: finding.signature.clone(),
                exit_code: finding.exit_code,
                runs: finding.runs,
                shards: BTreeSet::from([place.to_owned()]),
                smallest: finding,
            }),
        }
    }
}
