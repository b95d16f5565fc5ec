//! The order in which workers go on: that of the system, or drawn from a seed.
//!
//! With drawn turns one worker runs at a time, and at every pause the next one is drawn: the same seed
//! is the same execution. Pauses stand before every read and between the steps of a task, never under a
//! lock.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// The order in which workers go on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Pacing {
    /// The system's: the workers run side by side.
    Free,
    /// Turns drawn from a seed.
    Turns(u64),
}

#[derive(Debug)]
struct Turn {
    random: u64,
    entered: usize,
    alive: Vec<bool>,
    current: Option<usize>,
}

/// The turns of one execution, none if the workers are free.
#[derive(Debug)]
pub(super) struct Pace {
    turn: Option<Mutex<Turn>>,
    /// One a worker: only the drawn one is woken.
    drawn: Vec<Condvar>,
    keeps_on: u64,
}

impl Pace {
    pub(super) fn new(pacing: Pacing, workers: usize) -> Self {
        let (turn, seed) = match pacing {
            Pacing::Free => (None, 0),
            Pacing::Turns(seed) => {
                let turn = Turn {
                    random: seed,
                    entered: 0,
                    alive: vec![true; workers],
                    current: None,
                };
                (Some(Mutex::new(turn)), seed)
            }
        };
        Self {
            turn,
            drawn: (0..workers).map(|_| Condvar::new()).collect(),
            // Half of the seeds switch rarely: what starves one worker needs long turns of others.
            keeps_on: if seed % 2 == 0 { 0 } else { 7 },
        }
    }

    /// True if the turns are drawn.
    pub(super) fn is_drawn(&self) -> bool {
        self.turn.is_some()
    }

    fn lock(turn: &Mutex<Turn>) -> MutexGuard<'_, Turn> {
        turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the first turn of `worker`.
    pub(super) fn enter(&self, worker: usize) {
        let Some(mutex) = &self.turn else { return };
        let mut turn = Self::lock(mutex);
        turn.entered += 1;
        if turn.entered == turn.alive.len() {
            self.draw(&mut turn);
        }
        self.wait(worker, turn);
    }

    /// Gives the turn away, perhaps to `worker` itself, and waits for the next.
    pub(super) fn pause(&self, worker: usize) {
        let Some(mutex) = &self.turn else { return };
        let mut turn = Self::lock(mutex);
        // What is executed again in order has no workers.
        if !turn.alive[worker] || turn.next_random() % 8 < self.keeps_on {
            return;
        }
        self.draw(&mut turn);
        self.wait(worker, turn);
    }

    /// Gives the turn away to another worker, if there is one.
    pub(super) fn wait_for_others(&self, worker: usize) {
        let Some(mutex) = &self.turn else { return };
        let mut turn = Self::lock(mutex);
        self.draw(&mut turn);
        self.wait(worker, turn);
    }

    /// Gives the turn away for good.
    pub(super) fn leave(&self, worker: usize) {
        let Some(mutex) = &self.turn else { return };
        let mut turn = Self::lock(mutex);
        turn.alive[worker] = false;
        self.draw(&mut turn);
    }

    fn draw(&self, turn: &mut Turn) {
        turn.draw();
        if let Some(worker) = turn.current {
            self.drawn[worker].notify_one();
        }
    }

    fn wait(&self, worker: usize, mut turn: MutexGuard<'_, Turn>) {
        while turn.current != Some(worker) {
            let woken = self.drawn[worker].wait(turn);
            turn = woken.unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Turn {
    /// SplitMix64.
    fn next_random(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.random;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn draw(&mut self) {
        let alive: Vec<_> = (0..self.alive.len())
            .filter(|worker| self.alive[*worker])
            .collect();
        let random = self.next_random();
        let index = random.checked_rem(alive.len() as u64);
        self.current = index.map(|index| alive[index as usize]);
    }
}
