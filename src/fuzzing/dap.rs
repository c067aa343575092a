//! Texts and data of servers of DAP2.

use crate::dap::proofs;
use crate::limits::Limits;

/// Variables as a server has them, of all kinds.
const DDS: &[u8] = b"Dataset { Byte a; Float32 b[2]; Structure { Int16 a; String s[x = 3]; } g;
    Grid { Array: Int32 sst[y = 2]; Maps: Float64 y[y = 2]; } sst; } d;";

/// Attributes as a server has them.
const DAS: &[u8] = b"Attributes { a { Byte _FillValue 255; String _FillValue \"x\"; Alias b c; } b { Float32 _FillValue NaN; c { Int32 d 1, 2; } }
    g { String of \"g\"; a { Int32 _FillValue -1; } s { } } sst { Float64 _FillValue 1e5; y { Byte z 1; } } NC_GLOBAL { Byte n 1; } }";

/// A DDS, with a DAS of ours.
pub fn dds(input: &[u8], limits: &Limits) {
    proofs::layout(input, DAS, limits);
}

/// A DAS, with a DDS of ours.
pub fn das(input: &[u8], limits: &Limits) {
    proofs::layout(DDS, input, limits);
}

/// The number of a type, three lengths, and an answer to the question for `a` in `g`.
pub fn dods(input: &[u8], limits: &Limits) {
    if let Some((facts, answer)) = input.split_at_checked(4) {
        proofs::data(facts, answer, limits);
    }
}
