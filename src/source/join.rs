//! Work on many things at once: what misses is collected, so that it is fetched together.

use super::{Halt, Missing};
use crate::error::Error;

/// What several pieces of work missed.
#[derive(Debug, Default)]
pub(crate) struct Gather {
    missing: Missing,
}

impl Gather {
    /// The value of one piece of work; `None` if it misses bytes, which are noted; its own error otherwise.
    pub(crate) fn attempt<T>(&mut self, work: Result<T, Halt>) -> Option<Result<T, Error>> {
        match work {
            Ok(value) => Some(Ok(value)),
            Err(Halt::Error(error)) => Some(Err(error)),
            Err(Halt::Missing(missing)) => {
                self.missing.extend(missing);
                None
            }
        }
    }

    /// Like [`attempt`](Self::attempt), where an error ends the whole.
    pub(crate) fn take<T>(&mut self, work: Result<T, Halt>) -> Result<Option<T>, Halt> {
        self.attempt(work).transpose().map_err(Halt::Error)
    }

    /// The value of the whole, if nothing was missing.
    pub(crate) fn finish<T>(self, value: impl FnOnce() -> T) -> Result<T, Halt> {
        if self.missing.is_empty() { Ok(value()) } else { Err(Halt::Missing(self.missing)) }
    }
}

/// Work whose own error costs only itself: bytes that it misses still halt the walk.
pub(crate) fn attempt<T>(work: Result<T, Halt>) -> Result<Result<T, Error>, Halt> {
    let mut gather = Gather::default();
    match gather.attempt(work) {
        Some(value) => Ok(value),
        None => Err(Halt::Missing(gather.missing)),
    }
}

/// Runs `work` on every item and reports all that missed together.
pub(crate) fn join<T, R>(
    items: impl IntoIterator<Item = T>,
    mut work: impl FnMut(T) -> Result<R, Halt>,
) -> Result<Vec<R>, Halt> {
    let mut gather = Gather::default();
    let items = items.into_iter();
    let mut values = Vec::with_capacity(items.size_hint().0);
    for item in items {
        values.extend(gather.take(work(item))?);
    }
    gather.finish(|| values)
}

/// Two pieces of work of which neither waits for the other.
pub(crate) fn both<A, B>(a: Result<A, Halt>, b: Result<B, Halt>) -> Result<(A, B), Halt> {
    let mut gather = Gather::default();
    match (gather.take(a)?, gather.take(b)?) {
        (Some(a), Some(b)) => Ok((a, b)),
        _ => Err(Halt::Missing(gather.missing)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn missing(n: u64) -> Halt {
        Halt::Missing(Missing { structures: std::iter::once(n..n + 1).collect(), elements: Vec::new() })
    }

    fn need(n: u64) -> Result<u64, Halt> {
        if n.is_multiple_of(2) { Ok(n) } else { Err(missing(n)) }
    }

    #[test]
    fn everything_that_misses_is_reported_together() {
        let Err(Halt::Missing(missed)) = join([1, 2, 3], need) else { panic!("nothing missed") };
        assert_eq!(missed.structures, [1..2, 3..4]);
        assert_eq!(join([2, 4], need).unwrap(), [2, 4]);
        let Err(Halt::Missing(missed)) = both(need(5), need(7)) else { panic!("nothing missed") };
        assert_eq!(missed.structures, [5..6, 7..8]);
    }

    #[test]
    fn an_error_is_not_hidden_by_what_misses() {
        let error = Error::NotFound { path: "/x".to_owned() };
        assert!(matches!(both(need(1), Err::<(), _>(error.into())), Err(Halt::Error(_))));
    }
}
