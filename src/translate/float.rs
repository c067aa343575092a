//! The bits of IEEE 754 numbers; Rust has no stable type for those of 16.

/// The number of so many bytes that is nearest. libhdf5 sets all bits of a NaN's fraction (`H5T__conv_f_f`).
pub(crate) fn float_bits(x: f64, size: u32) -> u64 {
    let sign = u64::from(x.is_sign_negative());
    #[expect(clippy::cast_possible_truncation, reason = "the nearest number is what is wanted")]
    match (size, x.is_nan()) {
        (2, _) => half(x).into(),
        (4, true) => sign << 31 | 0x7fff_ffff,
        (4, false) => (x as f32).to_bits().into(),
        (_, true) => sign << 63 | u64::MAX >> 1,
        (_, false) => x.to_bits(),
    }
}

/// The bits of the nearest number of 16 bits; of two as near, the even one.
fn half(x: f64) -> u16 {
    let sign = if x.is_sign_negative() { 0x8000 } else { 0 };
    let magnitude = x.abs();
    if x.is_nan() {
        return sign | 0x7fff;
    }
    // Half a step above the largest number.
    if magnitude >= 65_520.0 {
        return sign | 0x7c00;
    }
    let exponent = i32::try_from(magnitude.to_bits() >> 52).map_or(0, |biased| biased - 1_023).max(-14);
    let steps = (magnitude / 2_f64.powi(exponent - 10)).round_ties_even();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 2048 steps, exponents -14 to 15")]
    let (steps, biased) = (steps as u16, (exponent + 14) as u16);
    // A normal number has its leading bit among the steps: it counts for one exponent.
    sign | ((biased << 10) + steps)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_16_bits_are_exact_and_others_rounded_to_even() {
        let table = [
            (0.0, 0),
            (-0.0, 0x8000),
            (1.0, 0x3c00),
            (-2.5, 0xc100),
            (65_504.0, 0x7bff),
            (65_519.9, 0x7bff),
            (65_520.0, 0x7c00),
            (f64::NEG_INFINITY, 0xfc00),
            (f64::NAN, 0x7fff),
            (2_f64.powi(-14), 0x0400),
            (2_f64.powi(-24), 1),
            (2_f64.powi(-25), 0),
            (2_f64.powi(-25) * 1.001, 1),
            (1.0 + 2_f64.powi(-11), 0x3c00),
            (1.0 + 3.0 * 2_f64.powi(-11), 0x3c02),
            (2_f64.powi(-14) - 2_f64.powi(-26), 0x0400),
            (f64::MIN_POSITIVE / 4.0, 0),
        ];
        for (x, bits) in table {
            assert_eq!(half(x), bits, "{x}");
        }
    }
}
