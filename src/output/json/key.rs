//! Keys of chunks: `path/1.2.3`.

/// The keys of the chunks of one array, which come in ascending order: of one row they differ in their last index only.
pub(super) struct Keys<'a> {
    grid: &'a [u64],
    /// The path, as JSON has it, and a slash.
    prefix: Vec<u8>,
    /// The same with all indices but the last.
    stem: Vec<u8>,
    /// The number of the first chunk of the row that the stem is of.
    start: u64,
    /// Chunks of a row; none as long as there is no stem.
    size: u64,
    position: Vec<u64>,
}

impl<'a> Keys<'a> {
    /// `prefix` is what the keys begin with, quote and all.
    pub(super) fn new(prefix: Vec<u8>, grid: &'a [u64]) -> Self {
        Self { grid, prefix, stem: Vec::new(), start: 0, size: 0, position: Vec::new() }
    }

    /// Writes the key of a chunk: `"path/1.2.3`, or `"path/0` for an array without dimensions.
    pub(super) fn write(&mut self, number: u64, line: &mut Vec<u8>) {
        let mut index = number.wrapping_sub(self.start);
        if index >= self.size {
            index = self.turn_to_row_of(number);
        }
        line.extend_from_slice(&self.stem);
        line.extend_from_slice(itoa::Buffer::new().format(index).as_bytes());
    }

    /// Writes the stem of the row in which a chunk lies, and tells where it lies there.
    fn turn_to_row_of(&mut self, number: u64) -> u64 {
        let (last, others) = self.grid.split_last().map_or((1, &[][..]), |(last, others)| ((*last).max(1), others));
        let (mut rest, index) = (number / last, number % last);
        (self.start, self.size) = (number - index, last);
        self.position.clear();
        for size in others.iter().rev().map(|size| (*size).max(1)) {
            self.position.push(rest % size);
            rest /= size;
        }
        self.stem.clone_from(&self.prefix);
        for place in self.position.iter().rev() {
            self.stem.extend_from_slice(itoa::Buffer::new().format(*place).as_bytes());
            self.stem.push(b'.');
        }
        index
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn keys(grid: &[u64], numbers: &[u64]) -> Vec<String> {
        let mut keys = Keys::new(b"\"x/".to_vec(), grid);
        let key = |number: &u64| {
            let mut line = Vec::new();
            keys.write(*number, &mut line);
            String::from_utf8(line).unwrap()
        };
        numbers.iter().map(key).collect()
    }

    #[test]
    fn an_array_without_dimensions_has_one_chunk() {
        assert_eq!(keys(&[], &[0]), ["\"x/0"]);
        assert_eq!(keys(&[0, 3], &[0]), ["\"x/0.0"]);
        assert_eq!(keys(&[1, u64::MAX], &[u64::MAX - 1]), [format!("\"x/0.{}", u64::MAX - 1)]);
    }

    proptest! {
        /// In whatever order they are asked for.
        #[test]
        fn a_key_is_the_position_of_its_number(
            grid in prop::collection::vec(1_u64..5, 1..5),
            numbers in prop::collection::vec(0_u64..625, 0..40),
        ) {
            let total: u64 = grid.iter().product();
            let numbers: Vec<u64> = numbers.iter().map(|number| number % total).collect();
            let expected: Vec<String> = numbers.iter().map(|number| {
                let mut rest = *number;
                let mut position: Vec<String> = grid.iter().rev().map(|size| {
                    let place = rest % size;
                    rest /= size;
                    place.to_string()
                }).collect();
                position.reverse();
                format!("\"x/{}", position.join("."))
            }).collect();
            prop_assert_eq!(keys(&grid, &numbers), expected);
        }
    }
}
