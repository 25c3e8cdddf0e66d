//! From an HTTP request to ruma's request type and the requester; from ruma's response type back.

pub(crate) mod body;
pub(crate) mod content;
pub(crate) mod form;
mod guests;
pub mod origin;
pub(crate) mod path;

use std::time::Duration;

use axum::{
    body::Body,
    extract::{FromRef, FromRequest, RawPathParams, Request},
    response::{IntoResponse, Response},
};
use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use pli_accounts::{AccountsError, Devices, Requester, Sessions};
use pli_appservice::AppServices;
use pli_sync::Presence;
use ruma::api::{
    IncomingRequest, IncomingRequestExt, Metadata, OutgoingResponse, OutgoingResponseExt,
    auth_scheme::{
        AccessToken, AccessTokenOptional, AppserviceToken, AppserviceTokenOptional, NoAccessToken,
        NoAuthentication,
    },
};

use crate::{
    MatrixError,
    layer::rate_limit::{RateLimiter, client_address},
};

/// The greatest JSON body that an endpoint takes, in bytes. Key backups are the largest bodies that
/// honest clients send.
pub const MAX_JSON_BODY: usize = 8 * 1024 * 1024;

/// How long a JSON body may take to come, however steadily it does: who holds a request open for
/// longer holds memory.
pub const JSON_BODY_TIME: Duration = Duration::from_secs(120);

/// A parsed request: ruma's request type, and who sent it.
///
/// The requester is a [`Requester`] where the endpoint requires an access token, an
/// `Option<Requester>` where it takes one, `()` where it doesn't.
pub struct Ruma<T>
where
    T: Metadata,
    T::Authentication: Authentication,
{
    /// The request.
    pub request: T,
    /// Who sent it.
    pub requester: <T::Authentication as Authentication>::Identity,
}

/// What an authentication scheme of ruma's turns into.
pub trait Authentication {
    /// Who sent the request.
    type Identity: Send;

    /// Whether strangers may do this too, and so guests.
    const IS_FOR_STRANGERS: bool = false;

    /// Finds out who sent the request.
    fn identify(
        presented: Presented<'_>,
    ) -> impl Future<Output = Result<Self::Identity, MatrixError>> + Send;

    /// Whoever sent the request, if they have an account.
    fn requester(identity: &Self::Identity) -> Option<&Requester>;
}

/// What a request says of who sent it, and who can tell whether that is so.
#[derive(Clone, Copy)]
pub struct Presented<'a> {
    /// Who knows people's access tokens.
    pub sessions: &'a Sessions,
    /// Who knows application services' tokens.
    pub app_services: &'a AppServices,
    /// The access token.
    pub token: Option<&'a str>,
    /// The request's query: application services say there for whom they act.
    pub query: Option<&'a str>,
}

impl Presented<'_> {
    async fn requester(&self, token: &str) -> Result<Requester, MatrixError> {
        match self.app_service(token).await? {
            Some(requester) => Ok(requester),
            None => Ok(self.sessions.authenticate(token).await?),
        }
    }

    async fn app_service(&self, token: &str) -> Result<Option<Requester>, MatrixError> {
        if self.app_services.is_empty() {
            return Ok(None);
        }
        // Boxed: rare, and a waiting request stays small.
        Ok(Box::pin(self.app_services.authenticate(token, self.query)).await?)
    }
}

impl Authentication for AccessToken {
    type Identity = Requester;

    async fn identify(presented: Presented<'_>) -> Result<Requester, MatrixError> {
        let token = presented.token.ok_or_else(MatrixError::missing_token)?;
        presented.requester(token).await
    }

    fn requester(identity: &Requester) -> Option<&Requester> {
        Some(identity)
    }
}

impl Authentication for AccessTokenOptional {
    type Identity = Option<Requester>;

    const IS_FOR_STRANGERS: bool = true;

    async fn identify(presented: Presented<'_>) -> Result<Option<Requester>, MatrixError> {
        match presented.token {
            Some(token) => presented.requester(token).await.map(Some),
            None => Ok(None),
        }
    }

    fn requester(identity: &Option<Requester>) -> Option<&Requester> {
        identity.as_ref()
    }
}

impl Authentication for NoAuthentication {
    type Identity = ();

    async fn identify(_presented: Presented<'_>) -> Result<(), MatrixError> {
        Ok(())
    }

    fn requester((): &()) -> Option<&Requester> {
        None
    }
}

impl Authentication for NoAccessToken {
    type Identity = ();

    async fn identify(_presented: Presented<'_>) -> Result<(), MatrixError> {
        Ok(())
    }

    fn requester((): &()) -> Option<&Requester> {
        None
    }
}

/// Only application services may do this.
impl Authentication for AppserviceToken {
    type Identity = Requester;

    async fn identify(presented: Presented<'_>) -> Result<Requester, MatrixError> {
        let token = presented.token.ok_or_else(MatrixError::missing_token)?;
        let requester = presented.requester(token).await?;
        if !requester.is_app_service() {
            return Err(MatrixError::forbidden("only application services can do this"));
        }
        Ok(requester)
    }

    fn requester(identity: &Requester) -> Option<&Requester> {
        Some(identity)
    }
}

/// Application services do this with their token; other tokens change nothing.
impl Authentication for AppserviceTokenOptional {
    type Identity = Option<Requester>;

    async fn identify(presented: Presented<'_>) -> Result<Option<Requester>, MatrixError> {
        match presented.token {
            Some(token) => presented.app_service(token).await,
            None => Ok(None),
        }
    }

    fn requester(identity: &Option<Requester>) -> Option<&Requester> {
        identity.as_ref()
    }
}

/// Finds out who sent a request.
pub(crate) async fn identify<A: Authentication, S>(
    parts: &http::request::Parts,
    state: &S,
) -> Result<A::Identity, MatrixError>
where
    Sessions: FromRef<S>,
    AppServices: FromRef<S>,
{
    let token = access_token(parts);
    let presented = Presented {
        sessions: &Sessions::from_ref(state),
        app_services: &AppServices::from_ref(state),
        token: token.as_deref(),
        query: parts.uri.query(),
    };
    let identity = A::identify(presented).await?;
    // Whose account is locked can only sign out (section "Account locking").
    if A::requester(&identity).is_some_and(|requester| requester.standing.locked)
        && !is_sign_out(&parts.method, parts.uri.path())
    {
        return Err(AccountsError::UserLocked.into());
    }
    if A::requester(&identity).is_some_and(|requester| requester.standing.guest)
        && !A::IS_FOR_STRANGERS
    {
        guests::check(&parts.method, parts.uri.path())?;
    }
    Ok(identity)
}

/// Exactly the endpoints: other paths can end in the same word, which their sender chose.
fn is_sign_out(method: &http::Method, path: &str) -> bool {
    let endpoint =
        path.strip_prefix("/_matrix/client/v3").or_else(|| path.strip_prefix("/_matrix/client/r0"));
    method == http::Method::POST && matches!(endpoint, Some("/logout" | "/logout/all"))
}

impl<T, S> FromRequest<S> for Ruma<T>
where
    T: IncomingRequest,
    T::Authentication: Authentication,
    S: Send + Sync,
    Sessions: FromRef<S>,
    AppServices: FromRef<S>,
    Devices: FromRef<S>,
    Presence: FromRef<S>,
    RateLimiter: FromRef<S>,
{
    type Rejection = MatrixError;

    fn from_request(
        request: Request,
        state: &S,
    ) -> impl Future<Output = Result<Self, MatrixError>> + Send {
        // Boxed: a handler that waits keeps no room for what was over before it began.
        Box::pin(Self::read(request, state))
    }
}

impl<T> Ruma<T>
where
    T: IncomingRequest,
    T::Authentication: Authentication,
{
    async fn read<S>(request: Request, state: &S) -> Result<Self, MatrixError>
    where
        S: Send + Sync,
        Sessions: FromRef<S>,
        AppServices: FromRef<S>,
        Devices: FromRef<S>,
        Presence: FromRef<S>,
        RateLimiter: FromRef<S>,
    {
        let (admitted, body) = Admitted::<T>::read(request, state).await?;
        admitted.parse(&body)
    }
}

/// A request whose sender is known and may send it, before anything looks at its body.
pub(crate) struct Admitted<T>
where
    T: Metadata,
    T::Authentication: Authentication,
{
    parts: http::request::Parts,
    path_parameters: RawPathParams,
    requester: <T::Authentication as Authentication>::Identity,
}

impl<T> Admitted<T>
where
    T: IncomingRequest,
    T::Authentication: Authentication,
{
    /// Finds out who sent a request and whether they may now; only then reads its body, so that
    /// strangers can't have the server hold bodies for them.
    ///
    /// # Errors
    /// What the sender is told: that they have to sign in, to wait, that the path is wrong, or that
    /// the body is too large or too slow.
    pub(crate) async fn read<S>(request: Request, state: &S) -> Result<(Self, Bytes), MatrixError>
    where
        S: Send + Sync,
        Sessions: FromRef<S>,
        AppServices: FromRef<S>,
        Devices: FromRef<S>,
        Presence: FromRef<S>,
        RateLimiter: FromRef<S>,
    {
        let (mut parts, body) = request.into_parts();
        // Who asks comes first: a stranger learns nothing about the form of a request.
        let requester = identify::<T::Authentication, S>(&parts, state).await?;
        let address = client_address(&parts);
        let known = T::Authentication::requester(&requester);
        if T::RATE_LIMITED {
            let limiter = RateLimiter::from_ref(state);
            match known {
                Some(requester) => limiter.requester(requester)?,
                None => limiter.address(address)?,
            }
        }
        if let Some(requester) = known {
            // Rarely more than a look into memory; and no reason to refuse a request.
            if let Err(error) = Devices::from_ref(state).seen(requester, address).await {
                tracing::warn!(%error, "a device's last use could not be noted");
            }
            if T::METHOD != http::Method::GET
                && let Err(error) = Presence::from_ref(state).active(requester).await
            {
                tracing::warn!(%error, "who is idle no more could not be told");
            }
        }

        let path_parameters = path_parameters(&mut parts, state).await?;
        form::check_names(&T::METHOD, &path_parameters)?;
        let body = read_body(body, MAX_JSON_BODY).await?;
        Ok((Self { parts, path_parameters, requester }, body))
    }

    /// What the path gives for one of its parameters.
    pub(crate) fn path_parameter(&self, name: &str) -> Option<&str> {
        let mut parameters = self.path_parameters.iter();
        parameters.find(|(parameter, _)| *parameter == name).map(|(_, value)| value)
    }

    /// The request with a body: the one that came, or what an endpoint made of it.
    ///
    /// # Errors
    /// When it is not of the endpoint's form.
    pub(crate) fn parse(self, body: &[u8]) -> Result<Ruma<T>, MatrixError> {
        let Self { parts, path_parameters, requester } = self;
        // What comes with a GET means nothing.
        if T::METHOD != http::Method::GET {
            form::check_json(body)?;
        }
        let path_arguments: Vec<&str> = path_parameters.iter().map(|(_, value)| value).collect();
        let request = http::Request::from_parts(parts, body);
        let request = T::try_from_http_request(request, &path_arguments)?;
        Ok(Ruma { request, requester })
    }
}

/// Reads a body up to `limit` bytes; more is `M_TOO_LARGE`.
///
/// # Errors
/// When the body is too large or too slow, or the connection breaks.
pub async fn read_body(body: Body, limit: usize) -> Result<Bytes, MatrixError> {
    read_body_within(body, limit, JSON_BODY_TIME).await
}

async fn read_body_within(body: Body, limit: usize, time: Duration) -> Result<Bytes, MatrixError> {
    let reading = Limited::new(body, limit).collect();
    let Ok(read) = tokio::time::timeout(time, reading).await else {
        return Err(MatrixError::new(
            http::StatusCode::REQUEST_TIMEOUT,
            "M_UNKNOWN",
            "the body took too long to come: try again on a better connection",
        ));
    };
    match read {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(MatrixError::new(
            http::StatusCode::PAYLOAD_TOO_LARGE,
            "M_TOO_LARGE",
            format!("the request is larger than {limit} bytes"),
        )),
        Err(error) => {
            Err(MatrixError::bad_request("M_UNKNOWN", format!("the body broke off: {error}")))
        }
    }
}

async fn path_parameters<S: Send + Sync>(
    parts: &mut http::request::Parts,
    state: &S,
) -> Result<RawPathParams, MatrixError> {
    use axum::extract::FromRequestParts;
    RawPathParams::from_request_parts(parts, state)
        .await
        .map_err(|_| MatrixError::invalid_param("the path is not valid UTF-8"))
}

/// The access token of a request: `Authorization: Bearer …`, or the deprecated `access_token` query
/// parameter (section "Using access tokens").
#[must_use]
pub fn access_token(parts: &http::request::Parts) -> Option<String> {
    if let Some(value) = parts.headers.get(http::header::AUTHORIZATION) {
        let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
        return scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_owned());
    }
    let query = parts.uri.query()?;
    url::form_urlencoded::parse(query.as_bytes())
        .find(|(name, _)| name == "access_token")
        .map(|(_, value)| value.into_owned())
}

/// Who sent a request to an endpoint that ruma has no type for. Fails without an access token.
#[derive(Clone, Debug)]
pub struct Authenticated(pub Requester);

impl<S> axum::extract::FromRequestParts<S> for Authenticated
where
    S: Send + Sync,
    Sessions: FromRef<S>,
    AppServices: FromRef<S>,
{
    type Rejection = MatrixError;

    async fn from_request_parts(
        parts: &mut http::request::Parts,
        state: &S,
    ) -> Result<Self, MatrixError> {
        identify::<AccessToken, S>(parts, state).await.map(Self)
    }
}

/// Ruma's response type as an answer.
pub struct Answer<T>(pub T);

impl<T: OutgoingResponse> IntoResponse for Answer<T> {
    fn into_response(self) -> Response {
        match self.0.try_into_http_response::<BytesMut>() {
            Ok(response) => response.map(|body| Body::from(body.freeze())).into_response(),
            Err(error) => MatrixError::internal(error).into_response(),
        }
    }
}

/// What a handler of an endpoint with a ruma type gives back.
pub type Reply<T> = Result<Answer<T>, MatrixError>;

#[cfg(test)]
mod tests {
    use futures_util::{StreamExt, stream};

    use super::*;

    /// Who sends a byte now and then must not keep a request open for hours.
    #[tokio::test]
    async fn a_body_that_does_not_end_is_given_up() {
        let beginning = stream::iter([Ok::<_, std::convert::Infallible>(Bytes::from_static(b"{"))]);
        let body = Body::from_stream(beginning.chain(stream::pending()));
        let error = read_body_within(body, MAX_JSON_BODY, Duration::ZERO).await.unwrap_err();
        assert_eq!(error.status(), http::StatusCode::REQUEST_TIMEOUT);
    }

    #[tokio::test]
    async fn a_body_has_its_limit() {
        read_body(Body::from("12345"), 5).await.unwrap();
        let error = read_body(Body::from("123456"), 5).await.unwrap_err();
        assert_eq!(error.errcode(), "M_TOO_LARGE");
    }
}
