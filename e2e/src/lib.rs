//! Whole-product tests, in `tests/`, and the demo (`make demo`), which lives here.
#![forbid(unsafe_code)]

pub mod demo;
