//! Which chunks are looked at.

/// A sample of `wanted` of the places 0 to `count`, ascending, the same for the same seed; all of them if there are no more.
pub(crate) fn sample(count: usize, wanted: Option<u64>, seed: u64) -> Vec<usize> {
    let wanted = wanted.and_then(|wanted| usize::try_from(wanted).ok()).unwrap_or(usize::MAX);
    if wanted >= count {
        return (0..count).collect();
    }
    // Floyd's: each of the last places, or one before it that was not chosen yet.
    let mut chosen = std::collections::BTreeSet::new();
    let mut state = seed;
    for last in count.saturating_sub(wanted)..count {
        let at = random(&mut state) % u64::try_from(last).unwrap_or(u64::MAX).saturating_add(1);
        let at = usize::try_from(at).unwrap_or(last);
        if !chosen.insert(at) {
            chosen.insert(last);
        }
    }
    chosen.into_iter().collect()
}

/// The next number of `SplitMix64`.
fn random(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_has_its_size_and_depends_on_the_seed_alone() {
        let one = sample(1000, Some(20), 7);
        assert_eq!((one.len(), &one), (20, &sample(1000, Some(20), 7)));
        assert_ne!(one, sample(1000, Some(20), 8));
        assert!(one.is_sorted() && one.iter().all(|at| *at < 1000));
        assert_eq!(
            (sample(3, None, 1), sample(3, Some(5), 1), sample(3, Some(0), 1)),
            (vec![0, 1, 2], vec![0, 1, 2], vec![])
        );
        let all: std::collections::BTreeSet<usize> = (0..200).flat_map(|seed| sample(10, Some(3), seed)).collect();
        assert_eq!(all.len(), 10);
    }

    /// The reference implementation's numbers for the seed 1234567 (Vigna, splitmix64.c).
    #[test]
    fn the_numbers_are_those_of_splitmix64() {
        let mut state = 1_234_567;
        assert_eq!([random(&mut state), random(&mut state)], [6_457_827_717_110_365_317, 3_203_168_211_198_807_973]);
    }
}
