//! Profiles (client-server API, section "Profiles").

mod delete_field;
mod get;
mod get_field;
mod set_field;

use axum::Router;
use pli_accounts::{
    Profile, Profiles, Requester,
    profiles::{AVATAR_URL, DISPLAY_NAME},
};
use pli_appservice::AppServices;
use pli_rooms::Rooms;
use ruma::{
    UserId,
    api::client::profile::{
        delete_profile_field, get_profile, get_profile_field, set_profile_field,
    },
};
use serde_json::Value;

use crate::{AppState, MatrixError, route::RumaRoutes};

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .endpoint::<get_profile::v3::Request, _, _>(get::get)
        .endpoint_with_unstable::<get_profile_field::v3::Request, _, _>(get_field::get_field)
        .endpoint_with_unstable::<set_profile_field::v3::Request, _, _>(set_field::set_field)
        .endpoint_with_unstable::<delete_profile_field::v3::Request, _, _>(
            delete_field::delete_field,
        )
}

/// Sets or removes a field. Name and picture are also in the membership events of the user's rooms.
pub(crate) async fn set(
    profiles: &Profiles,
    rooms: &Rooms,
    user_id: &UserId,
    field: &str,
    value: Option<Value>,
) -> Result<(), MatrixError> {
    if !matches!(field, DISPLAY_NAME | AVATAR_URL) {
        profiles.set(user_id, field, value).await?;
        return Ok(());
    }
    // What would be refused leaves no job behind.
    profiles.check(user_id, field, value.as_ref()).await?;
    rooms.profile_will_change(user_id).await?;
    profiles.set(user_id, field, value).await?;
    Ok(rooms.profile_changed(user_id).await?)
}

/// A user's profile. A user whom nobody here knows is their application service's to bring into being.
async fn known_profile(
    profiles: &Profiles,
    app_services: &AppServices,
    user_id: &UserId,
) -> Result<Option<Profile>, MatrixError> {
    if let Some(profile) = profiles.get(user_id).await? {
        return Ok(Some(profile));
    }
    app_services.ask_for_user(user_id).await?;
    Ok(profiles.get(user_id).await?)
}

/// A profile is its owner's to change.
fn check_owner(requester: &Requester, user_id: &UserId) -> Result<(), MatrixError> {
    if requester.user_id == user_id {
        return Ok(());
    }
    Err(MatrixError::forbidden("you can only change your own profile"))
}
