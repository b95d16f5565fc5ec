//! Deployment files, as far as they can be tested on one machine: their lists are the program's, their
//! shards are a whole campaign, and only exit code 20 is retried.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use lockstep_sim::conflict_pattern::ConflictPattern;
use lockstep_sim::generate::Preset;
use serde_json::Value;
use tempfile::TempDir;
use yaml_rust2::{Yaml, YamlLoader};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn text(file: &str) -> String {
    let path = root().join(file);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The documents of a YAML file.
fn yaml(file: &str) -> Vec<Value> {
    let documents = YamlLoader::load_from_str(&text(file));
    let documents = documents.unwrap_or_else(|error| panic!("{file}: {error}"));
    documents.iter().map(plain).collect()
}

fn plain(yaml: &Yaml) -> Value {
    match yaml {
        Yaml::Integer(number) => (*number).into(),
        Yaml::Boolean(is_true) => (*is_true).into(),
        Yaml::String(text) => text.as_str().into(),
        Yaml::Array(list) => list.iter().map(plain).collect(),
        Yaml::Hash(fields) => fields
            .iter()
            .map(|(name, value)| (name.as_str().expect("a name is a text"), plain(value)))
            .collect(),
        Yaml::Null => Value::Null,
        other => panic!("{other:?} is nothing that these files need"),
    }
}

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A folder for the output of a script, with programs of its own that come first in PATH.
struct Sandbox {
    folder: TempDir,
}

impl Sandbox {
    /// `lockstep` is the real one.
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("there is room for a temporary folder");
        let bin = folder.path().join("bin");
        fs::create_dir(&bin).expect("a folder can be made");
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_lockstep"), bin.join("lockstep"))
            .expect("a link can be made");
        Sandbox { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Adds a program made of these lines of shell.
    fn program(self, name: &str, lines: &str) -> Self {
        let path = self.path("bin").join(name);
        // In place of the link, not through it.
        let _ = fs::remove_file(&path);
        fs::write(&path, format!("#!/bin/sh\n{lines}\n")).expect("a program can be written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755))
            .expect("a program can be made one");
        self
    }

    fn run(&self, program: &str, arguments: &[&str], environment: &[(&str, &str)]) -> Output {
        let mut command = Command::new(program);
        for (variable, _) in std::env::vars_os() {
            let name = variable.to_string_lossy();
            if name.starts_with("LOCKSTEP_") || name.starts_with("SLURM_") {
                command.env_remove(&variable);
            }
        }
        let path = std::env::var("PATH").expect("there is a PATH");
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env("PATH", format!("{}:{path}", self.path("bin").display()))
            .env("RESULTS", self.path("results"))
            .env("RETRY_SECONDS", "0")
            .envs(environment.iter().copied())
            .output()
            .unwrap_or_else(|error| panic!("{program}: {error}"))
    }

    fn lines(&self, name: &str) -> Vec<String> {
        let text = fs::read_to_string(self.path(name)).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// Exit code and output of `lockstep merge` over the files of a folder.
    fn merged(&self, folder: &str) -> (Option<i32>, String) {
        let all = format!("exec lockstep merge {folder}/*.jsonl");
        let output = self.run("sh", &["-c", &all], &[]);
        (output.status.code(), out(&output))
    }
}

/// A campaign of a few seconds that reaches its coverage points.
const SMALL: [(&str, &str); 3] = [
    ("LOCKSTEP_RUN_PRESET", "reorg"),
    ("LOCKSTEP_RUN_SEEDS", "0..8"),
    ("LOCKSTEP_RUN_JOBS", "1"),
];

#[test]
fn the_nightly_jobs_are_every_pattern_every_preset_and_every_shard() {
    let nightly = &yaml(".github/workflows/nightly.yml")[0];
    let matrix = |job: &str, list: &str| -> Vec<String> {
        let values = &nightly["jobs"][job]["strategy"]["matrix"][list];
        let values = values
            .as_array()
            .unwrap_or_else(|| panic!("{job} has no {list}"));
        let texts = values.iter().map(|value| match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        });
        texts.collect()
    };
    assert_eq!(
        matrix("stress", "pattern"),
        ConflictPattern::ALL.map(ConflictPattern::name)
    );
    assert_eq!(matrix("stress", "txs"), ["10000", "30000", "65535"]);
    assert_eq!(matrix("campaign", "preset"), Preset::ALL.map(Preset::name));
    let shards = matrix("campaign", "shard");
    assert_eq!(shards, ["0", "1", "2", "3"]);

    let steps = |job: &str| -> String {
        let steps = nightly["jobs"][job]["steps"].as_array();
        let steps = steps.unwrap_or_else(|| panic!("{job} has no steps")).iter();
        let runs: Vec<&str> = steps.filter_map(|step| step["run"].as_str()).collect();
        runs.join("\n")
    };
    assert!(steps("campaign").contains("--shard ${{ matrix.shard }}/4 "));
    let expected = Preset::ALL.map(Preset::name).join(",");
    assert!(steps("verdict").contains(&format!("merge --expect {expected} ")));
    assert!(
        steps("bugs")
            .contains("-- bugs --seeds 11 --budget 10s --html bugs.html --json >bugs.jsonl")
    );
    let shards: Vec<String> = (0..16).map(|shard| shard.to_string()).collect();
    assert_eq!(matrix("mutants", "shard"), shards);
    assert!(steps("mutants").contains("deploy/mutants.sh ${{ matrix.shard }}/16"));
    assert!(
        steps("schedules").contains(
            "-- explore --seeds ${{ github.run_number }}000..${{ github.run_number }}999"
        )
    );
    for (job, commands) in [("stress", 1), ("faults", 2), ("campaign", 1)] {
        let tried = steps(job).matches("deploy/retry.sh 3 ").count();
        assert_eq!(tried, commands, "{job}");
    }
}

#[test]
fn the_nightly_commands_are_commands_of_the_program() {
    let sandbox = Sandbox::new();
    let nightly = text(".github/workflows/nightly.yml");
    let commands: Vec<String> = nightly
        .lines()
        .filter(|line| !line.contains("chmod"))
        .filter_map(|line| line.split_once("target/release/lockstep "))
        .map(|(_, arguments)| arguments)
        .map(|arguments| {
            let end = arguments.find(['>', '|']).unwrap_or(arguments.len());
            arguments[..end]
                .replace("${{ matrix.txs }}", "20")
                .replace("${{ matrix.pattern }}", "hot")
                .replace("${{ matrix.preset }}", "reorg")
                .replace("${{ matrix.shard }}", "3")
                .replace("$DURATION", "0s")
                .replace("$SEEDS", "7000000..7999999")
                .replace("--blocks 20000", "--blocks 2")
                .replace("$SEED", "9fceb02d0ae598e95dc970b74767f19372d61af8")
                .replace("shards/*.jsonl", "shard.jsonl")
        })
        .collect();
    assert_eq!(commands.len(), 5, "{commands:?}");
    fs::write(sandbox.path("shard.jsonl"), "").expect("a file can be written");
    // Stress and crashes that passed, networks and a campaign of no time at all, a merge of nothing.
    let codes = commands.iter().map(|command| {
        let arguments: Vec<&str> = command.split_whitespace().collect();
        sandbox.run("lockstep", &arguments, &[]).status.code()
    });
    let codes: Vec<Option<i32>> = codes.collect();
    assert_eq!(codes, [0, 0, 15, 15, 20].map(Some));
}

#[test]
fn only_20_is_tried_again_and_not_for_ever() {
    let retry = root().join("deploy/retry.sh").display().to_string();
    for (codes, tries, last) in [
        ("0", 1, 0),
        ("10", 1, 10),
        ("15", 1, 15),
        ("20 11", 2, 11),
        ("20 20 0", 3, 0),
        ("20 20 20 0", 3, 20),
    ] {
        // Exits with one code after another.
        let sandbox = Sandbox::new().program(
            "flaky",
            "echo tried >>tries\nset -- $CODES\nshift $(($(wc -l <tries) - 1))\nexit $1",
        );
        let output = sandbox.run(&retry, &["3", "flaky"], &[("CODES", codes)]);
        assert_eq!(output.status.code(), Some(last), "{codes}");
        assert_eq!(sandbox.lines("tries").len(), tries, "{codes}");
    }
}

#[test]
fn a_mutant_that_hangs_is_caught_and_one_that_is_missed_fails_the_job() {
    let mutants = root().join("deploy/mutants.sh").display().to_string();
    for (code, missed, last) in [
        ("0", "", 0),
        ("3", "", 0),
        ("2", "a mutant", 2),
        ("3", "a mutant", 2),
        ("4", "", 4),
        ("70", "", 70),
    ] {
        let sandbox = Sandbox::new().program(
            "cargo",
            "mkdir mutants.out\nprintf \"$MISSED\" >mutants.out/missed.txt\necho \"$@\" >asked\nexit $CODE",
        );
        let output = sandbox.run(&mutants, &["3/16"], &[("CODE", code), ("MISSED", missed)]);
        assert_eq!(output.status.code(), Some(last), "{code} {missed:?}");
        assert_eq!(out(&output), missed);
        let asked = "mutants --package lockstep-core --package lockstep-sync --in-place --no-shuffle \
                     --shard 3/16";
        assert_eq!(sandbox.lines("asked"), [asked]);
    }
}

/// Returns whether the Job controller retries a pod with this exit code: the first rule that matches
/// decides, and a code without a rule is retried.
fn is_tried_again(job: &Value, code: i64) -> bool {
    let rules = job["spec"]["podFailurePolicy"]["rules"].as_array();
    let rules = rules.expect("it has rules").iter();
    let action = rules
        .filter(|rule| {
            let on = &rule["onExitCodes"];
            let is_in = on["values"]
                .as_array()
                .is_some_and(|values| values.contains(&code.into()));
            match on["operator"].as_str() {
                Some("In") => is_in,
                Some("NotIn") => !is_in,
                _ => false,
            }
        })
        .map(|rule| rule["action"].as_str())
        .next();
    match action {
        None | Some(Some("Count")) => true,
        Some(Some("FailIndex" | "FailJob")) => false,
        other => panic!("{other:?} is no action on an exit code"),
    }
}

#[test]
fn a_kubernetes_job_tries_20_again_and_nothing_else() {
    let documents = yaml("deploy/kubernetes/campaign.yaml");
    let [claim, job] = &documents[..] else {
        panic!("a claim and a job: {documents:?}");
    };
    assert_eq!(claim["kind"], "PersistentVolumeClaim");
    assert_eq!(job["kind"], "Job");
    let spec = &job["spec"];
    assert_eq!(spec["completionMode"], "Indexed");
    assert_eq!(spec["template"]["spec"]["restartPolicy"], "Never");
    assert!(spec["backoffLimitPerIndex"].as_u64() > Some(0));
    let again: Vec<i64> = (1..256).filter(|code| is_tried_again(job, *code)).collect();
    assert_eq!(again, [20]);
    let container = &spec["template"]["spec"]["containers"][0]["name"];
    let rules = spec["podFailurePolicy"]["rules"]
        .as_array()
        .expect("it has rules");
    let named = rules
        .iter()
        .filter_map(|rule| rule["onExitCodes"].get("containerName"));
    assert!(named.eq([container]), "the rule is about the container");
}

/// The script of the first container of a Job, with its results in a folder, and its environment.
fn pod(job: &Value, results: &str) -> (String, Vec<(String, String)>) {
    let container = &job["spec"]["template"]["spec"]["containers"][0];
    assert_eq!(container["command"], serde_json::json!(["/bin/sh", "-c"]));
    let script = container["args"][0].as_str().expect("it has a script");
    let set = container["env"].as_array().into_iter().flatten();
    let set = set.map(|variable| {
        let text = |field: &str| variable[field].as_str().expect("it is a text").to_owned();
        (text("name"), text("value").replace("/results", results))
    });
    (script.replace("/results", results), set.collect())
}

#[test]
fn the_pods_of_a_kubernetes_job_are_one_campaign() {
    let sandbox = Sandbox::new();
    let results = sandbox.path("results").display().to_string();
    let job = yaml("deploy/kubernetes/campaign.yaml").remove(1);
    let completions = job["spec"]["completions"].as_u64().expect("it is a number");
    assert_eq!(job["spec"]["parallelism"], completions);
    let (script, mut environment) = pod(&job, &results);
    // As the manifest has it, but for what takes so long.
    environment.retain(|(name, _)| name != "LOCKSTEP_RUN_FOR");
    for (name, value) in SMALL {
        environment.retain(|(set, _)| set != name);
        environment.push((name.to_owned(), value.to_owned()));
    }
    for index in 0..completions {
        let index = index.to_string();
        let mut of_pod: Vec<(&str, &str)> = environment
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        of_pod.push(("JOB_COMPLETION_INDEX", &index));
        let output = sandbox.run("sh", &["-c", &script], &of_pod);
        assert_eq!(output.status.code(), Some(0), "pod {index}: {output:?}");
    }
    let merge = yaml("deploy/kubernetes/merge.yaml").remove(0);
    assert_eq!(merge["spec"]["backoffLimit"], 0);
    let (script, _) = pod(&merge, &results);
    let output = sandbox.run("sh", &["-c", &script], &[]);
    let said = out(&output);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(
        said.contains(&format!("shards        {completions} of {completions}")),
        "{said}"
    );

    // Without one of them it does not pass.
    fs::remove_file(sandbox.path("results/shards/3-of-8.jsonl")).expect("it was written");
    let output = sandbox.run("sh", &["-c", &script], &[]);
    assert_eq!(output.status.code(), Some(20));
}

fn sbatch() -> String {
    root()
        .join("deploy/slurm/campaign.sbatch")
        .display()
        .to_string()
}

fn task<'t>(index: &'t str, of: &'t str) -> Vec<(&'t str, &'t str)> {
    vec![
        ("SLURM_ARRAY_JOB_ID", "77"),
        ("SLURM_ARRAY_TASK_ID", index),
        ("SLURM_ARRAY_TASK_COUNT", of),
    ]
}

#[test]
fn the_tasks_of_a_slurm_array_are_one_campaign() {
    let sandbox = Sandbox::new();
    for index in ["0", "1", "2"] {
        let environment = [task(index, "3"), SMALL.to_vec()].concat();
        let output = sandbox.run(&sbatch(), &[], &environment);
        assert_eq!(output.status.code(), Some(0), "task {index}: {output:?}");
    }
    let (code, said) = sandbox.merged("results/shards");
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("shards        3 of 3"), "{said}");
}

#[test]
fn a_slurm_task_is_queued_again_after_20_and_after_nothing_else() {
    for (code, restarts, queued) in [
        ("0", "0", 0),
        ("10", "0", 0),
        ("15", "0", 0),
        ("20", "0", 1),
        ("20", "2", 1),
        ("20", "3", 0),
    ] {
        let sandbox = Sandbox::new()
            .program("lockstep", "exit $CODE")
            .program("scontrol", "echo \"$@\" >>queued");
        let environment = [
            task("4", "6"),
            vec![("CODE", code), ("SLURM_RESTART_COUNT", restarts)],
        ];
        let output = sandbox.run(&sbatch(), &[], &environment.concat());
        assert_eq!(
            output.status.code().map(|code| code.to_string()).as_deref(),
            Some(code)
        );
        let expected = vec!["requeue 77_4".to_owned(); queued];
        assert_eq!(sandbox.lines("queued"), expected, "{code} after {restarts}");
    }
}

#[test]
fn a_slurm_array_that_splits_nothing_is_refused() {
    let sandbox = Sandbox::new().program("lockstep", "echo ran >>ran");
    let output = sandbox.run(&sbatch(), &[], &task("3", "3"));
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("--array=0-2"), "{said}");
    assert!(sandbox.lines("ran").is_empty());
}

#[test]
fn a_slurm_campaign_is_an_array_and_a_merge_after_it() {
    let submit = root().join("deploy/slurm/submit.sh").display().to_string();
    let sandbox = Sandbox::new().program("sbatch", "echo \"$@\" >>submitted\necho '77;cluster'");
    let dry = sandbox.run(&submit, &["--dry-run", "5"], &[]);
    assert_eq!(dry.status.code(), Some(0), "{dry:?}");
    let said = out(&dry);
    assert!(said.contains("--array=0-4"), "{said}");
    assert!(said.contains("lockstep run --shard 0/5 >"), "{said}");
    assert!(
        sandbox.lines("submitted").is_empty(),
        "a dry run submits nothing"
    );

    let output = sandbox.run(&submit, &["5"], &[]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let submitted = sandbox.lines("submitted");
    assert_eq!(submitted.len(), 2);
    assert!(submitted[0].contains("--array=0-4"), "{submitted:?}");
    assert!(submitted[0].ends_with("campaign.sbatch"), "{submitted:?}");
    assert!(submitted[1].contains("merge "), "{submitted:?}");
    assert!(
        submitted[1].ends_with("--dependency=afterany:77"),
        "{submitted:?}"
    );
}

#[test]
fn every_script_is_in_a_language_that_its_shell_knows() {
    let sandbox = Sandbox::new();
    let mut scripts = BTreeSet::new();
    for folder in ["deploy", "deploy/slurm"] {
        for entry in fs::read_dir(root().join(folder)).expect("the folder is there") {
            let path = entry.expect("the folder can be read").path();
            let is_script = path
                .extension()
                .is_some_and(|extension| extension == "sh" || extension == "sbatch");
            if is_script {
                scripts.insert(path.display().to_string());
            }
        }
    }
    assert_eq!(scripts.len(), 4, "{scripts:?}");
    for script in scripts {
        let output = sandbox.run("bash", &["-n", &script], &[]);
        assert_eq!(output.status.code(), Some(0), "{script}: {output:?}");
    }
}
