//! Tests of tests: every test, checker and seeded bug of the workspace must be able to find something,
//! as far as it can be read off their sources.
//!
//! Each rule is itself shown a text that it must find.

mod source;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use lockstep_bugs::{Bug, ENGINES};
use lockstep_cluster::{BEFORE_OR_AFTER, NODES_CONVERGE};
use lockstep_fuzz::targets::TARGETS;
use lockstep_harness::invariant;
use lockstep_harness::seeded_bug::{Entry, catalogue, is_spelled_as};
use lockstep_sim::canary::CanaryBug as Canary;
use lockstep_sim::invariants;
use lockstep_sim::trial::{MAKES_SENSE, SAME_ON_EVERY_STORAGE};

use source::{
    Function, Word, enums, enums_of_seeded_bugs, functions, public_structs, tokens, words_of_cfg,
};

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

const NONE: [&str; 0] = [];

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

/// The tests of a package that nothing can make fail: they assert nothing, expect nothing and call no
/// function that does.
///
/// Calls are known by name alone, so a test may pass for one that can fail; never the other way round.
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
        assert_eq!(toothless(&functions), NONE, "in {package}");
    }
}

#[test]
fn no_test_is_ignored() {
    for package in PACKAGES {
        let functions = functions_of_package(package);
        assert_eq!(ignored(&functions), NONE, "in {package}");
    }
}

/// Or the two tests above look at nothing.
#[test]
fn the_tests_of_every_package_are_seen() {
    for (package, name) in [
        ("core", "a_value_that_was_put_is_got"),
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
        assert_eq!(toothless(&functions(tokens(&file), true)), NONE, "{body}");
    }
    let panics = "#[test] #[should_panic(expected = \"it\")] fn it() { run() }";
    assert_eq!(toothless(&functions(tokens(panics), true)), NONE);
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
    assert_eq!(ignored(&functions(tokens(said), true)), NONE);
}

/// True if a test has this word in its body.
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
    let files = files("sim", &["src/invariants/tests"]);
    files.iter().flat_map(|path| functions_of(path)).collect()
}

#[test]
fn every_invariant_is_seen_to_name_a_bug() {
    let names = invariants::ALL.map(|check| check.invariant.name);
    assert_eq!(unnamed(&names, &tests_of_invariants()), NONE);
}

#[test]
fn an_invariant_that_no_test_names_is_found() {
    let name = "no-such-invariant";
    assert_eq!(unnamed(&[name], &tests_of_invariants()), [name]);
    // To be spoken of by a function that is no test is not enough.
    let helper = functions(
        tokens("fn check() { assert_eq!(name, Some(\"it\")) }"),
        true,
    );
    assert_eq!(unnamed(&["it"], &helper), ["it"]);
}

/// The judges of several nodes, like the invariants, must name a seeded bug, and are seen to: the tests
/// of nodes ask the catalogue.
#[test]
fn every_judge_of_several_nodes_is_seen_to_name_a_bug() {
    let bugs = lockstep_cluster::NodeBug::ALL.into_iter();
    let named: Vec<_> = bugs.flat_map(|bug| bug.seeding().named_by).collect();
    for invariant in [
        &BEFORE_OR_AFTER,
        &SAME_ON_EVERY_STORAGE,
        &NODES_CONVERGE,
        &MAKES_SENSE,
        &invariants::READS_BACK,
    ] {
        assert!(named.contains(&&invariant), "{invariant}");
    }
}

/// Seeded bugs of tests, which stand in no catalogue, each with the file that has it.
const OF_TESTS: [(&str, &str); 6] = [
    ("ClockStandsStill", "sim/tests/buggy/mod.rs"),
    ("DoneAfterAll", "sim/tests/buggy/mod.rs"),
    ("LastBlockForgotten", "sim/tests/buggy/mod.rs"),
    ("PanicsOnABlock", "sim/tests/buggy/mod.rs"),
    ("ReceiptLost", "sim/tests/buggy/mod.rs"),
    ("TrailingBytesTaken", "sim/src/trial/encoding.rs"),
];

/// The names by which sources speak of a bug or an invariant: `UnitLost` and `UNIT_LOST`, whichever
/// of the two and of `unit-lost` it is called.
fn spellings(name: &str) -> [String; 2] {
    let mut words: Vec<String> = vec![String::new()];
    for letter in name.chars() {
        if letter == '-' || letter.is_uppercase() {
            words.push(String::new());
        }
        if letter != '-' {
            let last = words.last_mut().expect("there is one from the beginning");
            last.push(letter.to_ascii_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    let capital = |word: &String| word[..1].to_uppercase() + &word[1..];
    let camel = words.iter().map(capital).collect();
    [camel, words.join("_").to_uppercase()]
}

/// True if these words speak of something: by its name in a literal, or by an identifier.
fn speaks_of(words: &[Word], name: &str) -> bool {
    let spellings = spellings(name);
    words.iter().any(|word| match word {
        Word::Literal(literal) => literal.contains(name),
        Word::Name(identifier) => spellings.contains(identifier),
        _ => false,
    })
}

/// The canary with this id.
fn canary(id: &str) -> Option<Canary> {
    let mut all = Canary::ALL.into_iter();
    all.find(|canary| canary.seeding().bug.id == id)
}

/// True if there is a seeded bug with this id: in the catalogue, or a test's own.
fn is_seeded(id: &str) -> bool {
    let is_of_a_test = |(bug, file): &(&str, &str)| {
        *bug == id && speaks_of(&source::words(tokens(&text(&root().join(file)))), id)
    };
    catalogue().iter().any(|entry| entry.bug.id == id) || OF_TESTS.iter().any(is_of_a_test)
}

/// True if it is shown that a bug violates an invariant: the harness asks it of every canary before
/// each campaign, and `sim/bugs/tests/invariants.rs` of each row that an engine meets; of any other bug
/// a test speaks of both.
fn is_shown(invariant: &str, bug: &str, functions: &[Function]) -> bool {
    if let Some(canary) = canary(bug) {
        return canary.named_by().name == invariant;
    }
    if Bug::named(bug).is_some_and(|bug| ENGINES.iter().any(|engine| engine.applies(bug))) {
        let asks = functions_of(&root().join("sim/bugs/tests/invariants.rs"));
        let name = "every_invariant_names_the_bug_of_the_catalogue_that_it_claims";
        return asks.iter().any(|one| one.is_test() && one.name == name);
    }
    // Tests of a node's bug ask the catalogue for the invariants that may name it.
    let may_name = catalogue().iter().any(|entry| {
        let named_by = entry.seedings.iter().flat_map(|seeding| seeding.named_by);
        entry.bug.id == bug && named_by.into_iter().any(|one| one.name == invariant)
    });
    functions.iter().any(|one| {
        let looks = one.is_test() || one.name == "self_check";
        looks && speaks_of(&one.body, bug) && (may_name || speaks_of(&one.body, invariant))
    })
}

/// All but this file, which speaks of what it does not show.
fn functions_of_the_harness() -> Vec<Function> {
    let packages = ["sim", "sim/harness", "sim/cluster", "sim/cli"].into_iter();
    let files = packages.flat_map(|package| files(package, &["src", "tests"]));
    files
        .filter(|path| !path.ends_with("honesty/main.rs"))
        .flat_map(|path| functions_of(&path))
        .collect()
}

#[test]
fn every_invariant_has_a_seeded_bug() {
    for invariant in invariant::registered().values() {
        assert!(is_seeded(invariant.seeded_bug), "{invariant:?}");
    }
}

#[test]
fn an_invariant_without_a_seeded_bug_is_found() {
    for id in ["", "no-such-bug", "MovedAway"] {
        assert!(!is_seeded(id), "{id}");
    }
}

#[test]
fn every_invariant_is_shown_to_catch_its_seeded_bug() {
    let functions = functions_of_the_harness();
    for invariant in invariant::registered().values() {
        let is_shown = is_shown(invariant.name, invariant.seeded_bug, &functions);
        assert!(is_shown, "{} by {invariant}", invariant.seeded_bug);
    }
}

#[test]
fn an_invariant_that_is_not_shown_to_catch_its_bug_is_found() {
    let functions = functions_of_the_harness();
    for (invariant, bug) in [
        ("rewind-restores", "unit-lost"),
        ("nodes-converge", "TrailingBytesTaken"),
        ("no-such-invariant", "lying-disk"),
    ] {
        assert!(
            !is_shown(invariant, bug, &functions),
            "{bug} by {invariant}"
        );
    }
    // To be spoken of by a function that is no test is not enough.
    let helper = functions_in("fn check() { assert_eq!(named(LyingDisk), \"before-or-after\") }");
    assert!(!is_shown("before-or-after", "lying-disk", &helper));
}

fn functions_in(text: &str) -> Vec<Function> {
    functions(tokens(text), true)
}

/// The names that the sources define with `invariant!`.
fn written_invariants(text: &str) -> BTreeSet<String> {
    // Examples in documentation and invariants of tests are in no program.
    let program = text.split("#[cfg(test)]").next().unwrap_or_default();
    let code = program
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    let program = code.collect::<Vec<_>>().join("\n");
    let definitions = program.split("static ").skip(1);
    let names = definitions.filter_map(|definition| {
        let (_, rest) = definition.split_once(": \"")?;
        let (name, rest) = rest.split_once('"')?;
        rest.starts_with(", exits ").then(|| name.to_owned())
    });
    names.collect()
}

#[test]
fn the_program_lists_every_invariant_that_the_sources_define() {
    let mut written = BTreeSet::new();
    for package in ["sim", "sim/harness", "sim/cluster", "sim/bugs", "sim/cli"] {
        let is_of_tests = |path: &PathBuf| {
            path.ends_with("tests.rs") || path.components().any(|part| part.as_os_str() == "tests")
        };
        let paths = files(package, &["src"]).into_iter();
        for path in paths.filter(|path| !is_of_tests(path)) {
            written.extend(written_invariants(&text(&path)));
        }
    }
    let output = Command::new(env!("CARGO_BIN_EXE_lockstep"))
        .args(["invariants", "--json"])
        .output()
        .expect("the program is there");
    let listed: BTreeSet<String> = String::from_utf8_lossy(&output.stdout)
        .lines()
        .map(|line| {
            let record: serde_json::Value = serde_json::from_str(line).expect("a line is JSON");
            record["invariant"]
                .as_str()
                .expect("it has a name")
                .to_owned()
        })
        .collect();
    assert!(listed.len() > 25, "{listed:?}");
    assert_eq!(listed, written);
}

#[test]
fn what_is_defined_with_the_macro_is_seen_and_nothing_else() {
    let text =
        "pub static IT: \"it-holds\", exits Hang, catches \"none\";\nstatic NAME: &str = \"no\";";
    assert_eq!(
        written_invariants(text),
        BTreeSet::from(["it-holds".to_owned()])
    );
}

/// True if one of these tests shows a finding.
fn shows_a_finding(functions: &[Function]) -> bool {
    functions.iter().any(|one| {
        let says_so = one.name.ends_with("_is_found") || one.name.ends_with("_are_found");
        one.is_test() && (one.has_attribute("should_panic") || says_so)
    })
}

/// The functions of a target's own file, or folder.
fn functions_of_target(name: &str) -> Vec<Function> {
    let mut files = files("fuzz", &[&format!("src/targets/{name}")]);
    if files.is_empty() {
        files.push(root().join(format!("fuzz/src/targets/{name}.rs")));
    }
    files.iter().flat_map(|path| functions_of(path)).collect()
}

#[test]
fn every_fuzz_target_is_seen_to_find_a_bug() {
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
        "#[should_panic] fn a_bug_is_found() { check() }",
        "fn check() { panic!() }",
    ] {
        assert!(!shows_a_finding(&functions(tokens(file), true)), "{file}");
    }
    let file = "#[test] #[should_panic(expected = \"it\")] fn it() { check() }";
    assert!(shows_a_finding(&functions(tokens(file), true)));
}

/// The sources in which a seeded bug may stand.
fn sources_with_bugs() -> Vec<(String, String)> {
    let packages = [
        "core",
        "sim",
        "sim/harness",
        "sim/cluster",
        "sim/bugs",
        "sim/cli",
    ];
    let paths = packages.iter().flat_map(|package| files(package, &["src"]));
    let with_text = paths.map(|path| {
        let name = path.strip_prefix(root()).expect("it was found below");
        (name.to_string_lossy().replace('\\', "/"), text(&path))
    });
    // What only a test has is no program's to switch on, and the macro is tried where it is defined.
    let exempt = ["/tests/", "/tests.rs", "src/seeded_bug.rs"];
    with_text
        .filter(|(file, _)| !exempt.iter().any(|part| file.contains(part)))
        .collect()
}

/// Names that look like a seeded bug in a source and are in no entry of the catalogue: an enum of bugs that
/// `seeded_bugs!` did not make, a variant that it made and that was not linked, something public in a
/// file of seeded bugs beside its enum, or a `cfg` that is no business of a platform or of a checker.
fn outside_the_catalogue(file: &str, text: &str, catalogue: &[Entry]) -> Vec<String> {
    let mut outside = Vec::new();
    let own = enums(tokens(text));
    outside.extend(own.iter().filter(|one| is_of_bugs(&one.name)).map(|one| {
        let variants = one.variants.join(", ");
        format!("{file}: the enum {} ({variants})", one.name)
    }));
    if file.ends_with("seeded_bugs.rs") {
        let public = public_structs(tokens(text));
        outside.extend(public.iter().map(|one| format!("{file}: the struct {one}")));
    }
    for made in enums_of_seeded_bugs(tokens(text)) {
        let is_linked = |variant: &str| {
            let seedings = catalogue.iter().flat_map(|entry| &entry.seedings);
            let mut here = seedings.filter(|one| one.host.file.replace('\\', "/") == file);
            here.any(|one| is_spelled_as(variant, one.bug.id))
        };
        let lost = made.variants.iter().filter(|variant| !is_linked(variant));
        outside.extend(lost.map(|variant| format!("{file}: {variant} was not linked")));
    }
    let switches = words_of_cfg(tokens(text)).into_iter();
    let switches = switches.filter(|word| !OF_PLATFORMS_AND_CHECKERS.contains(&word.as_str()));
    outside.extend(switches.map(|word| format!("{file}: the cfg {word}")));
    outside
}

/// True if an enum of this name is one of seeded bugs.
fn is_of_bugs(name: &str) -> bool {
    ["Bug", "Defect", "Mutant"]
        .iter()
        .any(|end| name.ends_with(end))
}

/// The words that a `cfg` may have: what differs for a platform, a test, its documentation or a checker.
const OF_PLATFORMS_AND_CHECKERS: [&str; 11] = [
    "all",
    "any",
    "not",
    "test",
    "doc",
    "unix",
    "target_os",
    "\"linux\"",
    "feature",
    "\"loom\"",
    "\"shuttle\"",
];

#[test]
fn every_seeded_bug_is_in_the_catalogue() {
    let catalogue = catalogue();
    for (file, text) in sources_with_bugs() {
        assert_eq!(outside_the_catalogue(&file, &text, &catalogue), NONE);
    }
}

/// Or the test above looks at nothing.
#[test]
fn the_enum_of_every_host_is_seen() {
    let mut made: Vec<String> = Vec::new();
    for (file, text) in sources_with_bugs() {
        let here = enums_of_seeded_bugs(tokens(&text)).into_iter();
        made.extend(here.flat_map(|one| vec![file.clone(); one.variants.len()]));
    }
    let catalogue = catalogue();
    let seedings = catalogue.iter().flat_map(|entry| &entry.seedings);
    let mut linked: Vec<String> = seedings
        .map(|seeding| seeding.host.file.replace('\\', "/"))
        .collect();
    made.sort();
    linked.sort();
    assert_eq!(made, linked);
}

#[test]
fn a_seeded_bug_outside_the_catalogue_is_found() {
    let catalogue = catalogue();
    let found = |text: &str| outside_the_catalogue("sim/src/seeded_bugs.rs", text, &catalogue);
    for (text, expected) in [
        (
            "/// It.\n#[derive(Debug)]\npub enum StorageDefect { /// One.\n LyingDisk, Other(u8) }",
            "the enum StorageDefect (LyingDisk, Other)",
        ),
        ("enum StorageBug { Last }", "the enum StorageBug (Last)"),
        ("pub struct Around<S>(S);", "the struct Around"),
        (
            "lockstep_harness::seeded_bugs! { pub enum Bug in \"it\": \"it\" { \
             It = \"it\" in State: \"it\"; } }",
            "It was not linked",
        ),
        (
            "#[cfg(feature = \"careless\")] fn it() {}",
            "the cfg \"careless\"",
        ),
        ("fn it() { if cfg!(wrong) {} }", "the cfg wrong"),
    ] {
        let expected = format!("sim/src/seeded_bugs.rs: {expected}");
        assert_eq!(found(text), [expected], "{text}");
    }
    let right =
        "struct Private; pub enum Unlike { Them } #[cfg(not(feature = \"loom\"))] fn it() {}";
    assert_eq!(found(right), NONE);
}
