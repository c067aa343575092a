//! What reading and writing cost: rounds, requests and bytes of what is read over a network, and where the time went.

use std::fmt;
use std::time::{Duration, Instant};

use h5refs::Input;
use serde::Serialize;

/// What one input cost, or several.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(super) struct Cost {
    /// Files that were read over a network.
    files: u64,
    /// Their bytes.
    size: u64,
    /// Times that bytes were asked for and waited for.
    rounds: u64,
    /// Most rounds of one file.
    most_rounds: u64,
    /// Ranges that were asked for.
    requests: u64,
    /// Bytes of them.
    bytes: u64,
    #[serde(rename = "reading_seconds", serialize_with = "seconds")]
    reading: Duration,
    #[serde(rename = "translating_seconds", serialize_with = "seconds")]
    translating: Duration,
    #[serde(rename = "writing_seconds", serialize_with = "seconds")]
    writing: Duration,
}

/// Takes the times of an input.
pub(super) struct Clock {
    begun: Instant,
}

impl Clock {
    pub(super) fn start() -> Self {
        Self { begun: Instant::now() }
    }

    /// What an input cost until now.
    pub(super) fn translated(&self, input: &Input) -> Cost {
        let elapsed = self.begun.elapsed();
        let Some((statistics, waited)) = input.statistics() else {
            return Cost { translating: elapsed, ..Cost::default() };
        };
        Cost {
            files: 1,
            size: input.size(),
            rounds: statistics.rounds,
            most_rounds: statistics.rounds,
            requests: statistics.requests,
            bytes: statistics.bytes,
            reading: waited,
            translating: elapsed.saturating_sub(waited),
            writing: Duration::ZERO,
        }
    }

    /// The same when its references are written.
    pub(super) fn written(&self, cost: Cost) -> Cost {
        let before = cost.reading.saturating_add(cost.translating);
        Cost { writing: self.begun.elapsed().saturating_sub(before), ..cost }
    }
}

impl Cost {
    pub(super) fn add(&mut self, other: &Self) {
        self.files = self.files.saturating_add(other.files);
        self.size = self.size.saturating_add(other.size);
        self.rounds = self.rounds.saturating_add(other.rounds);
        self.most_rounds = self.most_rounds.max(other.most_rounds);
        self.requests = self.requests.saturating_add(other.requests);
        self.bytes = self.bytes.saturating_add(other.bytes);
        self.reading = self.reading.saturating_add(other.reading);
        self.translating = self.translating.saturating_add(other.translating);
        self.writing = self.writing.saturating_add(other.writing);
    }
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { files, size, rounds, most_rounds, requests, bytes, .. } = self;
        match files {
            0 => {}
            1 => write!(f, "{rounds} rounds, {requests} requests, {bytes} bytes of {size}; ")?,
            _ => write!(
                f,
                "{rounds} rounds (at most {most_rounds} of a file), {requests} requests, {bytes} bytes of {size}; "
            )?,
        }
        let [reading, translating, writing] =
            [self.reading, self.translating, self.writing].map(|time| time.as_secs_f64());
        write!(f, "{reading:.3} s reading, {translating:.3} s translating, {writing:.3} s writing")
    }
}

fn seconds<S: serde::Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(time.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_costs_are_one() {
        let one = Cost { files: 1, size: 9, rounds: 2, most_rounds: 2, requests: 5, bytes: 7, ..Cost::default() };
        let mut all = Cost { reading: Duration::from_millis(1500), ..one };
        assert_eq!(
            all.to_string(),
            "2 rounds, 5 requests, 7 bytes of 9; 1.500 s reading, 0.000 s translating, 0.000 s writing"
        );
        all.add(&Cost { rounds: 3, most_rounds: 3, ..one });
        let told = "5 rounds (at most 3 of a file), 10 requests, 14 bytes of 18; 1.500 s reading, ";
        assert!(all.to_string().starts_with(told), "{all}");
        assert_eq!(serde_json::to_value(all).unwrap()["reading_seconds"], 1.5);
    }

    #[test]
    fn a_local_file_costs_time_only() {
        let cost = Clock::start().translated(&h5refs::Bytes::from_static(b"x").into());
        assert!(cost.to_string().starts_with("0.000 s reading, "), "{cost}");
    }
}
