//! `POST /_matrix/client/v3/account/3pid/delete`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3account3piddelete)).

use axum::extract::State;
use pli_accounts::{Emails, accounts::Email};
use ruma::{
    api::client::account::{
        ThirdPartyIdRemovalStatus,
        delete_3pid::v3::{Request, Response},
    },
    thirdparty::Medium,
};

use crate::extract::{Answer, Reply, Ruma};

pub(in crate::client) async fn delete_email(
    State(emails): State<Emails>,
    Ruma { request, requester }: Ruma<Request>,
) -> Reply<Response> {
    // An identifier of another kind can't be there, and removing what isn't there is fine.
    if request.medium == Medium::Email {
        emails.remove(&requester.user_id, &Email::parse(&request.address)?).await?;
    }
    // There is no identity server to remove it from.
    Ok(Answer(Response::new(ThirdPartyIdRemovalStatus::NoSupport)))
}
