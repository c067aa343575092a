//! Two or three small sets combined: no byte is referred to that none of them refers to, and the result is read back as it was.

#![no_main]

use h5refs::combine::Combine;
use h5refs_fuzz::{World, assert_read_back, assert_within};

libfuzzer_sys::fuzz_target!(|world: World| {
    let Some(sets) = world.sets() else { return };
    let mut combine = Combine::new(world.options());
    for (n, set) in sets.iter().enumerate() {
        if combine.add(format!("file{n}"), set.clone()).is_err() {
            return;
        }
    }
    if let Ok(merged) = combine.plan(None).and_then(h5refs::combine::Plan::merge) {
        assert_within(&merged, &sets);
        assert_read_back(&merged);
    }
});
