//! `GET /_matrix/client/v3/account/whoami`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3accountwhoami)).

use ruma::api::client::account::whoami::v3::{Request, Response};

use crate::extract::{Answer, Reply, Ruma};

pub(in crate::client) async fn whoami(Ruma { requester, .. }: Ruma<Request>) -> Reply<Response> {
    let is_guest = requester.standing.guest;
    let mut response = Response::new(requester.user_id.clone(), is_guest);
    response.device_id = requester.device().cloned();
    Ok(Answer(response))
}
