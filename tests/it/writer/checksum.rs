//! The checksum of metadata.

/// Adds the checksum of what is there.
pub(crate) fn seal(bytes: &mut Vec<u8>) {
    bytes.extend(lookup3(bytes).to_le_bytes());
}

/// Jenkins' hash, as he published it: of its own, so that the library does not prove itself.
pub(crate) fn lookup3(bytes: &[u8]) -> u32 {
    let start = 0xdead_beef_u32.wrapping_add(u32::try_from(bytes.len()).unwrap());
    let [mut a, mut b, mut c] = [start; 3];
    let mut rest = bytes;
    while !rest.is_empty() {
        let mut block = [0; 12];
        let taken = rest.len().min(12);
        block[..taken].copy_from_slice(&rest[..taken]);
        let word = |n: usize| u32::from_le_bytes(block[4 * n..4 * n + 4].try_into().unwrap());
        (a, b, c) = (a.wrapping_add(word(0)), b.wrapping_add(word(1)), c.wrapping_add(word(2)));
        rest = &rest[taken..];
        if rest.is_empty() {
            for (to, from, turn) in [(2, 1, 14), (0, 2, 11), (1, 0, 25), (2, 1, 16), (0, 2, 4), (1, 0, 14), (2, 1, 24)]
            {
                let mut words = [a, b, c];
                words[to] = (words[to] ^ words[from]).wrapping_sub(words[from].rotate_left(turn));
                [a, b, c] = words;
            }
        } else {
            // `x -= y; x ^= rot(y, turn); y += z`, in turn of a, b and c.
            for (x, y, z, turn) in
                [(0, 2, 1, 4), (1, 0, 2, 6), (2, 1, 0, 8), (0, 2, 1, 16), (1, 0, 2, 19), (2, 1, 0, 4)]
            {
                let mut words = [a, b, c];
                words[x] = words[x].wrapping_sub(words[y]) ^ words[y].rotate_left(turn);
                words[y] = words[y].wrapping_add(words[z]);
                [a, b, c] = words;
            }
        }
    }
    c
}
