//! The event queue: events in the order of virtual time, and of insertion at equal times.

use std::collections::BTreeMap;

/// The events to come, and the current virtual time.
pub(super) struct Queue<E> {
    now_ms: u64,
    put_in: u64,
    events: BTreeMap<(u64, u64), E>,
}

impl<E> Queue<E> {
    /// Creates an empty queue at time 0.
    pub(super) fn new() -> Self {
        Queue {
            now_ms: 0,
            put_in: 0,
            events: BTreeMap::new(),
        }
    }

    /// Returns the time of the last event that was popped, in milliseconds.
    pub(super) fn now_ms(&self) -> u64 {
        self.now_ms
    }

    /// Schedules an event at a time, or now if that is past.
    pub(super) fn at(&mut self, at_ms: u64, event: E) {
        self.put_in += 1;
        self.events
            .insert((at_ms.max(self.now_ms), self.put_in), event);
    }

    /// Schedules an event `ms` milliseconds from now.
    pub(super) fn after(&mut self, ms: u64, event: E) {
        self.at(self.now_ms.saturating_add(ms), event);
    }

    /// Pops the next event and advances the time to it.
    pub(super) fn next(&mut self) -> Option<E> {
        let ((at_ms, _), event) = self.events.pop_first()?;
        self.now_ms = at_ms;
        Some(event)
    }
}

#[cfg(test)]
mod tests {
    use super::Queue;

    #[test]
    fn events_come_by_time_and_then_as_they_were_put_in() {
        let mut queue = Queue::new();
        queue.at(20, 'c');
        queue.at(10, 'a');
        queue.at(10, 'b');
        assert_eq!(queue.next(), Some('a'));
        queue.after(0, 'x');
        queue.at(0, 'y');
        let rest: Vec<(u64, char)> =
            std::iter::from_fn(|| queue.next().map(|event| (queue.now_ms(), event))).collect();
        assert_eq!(rest, [(10, 'b'), (10, 'x'), (10, 'y'), (20, 'c')]);
    }
}
