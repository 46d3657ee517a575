//! Processes that may die.

use std::{
    future::pending,
    io,
    sync::atomic::{AtomicBool, AtomicU32, Ordering},
};

/// The life of one process: it can end at any write, before or after this takes effect. What is dead does nothing more.
#[derive(Debug)]
pub(crate) struct Life {
    pub(crate) id: u32,
    dead: AtomicBool,
    /// It dies at so many writes from now; 0 is never.
    fuse: AtomicU32,
    dies_after: bool,
}

impl Life {
    pub(crate) fn new(id: u32, fuse: u32, dies_after: bool) -> Self {
        Self {
            id,
            dead: AtomicBool::new(false),
            fuse: AtomicU32::new(fuse),
            dies_after,
        }
    }

    pub(crate) fn is_dead(&self) -> bool {
        self.dead.load(Ordering::Relaxed)
    }

    pub(crate) fn die(&self) {
        self.dead.store(true, Ordering::Relaxed);
    }

    /// True if this is the last write.
    fn burns_down(&self) -> bool {
        let left = self.fuse.load(Ordering::Relaxed);
        self.fuse.store(left.saturating_sub(1), Ordering::Relaxed);
        left == 1
    }

    /// Returns to the living only.
    pub(crate) async fn check(&self) {
        if self.is_dead() {
            pending::<()>().await;
        }
    }

    /// Does something that lasts, or dies of it.
    pub(crate) async fn write<T>(&self, effect: impl Future<Output = T>) -> T {
        self.check().await;
        let is_last = self.burns_down();
        if is_last && !self.dies_after {
            self.die();
            pending::<()>().await;
        }
        let done = effect.await;
        if is_last {
            self.die();
        }
        self.check().await;
        done
    }

    /// The same for what can't wait.
    pub(crate) fn write_now(&self, effect: impl FnOnce()) -> io::Result<()> {
        let dead = || Err(io::Error::other("the process is dead"));
        if self.is_dead() {
            return dead();
        }
        let is_last = self.burns_down();
        if !is_last || self.dies_after {
            effect();
        }
        if is_last {
            self.die();
            return dead();
        }
        Ok(())
    }
}
