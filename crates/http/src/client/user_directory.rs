//! `POST /_matrix/client/v3/user_directory/search`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3user_directorysearch)).

use axum::extract::State;
use pli_accounts::UserDirectory;
use ruma::api::client::user_directory::search_users::v3::{Request, Response, User};

use crate::extract::{Answer, Reply, Ruma};

pub(super) async fn search(
    State(directory): State<UserDirectory>,
    Ruma { request, requester }: Ruma<Request>,
) -> Reply<Response> {
    let limit = usize::try_from(u64::from(request.limit)).unwrap_or(usize::MAX);
    let found = directory.search(&requester.user_id, &request.search_term, limit).await?;
    let users = found.users.into_iter().map(|found| {
        let mut user = User::new(found.user_id);
        user.display_name = found.display_name;
        user.avatar_url = found.avatar_url;
        user
    });
    Ok(Answer(Response::new(users.collect(), found.limited)))
}
