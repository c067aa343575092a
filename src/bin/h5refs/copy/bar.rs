//! How far a copy is, on a terminal.

use std::io::IsTerminal;
use std::time::Duration;

use h5refs::copy::Step;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A line that shows how far a copy is; nothing where nobody looks.
pub(super) struct Bar(ProgressBar);

impl Bar {
    pub(super) fn new(chunks: u64, is_hidden: bool) -> Self {
        if is_hidden || !std::io::stderr().is_terminal() {
            return Self(ProgressBar::hidden());
        }
        let bar = ProgressBar::with_draw_target(Some(chunks), ProgressDrawTarget::stderr());
        let style = ProgressStyle::with_template(
            "{spinner} {pos}/{len} chunks, {per_sec}, {elapsed} elapsed, {eta} left: {msg}",
        );
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.enable_steady_tick(Duration::from_millis(200));
        Self(bar)
    }

    pub(super) fn step(&self, step: Step<'_>) {
        self.0.set_position(step.done);
        self.0.set_message(crate::escaped(step.array));
    }

    pub(super) fn end(&self) {
        self.0.finish_and_clear();
    }
}

impl Drop for Bar {
    /// Also where the copy fails, so that what is told then stands on a line of its own.
    fn drop(&mut self) {
        self.end();
    }
}
