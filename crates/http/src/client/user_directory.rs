//! `POST /_matrix/client/v3/user_directory/search`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3user_directorysearch)).

use axum::extract::State;
use pli_accounts::{
    UserDirectory,
    directory::{MAX_RESULTS, Matches, SearchResults},
};
use pli_rooms::Rooms;
use pli_store::Store;
use ruma::{
    UserId,
    api::client::user_directory::search_users::v3::{Request, Response, User},
};

use crate::{
    MatrixError,
    extract::{Answer, Reply, Ruma},
    state::{DirectoryScope, Settings},
};

/// Of how many matches is found out whether the searcher may find them, where not everybody is shown
/// to all: each costs some reads.
const MOST_ASKED_ABOUT: usize = 200;

pub(super) async fn search(
    State(directory): State<UserDirectory>,
    State(rooms): State<Rooms>,
    State(settings): State<Settings>,
    State(store): State<Store>,
    Ruma { request, requester }: Ruma<Request>,
) -> Reply<Response> {
    let limit = usize::try_from(u64::from(request.limit)).unwrap_or(usize::MAX);
    let (searcher, term) = (&requester.user_id, &request.search_term);
    let found = match settings.directory_scope {
        DirectoryScope::Everybody => directory.search(searcher, term, limit).await?,
        DirectoryScope::Rooms => {
            acquaintances(&directory, &rooms, &store, searcher, term, limit.min(MAX_RESULTS))
                .await?
        }
    };
    let users = found.users.into_iter().map(|found| {
        let mut user = User::new(found.user_id);
        user.display_name = found.display_name;
        user.avatar_url = found.avatar_url;
        user
    });
    Ok(Answer(Response::new(users.collect(), found.limited)))
}

/// Those among the matches whom the searcher may find.
async fn acquaintances(
    directory: &UserDirectory,
    rooms: &Rooms,
    store: &Store,
    searcher: &UserId,
    term: &str,
    limit: usize,
) -> Result<SearchResults, MatrixError> {
    let snapshot = store.snapshot().await?;
    let Matches { user_ids, mut limited } =
        directory.matches(&snapshot, searcher, term, MOST_ASKED_ABOUT).await?;
    let acquaintances = rooms.acquaintances(&snapshot, searcher).await?;
    let mut shown = Vec::new();
    for (asked, user_id) in user_ids.into_iter().enumerate() {
        if asked == MOST_ASKED_ABOUT {
            limited = true;
            break;
        }
        if !rooms.may_find(&snapshot, &acquaintances, &user_id).await? {
            continue;
        }
        if shown.len() == limit {
            limited = true;
            break;
        }
        shown.push(user_id);
    }
    Ok(SearchResults { users: directory.found(&snapshot, shown).await?, limited })
}
