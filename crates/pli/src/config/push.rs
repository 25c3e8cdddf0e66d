use serde::Deserialize;

/// `[push]`
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PushConfig {
    /// Whether push gateways may be in a private network. People write their addresses.
    pub allow_private_addresses: bool,
    /// Whether they may be reached without TLS.
    pub allow_plain_http: bool,
}

/// `[presence]`
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PresenceConfig {
    /// Whether people are told who is there.
    pub enabled: bool,
}
