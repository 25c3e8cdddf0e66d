use axum::extract::FromRequestParts;
use http::request::Parts;
use pli_rooms::RelationFilter;

use crate::MatrixError;

/// What the `filter` of a request's query says of relations (MSC3874).
pub(in crate::client) struct QueryRelationFilter(pub(super) RelationFilter);

impl<S: Sync> FromRequestParts<S> for QueryRelationFilter {
    type Rejection = MatrixError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, MatrixError> {
        let query = parts.uri.query().unwrap_or_default();
        let filter = url::form_urlencoded::parse(query.as_bytes())
            .find(|(name, _)| name == "filter")
            .map(|(_, filter)| filter);
        // Who asks is found out later: what is no filter at all is refused there.
        let filter = filter.and_then(|filter| RelationFilter::from_json(&filter).ok());
        Ok(Self(filter.unwrap_or_default()))
    }
}
