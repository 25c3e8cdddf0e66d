//! If these fail, messages with files that are still being uploaded stay broken.

use std::time::Duration;

use pli_media::{Created, FileDescription, Media, MediaError};
use ruma::{OwnedMxcUri, UserId, server_name};

use crate::fixtures::{Fixture, NO_WAIT, body, claire, download, read, samir};

async fn give_content(
    media: &Media,
    user_id: &UserId,
    uri: &OwnedMxcUri,
    content: &'static str,
) -> Result<(), MediaError> {
    let (server_name, media_id) = uri.parts().unwrap();
    let description = FileDescription::default();
    media.upload_announced(user_id, server_name, media_id, description, body(content)).await
}

#[tokio::test]
async fn an_announced_file_gets_its_content_later() {
    let fixture = Fixture::new();
    let Created { content_uri, unused_expires_at } = fixture.media.create(claire()).await.unwrap();
    assert_eq!(unused_expires_at, 1_700_000_000_000 + 24 * 60 * 60 * 1000);
    let early = download(&fixture.media, &content_uri).await;
    assert!(matches!(early, Err(MediaError::NotYetUploaded)));

    give_content(&fixture.media, claire(), &content_uri, "octets").await.unwrap();
    let found = download(&fixture.media, &content_uri).await.unwrap();
    assert_eq!(read(found).await, b"octets");
}

#[tokio::test]
async fn a_reader_waits_for_the_content_and_gets_it_as_soon_as_it_is_there() {
    let fixture = Fixture::new();
    let uri = fixture.media.create(claire()).await.unwrap().content_uri;
    let (server_name, media_id) = uri.parts().unwrap();
    let waiting = fixture.media.download(server_name, media_id, Duration::from_secs(20));
    let uploading = give_content(&fixture.media, claire(), &uri, "octets");
    // The reader is polled first, so it waits before the content comes.
    let (found, uploaded) = tokio::join!(biased; waiting, uploading);
    uploaded.unwrap();
    assert_eq!(read(found.unwrap()).await, b"octets");
}

#[tokio::test(start_paused = true)]
async fn a_reader_waits_no_longer_than_it_wants_or_the_server_allows() {
    let fixture = Fixture::with(|config| config.max_wait = Duration::from_secs(60));
    let uri = fixture.media.create(claire()).await.unwrap().content_uri;
    let (server_name, media_id) = uri.parts().unwrap();
    for (wanted, waited) in [(5, 5), (600, 60)] {
        let start = tokio::time::Instant::now();
        let result =
            fixture.media.download(server_name, media_id, Duration::from_secs(wanted)).await;
        assert!(matches!(result, Err(MediaError::NotYetUploaded)));
        assert_eq!(start.elapsed().as_secs(), waited);
    }
}

#[tokio::test]
async fn nobody_waits_for_what_was_never_announced() {
    let fixture = Fixture::new();
    for server_name in [server_name!("interieur.example"), server_name!("ailleurs.example")] {
        let hour = Duration::from_secs(3600);
        let result = fixture.media.download(server_name, "AQwafuaFswefuhsfAFAgsw", hour).await;
        assert!(matches!(result, Err(MediaError::NotFound)));
    }
}

#[tokio::test]
async fn only_who_announced_a_file_gives_it_its_content_and_only_once() {
    let fixture = Fixture::new();
    let uri = fixture.media.create(claire()).await.unwrap().content_uri;
    let by_another = give_content(&fixture.media, samir(), &uri, "faux").await;
    assert!(matches!(by_another, Err(MediaError::Forbidden)));

    give_content(&fixture.media, claire(), &uri, "vrai").await.unwrap();
    for user_id in [claire(), samir()] {
        let again = give_content(&fixture.media, user_id, &uri, "faux").await;
        assert!(matches!(again, Err(MediaError::AlreadyUploaded)));
    }
    assert_eq!(read(download(&fixture.media, &uri).await.unwrap()).await, b"vrai");
    assert_eq!(fixture.files().len(), 1);
}

#[tokio::test]
async fn of_two_uploads_at_the_same_time_one_wins() {
    let fixture = Fixture::new();
    let uri = fixture.media.create(claire()).await.unwrap().content_uri;
    let (first, second) = tokio::join!(
        give_content(&fixture.media, claire(), &uri, "un"),
        give_content(&fixture.media, claire(), &uri, "deux"),
    );
    assert!(first.is_ok() != second.is_ok());
    let loser = first.err().or(second.err()).unwrap();
    assert!(matches!(loser, MediaError::AlreadyUploaded));
    assert_eq!(fixture.files().len(), 1);
}

#[tokio::test]
async fn an_expired_announcement_is_unknown() {
    let fixture = Fixture::new();
    let uri = fixture.media.create(claire()).await.unwrap().content_uri;
    fixture.clock.advance(Duration::from_secs(24 * 60 * 60));
    assert!(matches!(download(&fixture.media, &uri).await, Err(MediaError::NotFound)));
    let late = give_content(&fixture.media, claire(), &uri, "x").await;
    assert!(matches!(late, Err(MediaError::NotFound)));
    assert_eq!(fixture.media.sweep().await.unwrap().announcements, 1);
}

#[tokio::test]
async fn files_of_other_servers_or_nobody_cant_be_given_content() {
    let fixture = Fixture::new();
    for uri in ["mxc://interieur.example/unknown", "mxc://ailleurs.example/unknown"] {
        let result = give_content(&fixture.media, claire(), &uri.into(), "x").await;
        assert!(matches!(result, Err(MediaError::NotFound)));
    }
}

#[tokio::test]
async fn a_user_may_announce_so_many_files() {
    let fixture = Fixture::with(|config| config.max_pending = 3);
    let mut announced = Vec::new();
    for _ in 0..3 {
        announced.push(fixture.media.create(claire()).await.unwrap().content_uri);
        fixture.clock.advance(Duration::from_secs(60));
    }
    let retry_after = match fixture.media.create(claire()).await {
        Err(MediaError::TooManyPending { limit: 3, retry_after }) => retry_after,
        other => panic!("{other:?}"),
    };
    fixture.media.create(samir()).await.unwrap();

    // Content makes room, and so does time.
    give_content(&fixture.media, claire(), &announced[1], "x").await.unwrap();
    fixture.media.create(claire()).await.unwrap();
    fixture.media.create(claire()).await.unwrap_err();
    fixture.clock.advance(retry_after);
    fixture.media.create(claire()).await.unwrap();
}

#[tokio::test]
async fn waiting_takes_no_time_when_none_is_given() {
    let fixture = Fixture::new();
    let uri = fixture.media.create(claire()).await.unwrap().content_uri;
    let (server_name, media_id) = uri.parts().unwrap();
    let result = fixture.media.download(server_name, media_id, NO_WAIT).await;
    assert!(matches!(result, Err(MediaError::NotYetUploaded)));
}
