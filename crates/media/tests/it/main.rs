//! The public interface of pli-media, with real files in temporary directories.

#![expect(clippy::unwrap_used, reason = "in a test a failed unwrap is a failed test")]

mod announced;
mod disk_full;
mod fixtures;
mod interrupted;
mod serving;
mod thumbnails;
mod uploads;
