//! Predictions from neighbours (`LorenzoPredictor`, `SZFastFrontend`), block by block: each block has one, two layers deep or one.

use super::config::Config;
use super::fields::Fields;
use super::number::Number;
use super::positions::{Steps, number, strides, visit};
use super::quantizer::{Quantizer, zeros};
use super::{Refused, huffman};
use crate::field::convert::{narrow, wide};

/// A neighbour that predicts, and what it counts.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Neighbour {
    weight: i8,
    /// How many elements it lies before along each dimension.
    before: Vec<usize>,
}

/// What predicts the elements of a chunk.
struct Predictors {
    /// Elements along a side of a block.
    block: u32,
    neighbours: Vec<Vec<Neighbour>>,
    /// Of each block, which of them.
    selection: Vec<i32>,
}

/// The elements of a stream.
pub(super) fn decode<T: Number>(i: &mut Fields<'_>, config: &Config) -> Result<Vec<T>, Refused> {
    if config.regression {
        return Err(Refused::Other("regression"));
    }
    if config.layers.is_empty() {
        return Err(Refused::Damaged);
    }
    let (predictors, quantizer) = match config.dims.len() {
        3 => of_three_dimensions::<T>(i, config)?,
        _ => of_other_dimensions::<T>(i, config).ok_or(Refused::Damaged)?,
    };
    let steps = huffman::decode(i, config.num).ok_or(Refused::Damaged)?;
    recover(&predictors, quantizer.with_steps(steps), config).ok_or(Refused::Damaged)
}

/// What is stored before the steps of 1, 2 and 4 dimensions (`SZGeneralFrontend::load`).
fn of_other_dimensions<'a, T: Number>(i: &mut Fields<'a>, config: &Config) -> Option<(Predictors, Quantizer<'a>)> {
    const LORENZO: u8 = 1;
    let rank = config.dims.len();
    for size in &config.dims {
        i.u64().filter(|own| own == size)?;
    }
    let block = i.u32().filter(|block| *block >= 2)?;
    let axes: Vec<usize> = (0..rank).collect();
    let mut predictors = Vec::new();
    for layers in &config.layers {
        i.u8().filter(|kind| *kind == LORENZO)?;
        // Two layers of 4 dimensions are predicted as one is.
        predictors.push(neighbours(&axes, rank, if rank == 4 { 1 } else { *layers }));
    }
    let blocks = blocks(&config.dims, block)?;
    let selection = if predictors.len() == 1 {
        vec![0; narrow(blocks)]
    } else {
        i.u64().filter(|count| *count == blocks)?;
        huffman::decode(i, blocks)?
    };
    Some((Predictors { block, neighbours: predictors, selection }, Quantizer::new::<T>(i)?))
}

/// The same of 3 dimensions (`SZFastFrontend::load`).
fn of_three_dimensions<'a, T: Number>(
    i: &mut Fields<'a>,
    config: &Config,
) -> Result<(Predictors, Quantizer<'a>), Refused> {
    let fast = Fast::new::<T>(i).ok_or(Refused::Damaged)?;
    if fast.coefficients > 0 {
        return Err(Refused::Other("regression"));
    }
    if fast.uses_mean {
        return Err(Refused::Other("a mean"));
    }
    let axes: &[[usize; 3]; 2] = match fast.dimensions {
        1 => &[[2, 2, 2]; 2],
        // The slowest dimension and the fastest, whose order is the one that sums are taken in.
        2 => &[[0, 2, 2], [2, 0, 0]],
        3 => &[[0, 1, 2]; 2],
        _ => return Err(Refused::Damaged),
    };
    let mut predictors = Vec::new();
    for (axes, layers) in axes.iter().zip([1, 2]) {
        let axes = axes.get(..narrow(fast.dimensions.into())).ok_or(Refused::Damaged)?;
        predictors.push(neighbours(axes, 3, layers));
        if layers == 1 {
            if let Some(own) = predictors.last_mut() {
                // Those that lie along fewer dimensions come first.
                own.sort_by_key(|neighbour| neighbour.before.iter().sum::<usize>());
            }
            // The number of regression.
            predictors.push(Vec::new());
        }
    }
    let of_rest = |i: &mut Fields<'a>| {
        let selection = huffman::decode(i, blocks(&config.dims, fast.block)?)?;
        Some((Predictors { block: fast.block, neighbours: predictors, selection }, Quantizer::new::<T>(i)?))
    };
    of_rest(i).ok_or(Refused::Damaged)
}

/// The beginning of what is stored of 3 dimensions (`meta_params`, a structure of C++ with its padding).
struct Fast {
    block: u32,
    /// Dimensions along which neighbours are sought.
    dimensions: u32,
    uses_mean: bool,
    /// Blocks that are predicted by regression.
    coefficients: u64,
}

impl Fast {
    fn new<T: Number>(i: &mut Fields<'_>) -> Option<Self> {
        let block = i.u32().filter(|block| *block >= 2)?;
        let dimensions = i.u32()?;
        let _lorenzo_and_regression = i.array::<3>()?;
        let _padding = i.u8()?;
        let _layers_of_padding = i.u32().filter(|layers| *layers == 2)?;
        let _capacity = i.u32()?;
        let _regression_bounds = i.array::<16>()?;
        let _sample_ratio = i.array::<4>()?;
        let _lossless = i.u8()?;
        let _more_padding = i.array::<3>()?;
        let _precision = i.f64()?;
        let uses_mean = i.flag()?;
        let _mean = i.take(wide(T::SIZE))?;
        let coefficients = i.u64()?;
        Some(Self { block, dimensions, uses_mean, coefficients })
    }
}

/// The number of blocks in a chunk.
fn blocks(dims: &[u64], block: u32) -> Option<u64> {
    dims.iter().try_fold(1_u64, |blocks, size| blocks.checked_mul(size.div_ceil(block.into())))
}

/// The neighbours up to `layers` before along some of the axes, the first of them the slowest: a value is what makes the difference
/// nothing that is taken `layers` times along each.
fn neighbours(axes: &[usize], rank: usize, layers: usize) -> Vec<Neighbour> {
    let steps = vec![Steps { start: 0, end: layers, step: 1 }; axes.len()];
    let mut neighbours = Vec::new();
    visit(&steps, |position| {
        let mut before = vec![0; rank];
        let mut weight = -1_i8;
        for (axis, distance) in axes.iter().zip(position) {
            *before.get_mut(*axis)? = *distance;
            weight = weight.checked_mul(match (distance, layers) {
                (1, 2) => -2,
                (1, _) => -1,
                _ => 1,
            })?;
        }
        if position.iter().any(|distance| *distance > 0) {
            neighbours.push(Neighbour { weight, before });
        }
        Some(())
    });
    neighbours
}

/// Recovers elements block by block.
fn recover<T: Number>(predictors: &Predictors, mut quantizer: Quantizer<'_>, config: &Config) -> Option<Vec<T>> {
    let sizes: Vec<usize> = config.dims.iter().map(|size| narrow(*size)).collect();
    let strides = strides(&sizes)?;
    let mut values: Vec<T> = zeros(config.num);
    let side = narrow(predictors.block.into());
    let of_blocks: Vec<_> =
        sizes.iter().map(|size| Steps { start: 0, end: size.saturating_sub(1), step: side }).collect();
    let mut selection = predictors.selection.iter();
    visit(&of_blocks, |first| {
        let chosen = usize::try_from(*selection.next()?).ok()?;
        let predictor = predictors.neighbours.get(chosen).filter(|predictor| !predictor.is_empty())?;
        let inside: Vec<_> = first
            .iter()
            .zip(&sizes)
            .map(|(start, size)| Steps {
                start: *start,
                end: start.saturating_add(side).min(*size).saturating_sub(1),
                step: 1,
            })
            .collect();
        visit(&inside, |position| {
            let neighbours =
                predictor.iter().map(|neighbour| (neighbour.weight, neighbour.of(&values, position, &strides)));
            let predicted = T::weighted(neighbours, 1);
            *values.get_mut(number(position, &strides))? = quantizer.recover(predicted, 1.0)?;
            Some(())
        })
    })?;
    quantizer.is_used_up().then_some(values)
}

impl Neighbour {
    /// The neighbour of the element at a position; there are zeros before the first.
    fn of<T: Number>(&self, values: &[T], position: &[usize], strides: &[usize]) -> T {
        let parts = position.iter().zip(&self.before).zip(strides);
        let number = parts.map(|((at, before), stride)| Some(at.checked_sub(*before)?.saturating_mul(*stride)));
        let number = number.sum::<Option<usize>>();
        number.and_then(|number| values.get(number)).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(axes: &[usize], layers: usize) -> Vec<(i8, Vec<usize>)> {
        neighbours(axes, axes.len(), layers).into_iter().map(|own| (own.weight, own.before)).collect()
    }

    #[test]
    fn neighbours_make_differences_nothing() {
        assert_eq!(told(&[0], 1), [(1, vec![1])]);
        assert_eq!(told(&[0], 2), [(2, vec![1]), (-1, vec![2])]);
        assert_eq!(told(&[0, 1], 1), [(1, vec![0, 1]), (1, vec![1, 0]), (-1, vec![1, 1])]);
        let two = [
            (2, [0, 1]),
            (-1, [0, 2]),
            (2, [1, 0]),
            (-4, [1, 1]),
            (2, [1, 2]),
            (-1, [2, 0]),
            (2, [2, 1]),
            (-1, [2, 2]),
        ];
        assert_eq!(told(&[0, 1], 2), two.map(|(weight, before)| (weight, before.to_vec())));
        assert!(told(&[0, 1, 2], 2).contains(&(8, vec![1, 1, 1])));
        assert_eq!(told(&[0, 1, 2, 3], 1).len(), 15);
    }
}
