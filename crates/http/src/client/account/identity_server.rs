//! What older clients ask of an identity server through their homeserver: adding, binding and
//! unbinding third-party ids, and codes by text message (client-server API, section "Adding Account
//! Administrative Contact Information"). This server uses no identity server and sends no text
//! messages, and says so.

use http::StatusCode;
use ruma::api::client::account::{
    ThirdPartyIdRemovalStatus, bind_3pid, request_3pid_management_token_via_msisdn,
    request_password_change_token_via_msisdn, request_registration_token_via_msisdn, unbind_3pid,
};

use crate::{
    MatrixError,
    extract::{Answer, Authenticated, Reply, Ruma},
};

fn denied(message: &'static str) -> MatrixError {
    MatrixError::new(StatusCode::FORBIDDEN, "M_THREEPID_DENIED", message)
}

fn no_identity_server() -> MatrixError {
    denied("this server uses no identity server: add an e-mail address with /account/3pid/add")
}

fn no_phone_numbers() -> MatrixError {
    MatrixError::bad_request(
        "M_THREEPID_MEDIUM_NOT_SUPPORTED",
        "this server knows no phone numbers: use an e-mail address",
    )
}

/// `POST /_matrix/client/v3/account/3pid`
/// ([specification](https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3account3pid)).
pub(super) async fn add(_requester: Authenticated) -> MatrixError {
    no_identity_server()
}

/// `POST /_matrix/client/v3/account/3pid/bind`
/// ([specification](https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3account3pidbind)).
pub(super) async fn bind(_request: Ruma<bind_3pid::v3::Request>) -> Reply<bind_3pid::v3::Response> {
    Err(no_identity_server())
}

/// `POST /_matrix/client/v3/account/3pid/unbind`
/// ([specification](https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3account3pidunbind)).
pub(super) async fn unbind(
    _request: Ruma<unbind_3pid::v3::Request>,
) -> Reply<unbind_3pid::v3::Response> {
    // What was never bound isn't bound any more.
    Ok(Answer(unbind_3pid::v3::Response::new(ThirdPartyIdRemovalStatus::NoSupport)))
}

/// `POST /_matrix/client/v3/account/3pid/msisdn/requestToken`
/// ([specification](https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3account3pidmsisdnrequesttoken)).
pub(super) async fn phone_token(
    _request: Ruma<request_3pid_management_token_via_msisdn::v3::Request>,
) -> Reply<request_3pid_management_token_via_msisdn::v3::Response> {
    Err(no_phone_numbers())
}

/// `POST /_matrix/client/v3/account/password/msisdn/requestToken`
/// ([specification](https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3accountpasswordmsisdnrequesttoken)).
pub(super) async fn phone_password_token(
    _request: Ruma<request_password_change_token_via_msisdn::v3::Request>,
) -> Reply<request_password_change_token_via_msisdn::v3::Response> {
    Err(denied("this server knows no phone numbers: use your e-mail address"))
}

/// `POST /_matrix/client/v3/register/msisdn/requestToken`
/// ([specification](https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3registermsisdnrequesttoken)).
pub(super) async fn phone_registration_token(
    _request: Ruma<request_registration_token_via_msisdn::v3::Request>,
) -> Reply<request_registration_token_via_msisdn::v3::Response> {
    Err(denied("this server knows no phone numbers: use an e-mail address"))
}
