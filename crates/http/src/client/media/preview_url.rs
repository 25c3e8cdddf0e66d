//! `GET /_matrix/client/v1/media/preview_url`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1mediapreview_url)).
//!
//! A preview would have this server fetch whatever address a message names: it would tell strangers
//! what people here talk about, and let messages reach into the operator's network. So it fetches
//! nothing, and says that it has no data for any address.

use ruma::api::client::authenticated_media::get_media_preview::v1::{Request, Response};
use serde_json::{Map, Value};

use crate::{
    MatrixError,
    extract::{Answer, Reply, Ruma},
};

pub(super) async fn preview_url(Ruma { request, .. }: Ruma<Request>) -> Reply<Response> {
    let url = url::Url::parse(&request.url)
        .map_err(|error| MatrixError::invalid_param(format!("url: {error}")))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(MatrixError::invalid_param("url: use http or https"));
    }
    let nothing = Map::<String, Value>::new();
    Response::from_serialize(&nothing).map(Answer).map_err(MatrixError::internal)
}
