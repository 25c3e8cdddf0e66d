//! `POST /_matrix/client/v1/appservice/{appserviceId}/ping`
//! ([specification](https://spec.matrix.org/v1.19/application-service-api/#post_matrixclientv1appserviceappserviceidping)).

use axum::extract::State;
use pli_appservice::AppServices;
use ruma::api::client::appservice::request_ping::v1::{Request, Response};

use crate::extract::{Answer, Reply, Ruma};

pub(in crate::client) async fn ping(
    State(app_services): State<AppServices>,
    Ruma { request, requester }: Ruma<Request>,
) -> Reply<Response> {
    let transaction_id = request.transaction_id.as_ref().map(|id| id.as_str());
    let duration = app_services.ping(&requester, &request.appservice_id, transaction_id).await?;
    Ok(Answer(Response::new(duration)))
}
