use std::{
    convert::Infallible,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use futures_util::{Stream, TryStreamExt, stream};
use pli_media::{Download, FileDescription, Media, MediaConfig, MediaError};
use pli_store::{
    Store,
    ambient::{Ambient, ManualClock, SeededEntropy},
};
use ruma::{OwnedMxcUri, UserId, server_name, user_id};
use tempfile::TempDir;

pub(crate) const NO_WAIT: Duration = Duration::ZERO;

pub(crate) fn claire() -> &'static UserId {
    user_id!("@claire:interieur.example")
}

pub(crate) fn samir() -> &'static UserId {
    user_id!("@samir:interieur.example")
}

/// A service on a directory of its own, with a clock that the test moves.
pub(crate) struct Fixture {
    pub(crate) media: Media,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) directory: TempDir,
    store: Store,
    config: MediaConfig,
}

impl Fixture {
    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    pub(crate) fn with(change: impl FnOnce(&mut MediaConfig)) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let url = format!("file:{}", directory.path().join("media").display());
        let mut config = MediaConfig::new(url);
        change(&mut config);
        let store = Store::memory();
        let clock = Arc::new(ManualClock::new(1_700_000_000_000));
        let media = open(&config, &store, &clock, 1);
        Self { media, clock, directory, store, config }
    }

    /// The same files and rows after a restart of the process.
    pub(crate) fn restarted(&self) -> Media {
        open(&self.config, &self.store, &self.clock, 2)
    }

    /// Every file on the disk.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        let mut files = Vec::new();
        collect_files(self.directory.path(), &mut files);
        files
    }
}

fn open(config: &MediaConfig, store: &Store, clock: &Arc<ManualClock>, seed: u64) -> Media {
    let entropy = Arc::new(SeededEntropy::new(seed));
    let ambient = Ambient { clock: clock.clone(), entropy };
    let server_name = server_name!("interieur.example").to_owned();
    Media::open(server_name, config.clone(), store.clone(), ambient).unwrap()
}

fn collect_files(directory: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect_files(&path, files);
        } else {
            files.push(path);
        }
    }
}

/// A body that comes in one piece.
pub(crate) fn body(bytes: impl Into<Bytes>) -> impl Stream<Item = Result<Bytes, Infallible>> {
    stream::iter([Ok(bytes.into())])
}

/// A body that comes in pieces of `length` bytes.
pub(crate) fn in_pieces(
    bytes: &[u8],
    length: usize,
) -> impl Stream<Item = Result<Bytes, Infallible>> {
    let pieces: Vec<_> =
        bytes.chunks(length).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
    stream::iter(pieces)
}

pub(crate) fn described(content_type: &str, filename: &str) -> FileDescription {
    FileDescription {
        content_type: Some(content_type.to_owned()),
        filename: Some(filename.to_owned()),
        content_length: None,
    }
}

pub(crate) async fn upload(media: &Media, bytes: impl Into<Bytes>) -> OwnedMxcUri {
    media.upload(claire(), FileDescription::default(), body(bytes)).await.unwrap()
}

pub(crate) async fn download(media: &Media, uri: &OwnedMxcUri) -> Result<Download, MediaError> {
    let (server_name, media_id) = uri.parts().unwrap();
    media.download(server_name, media_id, NO_WAIT).await
}

pub(crate) async fn read(download: Download) -> Vec<u8> {
    let chunks: Vec<Bytes> = download.body.try_collect().await.unwrap();
    let bytes = chunks.concat();
    assert_eq!(bytes.len() as u64, download.content_length);
    bytes
}

/// Bytes that don't repeat in a simple way.
pub(crate) fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    (0..length)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_le_bytes()[0]
        })
        .collect()
}
