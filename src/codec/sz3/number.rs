//! Types of elements, and how C++ computes with them: small integers as 32 bits, all integers modulo their size.

/// A type of elements.
pub(super) trait Number: Copy + Default {
    const SIZE: usize;

    /// The number in the first bytes.
    fn read(bytes: &[u8]) -> Option<Self>;

    fn write(self, bytes: &mut Vec<u8>);

    /// The sum of numbers, each times its weight, from the first to the last, through a divisor: in the type that C++ computes in.
    fn weighted(terms: impl IntoIterator<Item = (i8, Self)>, divisor: i8) -> Self;

    fn to_f64(self) -> f64;

    /// The conversion that the compilers of x86-64 make of C++'s, which defines it only for values that the type has. Unsigned
    /// integers depend on it: the writer's differences wrap around, and it keeps what comes back as the value.
    fn of_f64(value: f64) -> Self;
}

macro_rules! float {
    ($type:ty, $of:expr) => {
        impl Number for $type {
            const SIZE: usize = size_of::<Self>();

            fn read(bytes: &[u8]) -> Option<Self> {
                bytes.first_chunk().copied().map(Self::from_le_bytes)
            }

            fn write(self, bytes: &mut Vec<u8>) {
                bytes.extend(self.to_le_bytes());
            }

            fn weighted(terms: impl IntoIterator<Item = (i8, Self)>, divisor: i8) -> Self {
                // Nothing changes when it is added to -0.
                terms.into_iter().fold(-0.0, |sum: Self, (weight, value)| sum + Self::from(weight) * value)
                    / Self::from(divisor)
            }

            fn to_f64(self) -> f64 {
                self.into()
            }

            fn of_f64(value: f64) -> Self {
                $of(value)
            }
        }
    };
}

float!(f32, nearest);
float!(f64, std::convert::identity);

macro_rules! integer {
    ($type:ty, $wide:ty, $weight:expr, $to:expr, $of:expr) => {
        impl Number for $type {
            const SIZE: usize = size_of::<Self>();

            fn read(bytes: &[u8]) -> Option<Self> {
                bytes.first_chunk().copied().map(Self::from_le_bytes)
            }

            fn write(self, bytes: &mut Vec<u8>) {
                bytes.extend(self.to_le_bytes());
            }

            fn weighted(terms: impl IntoIterator<Item = (i8, Self)>, divisor: i8) -> Self {
                let weight = $weight;
                let add = |sum: $wide, (by, value): (i8, Self)| {
                    sum.wrapping_add(<$wide>::from(value).wrapping_mul(weight(by)))
                };
                let sum = terms.into_iter().fold(0, add).checked_div(weight(divisor));
                lowest(&sum.unwrap_or_default().to_le_bytes())
            }

            fn to_f64(self) -> f64 {
                $to(self)
            }

            fn of_f64(value: f64) -> Self {
                lowest(&$of(value).to_le_bytes())
            }
        }
    };
}

integer!(u8, i32, i32::from, f64::from, towards_zero_32);
integer!(i8, i32, i32::from, f64::from, towards_zero_32);
integer!(u16, i32, i32::from, f64::from, towards_zero_32);
integer!(i16, i32, i32::from, f64::from, towards_zero_32);
integer!(i32, i32, i32::from, f64::from, towards_zero_32);
integer!(u32, u32, |weight| i32::from(weight).cast_unsigned(), f64::from, towards_zero);
integer!(u64, u64, |weight| i64::from(weight).cast_unsigned(), of_u64, towards_zero_unsigned);
integer!(i64, i64, i64::from, of_i64, towards_zero);

/// The number in the lowest bytes of a larger one.
fn lowest<T: Number>(bytes: &[u8]) -> T {
    T::read(bytes).unwrap_or_default()
}

fn nearest(value: f64) -> f32 {
    #[expect(clippy::cast_possible_truncation, clippy::as_conversions, reason = "the nearest number is what is wanted")]
    let nearest = value as f32;
    nearest
}

#[expect(clippy::cast_precision_loss, clippy::as_conversions, reason = "the nearest number is what is wanted")]
fn of_u64(value: u64) -> f64 {
    value as f64
}

#[expect(clippy::cast_precision_loss, clippy::as_conversions, reason = "the nearest number is what is wanted")]
fn of_i64(value: i64) -> f64 {
    value as f64
}

/// `CVTTSD2SI` with 32 bits: the smallest number stands for all that have no place.
fn towards_zero_32(value: f64) -> i32 {
    i32::try_from(towards_zero(value)).unwrap_or(i32::MIN)
}

/// The same with 64 bits.
fn towards_zero(value: f64) -> i64 {
    /// 2^63.
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    if !(-LIMIT..LIMIT).contains(&value) {
        return i64::MIN;
    }
    #[expect(clippy::cast_possible_truncation, clippy::as_conversions, reason = "it is in the type's range")]
    let whole = value as i64;
    whole
}

/// To an unsigned number of 64 bits, in two halves.
fn towards_zero_unsigned(value: f64) -> u64 {
    const HALF: f64 = 9_223_372_036_854_775_808.0;
    if value >= HALF {
        return towards_zero(value - HALF).cast_unsigned() ^ 1 << 63;
    }
    towards_zero(value).cast_unsigned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_out_of_a_types_range_wrap_around_or_are_its_smallest_number() {
        assert_eq!((u8::of_f64(259.9), u8::of_f64(-3.5), i8::of_f64(128.0), u8::of_f64(1e10)), (3, 253, -128, 0));
        assert_eq!((i32::of_f64(-2.9), i32::of_f64(3e9), i32::of_f64(f64::NAN)), (-2, i32::MIN, i32::MIN));
        assert_eq!((u32::of_f64(4e9), u32::of_f64(-1.0), u32::of_f64(4_294_967_298.0)), (4_000_000_000, u32::MAX, 2));
        assert_eq!((i64::of_f64(-9e18), i64::of_f64(1e19)), (-9_000_000_000_000_000_000, i64::MIN));
        assert_eq!(
            (u64::of_f64(1e19), u64::of_f64(-1.0), u64::of_f64(1e20)),
            (10_000_000_000_000_000_000, u64::MAX, 0)
        );
    }

    #[test]
    fn sums_are_those_of_the_promoted_type() {
        assert_eq!(u8::weighted([(1, 200), (1, 100)], 2), 150);
        assert_eq!(u8::weighted([(-1, 3)], 2), 255);
        assert_eq!(i16::weighted([(-1, 7)], 2), -3);
        assert_eq!(u32::weighted([(-1, 2)], 2), u32::MAX / 2);
        assert_eq!(i64::weighted([(2, i64::MAX)], 1), -2);
        assert_eq!(f32::weighted([(-1, 0.0)], 1).to_bits(), (-0.0_f32).to_bits());
        assert_eq!(f32::weighted([(1, 1e8), (1, 1.0), (-1, 1e8)], 1).to_bits(), 0.0_f32.to_bits());
    }

    #[test]
    fn bytes_are_little_endian() {
        let mut bytes = Vec::new();
        0x0102_i16.write(&mut bytes);
        assert_eq!((bytes.as_slice(), i16::read(&[2, 1, 0]), i16::read(&[2])), (&[2, 1][..], Some(0x0102), None));
    }
}
