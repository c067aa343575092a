//! Corrections of elements that the coefficients leave too far off (SPERR, `Outlier_Coder.cpp`).

use super::WRONG;
use super::extent::Extent;
use super::speck::{Stream, real};
use crate::error::Problem;

/// Corrects `values`, whose coefficients have this step.
pub(super) fn correct(values: &mut [f64], stream: &[u8], step: f64) -> Result<(), Problem> {
    let (stream, rest) = Stream::parse(stream)?;
    // libhdf5 passes over corrections that are cut off.
    if !stream.is_whole() || !rest.is_empty() {
        return Err(WRONG);
    }
    let extent = Extent::Line(u32::try_from(values.len()).map_err(|_| WRONG)?);
    let numbers = stream.decode(&extent, values.len()).ok_or(WRONG)?;
    let tolerance = step / 1.5;
    let numbers = numbers.magnitudes.iter().zip(numbers.positive.bits());
    for (value, (magnitude, positive)) in values.iter_mut().zip(numbers) {
        let error = match magnitude {
            0 => continue,
            1 => 1.1,
            magnitude => real(*magnitude) - 0.25,
        };
        *value += error * (tolerance * if positive { 1.0 } else { -1.0 });
    }
    Ok(())
}
