//! Combinations of coordinates that more than one set has, as one array sees them.

use std::collections::BTreeMap;

use super::axis::Axis;
use super::cells::Cells;
use super::inputs::Inputs;
use crate::convert::narrow;

/// Combinations of coordinates that more than one set has, as the grid of one array sees them.
pub(super) struct Overlap<'a> {
    cells: &'a Cells,
    axes: &'a [Axis],
    /// For each dimension of the array: the axis, and the length of chunks along it.
    dimensions: Vec<Option<(usize, u64)>>,
    names: Vec<String>,
}

impl<'a> Overlap<'a> {
    /// What an array sees of them whose dimensions have chunks of some lengths.
    pub(super) fn of<'n>(
        inputs: &Inputs,
        cells: &'a Cells,
        axes: &'a [Axis],
        dimensions: impl Iterator<Item = (&'n str, u64)>,
    ) -> Self {
        let axis = |(name, chunk): (&str, u64)| Some((axes.iter().position(|axis| axis.name == name)?, chunk));
        let names = inputs.sets.iter().map(|input| input.name.clone()).collect();
        Self { cells, axes, dimensions: dimensions.map(axis).collect(), names }
    }

    /// Whether every chunk at a place that several sets have is in all of them: one that is in some only is another chunk.
    pub(super) fn check<'k>(
        &self,
        grid: &[u64],
        numbers: &'k [u64],
        inline: impl Iterator<Item = &'k u64>,
        counts: &BTreeMap<u64, usize>,
    ) -> Result<(), u64> {
        for number in numbers.iter().chain(inline) {
            let expected = self.sets_at(*number, grid).len();
            if expected > 1 && counts.get(number).copied().unwrap_or(1) != expected {
                return Err(*number);
            }
        }
        Ok(())
    }

    /// The sets that have the first element of a chunk.
    fn sets_at(&self, number: u64, grid: &[u64]) -> &[u32] {
        self.cells.sets_of(self.cell(number, grid))
    }

    fn cell(&self, number: u64, grid: &[u64]) -> u64 {
        let position = crate::reference::grid::position(number, grid);
        let mut at = vec![0_u64; self.axes.len()];
        for (index, dimension) in position.iter().zip(&self.dimensions) {
            if let Some((axis, chunk)) = dimension
                && let Some(at) = at.get_mut(*axis)
            {
                *at = index * chunk;
            }
        }
        at.iter().zip(self.axes).fold(0, |cell, (at, axis)| cell * axis.length() + at)
    }

    /// What is wrong about a chunk or an element: the coordinates and the sets.
    pub(super) fn words(&self, what: &str, number: u64, grid: &[u64]) -> String {
        let mut cell = self.cell(number, grid);
        let mut coordinates = Vec::new();
        for axis in self.axes.iter().rev() {
            coordinates.push(axis.show(cell % axis.length().max(1)));
            cell /= axis.length().max(1);
        }
        coordinates.reverse();
        let sets: Vec<&str> = self
            .sets_at(number, grid)
            .iter()
            .filter_map(|set| self.names.get(narrow((*set).into())))
            .map(String::as_str)
            .collect();
        format!(
            "{} is in {} sets, whose {what} differ [{}] (--policy duplicate=first takes the set with the first name)",
            coordinates.join(", "),
            sets.len(),
            sets.join(", ")
        )
    }
}
