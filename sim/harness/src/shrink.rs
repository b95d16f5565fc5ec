//! Search for the smallest case that still shows what a large one showed.
//!
//! *Delta debugging over structure.* A case is plain data, and edits make smaller ones of it. The
//! search holds the smallest case so far, hands it to edit after edit, and asks a judge about each
//! candidate that comes back. A candidate replaces the smallest one if it is strictly smaller and the
//! judge names the same invariant: what violates another one is another finding. Edits are grouped
//! into [passes](Pass), the cheap and the large ones first. After a pass that made the case smaller
//! the first pass has its turn again, because what one takes away may free another; when none gains
//! anything, the search ends.
//!
//! Within a pass, [`Search::take_away`] removes chunks of a list, from all of it down to one element,
//! the last ones first, for what comes later changes nothing for what comes before. It is `ddmin`
//! without its complements (Zeller and Hildebrandt, *Simplifying and isolating failure-inducing
//! input*, 2002). [`Search::lower`] is a binary search of a number.
//!
//! *Correctness.* The result was judged and showed the invariant, or is the case that went in. The size
//! of what is kept falls with each step and sizes are well-founded, so the search ends without a limit
//! on rounds. Nothing is drawn and no clock is read: the same case, passes, budget and judge end the
//! same, provided that the judge answers the same and no watcher ends the search. A candidate that was
//! judged is remembered by its fingerprint and never judged again.
//!
//! *Interruption.* A [`Watcher`] sees the search between two candidates and may end it: the result is
//! then the smallest case so far, which is as good as any other that the judge has named.
//!
//! *Cost.* At most `budget`. A candidate is usually a run, and takes 1 of the budget, or more where it is
//! [heavy](Shrinkable::weight): what is bounded is the work of all candidates, not their number, or one
//! block of thousands of transactions would be executed thousands of times. A list of `n` elements of which
//! few matter takes about `2 log n` candidates for each that stays, and most of them are much smaller than
//! the first; a number `v` takes about `log v`. Memory: 32 bytes a candidate.
//!
//! *Not covered.* The result is a local minimum: nothing that the passes can do in one step makes it
//! smaller, while two steps of which the first shows nothing might. Edits that make a case larger are
//! never taken. `lower` assumes that all numbers above one that shows it show it too; where that is
//! wrong it ends at a number that shows it, not at the smallest. And a judge that answers differently
//! each time gives a case that showed it once.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;

use serde::Serialize;

/// Data that can be shrunk. Its serialized form decides which candidates are the same.
pub trait Shrinkable: Clone + Serialize {
    /// Measure of what there is to read and understand, the heaviest part first.
    type Size: Ord + Copy;

    /// The size of this one. Asked of every candidate, before it is judged.
    fn size(&self) -> Self::Size;

    /// The size for a person, in a few words: `3 transactions in 1 block`.
    fn in_words(&self) -> String;

    /// Measure of the work of judging this one, [`WEIGHT_OF_ONE`] for the most that costs 1. Nothing where
    /// all candidates cost the same.
    fn weight(&self) -> u64 {
        0
    }
}

/// Weight up to which a candidate costs 1 of the budget. A candidate of N times this weight costs N.
pub const WEIGHT_OF_ONE: u64 = 64;

/// A number with its noun: `1 block`, `2 blocks`.
#[must_use]
pub fn counted(number: usize, noun: &str) -> String {
    match number {
        1 => format!("1 {noun}"),
        _ => format!("{number} {noun}s"),
    }
}

/// Names the invariant that does not hold in a case; `None` where all hold.
pub type Judge<'j, T> = dyn Fn(&T) -> Option<String> + 'j;

/// A set of edits that are tried together.
pub type Pass<T> = fn(&mut Search<'_, T>);

/// The state of a search between two candidates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Number of candidates that were judged.
    pub candidates: u64,
    /// The cost of these candidates.
    pub spent: u64,
    /// Largest cost of all candidates.
    pub budget: u64,
    /// The size of the smallest case so far, in words.
    pub smallest: String,
}

/// Watches a search, and may end it.
pub trait Watcher {
    /// Called before each candidate; `false` ends the search with the smallest case so far.
    fn goes_on(&self, progress: &Progress) -> bool;
}

/// Limit of a search: the largest cost of all its candidates, and the watcher that may end it earlier.
#[derive(Clone, Copy)]
pub struct Budget<'w> {
    /// Largest cost of all candidates, which is their number where none is heavy.
    pub most: u64,
    /// Number of times that the weight of a candidate counts.
    times: u64,
    watcher: Option<&'w dyn Watcher>,
}

impl<'w> Budget<'w> {
    /// A limit of this cost.
    #[must_use]
    pub const fn of(most: u64) -> Self {
        Budget {
            most,
            times: 1,
            watcher: None,
        }
    }

    /// The same limit, and a watcher that sees every candidate.
    #[must_use]
    pub const fn watched_by(self, watcher: &'w dyn Watcher) -> Self {
        Budget {
            watcher: Some(watcher),
            ..self
        }
    }

    /// The budget that is left after this cost.
    #[must_use]
    pub const fn less(self, spent: u64) -> Self {
        Budget {
            most: self.most.saturating_sub(spent),
            ..self
        }
    }

    /// The same limit for candidates that are judged by `times` executions each, all of their weight.
    #[must_use]
    pub const fn executed(self, times: u64) -> Self {
        Budget { times, ..self }
    }

    /// The same watcher, and at most this number of candidates, each of which costs 1.
    #[must_use]
    pub fn at_most(self, candidates: u64) -> Self {
        Budget {
            most: self.most.min(candidates),
            times: 0,
            ..self
        }
    }

    /// The cost of a candidate of this weight.
    fn cost(&self, weight: u64) -> u64 {
        let weight = weight.saturating_mul(self.times);
        weight.div_ceil(WEIGHT_OF_ONE).max(1)
    }
}

impl From<u64> for Budget<'_> {
    fn from(most: u64) -> Self {
        Budget::of(most)
    }
}

impl fmt::Debug for Budget<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Budget")
            .field("most", &self.most)
            .field("times", &self.times)
            .field("is_watched", &self.watcher.is_some())
            .finish()
    }
}

/// The reason why a search ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SearchEnd {
    /// No edit makes the case smaller.
    NothingSmaller,
    /// The rest of the budget was too small for a candidate that was at hand.
    BudgetSpent,
    /// The watcher ended it; another candidate was at hand.
    Interrupted,
}

/// The smallest case that was found, and what the search took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shrunk<T> {
    /// The smallest case.
    pub smallest: T,
    /// The size of the case that went in, in words.
    pub before: String,
    /// Number of candidates that were judged.
    pub candidates: u64,
    /// The cost of these candidates, their number where none was heavy.
    pub spent: u64,
    /// Largest cost that they might have had.
    pub budget: u64,
    /// The reason why the search ended.
    pub end: SearchEnd,
}

impl<T> Shrunk<T> {
    /// True if another candidate was at hand when the search ended.
    #[must_use]
    pub const fn is_cut_short(&self) -> bool {
        !matches!(self.end, SearchEnd::NothingSmaller)
    }
}

/// Number and cost of candidates: `7 candidates of 20`, or `7 candidates for 12 of 20` where some were
/// heavy.
fn in_words(candidates: u64, spent: u64, budget: u64) -> String {
    match candidates == spent {
        true => format!("{candidates} candidates of {budget}"),
        false => format!("{candidates} candidates for {spent} of {budget}"),
    }
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cost = in_words(self.candidates, self.spent, self.budget);
        write!(f, "{cost}, {} now", self.smallest)
    }
}

impl<T: Shrinkable> fmt::Display for Shrunk<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "shrunk from {} to {}; {}{}",
            self.before,
            self.smallest.in_words(),
            in_words(self.candidates, self.spent, self.budget),
            match self.end {
                SearchEnd::NothingSmaller => "",
                SearchEnd::BudgetSpent => ", all spent",
                SearchEnd::Interrupted => ", interrupted",
            }
        )
    }
}

/// Searches for the smallest case for which the judge names this invariant.
///
/// `whole` is not judged: the caller has seen it violate the invariant, and gets it back where
/// nothing smaller does. Costs at most `budget`: that number of calls of `judge`, or fewer where candidates are
/// heavy.
#[must_use]
pub fn shrink<'w, T: Shrinkable>(
    whole: &T,
    passes: &[Pass<T>],
    invariant: &str,
    budget: impl Into<Budget<'w>>,
    judge: &Judge<'_, T>,
) -> Shrunk<T> {
    let budget = budget.into();
    let mut ask = |candidate: &T| match judge(candidate) {
        Some(shown) if shown == invariant => Answer::Shows,
        _ => Answer::ShowsNot,
    };
    let mut search = Search::new(whole.clone(), budget, &mut ask);
    search.run(passes);
    Shrunk {
        before: whole.in_words(),
        candidates: search.candidates,
        spent: search.spent,
        budget: budget.most,
        end: search.end,
        smallest: search.smallest,
    }
}

/// Number of chunks of one size of which one must go, or smaller ones are not tried.
const MOST_IN_VAIN: usize = 256;

enum Answer {
    Shows,
    ShowsNot,
    /// There is no budget to find out.
    Unknown,
}

/// A search under way, as a pass sees it.
pub struct Search<'s, T: Shrinkable> {
    smallest: T,
    size: T::Size,
    ask: &'s mut dyn FnMut(&T) -> Answer,
    budget: Budget<'s>,
    candidates: u64,
    spent: u64,
    end: SearchEnd,
    /// Fingerprints of what was judged: the last round would ask for all of it again.
    judged: BTreeSet<[u8; 32]>,
}

impl<'s, T: Shrinkable> Search<'s, T> {
    fn new(whole: T, budget: Budget<'s>, ask: &'s mut dyn FnMut(&T) -> Answer) -> Self {
        Search {
            size: whole.size(),
            smallest: whole,
            ask,
            budget,
            candidates: 0,
            spent: 0,
            end: SearchEnd::NothingSmaller,
            judged: BTreeSet::new(),
        }
    }

    fn run(&mut self, passes: &[Pass<T>]) {
        let mut gains = |pass: &Pass<T>| !self.is_over() && self.gains(*pass);
        while passes.iter().any(&mut gains) {}
    }

    /// True if no further candidate will be judged: budget or watcher ended the search. A pass returns
    /// then, because making candidates of a large case costs as much as judging them.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.end != SearchEnd::NothingSmaller
    }

    /// Asks budget and watcher about a candidate of this cost; the search is over where one of them refuses.
    fn may_judge(&mut self, cost: u64) -> bool {
        if cost > self.budget.most - self.spent {
            self.end = SearchEnd::BudgetSpent;
            return false;
        }
        let Some(watcher) = self.budget.watcher else {
            return true;
        };
        let goes_on = watcher.goes_on(&Progress {
            candidates: self.candidates,
            spent: self.spent,
            budget: self.budget.most,
            smallest: self.smallest.in_words(),
        });
        if !goes_on {
            self.end = SearchEnd::Interrupted;
        }
        goes_on
    }

    fn gains(&mut self, pass: Pass<T>) -> bool {
        let before = self.size;
        pass(self);
        self.size < before
    }

    /// The smallest case so far: edits start from it.
    #[must_use]
    pub const fn smallest(&self) -> &T {
        &self.smallest
    }

    /// Judges a candidate that is smaller, and keeps it where it shows the same. `true` where it was
    /// kept.
    pub fn keeps(&mut self, candidate: T) -> bool {
        if self.is_over() {
            return false;
        }
        let size = candidate.size();
        if size >= self.size || !self.judged.insert(fingerprint(&candidate)) {
            return false;
        }
        let cost = self.budget.cost(candidate.weight());
        if !self.may_judge(cost) {
            return false;
        }
        self.candidates += 1;
        self.spent += cost;
        match (self.ask)(&candidate) {
            Answer::Shows => {
                self.smallest = candidate;
                self.size = size;
                true
            }
            Answer::ShowsNot => false,
            Answer::Unknown => {
                self.end = SearchEnd::BudgetSpent;
                false
            }
        }
    }

    /// Keeps the first of these that shows the same. `true` where there was one.
    pub fn keeps_any(&mut self, candidates: impl IntoIterator<Item = T>) -> bool {
        candidates
            .into_iter()
            .any(|candidate| self.keeps(candidate))
    }

    /// Takes chunks from a list of `count` elements, from all of them down to one, the last ones
    /// first. `without` gives ways to be without a range of them; the first that shows the same is
    /// kept.
    pub fn take_away(
        &mut self,
        count: impl Fn(&T) -> usize,
        without: impl Fn(&T, Range<usize>) -> Vec<T>,
    ) {
        self.take_away_chunks(usize::MAX, count, without);
    }

    /// Takes large chunks from a list, as [`Search::take_away`] does, down to a `parts`th of it.
    pub fn take_away_chunks(
        &mut self,
        parts: usize,
        count: impl Fn(&T) -> usize,
        without: impl Fn(&T, Range<usize>) -> Vec<T>,
    ) {
        let mut chunk = count(&self.smallest);
        let least = (chunk / parts).max(1);
        while chunk >= least && !self.is_over() {
            let mut end = count(&self.smallest);
            let (mut chunks, mut is_in_vain) = (0, true);
            while end > 0 && !self.is_over() {
                let start = end.saturating_sub(chunk);
                is_in_vain &= !self.keeps_any(without(&self.smallest, start..end));
                chunks += 1;
                // Taking away may have repaired more than was asked for.
                end = start.min(count(&self.smallest));
            }
            // A case that is large of necessity would be judged once for each of its elements.
            if is_in_vain && chunks >= MOST_IN_VAIN {
                return;
            }
            // Two at once may go where neither three nor one can: what counts may be whether the
            // rest is odd.
            chunk = if chunk == 3 { 2 } else { chunk / 2 };
        }
    }

    /// Lowers a number that is now `number` to the smallest that still shows it, as if all above did.
    /// `with` is given the case, what the number is in it, and what it is to be.
    pub fn lower(&mut self, number: u64, with: impl Fn(&T, u64, u64) -> T) {
        let mut shows = number;
        if self.is_over() {
            return;
        }
        for simple in [0, 1] {
            if shows > simple && self.keeps(with(&self.smallest, shows, simple)) {
                return;
            }
        }
        let mut shows_not = 1;
        while shows > shows_not + 1 && !self.is_over() {
            let middle = shows_not + (shows - shows_not) / 2;
            if self.keeps(with(&self.smallest, shows, middle)) {
                shows = middle;
            } else {
                shows_not = middle;
            }
        }
    }

    /// Shrinks a part of the case with the passes for such parts. `with` puts a part back; `None`
    /// where it does not fit, which costs nothing.
    ///
    /// A part that is smaller must make the case smaller, or it is not kept.
    pub fn shrink_part<P: Shrinkable>(
        &mut self,
        part: P,
        passes: &[Pass<P>],
        with: impl Fn(&T, &P) -> Option<T>,
    ) {
        let mut ask = |part: &P| {
            let keeps = with(&self.smallest, part).is_some_and(|candidate| self.keeps(candidate));
            match keeps {
                true => Answer::Shows,
                false if self.is_over() => Answer::Unknown,
                false => Answer::ShowsNot,
            }
        };
        // The budget is that of the whole.
        Search::new(part, Budget::of(u64::MAX), &mut ask).run(passes);
    }
}

fn fingerprint<T: Shrinkable>(candidate: &T) -> [u8; 32] {
    let text = serde_json::to_vec(candidate).expect("a case is numbers, lists and names");
    blake3::hash(&text).into()
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    /// Numbers, and a name for each invariant that holds for none of them.
    type Numbers = Vec<u64>;

    impl Shrinkable for Numbers {
        type Size = (usize, u64);

        fn size(&self) -> Self::Size {
            (self.len(), self.iter().sum())
        }

        fn in_words(&self) -> String {
            format!("{} numbers", self.len())
        }

        fn weight(&self) -> u64 {
            self.len() as u64
        }
    }

    fn fewer(search: &mut Search<'_, Numbers>) {
        search.take_away(Vec::len, |numbers, gone| {
            let mut rest = numbers.clone();
            rest.drain(gone);
            vec![rest]
        });
    }

    fn lower(search: &mut Search<'_, Numbers>) {
        for index in 0..search.smallest().len() {
            let number = search.smallest()[index];
            search.lower(number, |numbers, _, lower| {
                let mut changed = numbers.clone();
                changed[index] = lower;
                changed
            });
        }
    }

    const PASSES: [Pass<Numbers>; 2] = [fewer, lower];

    /// `large` where a number is above 1,000, `other` in everything else.
    fn judge(numbers: &Numbers) -> Option<String> {
        let is_large = numbers.iter().any(|number| *number > 1_000);
        Some(if is_large { "large" } else { "other" }.to_owned())
    }

    fn hundred() -> Numbers {
        (0..100).map(|index| index * index).collect()
    }

    #[test]
    fn the_one_that_matters_is_left_as_low_as_it_may_be() {
        let shrunk = shrink(&hundred(), &PASSES, "large", 1_000, &judge);
        assert_eq!(shrunk.smallest, [1_001]);
        assert!(!shrunk.is_cut_short());
        let text = format!(
            "shrunk from 100 numbers to 1 numbers; {} candidates of 1000",
            shrunk.candidates
        );
        assert_eq!(shrunk.to_string(), text);
    }

    #[test]
    fn what_shows_another_invariant_is_not_kept() {
        for budget in 0..60 {
            let shrunk = shrink(&hundred(), &PASSES, "large", budget, &judge);
            assert_eq!(judge(&shrunk.smallest).as_deref(), Some("large"));
        }
    }

    #[test]
    fn nothing_is_judged_twice_and_nothing_that_is_not_smaller() {
        let judged = RefCell::new(Vec::new());
        let shrunk = shrink(&hundred(), &PASSES, "large", 1_000, &|numbers| {
            judged.borrow_mut().push(numbers.clone());
            judge(numbers)
        });
        let judged = judged.into_inner();
        assert_eq!(shrunk.candidates, judged.len() as u64);
        let distinct: BTreeSet<&Numbers> = judged.iter().collect();
        assert_eq!(distinct.len(), judged.len());
        assert!(judged.iter().all(|one| one.size() < hundred().size()));
    }

    #[test]
    fn a_budget_of_seven_is_seven_judgements() {
        let judged = RefCell::new(0);
        let fifty = hundred().split_off(50);
        let shrunk = shrink(&fifty, &PASSES, "large", 7, &|numbers| {
            *judged.borrow_mut() += 1;
            judge(numbers)
        });
        assert_eq!((judged.into_inner(), shrunk.candidates), (7, 7));
        assert!(shrunk.is_cut_short());
        assert!(shrunk.to_string().ends_with("7 candidates of 7, all spent"));
    }

    /// Shrinks a list that is large of necessity; returns the result, and the weight of all that was judged.
    fn large_of_necessity(budget: Budget<'_>) -> (Shrunk<Numbers>, u64) {
        let weight = RefCell::new(0);
        let shrunk = shrink(&vec![5; 5_000], &PASSES, "long", budget, &|numbers| {
            *weight.borrow_mut() += numbers.len() as u64;
            (numbers.len() >= 4_097).then(|| "long".to_owned())
        });
        (shrunk, weight.into_inner())
    }

    #[test]
    fn the_weight_of_all_candidates_is_bounded_and_not_their_number() {
        let mut last = 5_001;
        for most in [64, 640, 6_400] {
            let (shrunk, weight) = large_of_necessity(Budget::of(most));
            assert_eq!(shrunk.end, SearchEnd::BudgetSpent);
            assert!(shrunk.spent <= most && weight <= most * WEIGHT_OF_ONE);
            // Each cost is rounded up, and the last candidate is too heavy for the rest.
            let nearly_all = (most * 9 / 10).saturating_sub(80) * WEIGHT_OF_ONE;
            assert!(weight > nearly_all, "{weight}");
            assert!(shrunk.candidates <= most / 32, "{}", shrunk.candidates);
            assert!(shrunk.smallest.len() <= last);
            last = shrunk.smallest.len();
            let spent = format!("candidates for {} of {most}, all spent", shrunk.spent);
            assert!(
                most == 0 || shrunk.to_string().ends_with(&spent),
                "{shrunk}"
            );
        }
        assert!(last < 4_200, "{last}");
    }

    #[test]
    fn a_candidate_that_is_executed_often_costs_as_much() {
        let (once, weight) = large_of_necessity(Budget::of(800));
        let (often, weight_often) = large_of_necessity(Budget::of(800).executed(4));
        assert!(often.candidates * 3 < once.candidates, "{once} {often}");
        assert!(weight_often * 4 <= 800 * WEIGHT_OF_ONE && weight > weight_often);
        let (counted, _) = large_of_necessity(Budget::of(800).at_most(30));
        assert_eq!((counted.candidates, counted.spent), (30, 30));
    }

    #[test]
    fn a_budget_that_is_left_is_what_was_not_spent() {
        assert_eq!(Budget::of(9).less(4).most, 5);
        assert_eq!(Budget::of(9).less(10).most, 0);
    }

    /// A watcher that ends the search before a number of candidates, and keeps what it saw.
    struct EndsAfter(u64, RefCell<Vec<Progress>>);

    impl Watcher for EndsAfter {
        fn goes_on(&self, progress: &Progress) -> bool {
            self.1.borrow_mut().push(progress.clone());
            progress.candidates < self.0
        }
    }

    #[test]
    fn an_interrupted_search_gives_the_smallest_case_so_far() {
        let fifty = hundred().split_off(50);
        let whole = shrink(&fifty, &PASSES, "large", 1_000, &judge);
        for after in 0..whole.candidates {
            let watcher = EndsAfter(after, RefCell::default());
            let budget = Budget::of(1_000).watched_by(&watcher);
            let shrunk = shrink(&fifty, &PASSES, "large", budget, &judge);
            assert_eq!(
                (shrunk.candidates, shrunk.end),
                (after, SearchEnd::Interrupted)
            );
            assert_eq!(judge(&shrunk.smallest).as_deref(), Some("large"));
            assert!(shrunk.to_string().ends_with("of 1000, interrupted"));
            let cut = shrink(&fifty, &PASSES, "large", after, &judge);
            assert_eq!(shrunk.smallest, cut.smallest, "no clock decides");
            let seen = watcher.1.into_inner();
            assert_eq!(seen.len() as u64, after + 1);
            assert_eq!(seen[0].smallest, "50 numbers");
            let last = seen.last().expect("it was asked once at least");
            assert_eq!(last.smallest, shrunk.smallest.in_words());
        }
    }

    #[test]
    fn a_watcher_that_lets_it_go_on_changes_nothing() {
        let watcher = EndsAfter(u64::MAX, RefCell::default());
        let budget = Budget::of(1_000).watched_by(&watcher);
        let watched = shrink(&hundred(), &PASSES, "large", budget, &judge);
        let alone = shrink(&hundred(), &PASSES, "large", 1_000, &judge);
        assert_eq!(watched, alone);
    }

    #[test]
    fn what_goes_in_pairs_only_goes_in_pairs() {
        let odd = |numbers: &Numbers| {
            (numbers.len() % 2 == 1 && numbers.len() >= 3).then(|| "odd".to_owned())
        };
        let shrunk = shrink(&vec![5; 7], &PASSES, "odd", 1_000, &odd);
        assert_eq!(shrunk.smallest, [0, 0, 0]);
    }

    /// Two lists, of which the second is shrunk with the passes for lists.
    #[derive(Clone, Debug, PartialEq, Eq, Serialize)]
    struct Two(u64, Numbers);

    impl Shrinkable for Two {
        type Size = (u64, (usize, u64));

        fn size(&self) -> Self::Size {
            (self.0, self.1.size())
        }

        fn in_words(&self) -> String {
            self.1.in_words()
        }
    }

    fn second(search: &mut Search<'_, Two>) {
        let part = search.smallest().1.clone();
        search.shrink_part(part, &PASSES, |two, part| {
            // Empty lists do not fit.
            (!part.is_empty()).then(|| Two(two.0, part.clone()))
        });
    }

    fn first(search: &mut Search<'_, Two>) {
        let number = search.smallest().0;
        search.lower(number, |two, _, lower| Two(lower, two.1.clone()));
    }

    #[test]
    fn a_part_is_shrunk_with_its_own_passes_and_the_budget_of_the_whole() {
        let whole = Two(9, hundred());
        let judge = |two: &Two| judge(&two.1).filter(|_| two.0 > 3);
        let small = shrink(&whole, &[second, first], "large", 1_000, &judge);
        assert_eq!(small.smallest, Two(4, vec![1_001]));
        for budget in 0..small.candidates {
            let shrunk = shrink(&whole, &[second, first], "large", budget, &judge);
            assert_eq!((shrunk.candidates, shrunk.is_cut_short()), (budget, true));
        }
    }
}
