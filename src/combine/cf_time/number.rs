//! Floats as the dyadic rationals that they are: products and quotients rounded once, to even.

/// Bits of a float's fraction that are stored.
const FRACTION: u32 = 52;

/// A float times a whole number, rounded to a whole number, half to even; `None` for what is not finite or too large.
pub(super) fn product(value: f64, factor: i128) -> Option<i128> {
    if !value.is_finite() {
        return None;
    }
    let bits = value.to_bits();
    let fraction = bits & ((1 << FRACTION) - 1);
    let exponent = i32::try_from((bits >> FRACTION) & 0x7FF).ok()?;
    // Subnormal numbers have no implicit bit, and the exponent of the smallest others.
    let (mantissa, exponent) =
        if exponent == 0 { (fraction, -1074) } else { (fraction | (1 << FRACTION), exponent - 1075) };
    let mantissa = if value.is_sign_negative() { -i128::from(mantissa) } else { i128::from(mantissa) };
    let product = mantissa.checked_mul(factor)?;
    match u32::try_from(exponent) {
        Ok(up) => 1_i128
            .checked_shl(up)
            .filter(|power| *power > 0)
            .map_or_else(|| (product == 0).then_some(0), |power| product.checked_mul(power)),
        Err(_) => Some(halved(product, exponent.unsigned_abs())),
    }
}

/// A whole number halved so often, rounded half to even.
fn halved(number: i128, times: u32) -> i128 {
    // The product has fewer than 2^126, so that so many halves leave less than a half.
    let Some(power) = 1_i128.checked_shl(times).filter(|power| *power > 0) else { return 0 };
    let (whole, rest) = (number.div_euclid(power), number.rem_euclid(power));
    let up = match rest.cmp(&(power - rest)) {
        std::cmp::Ordering::Less => 0,
        std::cmp::Ordering::Equal => whole.rem_euclid(2),
        std::cmp::Ordering::Greater => 1,
    };
    whole + up
}

/// The float nearest to a quotient of whole numbers, half to even; the divisor is positive and below 2^64.
#[expect(clippy::cast_precision_loss, clippy::as_conversions, reason = "the one rounding that is meant, to even")]
pub(super) fn quotient(dividend: i128, divisor: i128) -> f64 {
    let (n, by) = (dividend.unsigned_abs(), divisor.unsigned_abs());
    // Enough bits of the quotient that the last lies below the one that decides: it stands for all that follow.
    let bits = |number: u128| u128::BITS - number.leading_zeros();
    let shift = (bits(by) + 56).saturating_sub(bits(n));
    let n = n << shift;
    let sticky = u128::from(!n.is_multiple_of(by));
    let power_of_half = f64::from_bits((1023 - u64::from(shift)) << FRACTION);
    let size = ((n / by) | sticky) as f64 * power_of_half;
    if dividend < 0 { -size } else { size }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_product_is_rounded_once_and_half_to_even() {
        assert_eq!(product(0.5, 1), Some(0));
        assert_eq!(product(1.5, 1), Some(2));
        assert_eq!(product(-0.5, 1), Some(0));
        assert_eq!(product(-1.5, 1), Some(-2));
        assert_eq!(product(-2.5, 1), Some(-2));
        assert_eq!(product(0.1, 86_400_000_000_000), Some(8_640_000_000_000));
        // A float has no bit for the last digit.
        assert_eq!(product(3_002_399_751_580_331.0, 3), Some(9_007_199_254_740_993));
        assert_eq!(product(f64::MIN_POSITIVE, i128::from(i64::MAX)), Some(0));
        assert_eq!(product(5e-324, 1), Some(0));
        assert_eq!(product(-0.0, 7), Some(0));
    }

    #[test]
    fn what_has_no_product_has_none() {
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MAX, 1e300, 2_f64.powi(120)] {
            assert_eq!(product(value, 86_400_000_000_000), None, "{value}");
        }
        assert_eq!(product(2_f64.powi(126), 1), Some(1 << 126));
        assert_eq!(product(2_f64.powi(127), 1), None);
    }

    #[test]
    fn a_quotient_is_the_nearest_float() {
        assert_eq!(quotient(1, 3).to_bits(), (1.0_f64 / 3.0).to_bits());
        assert_eq!(quotient(-8_640_000_000_000, 86_400_000_000_000).to_bits(), (-0.1_f64).to_bits());
        assert_eq!(quotient(0, 3).to_bits(), 0.0_f64.to_bits());
        assert_eq!(quotient((1 << 53) + 1, 1).to_bits(), 9_007_199_254_740_992.0_f64.to_bits());
        assert_eq!(quotient((1 << 53) + 3, 1).to_bits(), 9_007_199_254_740_996.0_f64.to_bits());
        // A tie but for the remainder.
        assert_eq!(quotient(3 * ((1 << 53) + 1) + 1, 3).to_bits(), 9_007_199_254_740_994.0_f64.to_bits());
        assert_eq!(quotient(i128::MIN, 1).to_bits(), (-(2_f64.powi(127))).to_bits());
    }
}
