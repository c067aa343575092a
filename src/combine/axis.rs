//! A dimension along which sets are combined: all coordinates, and where each set's lie among them.

use super::cf_time::TimeUnits;
use super::coordinate::{Coordinate, Coordinates};
use super::inputs::Inputs;
use super::times::instant;
use crate::reference::key::{joined, split};
use crate::zarr::{Dtype, Kind};

/// The coordinates of all sets along one dimension.
#[derive(Debug)]
pub(super) struct Evaluated {
    pub(super) dtype: Dtype,
    pub(super) values: Vec<Vec<Coordinate>>,
    /// The array that they were read from, by the number of its path.
    pub(super) source: Option<usize>,
    /// `units` and `calendar` of times that the sets have in different units.
    pub(super) time: Option<(String, String)>,
    /// The units of all, where they are times.
    pub(super) shown_in: Option<TimeUnits>,
    /// Whether they are only positions.
    pub(super) is_positional: bool,
}

/// A dimension along which sets are combined.
#[derive(Debug)]
pub(super) struct Axis {
    pub(super) name: String,
    /// All coordinates, each once, in the order of the sets'.
    pub(super) coordinates: Coordinates,
    /// For each set, where its coordinates are among all.
    pub(super) positions: Vec<Vec<u64>>,
    /// The array that the coordinates were read from, by the number of its path.
    pub(super) source: Option<usize>,
    /// `units` and `calendar` of times that the sets had in different units.
    pub(super) time: Option<(String, String)>,
    /// The units of the coordinates, where they are times.
    shown_in: Option<TimeUnits>,
    /// Whether the coordinates are only positions, which nobody wants to see.
    pub(super) is_positional: bool,
}

impl Axis {
    /// Puts the coordinates of all sets together; the set and the words where they have no order.
    pub(super) fn of(name: &str, evaluated: Evaluated) -> Result<Self, (usize, String)> {
        let Evaluated { dtype, values, source, time, shown_in, is_positional } = evaluated;
        let mut direction: Option<(bool, usize)> = None;
        for (set, values) in values.iter().enumerate() {
            let wrong = |problem: String| (set, format!("coordinates {name}: {problem}"));
            if values.iter().any(|value| matches!(value, Coordinate::Float(float) if float.is_nan())) {
                return Err(wrong("one is NaN".to_owned()));
            }
            let Some(descends) = descends(values).map_err(wrong)? else { continue };
            match direction {
                None => direction = Some((descends, set)),
                Some((known, _)) if known == descends => {}
                Some((known, _)) => {
                    let words = |descends| if descends { "descend" } else { "ascend" };
                    return Err(wrong(format!("they {} here and {} in others", words(descends), words(known))));
                }
            }
        }
        let descends = direction.is_some_and(|(descends, _)| descends);
        let mut all: Vec<Coordinate> = values.iter().flatten().cloned().collect();
        all.sort_unstable();
        all.dedup();
        let count = crate::convert::wide(all.len());
        let place = |value: &Coordinate| {
            let place = crate::convert::wide(all.binary_search(value).unwrap_or_else(|place| place));
            if descends { count - 1 - place } else { place }
        };
        let positions = values.iter().map(|values| values.iter().map(place).collect()).collect();
        if descends {
            all.reverse();
        }
        let coordinates = Coordinates { dtype, values: all };
        Ok(Self { name: name.to_owned(), coordinates, positions, source, time, shown_in, is_positional })
    }

    /// The path of the array that has the coordinates.
    pub(super) fn path(&self, inputs: &Inputs) -> String {
        let group = self.source.and_then(|path| inputs.paths.get(path)).map_or("", |path| split(path).0);
        joined(group, &self.name)
    }

    /// How many coordinates there are.
    pub(super) fn length(&self) -> u64 {
        crate::convert::wide(self.coordinates.values.len())
    }

    /// Whether the coordinates are of a type of times, which has its unit.
    pub(super) fn is_datetime(&self) -> bool {
        self.coordinates.dtype.scalar().is_some_and(|scalar| scalar.kind == Kind::Datetime)
    }

    /// The coordinate at a position, in words.
    pub(super) fn show(&self, position: u64) -> String {
        let Some(value) = self.coordinates.values.get(crate::convert::narrow(position)) else {
            return self.name.clone();
        };
        let instant = self.shown_in.as_ref().and_then(|units| Some(units.calendar().show(instant(units, value)?)));
        match instant {
            Some(instant) => format!("{}={value} ({instant})", self.name),
            None => format!("{}={value}", self.name),
        }
    }
}

/// Whether coordinates descend; `None` where there are less than two.
fn descends(values: &[Coordinate]) -> Result<Option<bool>, String> {
    let mut pairs = values.iter().zip(values.iter().skip(1));
    let Some((first, second)) = values.first().zip(values.get(1)) else { return Ok(None) };
    let descends = second < first;
    match pairs.find(|(a, b)| if descends { a <= b } else { a >= b }) {
        Some((a, b)) if a == b => Err(format!("{a} is there twice")),
        Some((a, b)) => Err(format!("they neither ascend nor descend: {a} comes before {b}")),
        None => Ok(Some(descends)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axis(sets: &[&[f64]]) -> Result<Axis, (usize, String)> {
        let values = sets.iter().map(|set| set.iter().map(|value| Coordinate::Float(*value)).collect()).collect();
        Axis::of(
            "x",
            Evaluated {
                dtype: Dtype::Simple("<f8".to_owned()),
                values,
                source: None,
                time: None,
                shown_in: None,
                is_positional: false,
            },
        )
    }

    #[test]
    fn sets_lie_where_their_coordinates_are_among_all() {
        let ascending = axis(&[&[3.0, 4.0], &[1.0], &[2.0]]).unwrap();
        assert_eq!((ascending.length(), ascending.positions), (4, vec![vec![2, 3], vec![0], vec![1]]));
    }

    #[test]
    fn what_descends_in_each_set_descends_in_all() {
        let descending = axis(&[&[60.0, 50.0], &[90.0, 80.0], &[70.0]]).unwrap();
        assert_eq!(descending.positions, [vec![3, 4], vec![0, 1], vec![2]]);
        assert_eq!(descending.show(0), "x=90");
        assert_eq!(
            axis(&[&[1.0, 2.0], &[4.0, 3.0]]).unwrap_err().1,
            "coordinates x: they descend here and ascend in others"
        );
    }

    #[test]
    fn coordinates_without_an_order_are_refused() {
        assert!(axis(&[&[1.0], &[f64::NAN]]).unwrap_err().1.contains("NaN"));
        assert!(axis(&[&[1.0, 1.0]]).unwrap_err().1.contains("1 is there twice"));
        assert_eq!(axis(&[&[0.0], &[1.0, 3.0, 2.0]]).unwrap_err().0, 1);
    }
}
