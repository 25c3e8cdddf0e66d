//! The client-server API as clients meet it: over HTTP, against a server started as operators start
//! it. One module per group of endpoints.
#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod account;
mod appservice;
mod bad_input;
mod connections;
mod device_lists;
mod edge;
mod keys;
mod mail_server;
mod media;
mod oauth;
mod process;
mod proxy;
mod push_rules;
mod registration;
mod room_keys;
mod rooms;
mod send_to_device;
mod sessions;
mod support;
mod sync;
mod tls;
mod unread;
mod users;
