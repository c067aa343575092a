//! Sets of references combined into one.

#[cfg_attr(not(test), expect(dead_code, unused_imports, reason = "the combination that decodes times comes after"))]
pub(crate) mod cf_time;
