//! `POST /_matrix/client/v3/keys/claim`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3keysclaim)).

use std::collections::BTreeMap;

use axum::extract::State;
use pli_accounts::keys::{ClaimedKey, DeviceKeys};
use ruma::{
    OwnedOneTimeKeyId,
    api::client::keys::claim_keys::v3::{Request, Response},
};
use serde_json::json;

use crate::{
    MatrixError,
    extract::{Answer, Reply, Ruma},
    state::Settings,
};

pub(in crate::client) async fn claim(
    State(keys): State<DeviceKeys>,
    State(settings): State<Settings>,
    Ruma { request, .. }: Ruma<Request>,
) -> Reply<Response> {
    let failures = request
        .one_time_keys
        .keys()
        .map(|user| user.server_name())
        .filter(|server| *server != settings.server_name)
        .map(|server| (server.to_string(), json!({})))
        .collect();

    let mut one_time_keys = BTreeMap::<_, BTreeMap<_, _>>::new();
    for ClaimedKey { user_id, device_id, key_id, key } in keys.claim(&request.one_time_keys).await?
    {
        let key_id = OwnedOneTimeKeyId::try_from(key_id).map_err(MatrixError::internal)?;
        one_time_keys
            .entry(user_id)
            .or_default()
            .insert(device_id, BTreeMap::from([(key_id, key)]));
    }
    let mut response = Response::new(one_time_keys);
    response.failures = failures;
    Ok(Answer(response))
}
