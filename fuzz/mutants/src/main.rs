//! Reads damaged files from a pipe, each as a frame (length, JSON that says what it is, length, bytes; lengths are 32 bits, little-endian),
//! and judges what h5refs makes of each, in this process: ends soon, refers to bytes of the file only, and as `--want` says.
//!
//! A panic, a signal or a hang ends the run; the frame in work is told.

mod frames;
mod judge;
mod tables;
mod watch;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::{Parser, ValueEnum};

use frames::{Frame, Frames};
use judge::{Judge, Verdict};
use tables::Tables;

/// Judges mutants that come through a pipe.
#[derive(Parser)]
struct Arguments {
    /// What must come of each
    #[arg(long, value_enum, default_value = "any")]
    want: Want,
    /// Signatures of structures that nothing reads: the same may come of a file that is damaged in these only
    #[arg(long, value_delimiter = ',')]
    unread: Vec<String>,
    /// The longest that one may take, in milliseconds
    #[arg(long, default_value_t = 1000)]
    longest: u64,
    /// Where those are kept that fail
    #[arg(long)]
    keep: Option<PathBuf>,
    /// Where those are kept, with their chunks, that are accepted and differ from their source
    #[arg(long)]
    accepted: Option<PathBuf>,
    /// The most that are kept there
    #[arg(long, default_value_t = 20_000)]
    most: u64,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Want {
    /// No panic, no hang, nothing outside the file
    Any,
    /// The same, and what differs from the source is refused
    Noticed,
    /// The same, and everything is refused
    Refused,
}

impl Arguments {
    fn wants(&self, frame: &Frame) -> Want {
        let structures = &frame.about.structures;
        let unread = !structures.is_empty()
            && structures.iter().all(|one| one.as_ref().is_some_and(|one| self.unread.contains(one)));
        if unread && self.want == Want::Refused { Want::Noticed } else { self.want }
    }
}

fn main() -> std::io::Result<()> {
    let arguments = Arguments::parse();
    let watch = watch::Watch::start(Duration::from_millis(arguments.longest));
    let mut judge = Judge::default();
    let mut counts: BTreeMap<Verdict, u64> = BTreeMap::new();
    let (mut failures, mut kept, mut slowest) = (0_u64, 0_u64, Duration::ZERO);
    let mut accepted = arguments.accepted.as_deref().map(Tables::create).transpose()?;
    let mut frames = Frames::new(std::io::stdin().lock());
    while let Some(frame) = frames.next()? {
        watch.begins(&frame);
        let started = Instant::now();
        let verdict = judge.judge(&frame);
        slowest = slowest.max(started.elapsed());
        watch.ends();
        *counts.entry(verdict).or_default() += 1;
        if fails(verdict, arguments.wants(&frame)) {
            failures += 1;
            println!("{verdict:?}: {}", frame.told);
            frames::keep(arguments.keep.as_deref(), &frame)?;
        } else if let Some(tables) = accepted.as_mut().filter(|_| verdict == Verdict::Differs && kept < arguments.most)
        {
            kept += 1;
            tables.add(&frame)?;
        }
    }
    accepted.map_or(Ok(()), Tables::finish)?;
    let total: u64 = counts.values().sum();
    println!("{total} mutants: {counts:?}; slowest {slowest:?}; peak {} MiB; {failures} failures", watch::peak_mib());
    std::process::exit(i32::from(failures > 0 || total == 0));
}

fn fails(verdict: Verdict, want: Want) -> bool {
    match verdict {
        Verdict::Outside => true,
        Verdict::Refused => false,
        Verdict::Differs => want != Want::Any,
        Verdict::Same => want == Want::Refused,
    }
}
