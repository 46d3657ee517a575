//! Ctrl-C and SIGTERM: the first asks to stop, the second stops at once.

use std::sync::{
    Arc,
    atomic::{AtomicU8, Ordering},
};

use tokio_util::sync::CancellationToken;

use crate::exit;

/// What has been asked of the program from outside.
#[derive(Clone)]
pub(crate) struct Signals {
    stop: CancellationToken,
    code: Arc<AtomicU8>,
}

impl Signals {
    /// Listens from now on, on the current runtime.
    pub(crate) fn listen() -> Self {
        let signals = Self {
            stop: CancellationToken::new(),
            code: Arc::new(AtomicU8::new(exit::INTERRUPTED)),
        };
        let listener = signals.clone();
        tokio::spawn(async move {
            loop {
                let code = next().await;
                listener.came(code);
            }
        });
        signals
    }

    /// Cancelled by the first signal.
    pub(crate) fn stop(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// The exit code that the signal calls for.
    pub(crate) fn code(&self) -> u8 {
        self.code.load(Ordering::Relaxed)
    }

    fn came(&self, code: u8) {
        if self.stop.is_cancelled() {
            exit::now(code);
        }
        self.code.store(code, Ordering::Relaxed);
        self.stop.cancel();
    }
}

#[cfg(unix)]
async fn next() -> u8 {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        return std::future::pending().await;
    };
    tokio::select! {
        // Where Ctrl-C can't be heard, it ends the program as it does any other.
        Ok(()) = tokio::signal::ctrl_c() => exit::INTERRUPTED,
        Some(()) = terminate.recv() => exit::TERMINATED,
        else => std::future::pending().await,
    }
}

#[cfg(not(unix))]
async fn next() -> u8 {
    match tokio::signal::ctrl_c().await {
        Ok(()) => exit::INTERRUPTED,
        Err(_) => std::future::pending().await,
    }
}
