//! What the public conformance suite (Complement) asks of one server, theme by theme, besides what
//! the tests of each group of endpoints cover.

mod administration;
mod directory;
mod files;
mod history;
mod people;
mod refusals;
mod room_versions;
mod services;
mod spaces;
mod state;
mod sync;
