//! The public keys of people's devices: identity keys, cross-signing keys, one-time and fallback
//! keys (client-server API, section "End-to-End Encryption").
//!
//! The server vouches for nothing here: it keeps what devices publish and hands it out. Whether a
//! key is to be trusted is decided by the clients, from signatures. Two things are the server's own
//! duty: a one-time key is given away at most once, and a signature is only shown to those who may
//! see it.

mod claim;
mod cross_signing;
mod device_keys;
mod fallback;
mod forget;
mod json;
mod locks;
mod next_keys;
mod one_time;
mod query;
mod query_cache;
mod signatures;
mod signed;
mod tables;
mod upload;

pub use self::{
    claim::ClaimedKey,
    cross_signing::{CrossSigning, CrossSigningUpload, UploadOutcome},
    device_keys::DeviceKeys,
    forget::{ForgetDevices, forget_device, forget_devices, forget_user},
    json::RawJson,
    one_time::{KeyCounts, OneTimeKeys},
    signatures::SignatureFailures,
    tables::{CrossSigningUsage, KEYSPACES},
    upload::KeyUpload,
};
pub(crate) use self::{
    forget::delete_all,
    json::{check_depth, push_string as push_json_string},
};

#[cfg(test)]
mod tests;
