//! What says that it looks must be able to see: tests, checkers and planted defects of the whole
//! workspace, as far as it can be read off their sources.
//!
//! Whoever looks here is itself shown what it must find.

mod source;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use lockstep_bugs::BUGS;
use lockstep_fuzz::targets::TARGETS;
use lockstep_sim::invariants;

use source::{Function, Word, enums, functions, public_structs, tokens, words};

/// The packages whose tests are looked at.
const PACKAGES: [&str; 11] = [
    "core",
    "core/sync",
    "sim",
    "sim/harness",
    "sim/cluster",
    "sim/bugs",
    "sim/cli",
    "loom-tests",
    "fuzz",
    "benches",
    "benches/instructions",
];

const NOBODY: [&str; 0] = [];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The source files in these folders of a package, in the order of their names.
fn files(package: &str, folders: &[&str]) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for folder in folders {
        gather(&root().join(package).join(folder), &mut files);
    }
    files.sort();
    files
}

fn gather(folder: &Path, files: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries {
        let path = entry.expect("a folder of the repository is listed").path();
        if path.is_dir() {
            gather(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The functions of a file, which is one of tests where its path says so.
fn functions_of(path: &Path) -> Vec<Function> {
    let is_of_tests = path.components().any(|part| {
        ["tests", "tests.rs"]
            .map(AsRef::as_ref)
            .contains(&part.as_os_str())
    });
    functions(tokens(&text(path)), is_of_tests)
}

fn functions_of_package(package: &str) -> Vec<Function> {
    files(package, &["src", "tests", "examples", "benches"])
        .iter()
        .flat_map(|path| functions_of(path))
        .collect()
}

/// The tests of a package that nothing can make fail: they assert nothing, expect nothing and call
/// nobody who does.
///
/// Who is called is known by name alone, so a test may pass for one that can fail; never the other
/// way round.
fn toothless(functions: &[Function]) -> Vec<&str> {
    // What a program expects of its own data is not what a test claims.
    let fails = |one: &Function| one.asserts() || one.is_for_tests && one.expects();
    let helpers = || functions.iter().filter(|one| !one.is_test());
    let mut failing: BTreeSet<&str> = BTreeSet::new();
    loop {
        let more = helpers()
            .filter(|one| fails(one) || one.calls().any(|name| failing.contains(name.as_str())));
        let more: BTreeSet<&str> = more.map(|one| one.name.as_str()).collect();
        if more == failing {
            break;
        }
        failing = more;
    }
    let can_fail = |one: &Function| {
        let calls = || one.calls().any(|name| failing.contains(name.as_str()));
        one.has_attribute("should_panic") || one.asserts() || one.expects() || calls()
    };
    functions
        .iter()
        .filter(|one| one.is_test() && !can_fail(one))
        .map(|one| one.name.as_str())
        .collect()
}

fn ignored(functions: &[Function]) -> Vec<&str> {
    let ignored = functions.iter().filter(|one| one.has_attribute("ignore"));
    ignored.map(|one| one.name.as_str()).collect()
}

#[test]
fn every_test_can_fail() {
    for package in PACKAGES {
        let functions = functions_of_package(package);
        assert_eq!(toothless(&functions), NOBODY, "in {package}");
    }
}

#[test]
fn no_test_is_ignored() {
    for package in PACKAGES {
        let functions = functions_of_package(package);
        assert_eq!(ignored(&functions), NOBODY, "in {package}");
    }
}

/// Or the two tests above look at nothing.
#[test]
fn the_tests_of_every_package_are_seen() {
    for (package, name) in [
        ("core", "what_was_put_is_got"),
        // It stands in `proptest!`.
        (
            "core",
            "the_linear_pass_agrees_with_the_quadratic_reference",
        ),
        ("sim", "an_honest_step_violates_nothing"),
        ("loom-tests", "the_checkers_mount_the_same_files"),
        ("fuzz", "a_decoder_that_believes_a_length_is_found"),
    ] {
        let functions = functions_of_package(package);
        let mut tests = functions.iter().filter(|one| one.is_test());
        assert!(tests.any(|one| one.name == name), "{name} in {package}");
    }
}

/// The members of the workspace are packages that are looked at.
#[test]
fn no_member_of_the_workspace_is_forgotten() {
    let manifest = text(&root().join("Cargo.toml"));
    let members = manifest
        .lines()
        .find_map(|line| line.strip_prefix("members = "));
    let members = members.expect("the workspace has members");
    let members: Vec<String> = serde_json::from_str(members).expect("they are a list of names");
    assert_eq!(members, PACKAGES);
}

#[test]
fn a_test_that_cannot_fail_is_found() {
    for body in [
        "",
        "let sum = 1 + 1;",
        "println!(\"assert!(false)\"); /* panic!() */",
        "let _ = run(); helper();",
        "let is_it = 1 == 2;",
        "Some(1).unwrap_or(2);",
    ] {
        let file = format!("fn helper() {{ run() }} fn run() {{}} #[test] fn it() {{ {body} }}");
        assert_eq!(toothless(&functions(tokens(&file), true)), ["it"], "{body}");
    }
}

#[test]
fn a_test_that_cannot_fail_is_found_in_a_module_and_in_a_macro() {
    for file in [
        "#[cfg(test)] mod tests { #[test] fn it() {} }",
        "proptest! { #![config(1)] #[test] fn it(x in 0..5u8) { let _ = x; } }",
        "#[tokio::test] async fn it() {}",
        "/// assert!(true)\n#[test]\n#[cfg(unix)]\npub(crate) fn it() { run::<u8>() }",
        // What a program expects is no claim of a test.
        "fn run() { Some(1).expect(\"it is there\"); } #[cfg(test)] mod tests { #[test] fn it() { run(); } }",
    ] {
        assert_eq!(toothless(&functions(tokens(file), false)), ["it"], "{file}");
    }
}

#[test]
fn a_test_that_can_fail_is_let_pass() {
    for body in [
        "assert_eq!(1, 1);",
        "prop_assert!(true);",
        "if false { panic!() }",
        "run().expect(\"it works\");",
        "run()?;",
        "check(1);",
        "self::over(1);",
        "over::<u8>(1);",
        "holds!(1 == 1);",
    ] {
        let helpers = "fn check(x: u8) { assert!(x > 0) } fn over(x: u8) { check(x) }";
        let rules = "macro_rules! holds { ($x:expr) => { assert!($x) }; }";
        let file = format!("{helpers} {rules} #[test] fn it() {{ {body} }}");
        assert_eq!(toothless(&functions(tokens(&file), true)), NOBODY, "{body}");
    }
    let panics = "#[test] #[should_panic(expected = \"it\")] fn it() { run() }";
    assert_eq!(toothless(&functions(tokens(panics), true)), NOBODY);
}

#[test]
fn an_ignored_test_is_found() {
    for attribute in [
        "#[ignore]",
        "#[ignore = \"it is slow\"]",
        "#[cfg_attr(miri, ignore)]",
    ] {
        for file in [
            format!("#[test] {attribute} fn it() {{ assert!(true) }}"),
            format!("mod tests {{ {attribute} #[test] fn it() {{ assert!(true) }} }}"),
            format!("proptest! {{ #[test] {attribute} fn it(x in 0..5u8) {{ assert!(x < 5) }} }}"),
        ] {
            assert_eq!(ignored(&functions(tokens(&file), true)), ["it"], "{file}");
        }
    }
    let said = "/// Is never ignored.\n#[test] fn it() { ignore() }";
    assert_eq!(ignored(&functions(tokens(said), true)), NOBODY);
}

/// Whether a test has this word in its body.
fn is_named(word: &Word, functions: &[Function]) -> bool {
    let mut tests = functions.iter().filter(|one| one.is_test());
    tests.any(|one| one.body.contains(word))
}

/// Those of these names that no test has in its body, between quotes.
fn unnamed<'n>(names: &[&'n str], functions: &[Function]) -> Vec<&'n str> {
    let quoted = |name: &str| Word::Literal(format!("{name:?}"));
    let names = names.iter().copied();
    names
        .filter(|name| !is_named(&quoted(name), functions))
        .collect()
}

fn tests_of_invariants() -> Vec<Function> {
    let mut files = files("sim", &["src/invariants/tests"]);
    files.push(root().join("sim/src/invariants/tests.rs"));
    files.iter().flat_map(|path| functions_of(path)).collect()
}

#[test]
fn every_invariant_is_seen_to_name_a_defect() {
    let names = invariants::ALL.map(|check| check.invariant.name);
    assert_eq!(unnamed(&names, &tests_of_invariants()), NOBODY);
}

#[test]
fn an_invariant_that_no_test_names_is_found() {
    let name = "nobody-asks-this";
    assert_eq!(unnamed(&[name], &tests_of_invariants()), [name]);
    // To be spoken of by a function that is no test is not enough.
    let helper = functions(
        tokens("fn check() { assert_eq!(name, Some(\"it\")) }"),
        true,
    );
    assert_eq!(unnamed(&["it"], &helper), ["it"]);
}

/// What judges several nodes beside the invariants has a constant for a name, or a literal.
#[test]
fn what_judges_several_nodes_is_seen_to_name_a_defect() {
    let functions = functions_of(&root().join("sim/cluster/tests/nodes.rs"));
    for constant in ["BEFORE_OR_AFTER", "SAME_BYTES", "NODES_CONVERGE"] {
        let word = Word::Name(constant.to_owned());
        assert!(is_named(&word, &functions), "{constant}");
    }
    let literals = ["makes-sense", "reads-back"];
    assert_eq!(unnamed(&literals, &functions), NOBODY);
    let judge = words(tokens(&text(&root().join("sim/cluster/src/judge.rs"))));
    for literal in literals {
        let word = Word::Literal(format!("{literal:?}"));
        assert!(
            judge.contains(&word),
            "{literal} is a name that the judge gives"
        );
    }
}

/// Whether one of these tests shows a finding.
fn shows_a_finding(functions: &[Function]) -> bool {
    functions.iter().any(|one| {
        let says_so = one.name.ends_with("_is_found") || one.name.ends_with("_are_found");
        one.is_test() && (one.has_attribute("should_panic") || says_so)
    })
}

/// The functions of a target's own file, or folder.
fn functions_of_target(name: &str) -> Vec<Function> {
    let mut files = files("fuzz", &[&format!("src/targets/{name}")]);
    files.push(root().join(format!("fuzz/src/targets/{name}.rs")));
    files.iter().flat_map(|path| functions_of(path)).collect()
}

#[test]
fn every_fuzz_target_is_seen_to_find_a_defect() {
    for (name, _) in TARGETS {
        let functions = functions_of_target(name);
        assert!(
            shows_a_finding(&functions),
            "{name} is not seen to find anything"
        );
    }
}

#[test]
fn a_target_that_is_not_seen_to_find_anything_is_found() {
    for file in [
        "#[test] fn core_violates_nothing() { check() }",
        "#[should_panic] fn a_defect_is_found() { check() }",
        "fn check() { panic!() }",
    ] {
        assert!(!shows_a_finding(&functions(tokens(file), true)), "{file}");
    }
    let file = "#[test] #[should_panic(expected = \"it\")] fn it() { check() }";
    assert!(shows_a_finding(&functions(tokens(file), true)));
}

/// Planted defects that are no row of `docs/known-bugs.md`: what no executor had as far as is known,
/// and what only shows that somebody looks.
const THE_HARNESS_OWN: [(&str, &[&str]); 3] = [
    // Whoever does not see a canary is blind; `sim/tests/properties.rs` shows each.
    (
        "sim/src/canary.rs",
        &["FeeMisreported", "RewindForgotten", "UnitLost"],
    ),
    ("sim/src/crash/seeded_bugs.rs", &["DiskLiesAboutSyncs"]),
    (
        "sim/cluster/src/seeded_bugs.rs",
        &[
            "AsksForNothing",
            "LyingDisk",
            "SkipsAfterRestart",
            "StuckAfterError",
            "TakesAgain",
        ],
    ),
];

/// The planted defects of the harness, by the file that they are in. Those of the specimens are made
/// by a macro together with their names, which `sim/bugs/tests/bugs.rs` holds against the page.
fn planted() -> BTreeMap<String, Vec<String>> {
    let mut planted = BTreeMap::new();
    let packages = ["sim", "sim/cluster", "sim/bugs"].into_iter();
    for path in packages.flat_map(|package| files(package, &["src"])) {
        let of_file = planted_in(&path, &text(&path));
        if !of_file.is_empty() {
            let name = path.strip_prefix(root()).expect("it was found below");
            planted.insert(name.to_string_lossy().replace('\\', "/"), of_file);
        }
    }
    planted
}

/// The variants of enums that are called so, and in a file that is called so what it gives others to
/// put around something.
fn planted_in(path: &Path, text: &str) -> Vec<String> {
    let mut planted: Vec<String> = enums(tokens(text))
        .into_iter()
        .filter(|one| ["Defect", "Planted"].contains(&one.name.as_str()))
        .flat_map(|one| one.variants)
        .collect();
    if path.ends_with("seeded_bugs.rs") {
        planted.extend(public_structs(tokens(text)));
    }
    planted
}

/// Those that no engine is told of and nobody lists.
fn without_a_row(
    planted: &BTreeMap<String, Vec<String>>,
    is_row: impl Fn(&str, &str) -> bool,
) -> Vec<String> {
    let is_own = |file: &str, variant: &str| {
        let mut own = THE_HARNESS_OWN.iter();
        own.any(|(own, variants)| *own == file && variants.contains(&variant))
    };
    let all = planted
        .iter()
        .flat_map(|(file, variants)| variants.iter().map(move |variant| (file, variant)));
    all.filter(|(file, variant)| !is_own(file, variant) && !is_row(file, variant))
        .map(|(file, variant)| format!("{file}: {variant}"))
        .collect()
}

/// Whether a defect is a row: a node's by its name, any other because an engine names its variant.
fn is_row(file: &str, variant: &str) -> bool {
    if file == "sim/cluster/src/seeded_bugs.rs" {
        let mut all = lockstep_cluster::Defect::ALL.into_iter();
        let defect = all.find(|defect| format!("{defect:?}") == variant);
        let name = defect.expect("every variant is one of all").name();
        return BUGS.iter().any(|bug| bug.id == name);
    }
    let word = Word::Name(variant.to_owned());
    files("sim/bugs", &["src"])
        .iter()
        .any(|path| words(tokens(&text(path))).contains(&word))
}

#[test]
fn every_planted_defect_is_a_row_or_the_harness_own() {
    let planted = planted();
    assert_eq!(without_a_row(&planted, is_row), NOBODY);
    for (file, own) in THE_HARNESS_OWN {
        for variant in own {
            let is_there = planted[file].iter().any(|one| one == variant);
            assert!(is_there && !is_row(file, variant), "{file}: {variant}");
        }
    }
}

#[test]
fn a_planted_defect_without_a_row_is_found() {
    let path = Path::new("sim/cluster/src/seeded_bugs.rs");
    let planted = planted_in(
        path,
        "/// It.\n#[derive(Debug)]\npub enum Planted { /// One.\n LyingDisk, Other(u8), Last }\n\
         pub struct Around<S>(S); struct Private; pub enum Unlike { Them }",
    );
    assert_eq!(planted, ["LyingDisk", "Other", "Last", "Around"]);
    let planted = BTreeMap::from([("sim/cluster/src/seeded_bugs.rs".to_owned(), planted)]);
    let found = without_a_row(&planted, |_, variant| variant == "Last");
    assert_eq!(
        found,
        [
            "sim/cluster/src/seeded_bugs.rs: Other",
            "sim/cluster/src/seeded_bugs.rs: Around"
        ]
    );
    assert!(!is_row("sim/src/crash/seeded_bugs.rs", "NobodyPlantedThis"));
}
