//! Reach points: the kinds of events that a campaign must see happen, or be vacuous.
//!
//! A point is registered by the line that counts it, when the program is linked: there is no list
//! to be kept beside the code, so none can be forgotten in it, and one that is never reached is
//! known all the same.

use std::collections::BTreeMap;

/// A kind of event that can happen in a run.
#[derive(Debug, PartialEq, Eq)]
pub struct Point {
    /// What happened, as "group: event", or an event of the ledger without a group.
    pub name: &'static str,
    /// Whether a whole campaign may well never see it.
    pub is_rare: bool,
}

/// A point that the linker put into the program.
pub struct Registered(pub &'static Point);

inventory::collect!(Registered);

/// A point, for [`Tally::count`](crate::tally::Tally::count): `point!("refused: size")`, or
/// `point!("refused: size", rare)`. Several lines may count one point, all as rare or none.
macro_rules! point {
    ($name:literal) => {
        $crate::reach::point!(@ $name, false)
    };
    ($name:literal, rare) => {
        $crate::reach::point!(@ $name, true)
    };
    (@ $name:literal, $is_rare:literal) => {{
        static POINT: $crate::reach::Point = $crate::reach::Point {
            name: $name,
            is_rare: $is_rare,
        };
        inventory::submit! { $crate::reach::Registered(&POINT) }
        &POINT
    }};
}
pub(crate) use point;

/// Every point by its name, and whether it is rare.
#[must_use]
pub fn registered() -> BTreeMap<&'static str, bool> {
    all().map(|point| (point.name, point.is_rare)).collect()
}

/// The point with this name, as it is registered.
#[must_use]
pub fn named(name: &str) -> Option<&'static Point> {
    all().find(|point| point.name == name)
}

/// In no order, one for each line that counts it.
fn all() -> impl Iterator<Item = &'static Point> {
    inventory::iter::<Registered>().map(|registered| registered.0)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    use super::*;

    #[test]
    fn the_linker_forgot_none_of_the_points_that_the_sources_count() {
        let mut written = BTreeSet::new();
        points_in(
            &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
            &mut written,
        );
        let linked: BTreeSet<String> = registered().keys().map(|name| (*name).to_owned()).collect();
        assert!(written.len() > 40, "{written:?}");
        assert_eq!(written, linked);
    }

    #[test]
    fn lines_that_count_one_point_agree_on_whether_it_is_rare() {
        for point in all() {
            assert_eq!(Some(point), named(point.name));
        }
    }

    fn points_in(folder: &Path, names: &mut BTreeSet<String>) {
        for entry in fs::read_dir(folder).expect("the sources are there") {
            let path = entry.expect("the folder can be read").path();
            if path.is_dir() {
                points_in(&path, names);
            } else if !path.ends_with("reach.rs") {
                let text = fs::read_to_string(&path).expect("a source is text");
                for call in text.split("point!(\"").skip(1) {
                    let name = call.split('"').next().expect("a split has a first part");
                    names.insert(name.to_owned());
                }
            }
        }
    }
}
