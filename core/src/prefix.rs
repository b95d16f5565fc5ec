//! Sorting by long keys whose order the first bytes mostly decide.

use std::cmp::Ordering;

/// Sorts by a number that comes first in an order, and items with the same number by the whole order.
/// Large items are moved once, and most keys are never compared: of random ones that are 32 bytes
/// long, next to none share eight.
pub(crate) fn sort_by_prefix<T>(
    items: &mut [T],
    prefix: impl Fn(&T) -> u64,
    whole: impl Fn(&T, &T) -> Ordering,
) {
    items.sort_by_cached_key(&prefix);
    for same in items.chunk_by_mut(|one, other| prefix(one) == prefix(other)) {
        same.sort_unstable_by(&whole);
    }
}

/// Returns the first eight bytes, as a number that is ordered as they are.
pub(crate) fn first_bytes(bytes: &[u8; 32]) -> u64 {
    let first = bytes.first_chunk().expect("32 bytes have eight in front");
    u64::from_be_bytes(*first)
}
