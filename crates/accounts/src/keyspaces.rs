use pli_store::KeyspaceInfo;

use crate::{
    account_data, accounts, credentials, dehydrated, devices, directory, filters, login, mail,
    oauth, openid, profiles, reports, sessions, uia, validation,
};

/// Every keyspace that this crate owns, for `pli store inspect` and `pli store check`.
pub const KEYSPACES: &[KeyspaceInfo] = &[
    account_data::ACCOUNT_DATA.info(),
    account_data::ACCOUNT_DATA_CHANGES.info(),
    accounts::USERS.info(),
    accounts::PASSWORDS.info(),
    accounts::EMAILS.info(),
    accounts::USER_EMAILS.info(),
    credentials::DEPARTING.info(),
    dehydrated::DEHYDRATED_DEVICES.info(),
    devices::DEVICES.info(),
    devices::LAST_SEEN.info(),
    directory::DIRECTORY_ENTRIES.info(),
    directory::DIRECTORY_WORDS.info(),
    filters::FILTERS.info(),
    login::LOGIN_TOKENS.info(),
    mail::MAIL_QUEUE.info(),
    oauth::OAUTH_CLIENTS.info(),
    oauth::OAUTH_CODES.info(),
    oauth::OAUTH_DEVICE_CODES.info(),
    oauth::OAUTH_USER_CODES.info(),
    oauth::BROWSER_SESSIONS.info(),
    oauth::BROWSER_SESSIONS_OF_USERS.info(),
    oauth::RENDEZVOUS.info(),
    openid::OPENID_TOKENS.info(),
    profiles::PROFILES.info(),
    profiles::PROFILE_CHANGES.info(),
    profiles::PROFILE_FIELDS.info(),
    reports::REPORTS.info(),
    sessions::SESSIONS.info(),
    sessions::ACCESS_TOKENS.info(),
    sessions::REFRESH_TOKENS.info(),
    uia::UIA_SESSIONS.info(),
    uia::CROSS_SIGNING_RESETS.info(),
    validation::VALIDATIONS.info(),
    validation::VALIDATION_INDEX.info(),
];
