//! `POST /_matrix/client/v3/keys/device_signing/upload`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3keysdevice_signingupload)).

use axum::extract::State;
use pli_accounts::{
    Sessions, UserInteractive,
    keys::{CrossSigning, CrossSigningUpload, UploadOutcome},
    uia::{Fingerprint, Operation},
};
use pli_store::Store;
use ruma::api::client::keys::upload_signing_keys::v3::{Request, Response};

use crate::{
    extract::{Answer, Reply, Ruma},
    oauth::approval_page,
    state::Settings,
};

pub(in crate::client) async fn signing_keys_upload(
    State(cross_signing): State<CrossSigning>,
    State(user_interactive): State<UserInteractive>,
    State(sessions): State<Sessions>,
    State(settings): State<Settings>,
    State(store): State<Store>,
    Ruma { request, requester }: Ruma<Request>,
) -> Reply<Response> {
    let user_id = &requester.user_id;
    let Request { auth, master_key, self_signing_key, user_signing_key, .. } = request;
    let upload = CrossSigningUpload { master_key, self_signing_key, user_signing_key };

    // Application services have no password to confirm with (MSC4190).
    let is_confirmed = requester.is_app_service();
    let outcome = cross_signing.upload(user_id, &upload, is_confirmed).await?;
    if outcome == UploadOutcome::AuthenticationRequired {
        let keys = [&upload.master_key, &upload.self_signing_key, &upload.user_signing_key];
        let fingerprint = Fingerprint::of(&keys);
        let name = "cross_signing";
        let approval_page = approval_page(&sessions, &settings.public_url, &requester).await?;
        let operation = match approval_page {
            Some(page) => Operation::approved_in_browser(name, user_id, fingerprint, page),
            None => Operation::confirmed_by_password(name, user_id, fingerprint),
        };
        let permit = user_interactive.authorise(&operation, auth.as_ref()).await?;
        permit.spend(&store).await?;
        cross_signing.upload(user_id, &upload, true).await?;
    }
    Ok(Answer(Response::new()))
}
