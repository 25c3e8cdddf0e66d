//! Upload and download of 1 MiB.

use super::Context;
use crate::{
    error::BenchError,
    matrix::{Account, Matrix, read, text},
    measure::{self, prepare},
    report::Row,
};

const BYTES: usize = 1024 * 1024;
const UPLOAD: &str = "/_matrix/media/v3/upload";

pub(super) async fn measure(context: &mut Context) -> Result<(), BenchError> {
    let matrix = context.matrix.clone();
    let (pid, count) = (context.pid, context.scale.media);
    let person = context.accounts.one().await?;

    let upload_one = async |_, number: usize| upload(&matrix, &person, number).await.map(drop);
    let sample = measure::measure(pid, 1, count, upload_one).await?;
    context.add(Row::of("upload of 1 MiB", &sample), 1).await?;

    let uris = prepare(0..count, async |number| upload(&matrix, &person, number).await).await?;
    let download = async |_, number: usize| {
        let media = uris[number].strip_prefix("mxc://").unwrap_or_default();
        let path = format!("/_matrix/client/v1/media/download/{media}");
        let url = format!("{}{path}", matrix.base_url);
        let request = matrix.http.get(url).bearer_auth(&person.access_token);
        read(&path, request).await.map(drop)
    };
    let sample = measure::measure(pid, 1, count, download).await?;
    context.add(Row::of("download of 1 MiB", &sample), 1).await
}

async fn upload(matrix: &Matrix, person: &Account, number: usize) -> Result<String, BenchError> {
    // Encrypted files look random; each is another one.
    let mut state = number as u64 + 1;
    let noise = std::iter::repeat_with(|| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    });
    let body: Vec<u8> = noise.take(BYTES).collect();
    let request = matrix
        .http
        .post(format!("{}{UPLOAD}", matrix.base_url))
        .bearer_auth(&person.access_token)
        .header("content-type", "application/octet-stream")
        .body(body);
    let answer = serde_json::from_slice(&read(UPLOAD, request).await?)?;
    text(&answer, UPLOAD, "content_uri")
}
