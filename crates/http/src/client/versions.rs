//! `GET /_matrix/client/versions`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientversions)).

use axum::extract::State;
use ruma::api::client::discovery::get_supported_versions::Response;

use crate::{extract::Answer, oauth, state::Settings};

/// Every version of the specification whose endpoints are served.
const VERSIONS: [&str; 27] = [
    "r0.0.1", "r0.1.0", "r0.2.0", "r0.3.0", "r0.4.0", "r0.5.0", "r0.6.0", "r0.6.1", "v1.1", "v1.2",
    "v1.3", "v1.4", "v1.5", "v1.6", "v1.7", "v1.8", "v1.9", "v1.10", "v1.11", "v1.12", "v1.13",
    "v1.14", "v1.15", "v1.16", "v1.17", "v1.18", "v1.19",
];

/// What is served besides the specification's own paths.
const SERVED_UNSTABLE: &[&str] = &[
    "fi.mau.msc2659",
    "fi.mau.msc2659.stable",
    "org.matrix.msc3030",
    "org.matrix.msc3391",
    "org.matrix.msc3814",
    "org.matrix.msc3874",
    "org.matrix.msc3881",
    "org.matrix.msc3890",
    "org.matrix.msc3912",
    "org.matrix.msc4140",
    "org.matrix.msc4143",
    "org.matrix.msc4155",
    "org.matrix.msc4222",
    "org.matrix.msc4262",
    "org.matrix.msc4306",
    "org.matrix.msc4308",
    "org.matrix.msc4354",
    "org.matrix.msc4380",
    "org.matrix.simplified_msc3575",
    "uk.half-shot.msc2666.query_mutual_rooms",
    "uk.half-shot.msc2666.query_mutual_rooms.stable",
    "uk.timedout.msc4323",
];

/// The answer is the same for everybody, so it asks nobody who they are: a client with an expired
/// token gets it too.
pub(super) async fn versions(State(settings): State<Settings>) -> Answer<Response> {
    let mut response = Response::new(VERSIONS.map(str::to_owned).to_vec());
    if oauth::offers_qr_sign_in(&settings.oauth) {
        for feature in ["org.matrix.msc4108", "io.element.msc4388"] {
            response.unstable_features.insert(feature.to_owned(), true);
        }
    }
    for feature in SERVED_UNSTABLE {
        response.unstable_features.insert((*feature).to_owned(), true);
    }
    Answer(response)
}
