//! Whole-product tests in Rust live in `tests/`; those in a browser in `browser/`.
#![forbid(unsafe_code)]
