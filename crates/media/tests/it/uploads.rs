//! If these fail, people lose files that they sent, or fill the server's disk.

use bytes::Bytes;
use futures_util::{future::join_all, stream};
use pli_media::{FileDescription, MediaError};

use crate::fixtures::{
    Fixture, body, claire, described, download, in_pieces, noise, read, samir, upload,
};

#[tokio::test]
async fn a_file_comes_back_as_it_was_sent() {
    let fixture = Fixture::new();
    let description = described("image/png", "Séance à l’Assemblée.png");
    let uri = fixture.media.upload(claire(), description, body("octets")).await.unwrap();
    assert!(uri.as_str().starts_with("mxc://interieur.example/"));

    let found = download(&fixture.media, &uri).await.unwrap();
    assert_eq!(found.content_type, "image/png");
    assert_eq!(found.content_disposition.filename.as_deref(), Some("Séance à l’Assemblée.png"));
    assert_eq!(read(found).await, b"octets");
}

#[tokio::test]
async fn sizes_around_the_pieces_in_which_files_are_written_come_back_whole() {
    let fixture = Fixture::new();
    const PART: usize = 512 * 1024;
    for size in [0, 1, PART - 1, PART, PART + 1, 2 * PART, 5 * PART + 17] {
        let bytes = noise(size);
        for piece in [7_919, PART, 3 * PART] {
            let description = FileDescription::default();
            let pieces = in_pieces(&bytes, piece);
            let uri = fixture.media.upload(claire(), description, pieces).await.unwrap();
            let found = read(download(&fixture.media, &uri).await.unwrap()).await;
            assert!(found == bytes, "{size} bytes in pieces of {piece}");
        }
    }
}

#[tokio::test]
async fn a_file_is_still_there_after_a_restart() {
    let fixture = Fixture::new();
    let uri = upload(&fixture.media, "octets").await;
    let found = download(&fixture.restarted(), &uri).await.unwrap();
    assert_eq!(read(found).await, b"octets");
}

#[tokio::test]
async fn two_uploads_of_the_same_bytes_are_two_files() {
    let fixture = Fixture::new();
    let (first, second) = (upload(&fixture.media, "x").await, upload(&fixture.media, "x").await);
    assert_ne!(first, second);
    let (server_name, media_id) = first.parts().unwrap();
    fixture.media.delete(server_name, media_id).await.unwrap();
    assert!(matches!(download(&fixture.media, &first).await, Err(MediaError::NotFound)));
    assert_eq!(read(download(&fixture.media, &second).await.unwrap()).await, b"x");
}

#[tokio::test]
async fn a_file_may_have_exactly_the_greatest_size() {
    let fixture = Fixture::with(|config| config.max_upload = 1_000_000);
    upload(&fixture.media, noise(1_000_000)).await;
    let kept = fixture.files().len();

    for piece in [1_000, 1_000_001] {
        let bytes = noise(1_000_001);
        let too_large = in_pieces(&bytes, piece);
        let result = fixture.media.upload(claire(), FileDescription::default(), too_large).await;
        assert!(matches!(result, Err(MediaError::TooLarge { limit: 1_000_000 })));
        assert_eq!(fixture.files().len(), kept, "nothing of it stays on the disk");
    }
}

#[tokio::test]
async fn what_says_that_it_is_too_large_is_refused_before_it_comes() {
    let fixture = Fixture::with(|config| config.max_upload = 10);
    let description = FileDescription { content_length: Some(11), ..FileDescription::default() };
    let never = stream::poll_fn(|_| -> std::task::Poll<Option<Result<Bytes, String>>> {
        panic!("the body must not be read")
    });
    let result = fixture.media.upload(claire(), description, never).await;
    assert!(matches!(result, Err(MediaError::TooLarge { limit: 10 })));
}

#[tokio::test]
async fn a_user_may_keep_so_much_and_gets_the_room_of_deleted_files_back() {
    let fixture = Fixture::with(|config| config.quota_per_user = Some(100));
    let first = upload(&fixture.media, noise(60)).await;
    upload(&fixture.media, noise(40)).await;

    let more = fixture.media.upload(claire(), FileDescription::default(), body("x")).await;
    assert!(matches!(more, Err(MediaError::QuotaExceeded { quota: 100 })));
    assert_eq!(fixture.files().len(), 2);
    // Somebody else has their own room.
    fixture.media.upload(samir(), FileDescription::default(), body("x")).await.unwrap();

    let (server_name, media_id) = first.parts().unwrap();
    fixture.media.delete(server_name, media_id).await.unwrap();
    upload(&fixture.media, noise(60)).await;
}

#[tokio::test]
async fn uploads_at_the_same_time_dont_exceed_the_quota_together() {
    let fixture = Fixture::with(|config| config.quota_per_user = Some(50));
    let uploads = (0..10)
        .map(|_| fixture.media.upload(claire(), FileDescription::default(), body(noise(10))));
    let done = join_all(uploads).await;
    assert_eq!(done.iter().filter(|result| result.is_ok()).count(), 5);
    assert_eq!(fixture.files().len(), 5);
}

#[tokio::test]
async fn a_name_that_is_too_long_to_send_back_is_refused() {
    let fixture = Fixture::new();
    let description = described("text/plain", &"é".repeat(600));
    let result = fixture.media.upload(claire(), description, body("x")).await;
    assert!(matches!(result, Err(MediaError::FilenameTooLong { limit: 1024 })));
}

#[tokio::test]
async fn a_content_type_that_makes_no_sense_becomes_bytes() {
    let fixture = Fixture::new();
    for nonsense in ["", "image", "text/plain; charset", &format!("text/{}", "x".repeat(300))] {
        let description = described(nonsense, "x");
        let uri = fixture.media.upload(claire(), description, body("x")).await.unwrap();
        let found = download(&fixture.media, &uri).await.unwrap();
        assert_eq!(found.content_type, "application/octet-stream", "{nonsense}");
    }
}

#[tokio::test]
async fn a_deleted_file_leaves_nothing() {
    let fixture = Fixture::new();
    let uri = upload(&fixture.media, "x").await;
    let (server_name, media_id) = uri.parts().unwrap();
    fixture.media.delete(server_name, media_id).await.unwrap();
    assert_eq!(fixture.files(), Vec::<std::path::PathBuf>::new());
    let again = fixture.media.delete(server_name, media_id).await;
    assert!(matches!(again, Err(MediaError::NotFound)));
}

#[tokio::test]
async fn a_file_whose_bytes_are_lost_is_an_error_and_not_an_empty_file() {
    let fixture = Fixture::new();
    let uri = upload(&fixture.media, "x").await;
    std::fs::remove_file(&fixture.files()[0]).unwrap();
    let result = download(&fixture.media, &uri).await;
    assert!(matches!(result, Err(MediaError::BlobMissing { .. })));
}

#[cfg(unix)]
#[tokio::test]
async fn other_users_of_the_machine_cant_read_the_files() {
    use std::os::unix::fs::PermissionsExt;
    let fixture = Fixture::new();
    let directory = fixture.directory.path().join("media");
    assert_eq!(std::fs::metadata(directory).unwrap().permissions().mode() & 0o777, 0o700);
}

#[tokio::test]
async fn what_a_user_keeps_can_be_listed_and_counted() {
    let fixture = Fixture::new();
    let mut newest_first = Vec::new();
    for size in 1..=5 {
        newest_first.insert(0, upload(&fixture.media, noise(size)).await);
        fixture.clock.advance(std::time::Duration::from_secs(1));
    }
    fixture.media.upload(samir(), FileDescription::default(), body("x")).await.unwrap();

    let mut listed = Vec::new();
    loop {
        let page = fixture.media.files_of(claire(), listed.last(), 2).await.unwrap();
        if page.is_empty() {
            break;
        }
        listed.extend(page);
    }
    let addresses: Vec<_> = listed.iter().map(|file| file.content_uri.clone()).collect();
    assert_eq!(addresses, newest_first);
    assert_eq!(fixture.media.usage_of(claire()).await.unwrap(), 1 + 2 + 3 + 4 + 5);

    let (server_name, media_id) = newest_first[0].parts().unwrap();
    fixture.media.delete(server_name, media_id).await.unwrap();
    assert_eq!(fixture.media.files_of(claire(), None, 10).await.unwrap().len(), 4);
    assert_eq!(fixture.media.usage_of(claire()).await.unwrap(), 10);
}
