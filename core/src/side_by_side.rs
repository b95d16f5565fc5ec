//! Work in pieces, on one thread or on several, for whoever does not care on which.

/// Where work is done. What comes out is the same everywhere.
pub(crate) trait SideBySide: Copy + Sync {
    /// On how many threads.
    fn at_once(self) -> usize;

    /// `f` of each piece, at its index. A piece is worth another thread's while; whoever is free takes
    /// the next.
    fn map<P: Sync, R: Send>(self, pieces: &[P], f: impl Fn(&P) -> R + Send + Sync) -> Vec<R>;

    /// Both.
    fn join<A: Send, B: Send>(
        self,
        one: impl FnOnce() -> A + Send,
        other: impl FnOnce() -> B + Send,
    ) -> (A, B);
}
