//! If this fails, a full disk leaves half-written files behind or takes the server down.

use std::process::Command;

use bytes::Bytes;
use futures_util::stream;
use pli_media::{FileDescription, MediaError};

use crate::fixtures::{Fixture, claire, download, noise, read, upload};

/// Runs the test below in a process that may write no file larger than 1 MiB: a write beyond that
/// fails in the middle, as on a full disk.
#[test]
fn a_full_disk_refuses_the_upload_and_keeps_nothing_of_it() {
    let limited = "trap '' XFSZ; ulimit -f 2048; exec \"$@\"";
    let output = Command::new("sh")
        .args(["-c", limited, "sh"])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "disk_full::with_a_limited_file_size", "--ignored"])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}

#[tokio::test]
#[ignore = "run by the test above in a process of its own"]
async fn with_a_limited_file_size() {
    let fixture = Fixture::new();
    let before = upload(&fixture.media, "avant").await;

    let pieces = (0..30).map(|_| Ok::<_, String>(Bytes::from(noise(100_000))));
    let result =
        fixture.media.upload(claire(), FileDescription::default(), stream::iter(pieces)).await;
    assert!(matches!(result, Err(MediaError::Full)), "{result:?}");
    assert_eq!(fixture.files().len(), 1, "only the file from before is on the disk");

    // The server goes on: what was there is served, what fits is taken.
    assert_eq!(read(download(&fixture.media, &before).await.unwrap()).await, b"avant");
    upload(&fixture.media, noise(400_000)).await;
}
