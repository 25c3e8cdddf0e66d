//! If these fail, half a file is served, or what is left of interrupted uploads fills the disk.

use std::{pin::pin, time::Duration};

use bytes::Bytes;
use futures_util::{FutureExt, StreamExt, stream};
use pli_media::{FileDescription, MediaError, Swept};

use crate::fixtures::{Fixture, claire, download, noise, upload};

const LATER: Duration = Duration::from_secs(24 * 60 * 60 + 1);

/// Some bytes, and then nothing more, without an end.
fn stalls(
    bytes: Vec<u8>,
) -> impl futures_util::Stream<Item = Result<Bytes, std::convert::Infallible>> {
    stream::iter([Ok(Bytes::from(bytes))]).chain(stream::pending())
}

#[tokio::test]
async fn an_upload_that_breaks_off_leaves_nothing() {
    let fixture = Fixture::new();
    for sent in [10, 2_000_000] {
        let breaks =
            stream::iter([Ok(Bytes::from(noise(sent))), Err("connection reset".to_owned())]);
        let result = fixture.media.upload(claire(), FileDescription::default(), breaks).await;
        match result {
            Err(MediaError::BodyBroken(why)) => assert_eq!(why, "connection reset"),
            other => panic!("{other:?}"),
        }
        assert!(fixture.files().is_empty(), "after {sent} bytes");
    }
    fixture.clock.advance(LATER);
    assert_eq!(fixture.media.sweep().await.unwrap(), Swept::default());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_crash_left_is_swept_and_was_never_visible() {
    let fixture = Fixture::new();
    let kept = upload(&fixture.media, "x").await;
    let media = fixture.media.clone();
    // The upload hangs in the middle of its second part and is never dropped: as after a crash,
    // nothing of this process cleans up.
    let upload = async move {
        media.upload(claire(), FileDescription::default(), stalls(noise(700_000))).await
    };
    let mut upload = Box::pin(upload);
    while fixture.files().len() < 2 {
        assert!(upload.as_mut().now_or_never().is_none());
        tokio::task::yield_now().await;
    }
    std::mem::forget(upload);

    let restarted = fixture.restarted();
    assert_eq!(restarted.sweep().await.unwrap(), Swept::default(), "it might still be running");
    fixture.clock.advance(LATER);
    assert_eq!(restarted.sweep().await.unwrap(), Swept { blobs: 1, announcements: 0 });
    assert_eq!(fixture.files().len(), 1);
    download(&restarted, &kept).await.unwrap();
    assert_eq!(restarted.sweep().await.unwrap(), Swept::default());
}

#[tokio::test]
async fn an_upload_that_outlives_the_sweep_fails_instead_of_losing_its_bytes() {
    let fixture = Fixture::new();
    let (finish, finished) = tokio::sync::oneshot::channel::<()>();
    let slow = stream::iter([Ok::<_, String>(Bytes::from_static(b"x"))])
        .chain(finished.into_stream().flat_map(|_| stream::empty()));
    let mut upload = pin!(fixture.media.upload(claire(), FileDescription::default(), slow));
    assert!(upload.as_mut().now_or_never().is_none());

    fixture.clock.advance(LATER);
    assert_eq!(fixture.media.sweep().await.unwrap().blobs, 1);
    finish.send(()).unwrap();
    assert!(matches!(upload.await, Err(MediaError::Expired)));
    assert!(fixture.files().is_empty());
}
