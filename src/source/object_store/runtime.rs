//! Where requests run while their caller waits.

use std::future::Future;
use std::sync::mpsc::{Receiver, sync_channel};

use tokio::runtime::{Builder, Handle};
use tokio::task::AbortHandle;

/// A runtime of this crate's, or of the caller's.
pub(in crate::source) struct Runtime {
    handle: Handle,
    own: Option<tokio::runtime::Runtime>,
}

impl Runtime {
    /// A runtime with one thread.
    pub(in crate::source) fn new() -> std::io::Result<Self> {
        let own = Builder::new_multi_thread().worker_threads(1).thread_name("h5refs requests").enable_all().build()?;
        Ok(Self { handle: own.handle().clone(), own: Some(own) })
    }

    pub(in crate::source) fn given(handle: Handle) -> Self {
        Self { handle, own: None }
    }

    /// The result of `work`; `None` if it panicked, or the runtime was shut down.
    pub(in crate::source) fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Option<T> {
        // Not `block_on`, which panics where the caller is async code.
        self.start(work).0.recv().ok()
    }

    /// Starts `work`: where its result comes, unless it panics or is given up, and what gives it up.
    pub(in crate::source) fn start<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> (Receiver<T>, AbortHandle) {
        let (sender, receiver) = sync_channel(1);
        let task = self.handle.spawn(async move {
            let _ = sender.send(work.await);
        });
        (receiver, task.abort_handle())
    }
}

impl Drop for Runtime {
    /// Waits for nothing: dropped in async code, a runtime that waits panics.
    fn drop(&mut self) {
        if let Some(own) = self.own.take() {
            own.shutdown_background();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn async_code_may_wait_and_drop() {
        let outer = Builder::new_current_thread().build().unwrap();
        outer.block_on(async {
            let runtime = Runtime::new().unwrap();
            assert_eq!(runtime.run(async { 7 }), Some(7));
            drop(runtime);
        });
    }

    #[test]
    fn work_without_an_end_is_none() {
        let runtime = Runtime::new().unwrap();
        assert_eq!(runtime.run(async { if true { panic!("of the test") } else { 7 } }), None);
        assert_eq!(runtime.run(async { 7 }), Some(7));
        let shut = Builder::new_multi_thread().worker_threads(1).build().unwrap();
        let given = Runtime::given(shut.handle().clone());
        assert_eq!(given.run(async { 7 }), Some(7));
        shut.shutdown_background();
        assert_eq!(given.run(async { 7 }), None);
    }
}
