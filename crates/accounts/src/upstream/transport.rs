use bytes::Bytes;
use futures_util::{FutureExt, future::BoxFuture};
use openidconnect::{AsyncHttpClient, HttpRequest, HttpResponse};
use pli_outbound::{Outbound, OutboundError};

/// How `openidconnect` speaks with providers: through the one guarded client.
#[derive(Clone, Debug)]
pub(super) struct Transport(pub(super) Outbound);

impl<'c> AsyncHttpClient<'c> for Transport {
    type Error = OutboundError;
    type Future = BoxFuture<'c, Result<HttpResponse, OutboundError>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        async move {
            let answer = self.0.send(request.map(Bytes::from)).await?;
            Ok(answer.map(Vec::from))
        }
        .boxed()
    }
}
