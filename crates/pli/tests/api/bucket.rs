//! Files in an S3 bucket, at a server that checks signatures. If these fail, people lose the files that
//! an operator keeps there.

use std::path::{Path, PathBuf};

use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto::Builder,
};
use image::{ImageFormat, RgbImage};
use reqwest::{Method, StatusCode};
use s3s::{auth::SimpleAuth, service::S3ServiceBuilder};
use s3s_fs::FileSystem;
use tempfile::TempDir;
use tokio::{net::TcpListener, task::JoinHandle};

use crate::support::{
    Person,
    process::{Installation, Process},
};

/// An S3 server with a bucket `files`, whose objects are the files of a folder.
struct S3Server {
    folder: TempDir,
    endpoint: String,
    serving: JoinHandle<()>,
}

impl S3Server {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("files")).unwrap();
        let mut builder = S3ServiceBuilder::new(FileSystem::new(folder.path()).unwrap());
        builder.set_auth(SimpleAuth::from_single("pli", "a secret"));
        let service = builder.build();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let serving = tokio::spawn(async move {
            loop {
                let (socket, _) = listener.accept().await.unwrap();
                let service = service.clone();
                tokio::spawn(async move {
                    let server = Builder::new(TokioExecutor::new());
                    // What went wrong shows in what the client got.
                    let _ = server.serve_connection(TokioIo::new(socket), service).await;
                });
            }
        });
        Self { folder, endpoint, serving }
    }

    /// A Pli that keeps its files here.
    async fn serve(&self, installation: &Installation, secret: &str) -> Process {
        installation.configure("media.store = \"s3://files/pli\"");
        let environment = [
            ("AWS_ACCESS_KEY_ID", "pli"),
            ("AWS_SECRET_ACCESS_KEY", secret),
            ("AWS_REGION", "eu-west-3"),
            ("AWS_ENDPOINT", &self.endpoint),
            ("AWS_ALLOW_HTTP", "true"),
        ];
        installation.serve_with(&environment).await
    }

    /// The sizes of the objects under Pli's prefix, smallest first.
    fn sizes(&self) -> Vec<u64> {
        let mut sizes = Vec::new();
        let mut folders: Vec<PathBuf> = vec![self.folder.path().join("files/pli")];
        while let Some(folder) = folders.pop() {
            let Ok(entries) = std::fs::read_dir(folder) else { continue };
            for entry in entries.map(Result::unwrap) {
                let metadata = entry.metadata().unwrap();
                if metadata.is_dir() {
                    folders.push(entry.path());
                } else {
                    sizes.push(metadata.len());
                }
            }
        }
        sizes.sort_unstable();
        sizes
    }
}

impl Drop for S3Server {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// Uploads a file and returns its address as `server/id`.
async fn upload(
    process: &Process,
    person: &Person,
    content_type: &str,
    bytes: Vec<u8>,
) -> Result<String, StatusCode> {
    let request = process
        .request(Method::POST, "/_matrix/media/v3/upload")
        .header("content-type", content_type)
        .bearer_auth(&person.access_token)
        .body(bytes);
    let response = request.send().await.unwrap();
    if !response.status().is_success() {
        return Err(response.status());
    }
    let answer: serde_json::Value = response.json().await.unwrap();
    Ok(answer["content_uri"].as_str().unwrap().strip_prefix("mxc://").unwrap().to_owned())
}

async fn fetch(process: &Process, person: &Person, path: &str) -> Vec<u8> {
    let path = format!("/_matrix/client/v1/media/{path}");
    let request = process.request(Method::GET, &path).bearer_auth(&person.access_token);
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK, "{path}");
    response.bytes().await.unwrap().to_vec()
}

fn is_empty(folder: &Path) -> bool {
    std::fs::read_dir(folder).map_or(true, |mut entries| entries.next().is_none())
}

#[tokio::test]
async fn files_of_any_size_come_back_from_the_bucket_whole() {
    let s3 = S3Server::start().await;
    let installation = Installation::new();
    let process = s3.serve(&installation, "a secret").await;
    let claire = process.sign_up("claire").await;
    // In one piece; in one piece that is exactly full; in several.
    let sizes = [1_000, 5 << 20, (12 << 20) + 7];
    for (seed, size) in (1..).zip(sizes) {
        let file: Vec<u8> = (seed..=250).cycle().take(size).collect();
        let content_type = "application/octet-stream";
        let address = upload(&process, &claire, content_type, file.clone()).await.unwrap();
        let received = fetch(&process, &claire, &format!("download/{address}")).await;
        assert!(received == file, "{} of {size} bytes came back", received.len());
    }
    assert_eq!(s3.sizes(), sizes.map(|size| u64::try_from(size).unwrap()));
    assert!(is_empty(&installation.data().join("media")), "files lie on this machine");
}

#[tokio::test]
async fn a_picture_in_the_bucket_gets_its_thumbnail() {
    let s3 = S3Server::start().await;
    let installation = Installation::new();
    let process = s3.serve(&installation, "a secret").await;
    let claire = process.sign_up("claire").await;
    let mut picture = std::io::Cursor::new(Vec::new());
    RgbImage::new(640, 480).write_to(&mut picture, ImageFormat::Png).unwrap();
    let address = upload(&process, &claire, "image/png", picture.into_inner()).await.unwrap();
    let path = format!("thumbnail/{address}?width=96&height=96&method=crop");
    let thumbnail = image::load_from_memory(&fetch(&process, &claire, &path).await).unwrap();
    assert_eq!((thumbnail.width(), thumbnail.height()), (96, 96));
}

/// Who sends a file must learn that it was not kept.
#[tokio::test]
async fn a_bucket_that_refuses_the_operator_s_secret_takes_no_file() {
    let s3 = S3Server::start().await;
    let installation = Installation::new();
    let process = s3.serve(&installation, "another secret").await;
    let claire = process.sign_up("claire").await;
    let refused = upload(&process, &claire, "text/plain", vec![7; 1_000]).await.unwrap_err();
    assert!(refused.is_server_error(), "{refused}");
    assert!(s3.sizes().is_empty(), "{:?}", s3.sizes());
}
