//! The catalogue of seeded bugs: each is switched on deliberately, and the harness must detect it.
//!
//! A harness is worth what it catches, so every checker arrives with a bug that it must catch. Such a
//! bug is written down once, by [`seeded_bugs!`](crate::seeded_bugs), in the crate of the lowest *host*
//! that can have it: an executor, a storage, a node of a cluster. The macro makes the host's enum from
//! those lines and registers each of them when the program is linked, so that [`catalogue`] is the whole
//! list for whichever crates are linked and nothing has to be kept beside it: engines, flags and pages
//! look bugs up by id.
//!
//! A bug that several hosts can have stands in the catalogue once, with several [`Seeding`]s. The hosts
//! further up refer to the line of the lowest one, so that its id and its sentence stand once as well.
//! That a variant is spelled as its id is checked when it is compiled; what only a whole program can
//! tell, such as one id defined twice, is told by [`objections`].

use std::collections::BTreeMap;
use std::fmt;

use crate::invariant::Invariant;

/// A bug that is seeded deliberately and that the harness must detect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeededBug {
    /// In lower case with hyphens; no two bugs have the same.
    pub id: &'static str,
    /// The part of the catalogue that it belongs to.
    pub area: Area,
    /// Description of the bug: one sentence without a capital and a full stop.
    pub sentence: &'static str,
    /// The source file that defines it.
    pub file: &'static str,
}

/// A part of the catalogue, in its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Area {
    /// Balances and supplies as an executor changes them.
    State,
    /// Nonces, identities, signatures, stateless checks.
    Authorization,
    /// Order, locks, workers.
    Scheduling,
    /// Merge, storage, history, receipts.
    Storage,
    /// A bug that no executor had as far as is known, made to see that a checker looks.
    Invented,
}

impl Area {
    /// Every one, in order.
    pub const ALL: [Area; 5] = [
        Area::State,
        Area::Authorization,
        Area::Scheduling,
        Area::Storage,
        Area::Invented,
    ];

    /// Its heading.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Area::State => "State and money",
            Area::Authorization => "Nonces, identity, authorisation",
            Area::Scheduling => "Scheduling and locks",
            Area::Storage => "Merge, storage, history",
            Area::Invented => "Invented for the harness",
        }
    }
}

/// A thing in which seeded bugs can be switched on, one at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Host {
    /// Its name, in lower case.
    pub name: &'static str,
    /// Description, in a sentence.
    pub sentence: &'static str,
    /// The source file with the enum of its bugs.
    pub file: &'static str,
}

/// A seeded bug in one of its hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seeding {
    /// The bug.
    pub bug: &'static SeededBug,
    /// The host.
    pub host: Host,
    /// The invariants one of which must name it there; empty where any may.
    pub named_by: &'static [&'static Invariant],
}

/// A line of the catalogue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The bug.
    pub bug: &'static SeededBug,
    /// Hosts in which it can be switched on, by their names; at least one.
    pub seedings: Vec<&'static Seeding>,
}

/// A seeding that the linker put into the program.
#[doc(hidden)]
pub struct Registered(pub &'static Seeding);

inventory::collect!(Registered);

/// Every seeded bug of the crates that are linked into this program, by area and then by id.
///
/// Costs a sort of them all.
#[must_use]
pub fn catalogue() -> Vec<Entry> {
    entries(inventory::iter::<Registered>().map(|registered| registered.0))
}

fn entries(seedings: impl Iterator<Item = &'static Seeding>) -> Vec<Entry> {
    let mut entries: BTreeMap<(Area, &str), Entry> = BTreeMap::new();
    for seeding in seedings {
        let bug = seeding.bug;
        let seedings = Vec::new();
        let entry = entries
            .entry((bug.area, bug.id))
            .or_insert(Entry { bug, seedings });
        entry.seedings.push(seeding);
    }
    let mut entries: Vec<Entry> = entries.into_values().collect();
    for entry in &mut entries {
        entry.seedings.sort_by_key(|seeding| seeding.host);
    }
    entries
}

impl Entry {
    /// True if this host can have it.
    #[must_use]
    pub fn is_in(&self, host: Host) -> bool {
        self.seedings.iter().any(|seeding| seeding.host == host)
    }
}

impl fmt::Display for SeededBug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id)
    }
}

/// Problems of the catalogue of this program, a line each: an id that two lines define, a sentence that
/// is none. For a test.
#[must_use]
pub fn objections() -> Vec<String> {
    objections_to(inventory::iter::<Registered>().map(|registered| registered.0))
}

fn objections_to(seedings: impl Iterator<Item = &'static Seeding>) -> Vec<String> {
    let mut objections = Vec::new();
    let mut defined: BTreeMap<&str, &SeededBug> = BTreeMap::new();
    for Seeding { bug, .. } in seedings {
        let first = defined.entry(bug.id).or_insert(bug);
        if first != bug {
            let mut files = [first.file, bug.file];
            files.sort_unstable();
            objections.push(format!("{bug} is defined in {} and {}", files[0], files[1]));
        }
        let is_sentence = !bug.sentence.is_empty()
            && !bug.sentence.starts_with(char::is_uppercase)
            && !bug.sentence.ends_with('.')
            && !bug.sentence.contains('|');
        if !is_sentence {
            objections.push(format!(
                "{bug}: {:?} is no sentence of a table",
                bug.sentence
            ));
        }
    }
    objections.sort();
    objections.dedup();
    objections
}

/// True if a variant in camel case is an id with hyphens.
#[doc(hidden)]
#[must_use]
pub const fn is_spelled_as(variant: &str, id: &str) -> bool {
    let (variant, id) = (variant.as_bytes(), id.as_bytes());
    let (mut of_variant, mut of_id) = (0, 0);
    while of_variant < variant.len() {
        let letter = variant[of_variant];
        if letter.is_ascii_uppercase() && of_variant > 0 {
            if of_id >= id.len() || id[of_id] != b'-' {
                return false;
            }
            of_id += 1;
        }
        if of_id >= id.len() || id[of_id] != letter.to_ascii_lowercase() {
            return false;
        }
        of_variant += 1;
        of_id += 1;
    }
    of_id == id.len()
}

/// Makes the enum of the seeded bugs that one host can have, and registers each.
///
/// A line that defines a bug has its id, its area and its sentence, which becomes the variant's
/// documentation too; one that refers to a bug of a host further down has `as` and that variant.
/// `named by` is for a bug that certain invariants must name. The enum has `ALL` and `HOST`, and every
/// value an `id()`, its `bug()` and its `seeding()`; `named(id)` finds one, and it is displayed as its id.
///
/// ```
/// lockstep_harness::invariant! {
///     /// A counter counts.
///     pub static IT_COUNTS: "it-counts", exits Violated, catches "stays-at-one";
/// }
///
/// lockstep_harness::seeded_bugs! {
///     /// A seeded bug of a counter.
///     pub enum CounterBug in "counter": "a counter that is wrong where it is told to be" {
///         StaysAtOne = "stays-at-one" in State: "a counter stays at one", named by [IT_COUNTS];
///         CountsTwice = "counts-twice" in State: "one is counted as two";
///     }
/// }
///
/// lockstep_harness::seeded_bugs! {
///     /// A seeded bug of two counters.
///     pub enum PairBug in "pair": "two counters, one of which is wrong where it is told to be" {
///         /// In the first one alone.
///         CountsTwice as CounterBug::CountsTwice;
///     }
/// }
///
/// assert_eq!(CounterBug::named("counts-twice"), Some(CounterBug::CountsTwice));
/// assert_eq!(PairBug::CountsTwice.bug(), CounterBug::CountsTwice.bug());
/// let catalogue = lockstep_harness::seeded_bug::catalogue();
/// assert_eq!(catalogue[0].seedings.len(), 2);
/// ```
///
/// A variant that is not spelled as its id does not compile:
///
/// ```compile_fail
/// lockstep_harness::seeded_bugs! {
///     /// A seeded bug of a counter.
///     pub enum CounterBug in "counter": "a counter that is wrong where it is told to be" {
///         Stuck = "stays-at-one" in State: "a counter stays at one";
///     }
/// }
/// ```
#[macro_export]
macro_rules! seeded_bugs {
    (
        $(#[$of_enum:meta])*
        $visibility:vis enum $name:ident in $host:literal: $what:literal {
            $(
                $(#[$of_variant:meta])*
                $variant:ident
                    $(= $id:literal in $area:ident: $sentence:literal)?
                    $(as $same:path)?
                    $(, named by [$($invariant:path),+ $(,)?])?;
            )+
        }
    ) => {
        $(#[$of_enum])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        $visibility enum $name {
            $(
                $(#[doc = ::std::concat!($sentence, ".")])?
                $(#[$of_variant])*
                $variant,
            )+
        }

        impl $name {
            /// Every one, in the order of definition.
            $visibility const ALL: [$name; [$(::std::stringify!($variant)),+].len()] =
                [$($name::$variant),+];

            /// The thing that can have them.
            $visibility const HOST: $crate::seeded_bug::Host = $crate::seeded_bug::Host {
                name: $host,
                sentence: $what,
                file: ::std::file!(),
            };

            /// The bug in this host, as it is registered.
            #[must_use]
            $visibility const fn seeding(self) -> &'static $crate::seeded_bug::Seeding {
                match self {
                    $($name::$variant => {
                        const SEEDING: &$crate::seeded_bug::Seeding = &$crate::seeded_bug::Seeding {
                            bug: $crate::seeded_bugs!(
                                @bug $([$id, $area, $sentence])? $([$same])?
                            ),
                            host: $name::HOST,
                            named_by: &[$($(&$invariant),+)?],
                        };
                        const _: () = ::std::assert!(
                            $crate::seeded_bug::is_spelled_as(
                                ::std::stringify!($variant),
                                SEEDING.bug.id,
                            ),
                            ::std::concat!(
                                ::std::stringify!($variant),
                                " is spelled as the id of its bug",
                            ),
                        );
                        $crate::inventory::submit! { $crate::seeded_bug::Registered(SEEDING) }
                        SEEDING
                    })+
                }
            }

            /// The bug's line in the catalogue.
            #[must_use]
            $visibility const fn bug(self) -> &'static $crate::seeded_bug::SeededBug {
                self.seeding().bug
            }

            /// Its id, in lower case with hyphens.
            #[must_use]
            $visibility const fn id(self) -> &'static str {
                self.bug().id
            }

            /// The bug with this id; `None` where this host has no such bug.
            #[must_use]
            $visibility fn named(id: &str) -> ::std::option::Option<$name> {
                $name::ALL.into_iter().find(|bug| bug.id() == id)
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(self.id())
            }
        }
    };
    (@bug [$id:literal, $area:ident, $sentence:literal]) => {
        &$crate::seeded_bug::SeededBug {
            id: $id,
            area: $crate::seeded_bug::Area::$area,
            sentence: $sentence,
            file: ::std::file!(),
        }
    };
    (@bug [$same:path]) => {
        $same.bug()
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOST: Host = Host {
        name: "test",
        sentence: "these tests",
        file: "here.rs",
    };

    const fn bug(id: &'static str, sentence: &'static str, file: &'static str) -> SeededBug {
        let area = Area::State;
        SeededBug {
            id,
            area,
            sentence,
            file,
        }
    }

    const fn seeded(bug: &'static SeededBug, host: Host) -> Seeding {
        let named_by = &[];
        Seeding {
            bug,
            host,
            named_by,
        }
    }

    #[test]
    fn a_bug_of_two_hosts_is_one_entry() {
        const BUG: SeededBug = bug("it", "it is wrong", "here.rs");
        const OTHER: Host = Host {
            name: "another",
            ..HOST
        };
        static SEEDINGS: [Seeding; 2] = [seeded(&BUG, HOST), seeded(&BUG, OTHER)];
        let entries = entries(SEEDINGS.iter());
        assert_eq!(entries.len(), 1);
        assert_eq!(entries[0].seedings, [&SEEDINGS[1], &SEEDINGS[0]]);
    }

    #[test]
    fn an_id_that_is_defined_twice_is_objected_to() {
        const HERE: SeededBug = bug("it", "it is wrong", "here.rs");
        const THERE: SeededBug = bug("it", "it is wrong", "there.rs");
        static SEEDINGS: [Seeding; 2] = [seeded(&THERE, HOST), seeded(&HERE, HOST)];
        let found = objections_to(SEEDINGS.iter());
        assert_eq!(found, ["it is defined in here.rs and there.rs"]);
    }

    #[test]
    fn a_sentence_that_is_none_is_objected_to() {
        const EMPTY: SeededBug = bug("a", "", "here.rs");
        const CAPITAL: SeededBug = bug("b", "It is wrong", "here.rs");
        const STOP: SeededBug = bug("c", "it is wrong.", "here.rs");
        const RIGHT: SeededBug = bug("d", "it is wrong", "here.rs");
        static SEEDINGS: [Seeding; 4] = [
            seeded(&EMPTY, HOST),
            seeded(&CAPITAL, HOST),
            seeded(&STOP, HOST),
            seeded(&RIGHT, HOST),
        ];
        let found = objections_to(SEEDINGS.iter());
        let ids: Vec<&str> = found.iter().filter_map(|line| line.get(..1)).collect();
        assert_eq!(ids, ["a", "b", "c"]);
    }

    #[test]
    fn a_variant_is_spelled_as_its_id_or_it_is_not() {
        assert!(is_spelled_as("MergeNotAtomic", "merge-not-atomic"));
        for id in [
            "",
            "merge-not",
            "merge-notatomic",
            "merge-not-atomics",
            "merge-not-atomic-",
            "Merge-not-atomic",
        ] {
            assert!(!is_spelled_as("MergeNotAtomic", id), "{id}");
        }
    }
}
