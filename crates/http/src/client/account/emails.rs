//! `GET /_matrix/client/v3/account/3pid`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3account3pid)).

use axum::extract::State;
use pli_accounts::Accounts;
use ruma::{
    MilliSecondsSinceUnixEpoch, UInt,
    api::client::account::get_3pids::v3::{Request, Response},
    thirdparty::{Medium, ThirdPartyIdentifier, ThirdPartyIdentifierInit},
};

use crate::extract::{Answer, Reply, Ruma};

pub(in crate::client) async fn emails(
    State(accounts): State<Accounts>,
    Ruma { requester, .. }: Ruma<Request>,
) -> Reply<Response> {
    let timestamp = |ms| MilliSecondsSinceUnixEpoch(UInt::new_saturating(ms));
    let emails = accounts.emails(&requester.user_id).await?;
    let identifiers = emails.into_iter().map(|(address, record)| {
        ThirdPartyIdentifier::from(ThirdPartyIdentifierInit {
            address,
            medium: Medium::Email,
            validated_at: timestamp(record.validated_ms),
            added_at: timestamp(record.added_ms),
        })
    });
    Ok(Answer(Response::new(identifiers.collect())))
}
