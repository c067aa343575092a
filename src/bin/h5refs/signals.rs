//! Signals that ask a long run to end.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::sync_channel;
use std::thread::{Builder, ScopedJoinHandle, Thread};
use std::time::Duration;

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

/// Ends a watch where it is dropped, also by a panic.
pub(crate) struct Over<'a> {
    over: &'a AtomicBool,
    watch: Option<Thread>,
}

impl<'a> Over<'a> {
    pub(crate) fn new<T>(over: &'a AtomicBool, watch: Option<ScopedJoinHandle<'_, T>>) -> Self {
        Self { over, watch: watch.map(|watch| watch.thread().clone()) }
    }
}

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        if let Some(watch) = &self.watch {
            watch.unpark();
        }
    }
}

/// Does work that the first signal ends, after what it leaves behind is cleared away.
pub(crate) fn cleared<T>(clear: impl Fn() + Sync, work: impl FnOnce() -> T) -> T {
    let over = AtomicBool::new(false);
    let (caught, is_caught) = sync_channel::<()>(0);
    let watch = || {
        // Where signals cannot be caught they end the program as they always do.
        let signals = Signals::catch();
        drop(caught);
        let Ok(signals) = signals else { return };
        while !over.load(Ordering::Relaxed) {
            std::thread::park_timeout(Duration::from_millis(20));
            if let Some(code) = signals.code() {
                clear();
                std::process::exit(code.into());
            }
        }
    };
    std::thread::scope(|scope| {
        let _over = Over::new(&over, Builder::new().spawn_scoped(scope, watch).ok());
        // Nothing is left behind before signals are caught. Nothing is sent: the end of the channel says so, also where there is no thread.
        let _ended = is_caught.recv();
        work()
    })
}
