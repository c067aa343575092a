//! What is told while a scan goes on: lines for people, or events as JSON; and its progress.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use clap::ValueEnum;
use h5refs::batch::{Kind, Reason, Tally};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

use super::cost::Cost;
use crate::limiting::by_option;
use crate::{escaped, print_error as print};

/// Reasons that a summary names for people.
const REASONS: usize = 10;

/// When lines have colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Color {
    /// On a terminal, unless `NO_COLOR` is set.
    Auto,
    Always,
    Never,
}

/// How a scan tells what it does.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "switches of the command line")]
pub(super) struct Telling {
    /// Events as JSON.
    pub(super) json: bool,
    /// Nothing but what is wrong.
    pub(super) quiet: bool,
    /// A line for each file.
    pub(super) verbose: bool,
    /// What files cost.
    pub(super) stats: bool,
    /// No lines for refusals.
    pub(super) ignore: bool,
    /// Several files: lines name them, and there is a summary.
    pub(super) several: bool,
    pub(super) color: Color,
}

/// What is told of a file that is done with.
#[derive(Debug, Serialize)]
pub(super) struct Told<'a> {
    pub(super) event: Kind,
    pub(super) file: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) output: Option<String>,
    pub(super) seconds: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) counts: Option<Counts>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<&'a str>,
    /// The condition that it does not satisfy, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) left_out: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cost: Option<Cost>,
    /// Refusals; of an existing output only their number is known.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) refusals: Vec<Refusal>,
    /// Names that are not those of the file.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) renamed: Vec<Refusal>,
    /// What is in the sidecar file, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) sidecar: Option<String>,
}

/// What is in the references of a file.
#[derive(Debug, Default, Serialize)]
pub(super) struct Counts {
    pub(super) arrays: u64,
    pub(super) referenced: u64,
    pub(super) inline: u64,
    pub(super) refused: u64,
}

/// An object, and why it is not in the references or not as it is in the file.
#[derive(Debug, Serialize)]
pub(super) struct Refusal {
    pub(super) path: String,
    pub(super) reason: String,
}

#[derive(Serialize)]
#[serde(tag = "event", rename_all = "lowercase")]
enum Event<'a> {
    Start { files: u64, jobs: usize, output: Option<String> },
    Note { text: &'a str },
    Error { text: &'a str },
    End(Summary<'a>),
}

/// The last event.
#[derive(Serialize)]
struct Summary<'a> {
    ended: &'a str,
    files: u64,
    done: u64,
    existing: u64,
    refused: u64,
    failed: u64,
    #[serde(skip_serializing_if = "is_zero")]
    left_out: u64,
    objects_refused: u64,
    seconds: f64,
    reasons: Vec<Reason>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cost: Option<Cost>,
}

/// Where it is told. It is told from one thread at a time.
pub(super) struct View {
    telling: Telling,
    bar: ProgressBar,
    begun: Instant,
    files: u64,
    colors: bool,
}

impl View {
    pub(super) fn start(telling: Telling, files: u64, jobs: usize, output: Option<String>) -> Self {
        let is_terminal = std::io::stderr().is_terminal();
        let colors = match telling.color {
            Color::Auto => is_terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
            Color::Always => true,
            Color::Never => false,
        };
        let view = Self {
            telling,
            bar: bar(files, !is_terminal || telling.quiet || telling.json),
            begun: Instant::now(),
            files,
            colors,
        };
        if telling.json {
            event(&Event::Start { files, jobs, output });
        }
        view
    }

    /// Something that people should know.
    pub(super) fn note(&self, text: &str) {
        match self.telling {
            Telling { json: true, .. } => event(&Event::Note { text }),
            Telling { quiet: true, .. } => {}
            _ => self.line(&format!("h5refs: {text}")),
        }
    }

    /// How something is done, which is no news.
    pub(super) fn hint(&self, text: &str) {
        if !self.telling.quiet && !self.telling.json {
            self.line(text);
        }
    }

    /// Something that is wrong.
    pub(super) fn error(&self, text: &str) {
        self.bar.suspend(|| error(self.telling.json, text));
    }

    pub(super) fn finished(&self, told: &Told<'_>) {
        if self.telling.json {
            event(told);
        } else {
            self.lines(told);
        }
        self.bar.inc(1);
        if told.event == Kind::Existing {
            // What was there already says nothing of the time that the others take.
            self.bar.reset_eta();
        }
    }

    /// A line for the file, where it is asked for or wrong, and for each refusal.
    fn lines(&self, told: &Told<'_>) {
        if let Some(error) = told.error {
            self.line(&format!("h5refs: {}: {error}", told.file));
        }
        if let Some(left_out) = told.left_out.filter(|_| self.telling.verbose || !self.telling.several) {
            self.line(&format!("h5refs: {}: left out: {left_out}", told.file));
        }
        if self.telling.verbose {
            let counts = told.counts.as_ref().map_or(String::new(), |counts| {
                format!(", {} arrays, {} chunks", counts.arrays, counts.referenced.saturating_add(counts.inline))
            });
            self.marked(told.event, &format!(" {} ({:.3} s{counts})", told.file, told.seconds));
        }
        if let Some(cost) = told.cost.filter(|_| !self.telling.several || self.telling.verbose) {
            self.line(&format!("h5refs: {}: {cost}", told.file));
        }
        if !self.telling.ignore {
            let prefix = if self.telling.several { format!("{}: ", told.file) } else { String::new() };
            for Refusal { path, reason } in told.refusals.iter().chain(&told.renamed) {
                self.line(&format!("{prefix}{path}: {reason}"));
            }
        }
        if let Some(sidecar) = told.sidecar.as_ref().filter(|_| !self.telling.quiet) {
            self.line(&format!("h5refs: {sidecar}"));
        }
    }

    /// The summary, where there are several files.
    pub(super) fn end(&self, ended: &str, tally: &Tally, cost: &Cost) {
        self.bar.finish_and_clear();
        let elapsed = self.begun.elapsed();
        let cost = Some(cost).filter(|_| self.telling.stats);
        if self.telling.json {
            event(&Event::End(self.summary(ended, tally, elapsed, cost)));
            return;
        }
        if let Some(cost) = cost.filter(|_| self.telling.several) {
            self.line(&format!("h5refs: {cost}"));
        }
        if self.telling.several && !self.telling.quiet {
            self.told_summary(ended, tally, elapsed);
        }
    }

    fn summary<'a>(&self, ended: &'a str, tally: &Tally, elapsed: Duration, cost: Option<&Cost>) -> Summary<'a> {
        let Tally { done, existing, refused, failed, left_out, objects_refused, .. } = *tally;
        let (files, seconds, reasons) = (self.files, elapsed.as_secs_f64(), tally.reasons());
        let cost = cost.copied();
        Summary { ended, files, done, existing, refused, failed, left_out, objects_refused, seconds, reasons, cost }
    }

    fn told_summary(&self, ended: &str, tally: &Tally, elapsed: Duration) {
        let worked = tally.inputs().saturating_sub(tally.existing);
        let seconds = elapsed.as_secs_f64();
        #[expect(clippy::cast_precision_loss, clippy::as_conversions, reason = "a rate for people")]
        let rate = worked as f64 / seconds.max(1e-9);
        let parts = [
            (Kind::Done, tally.done),
            (Kind::Existing, tally.existing),
            (Kind::Refused, tally.refused),
            (Kind::Failed, tally.failed),
            (Kind::LeftOut, tally.left_out),
        ];
        let parts = parts.iter().filter(|(kind, files)| *files > 0 || *kind == Kind::Done);
        let parts: Vec<String> = parts.map(|(kind, files)| format!("{files} {}", word(*kind).0)).collect();
        let objects = if tally.objects_refused > 0 {
            format!(", {} objects refused", tally.objects_refused)
        } else {
            String::new()
        };
        self.line(&format!(
            "h5refs: {ended}: {} of {} files{objects}, in {seconds:.1} s ({rate:.0} a second)",
            parts.join(", "),
            self.files
        ));
        let reasons = tally.reasons();
        for Reason { reason, files } in reasons.iter().take(REASONS) {
            self.line(&format!("h5refs: {files} failed: {reason}"));
        }
        if reasons.len() > REASONS {
            self.line(&format!("h5refs: and {} other reasons", reasons.len().saturating_sub(REASONS)));
        }
    }

    /// A line whose beginning is told by a coloured word.
    fn marked(&self, kind: Kind, rest: &str) {
        let (word, color) = word(kind);
        let word = if self.colors { format!("\u{1b}[{color}m{word}\u{1b}[0m") } else { word.to_owned() };
        self.bar.suspend(|| print(&format!("{word}{}", escaped(rest))));
    }

    fn line(&self, line: &str) {
        self.bar.suspend(|| print(&escaped(&by_option(line))));
    }
}

/// An event on a line of its own.
fn event(event: &impl Serialize) {
    // What takes the place of a limit needs no escapes in JSON.
    print(&by_option(&serde_json::to_string(event).unwrap_or_default()));
}

/// Something that is wrong, also where nothing has begun.
pub(super) fn error(json: bool, text: &str) {
    if json { event(&Event::Error { text }) } else { print(&escaped(&by_option(&format!("h5refs: {text}")))) }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn is_zero(n: &u64) -> bool {
    *n == 0
}

/// What became of a file, and its colour on terminals.
fn word(kind: Kind) -> (&'static str, u8) {
    match kind {
        Kind::Done => ("done", 32),
        Kind::Existing => ("existing", 36),
        Kind::Refused => ("refused", 33),
        Kind::Failed => ("failed", 31),
        Kind::LeftOut => ("left out", 36),
    }
}

fn bar(files: u64, hidden: bool) -> ProgressBar {
    if hidden {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::with_draw_target(Some(files), ProgressDrawTarget::stderr());
    let style = ProgressStyle::with_template("{spinner} {pos}/{len} files, {per_sec}, {elapsed} elapsed, {eta} left");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}
