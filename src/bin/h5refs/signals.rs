//! Signals that ask a long run to end.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

/// Whether the run was asked to end: by the first signal. The second ends it at once.
pub(crate) struct Signals {
    stop: Arc<AtomicBool>,
    which: Arc<AtomicUsize>,
}

impl Signals {
    /// From now on signals are caught.
    pub(crate) fn catch() -> io::Result<Self> {
        let signals = Self { stop: Arc::default(), which: Arc::default() };
        for signal in [SIGINT, SIGTERM] {
            flag::register_conditional_shutdown(signal, 128_i32.saturating_add(signal), signals.stop.clone())?;
            flag::register_usize(signal, signals.which.clone(), usize::try_from(signal).unwrap_or_default())?;
            flag::register(signal, signals.stop.clone())?;
        }
        // Without it a file that grows beyond the limit of its size ends the program; with it the write fails.
        #[cfg(unix)]
        flag::register(signal_hook::consts::SIGXFSZ, Arc::default())?;
        Ok(signals)
    }

    /// What is set when the run shall end.
    pub(crate) fn stop(&self) -> Arc<AtomicBool> {
        self.stop.clone()
    }

    /// The exit code of a run that was asked to end.
    pub(crate) fn code(&self) -> Option<u8> {
        let signal = u8::try_from(self.which.load(Ordering::Relaxed)).ok();
        signal
            .filter(|signal| *signal > 0 && self.stop.load(Ordering::Relaxed))
            .map(|signal| signal.saturating_add(128))
    }
}
