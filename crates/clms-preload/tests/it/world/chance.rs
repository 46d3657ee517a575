//! All that happens by chance.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};

/// All that happens by chance, and how often it did.
#[derive(Debug)]
pub(crate) struct Chance {
    rng: Mutex<StdRng>,
    /// While there is a storm, things go wrong.
    storm: AtomicBool,
    tally: Mutex<BTreeMap<&'static str, u64>>,
}

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            rng: Mutex::new(StdRng::seed_from_u64(seed)),
            storm: AtomicBool::new(true),
            tally: Mutex::default(),
        }
    }

    pub(crate) fn range(&self, from: u64, to: u64) -> u64 {
        self.rng.lock().unwrap().random_range(from..=to)
    }

    pub(crate) fn percent(&self, percent: u64) -> bool {
        self.range(0, 99) < percent
    }

    pub(crate) fn pick<T: Copy>(&self, choices: &[T]) -> T {
        choices[self.range(0, choices.len() as u64 - 1) as usize]
    }

    pub(crate) fn is_storm(&self) -> bool {
        self.storm.load(Ordering::Relaxed)
    }

    pub(crate) fn calm_down(&self) {
        self.storm.store(false, Ordering::Relaxed);
    }

    /// Whether a fault of that name strikes; never in fair weather.
    pub(crate) fn fault(&self, name: &'static str, percent: u64) -> bool {
        let strikes = self.is_storm() && self.percent(percent);
        if strikes {
            self.count(name);
        }
        strikes
    }

    pub(crate) fn count(&self, name: &'static str) {
        *self.tally.lock().unwrap().entry(name).or_default() += 1;
    }

    pub(crate) fn tally(&self) -> BTreeMap<&'static str, u64> {
        self.tally.lock().unwrap().clone()
    }
}
