//! `POST /_matrix/client/v3/users/{userId}/report`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3usersuseridreport)).

use axum::extract::State;
use pli_accounts::{
    Accounts,
    reports::{Report, Reported, Reports},
};
use ruma::api::client::reporting::report_user::v3::{Request, Response};

use crate::{
    MatrixError,
    extract::{Answer, Reply, Ruma},
};

pub(in crate::client) async fn report_user(
    State(accounts): State<Accounts>,
    State(reports): State<Reports>,
    Ruma { request, requester }: Ruma<Request>,
) -> Reply<Response> {
    let Request { user_id, reason, .. } = request;
    if accounts.is_local(&user_id) && !accounts.exists(&user_id).await? {
        return Err(MatrixError::not_found("there is no such user"));
    }
    let reported = Reported::User { user_id };
    reports.file(&Report { by: requester.user_id, reported, reason }).await?;
    Ok(Answer(Response::new()))
}
