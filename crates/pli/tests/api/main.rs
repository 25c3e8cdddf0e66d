//! The client-server API as clients meet it: over HTTP, against a server started as operators start
//! it. One module per group of endpoints.
#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod account;
mod account_data_deletion;
mod appservice;
mod bad_input;
mod calls;
mod complement;
mod connections;
mod dehydrated_device;
mod delayed_events;
mod device_lists;
mod edge;
mod generated_bad_input;
mod guests;
mod invite_filter;
mod keys;
mod mail_server;
mod media;
mod notifications;
mod oauth;
mod operations;
mod policy_server;
mod presence;
mod process;
mod proxy;
mod push_rules;
mod pushers;
mod registration;
mod relations;
mod room_keys;
mod rooms;
mod search;
mod send_to_device;
mod sessions;
mod sliding_sync;
mod sticky_events;
mod support;
mod sync;
mod thread_subscriptions;
mod threads;
mod tls;
mod unread;
mod upstream;
mod users;
