//! Coverage points: the kinds of events that a campaign must see happen, or be vacuous.
//!
//! A point is registered by the line that counts it, when the program is linked ([`point!`](crate::point!)). There
//! is no list beside the code that could fall behind it, and a point that is never reached is known
//! all the same. The line also says whether the point is rare, and which narrower campaigns (a
//! *focus*, such as `money` or `reorg`) must reach it.
//!
//! Points belong to a *system*: the kind of thing under test that counts them. A program that links
//! several asks each campaign for the points of its own system only.
//!
//! Not covered: the values at which code branches. A point says that an event happened, not how near
//! its edges it was.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

/// A kind of event that can happen in a run.
#[derive(Debug, PartialEq, Eq)]
pub struct Point {
    /// The kind of system that counts it: `ledger`, `cluster`, `schedule`.
    pub system: &'static str,
    /// The event, as "group: event", or an event of the system without a group.
    pub name: &'static str,
    /// Its way of counting, and its necessity.
    pub kind: Kind,
    /// The narrower campaigns that must reach it, rare or not.
    pub focuses: &'static [&'static str],
}

/// Kind of a point: event or quantity, and for events whether a whole campaign must reach it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An event that every whole campaign must reach.
    Required,
    /// An event that a whole campaign may well never see.
    Rare,
    /// A quantity, such as blocks: no event, and reported by itself.
    Total,
    /// A quantity of which the largest counts, and not the sum.
    Most,
}

impl Point {
    /// True for an event, false for a quantity.
    #[must_use]
    pub const fn is_event(&self) -> bool {
        matches!(self.kind, Kind::Required | Kind::Rare)
    }
}

/// A point that the linker put into the program.
#[doc(hidden)]
pub struct Registered(pub &'static Point);

inventory::collect!(Registered);

/// Defines and registers a coverage point on the line that counts it; gives a `&'static` [`Point`].
///
/// `point!("ledger", "refused: size")` is required; `rare`, `total` or `most` behind the name makes it
/// another [`Kind`]; `in ["money", "calm"]` at the end names the focuses that require it. Several lines
/// may count one point and must agree on all of this.
#[macro_export]
macro_rules! point {
    ($system:literal, $name:literal $(, in [$($focus:literal),+])?) => {
        $crate::point!(@ $system, $name, Required, [$($($focus),+)?])
    };
    ($system:literal, $name:literal, rare $(, in [$($focus:literal),+])?) => {
        $crate::point!(@ $system, $name, Rare, [$($($focus),+)?])
    };
    ($system:literal, $name:literal, total) => {
        $crate::point!(@ $system, $name, Total, [])
    };
    ($system:literal, $name:literal, most) => {
        $crate::point!(@ $system, $name, Most, [])
    };
    (@ $system:literal, $name:literal, $kind:ident, [$($focus:literal),*]) => {{
        static POINT: $crate::coverage::Point = $crate::coverage::Point {
            system: $system,
            name: $name,
            kind: $crate::coverage::Kind::$kind,
            focuses: &[$($focus),*],
        };
        $crate::inventory::submit! { $crate::coverage::Registered(&POINT) }
        &POINT
    }};
}

/// Points that are made of a table which another crate has: its rows are the list, and one line counts them
/// all. Registered with [`inventory::submit`].
pub struct Table(pub fn() -> &'static [Point]);

inventory::collect!(Table);

/// Every point of the program once for each line that counts it, in no order.
pub fn registered() -> impl Iterator<Item = &'static Point> {
    let alone = inventory::iter::<Registered>().map(|registered| registered.0);
    alone.chain(inventory::iter::<Table>().flat_map(|table| (table.0)()))
}

/// The point of a system with this name, as one of its lines registers it.
#[must_use]
pub fn named(system: &str, name: &str) -> Option<&'static Point> {
    registered().find(|point| point.system == system && point.name == name)
}

/// The points of a system that satisfy a condition, by name.
fn points(
    system: &str,
    is_meant: impl Fn(&Point) -> bool,
) -> BTreeMap<&'static str, &'static Point> {
    registered()
        .filter(|point| point.system == system && is_meant(point))
        .map(|point| (point.name, point))
        .collect()
}

/// True if some point of this system is required by a focus of this name.
#[must_use]
pub fn is_focus(system: &str, focus: &str) -> bool {
    registered().any(|point| point.system == system && point.focuses.contains(&focus))
}

/// Number of events of each kind in one system, and the total of each quantity.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    events: BTreeMap<&'static str, u64>,
    totals: BTreeMap<&'static str, u64>,
    most: BTreeMap<&'static str, u64>,
}

impl Coverage {
    /// Counts an event once.
    pub fn count(&mut self, point: &'static Point) {
        self.count_many(point, 1);
    }

    /// Counts an event `times` times, or adds to a quantity; of a [`Kind::Most`] it keeps the larger.
    pub fn count_many(&mut self, point: &'static Point, times: u64) {
        match point.kind {
            Kind::Required | Kind::Rare => *self.events.entry(point.name).or_default() += times,
            Kind::Total => *self.totals.entry(point.name).or_default() += times,
            Kind::Most => {
                let most = self.most.entry(point.name).or_default();
                *most = times.max(*most);
            }
        }
    }

    /// Number of times that an event happened.
    #[must_use]
    pub fn of(&self, event: &str) -> u64 {
        self.events.get(event).copied().unwrap_or(0)
    }

    /// Number of times that the events of a group happened: those named "group: ...".
    #[must_use]
    pub fn of_group(&self, group: &str) -> u64 {
        self.events()
            .filter(|(event, _)| event.split_once(": ").is_some_and(|(of, _)| of == group))
            .map(|(_, count)| count)
            .sum()
    }

    /// Total of a quantity; of a [`Kind::Most`] the largest.
    #[must_use]
    pub fn total(&self, quantity: &str) -> u64 {
        let found = self
            .totals
            .get(quantity)
            .or_else(|| self.most.get(quantity));
        found.copied().unwrap_or(0)
    }

    /// All events that happened, by name.
    pub fn events(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        self.events.iter().map(|(event, count)| (*event, *count))
    }

    /// All quantities, by name.
    pub fn totals(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        let all = self.totals.iter().chain(&self.most);
        all.map(|(quantity, amount)| (*quantity, *amount))
    }

    /// The events of a system that did not happen, and whether each is rare.
    pub fn never_reached(&self, system: &str) -> impl Iterator<Item = (&'static str, bool)> + '_ {
        points(system, Point::is_event)
            .into_iter()
            .filter(|(name, _)| self.of(name) == 0)
            .map(|(name, point)| (name, point.kind == Kind::Rare))
    }

    /// Names of the events that a whole campaign must reach and this one did not: the required ones of
    /// the system, or those that the focus requires.
    #[must_use]
    pub fn missing(&self, system: &str, focus: Option<&str>) -> Vec<&'static str> {
        let must_be_reached = |point: &Point| match focus {
            None => point.kind == Kind::Required,
            Some(focus) => point.focuses.contains(&focus),
        };
        points(system, must_be_reached)
            .into_keys()
            .filter(|name| self.of(name) == 0)
            .collect()
    }

    /// Adds the coverage of another run.
    pub fn add(&mut self, other: &Coverage) {
        for (event, count) in &other.events {
            *self.events.entry(event).or_default() += count;
        }
        for (quantity, amount) in &other.totals {
            *self.totals.entry(quantity).or_default() += amount;
        }
        for (quantity, amount) in &other.most {
            let most = self.most.entry(quantity).or_default();
            *most = (*most).max(*amount);
        }
    }

    /// The coverage of a system that another process wrote down by the names of points.
    ///
    /// # Errors
    ///
    /// A name of which this program has no point, as `"NAME" is no event of this program`.
    pub fn from_names<'n>(
        system: &str,
        counts: impl IntoIterator<Item = (&'n String, &'n u64)>,
    ) -> Result<Coverage, String> {
        let known = points(system, |_| true);
        let mut coverage = Coverage::default();
        for (name, count) in counts {
            let point = known
                .get(name.as_str())
                .ok_or_else(|| format!("{name:?} is no event of this program"))?;
            coverage.count_many(point, *count);
        }
        Ok(coverage)
    }
}

/// Checks the points of a crate against its sources. Returns a line for each name that a source counts
/// and the linker forgot, for lines that disagree on one point, and for a name that stands anywhere else
/// than where it is counted or asked for, as in a second list. For a test in each crate that counts.
///
/// `folder` is the crate's `src`. Test modules (files named `tests.rs`, and what follows
/// `#[cfg(test)]`) may name points as they like.
///
/// # Errors
///
/// [`io::Error`] if a source cannot be read.
pub fn objections(system: &str, folder: &Path) -> io::Result<Vec<String>> {
    let known = points(system, |_| true);
    let mut objections: Vec<String> = registered()
        .filter(|point| point.system == system && known[point.name] != *point)
        .map(|point| format!("{:?} is registered in two ways", point.name))
        .collect();
    let mut sources = Vec::new();
    read_sources(folder, &mut sources)?;
    for (file, text) in sources {
        let production = text.split("#[cfg(test)]").next().unwrap_or_default();
        let mut before = String::new();
        for (index, part) in production.split('"').enumerate() {
            // Between the quotes, and not around them.
            if index % 2 == 1 {
                let place = before.trim_end();
                let is_counted = place.ends_with("point!(")
                    && !place.ends_with("_point!(")
                    && !place.ends_with("::point!(");
                let is_asked = [".of(", ".of_group(", ".total("]
                    .iter()
                    .any(|call| place.ends_with(call));
                if is_counted && !known.contains_key(part) {
                    objections.push(format!("{file}: {part:?} was not linked"));
                }
                // Quantities are plain words, which stand for other things as well.
                let is_event = known.get(part).is_some_and(|point| point.is_event());
                if is_event && part.contains(": ") && !is_counted && !is_asked {
                    objections.push(format!("{file}: {part:?} stands where it is not counted"));
                }
            }
            before = part.to_owned();
        }
    }
    objections.sort();
    objections.dedup();
    Ok(objections)
}

/// The files of a folder and of those in it, each with its text.
fn read_sources(folder: &Path, sources: &mut Vec<(String, String)>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() && path.ends_with("tests") {
            continue;
        } else if path.is_dir() {
            read_sources(&path, sources)?;
        } else if path.extension().is_some_and(|end| end == "rs") && !path.ends_with("tests.rs") {
            sources.push((path.display().to_string(), fs::read_to_string(&path)?));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SYSTEM: &str = "coverage's own tests";

    fn counted(times: u64) -> Coverage {
        let mut coverage = Coverage::default();
        coverage.count_many(point!("coverage's own tests", "door: opened"), times);
        coverage.count_many(point!("coverage's own tests", "visitors", total), times);
        coverage.count_many(point!("coverage's own tests", "longest queue", most), times);
        coverage
    }

    #[test]
    fn a_point_that_is_never_counted_is_missing_all_the_same() {
        let _ = || {
            let mut coverage = Coverage::default();
            coverage.count(point!("coverage's own tests", "door: broken", rare, in ["burglars"]));
            coverage.count(point!("coverage's own tests", "door: shut"));
        };
        let coverage = counted(1);
        assert_eq!(coverage.missing(SYSTEM, None), ["door: shut"]);
        assert_eq!(coverage.missing(SYSTEM, Some("burglars")), ["door: broken"]);
        assert!(is_focus(SYSTEM, "burglars") && !is_focus(SYSTEM, "guests"));
        let never: Vec<_> = coverage.never_reached(SYSTEM).collect();
        assert_eq!(never, [("door: broken", true), ("door: shut", false)]);
    }

    #[test]
    fn points_of_another_system_are_not_asked_for() {
        assert_eq!(
            Coverage::default().missing("another", None),
            Vec::<&str>::new()
        );
    }

    #[test]
    fn events_and_quantities_add_up_and_the_most_stays_the_most() {
        let mut coverage = counted(2);
        coverage.add(&counted(3));
        assert_eq!(coverage.of("door: opened"), 5);
        assert_eq!(coverage.of_group("door"), 5);
        assert_eq!(coverage.total("visitors"), 5);
        assert_eq!(coverage.total("longest queue"), 3);
    }

    #[test]
    fn names_are_read_back_and_one_that_is_no_point_is_refused() {
        let coverage = counted(2);
        let names: BTreeMap<String, u64> = coverage
            .events()
            .chain(coverage.totals())
            .map(|(name, count)| (name.to_owned(), count))
            .collect();
        assert_eq!(Coverage::from_names(SYSTEM, &names), Ok(coverage));
        let stranger = BTreeMap::from([("door: sold".to_owned(), 1)]);
        assert!(Coverage::from_names(SYSTEM, &stranger).is_err());
    }

    /// The objections to a crate whose one source is this.
    fn objections_to(source: &str) -> Vec<String> {
        let folder = tempfile::tempdir().expect("there is room for a temporary folder");
        fs::write(folder.path().join("lib.rs"), source).expect("a file can be written");
        objections(SYSTEM, folder.path()).expect("the file can be read")
    }

    #[test]
    fn a_second_list_of_points_is_objected_to() {
        let counts = "coverage.count(point!(\"door: opened\")); coverage.of(\"door: opened\");";
        assert_eq!(objections_to(counts), Vec::<String>::new());
        let list = "const REQUIRED: [&str; 1] = [\"door: opened\"];";
        assert!(
            objections_to(list)[0].ends_with("\"door: opened\" stands where it is not counted")
        );
    }

    #[test]
    fn a_point_that_the_linker_forgot_is_objected_to() {
        let found = objections_to("coverage.count(point!(\"door: sold\"));");
        assert!(
            found[0].ends_with("\"door: sold\" was not linked"),
            "{found:?}"
        );
    }
}
