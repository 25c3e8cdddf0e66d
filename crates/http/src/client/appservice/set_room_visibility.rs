//! `PUT /_matrix/client/v3/directory/list/appservice/{networkId}/{roomId}`
//! ([specification](https://spec.matrix.org/v1.19/application-service-api/#put_matrixclientv3directorylistappservicenetworkidroomid)).

use axum::extract::State;
use pli_appservice::AppServices;
use ruma::api::client::{
    appservice::set_room_visibility::v3::{Request, Response},
    room::Visibility,
};

use crate::{
    MatrixError,
    extract::{Answer, Reply, Ruma},
};

pub(in crate::client) async fn set_room_visibility(
    State(app_services): State<AppServices>,
    Ruma { request, requester }: Ruma<Request>,
) -> Reply<Response> {
    let is_listed = match request.visibility {
        Visibility::Public => true,
        Visibility::Private => false,
        other => {
            return Err(MatrixError::invalid_param(format!(
                "a room is public or private in a list, not {other}"
            )));
        }
    };
    let Request { network_id, room_id, .. } = request;
    app_services.set_listed(&requester, &network_id, &room_id, is_listed).await?;
    Ok(Answer(Response::new()))
}
