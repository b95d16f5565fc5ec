//! Work on many items, on one thread or on several, for whoever does not care on which.

/// Where work on many items is done. What comes out is the same everywhere.
pub(crate) trait SideBySide: Copy + Sync {
    /// On how many threads.
    fn at_once(self) -> usize;

    /// `f` of each item, at its index.
    fn map<T: Sync, R: Send>(self, items: &[T], f: impl Fn(&T) -> R + Send + Sync) -> Vec<R>;

    /// Both.
    fn join<A: Send, B: Send>(
        self,
        one: impl FnOnce() -> A + Send,
        other: impl FnOnce() -> B + Send,
    ) -> (A, B);
}

/// On the caller's thread.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Alone;

impl SideBySide for Alone {
    fn at_once(self) -> usize {
        1
    }

    fn map<T: Sync, R: Send>(self, items: &[T], f: impl Fn(&T) -> R + Send + Sync) -> Vec<R> {
        items.iter().map(f).collect()
    }

    fn join<A: Send, B: Send>(
        self,
        one: impl FnOnce() -> A + Send,
        other: impl FnOnce() -> B + Send,
    ) -> (A, B) {
        (one(), other())
    }
}
