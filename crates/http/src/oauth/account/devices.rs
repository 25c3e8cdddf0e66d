use cookie::time::OffsetDateTime;
use http::StatusCode;
use maud::{Markup, html};
use pli_accounts::{AccountsError, Language, devices::Device};

use super::{Asked, address, back};
use crate::oauth::page::{Page, csrf, pick};

/// All devices.
pub(super) async fn list(asked: &Asked<'_>) -> Page {
    let language = asked.language();
    let devices = match asked.services.devices.list(&asked.session.user_id).await {
        Ok(devices) => devices,
        Err(error) => return Page::failed(language, &error),
    };
    let body = html! {
        @if devices.is_empty() {
            p { (pick(language, "No app is signed in.", "Aucune application n’est connectée.")) }
        }
        ul {
            @for device in &devices {
                li {
                    a href=(address("org.matrix.device_view", Some(device.device_id.as_str()))) {
                        (name(device))
                    }
                    br;
                    span.quiet { (seen(language, device)) }
                }
            }
        }
        (back(language))
    };
    Page::new(language, pick(language, "Your devices", "Vos appareils"), body)
}

/// One device.
pub(super) async fn show(asked: &Asked<'_>) -> Page {
    let language = asked.language();
    let device = match find(asked).await {
        Ok(device) => device,
        Err(page) => return page,
    };
    let delete = address("org.matrix.device_delete", Some(device.device_id.as_str()));
    let body = html! {
        (details(language, &device))
        div.row {
            a.button href=(delete) { (pick(language, "Sign it out", "Le déconnecter")) }
        }
        (all(language))
    };
    Page::new(language, name(&device), body)
}

/// Whether to sign a device out: anybody can put the link to this page into a message.
pub(super) async fn ask(asked: &Asked<'_>) -> Page {
    let language = asked.language();
    let device = match find(asked).await {
        Ok(device) => device,
        Err(page) => return page,
    };
    let body = html! {
        (details(language, &device))
        p {
            (pick(
                language,
                "Messages that only this device can read will be lost unless you have your recovery \
                 code or another device.",
                "Les messages que seul cet appareil peut lire seront perdus, sauf si vous avez votre \
                 code de secours ou un autre appareil.",
            ))
        }
        form method="post" {
            (csrf(asked.browser))
            div.row { button.alarm { (pick(language, "Sign it out", "Le déconnecter")) } }
        }
        (all(language))
    };
    Page::new(language, pick(language, "Sign this device out?", "Déconnecter cet appareil ?"), body)
}

/// Signs a device out.
pub(super) async fn delete(asked: &Asked<'_>) -> Page {
    let language = asked.language();
    let device = match find(asked).await {
        Ok(device) => device,
        Err(page) => return page,
    };
    let services = asked.services;
    match services.devices.remove(&asked.session.user_id, &[device.device_id]).await {
        Ok(()) => {
            let title = pick(language, "The device is signed out", "L’appareil est déconnecté");
            Page::new(language, title, all(language))
        }
        Err(error) => Page::failed(language, &error),
    }
}

async fn find(asked: &Asked<'_>) -> Result<Device, Page> {
    let language = asked.language();
    let devices = &asked.services.devices;
    devices.get(&asked.session.user_id, asked.device_id()).await.map_err(|error| match error {
        AccountsError::NotFound(_) => {
            let title = pick(language, "There is no such device", "Cet appareil n’existe pas");
            Page::new(language, title, all(language)).status(StatusCode::NOT_FOUND)
        }
        error => Page::failed(language, &error),
    })
}

fn all(language: Language) -> Markup {
    html! {
        p {
            a href=(address("org.matrix.devices_list", None)) {
                (pick(language, "All devices", "Tous les appareils"))
            }
        }
    }
}

fn details(language: Language, device: &Device) -> Markup {
    html! {
        dl {
            dt { (pick(language, "Name", "Nom")) }
            dd { (name(device)) }
            dt { (pick(language, "Seen last", "Vu pour la dernière fois")) }
            dd { (seen(language, device)) }
            dt { (pick(language, "Identifier", "Identifiant")) }
            dd { (device.device_id) }
        }
    }
}

fn name(device: &Device) -> String {
    let name = device.display_name.as_deref().map(str::trim).filter(|name| !name.is_empty());
    name.unwrap_or(device.device_id.as_str()).to_owned()
}

fn seen(language: Language, device: &Device) -> String {
    let Some(ms) = device.last_seen_ms else {
        return pick(language, "not used yet", "pas encore utilisé").to_owned();
    };
    let seconds = i64::try_from(ms / 1_000).unwrap_or_default();
    let time = OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let (year, month, day) = (time.year(), u8::from(time.month()), time.day());
    let (hour, minute) = (time.hour(), time.minute());
    let from = device.last_seen_ip.as_deref().map(|ip| format!(", {ip}")).unwrap_or_default();
    match language {
        Language::English => {
            format!("{year}-{month:02}-{day:02} {hour:02}:{minute:02} UTC{from}")
        }
        Language::French => {
            format!("{day:02}/{month:02}/{year} à {hour:02} h {minute:02} UTC{from}")
        }
    }
}
