//! What one run of a target may cost.

use h5refs::{Limits, Options};

/// Limits that keep a run short and its memory far below that of the fuzzer.
pub fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.metadata_bytes = 4 << 20;
    limits.structures = 20_000;
    limits.header_bytes = 256 << 10;
    limits.continuations = 64;
    limits.attribute_bytes = 64 << 10;
    limits.element_bytes = 64 << 10;
    limits.datatype_depth = 16;
    limits.group_depth = 32;
    limits.paths = 500;
    limits.chunks = 20_000;
    limits.chunk_bytes = 1 << 20;
    limits.decoded_bytes = 4 << 20;
    limits.read_bytes = 1 << 20;
    limits.inline_bytes = 1 << 20;
    limits.repair_bytes = 64 << 10;
    limits.sidecar_bytes = 4 << 20;
    limits.key_bytes = 4 << 10;
    limits.template_bytes = 1 << 20;
    limits.references_bytes = 1 << 20;
    limits.pieces = 1_000;
    limits.rounds = 1_000;
    limits.inputs = 1_000;
    limits
}

/// A translation within these limits.
pub fn options() -> Options {
    let mut options = Options::new("s3://bucket/file");
    options.limits = limits();
    options
}
