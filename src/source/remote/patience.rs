//! How long is waited for a network, and how often it is asked again.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// How long requests may take, and how often they are repeated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patience {
    /// For a connection, with its TLS (default 10 s).
    pub connect: Duration,
    /// For the first byte of an answer on a connection, and for each 64 KiB that are sent before it (default 30 s).
    pub first_byte: Duration,
    /// For the next byte of an answer; over as long, an answer of less than [`floor`](Self::floor) is given up (default 30 s).
    pub idle: Duration,
    /// Bytes a second that an answer must have (default 1024).
    pub floor: u64,
    /// For a request with all its repetitions, but for the time that it waits for its turn and, at [`floor`](Self::floor), that its own
    /// bytes take (default 180 s).
    pub whole: Duration,
    /// Attempts at a request, with the first (default 6).
    pub attempts: u32,
    /// Longest wait before the second attempt; it doubles with each, and what is waited is a random part of it (default 100 ms).
    pub backoff: Duration,
    /// What it doubles up to (default 15 s).
    pub most_backoff: Duration,
    /// Longest wait that a server may ask for with `Retry-After` (default 60 s).
    pub most_asked: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            first_byte: Duration::from_secs(30),
            idle: Duration::from_secs(30),
            floor: 1024,
            whole: Duration::from_secs(180),
            attempts: 6,
            backoff: Duration::from_millis(100),
            most_backoff: Duration::from_secs(15),
            most_asked: Duration::from_secs(60),
        }
    }
}

impl Patience {
    /// How long to wait after so many attempts; `asked` is what the server asks for.
    pub(super) fn wait(&self, attempts: u32, asked: Option<Duration>) -> Duration {
        if let Some(asked) = asked {
            return asked.min(self.most_asked);
        }
        let doubled = 1_u32.checked_shl(attempts.saturating_sub(1)).unwrap_or(u32::MAX);
        self.backoff.saturating_mul(doubled).min(self.most_backoff).mul_f64(chance())
    }

    /// How long a request with so many bytes may take with all its repetitions: those take the time that an answer of them may take.
    pub(super) fn whole(&self, bytes: u64) -> Duration {
        self.whole.saturating_add(Duration::from_secs(bytes / self.floor.max(1)))
    }

    /// Whether so many bytes in this time are too few.
    pub(super) fn is_too_slow(&self, bytes: u64, time: Duration) -> bool {
        u128::from(bytes) * 1000 < u128::from(self.floor) * time.as_millis()
    }
}

/// A random number from 0 to 1.
fn chance() -> f64 {
    // The standard library's hasher has random keys.
    let number = u32::try_from(RandomState::new().hash_one(0_u8) >> 32).unwrap_or(u32::MAX);
    f64::from(number) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_limit_and_are_random_parts_of_that() {
        let patience = Patience::default();
        for (attempts, most) in [(1, 100), (2, 200), (3, 400), (8, 12_800), (9, 15_000), (99, 15_000)] {
            let waits: Vec<Duration> = (0..200).map(|_| patience.wait(attempts, None)).collect();
            let most = Duration::from_millis(most);
            let (least, longest) = (waits.iter().min().unwrap(), waits.iter().max().unwrap());
            assert!(*longest <= most && *longest > most.mul_f64(0.8) && *least < most.mul_f64(0.2), "{attempts}");
        }
    }

    #[test]
    fn a_server_may_ask_for_a_wait_within_limits() {
        let patience = Patience::default();
        assert_eq!(patience.wait(1, Some(Duration::from_secs(7))), Duration::from_secs(7));
        assert_eq!(patience.wait(1, Some(Duration::from_secs(7000))), Duration::from_secs(60));
    }

    #[test]
    fn too_slow_is_less_than_the_floor() {
        let patience = Patience::default();
        assert!(patience.is_too_slow(30 * 1024 - 1, Duration::from_secs(30)));
        assert!(!patience.is_too_slow(30 * 1024, Duration::from_secs(30)));
    }
}
