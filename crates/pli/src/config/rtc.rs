use pli_rooms::LiveKit;
use serde::Deserialize;
use url::Url;

/// `[rtc]`: calls. The three keys belong together.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(try_from = "RtcKeys", default)]
pub struct RtcConfig {
    livekit: Option<LiveKitConfig>,
}

#[derive(Clone, Debug)]
struct LiveKitConfig {
    url: Url,
    key: String,
    secret: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RtcKeys {
    livekit_url: Option<Url>,
    livekit_key: Option<String>,
    livekit_secret: Option<String>,
}

impl TryFrom<RtcKeys> for RtcConfig {
    type Error = &'static str;

    fn try_from(keys: RtcKeys) -> Result<Self, Self::Error> {
        let RtcKeys { livekit_url, livekit_key, livekit_secret } = keys;
        let livekit = match (livekit_url, livekit_key, livekit_secret) {
            (None, None, None) => None,
            (Some(url), _, _) if !matches!(url.scheme(), "ws" | "wss") => {
                return Err("livekit_url begins with wss:// (or ws:// for tests)");
            }
            (Some(url), Some(key), Some(secret)) if !key.is_empty() && !secret.is_empty() => {
                Some(LiveKitConfig { url, key, secret })
            }
            _ => return Err("livekit_url, livekit_key and livekit_secret belong together"),
        };
        Ok(Self { livekit })
    }
}

impl RtcConfig {
    pub(crate) fn livekit(&self) -> Option<LiveKit> {
        let LiveKitConfig { url, key, secret } = self.livekit.clone()?;
        let url = url.as_str().trim_end_matches('/').to_owned();
        Some(LiveKit { url, key, secret })
    }
}
