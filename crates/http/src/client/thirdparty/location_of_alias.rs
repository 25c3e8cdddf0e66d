//! `GET /_matrix/client/v3/thirdparty/location`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3thirdpartylocation)).

use axum::extract::State;
use pli_appservice::AppServices;
use ruma::api::client::thirdparty::get_location_for_room_alias::v3::{Request, Response};

use crate::extract::{Answer, Reply, Ruma};

pub(in crate::client) async fn location_of_alias(
    State(app_services): State<AppServices>,
    Ruma { request, .. }: Ruma<Request>,
) -> Reply<Response> {
    Ok(Answer(Response::new(app_services.locations_of_alias(&request.alias).await)))
}
