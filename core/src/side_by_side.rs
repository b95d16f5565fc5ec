//! Work in pieces, on one thread or on several, for code whose results do not depend on which.

/// The threads on which work is done. The results are the same on any.
pub(crate) trait SideBySide: Copy + Sync {
    /// Returns the number of threads.
    fn at_once(self) -> usize;

    /// Returns `f` of each piece, at its index. A piece is large enough to pay for another thread; a
    /// free thread takes the next.
    fn map<P: Sync, R: Send>(self, pieces: &[P], f: impl Fn(&P) -> R + Send + Sync) -> Vec<R>;

    /// Calls both and returns their results.
    fn join<A: Send, B: Send>(
        self,
        one: impl FnOnce() -> A + Send,
        other: impl FnOnce() -> B + Send,
    ) -> (A, B);
}
