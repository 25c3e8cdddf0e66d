//! `POST /_matrix/client/v1/login/get_token`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv1loginget_token)).

use axum::extract::State;
use pli_accounts::{
    Login, Sessions, UserInteractive,
    uia::{Fingerprint, Operation},
};
use pli_store::Store;
use ruma::api::client::session::get_login_token::v1::{Request, Response};

use crate::extract::{Answer, Reply, Ruma};

pub(in crate::client) async fn get_token(
    State(login): State<Login>,
    State(user_interactive): State<UserInteractive>,
    State(sessions): State<Sessions>,
    State(store): State<Store>,
    Ruma { request, requester }: Ruma<Request>,
) -> Reply<Response> {
    sessions.check_not_granted(&requester).await?;
    let operation = Operation::confirmed_by_password(
        "get_login_token",
        &requester.user_id,
        Fingerprint::of(&()),
    );
    let permit = user_interactive.authorise(&operation, request.auth.as_ref()).await?;
    permit.spend(&store).await?;
    let origin = sessions.origin_of(&requester).await?;
    let (login_token, lifetime) = login.issue_token(&requester.user_id, origin.as_ref()).await?;
    Ok(Answer(Response::new(lifetime, login_token)))
}
