//! If these fail, people see no pictures, wrong ones, or a picture takes the server down.

use std::{io::Cursor, time::Duration};

use image::{
    DynamicImage, Frame, GenericImageView, ImageFormat, Rgb, RgbImage, Rgba, RgbaImage,
    codecs::gif::GifEncoder,
};
use pli_media::{Download, FileDescription, MediaError, Method, ThumbnailRequest};
use ruma::{OwnedMxcUri, http_headers::ContentDispositionType, mxc_uri};

use crate::fixtures::{Fixture, NO_WAIT, body, claire, noise, read, upload};

const SCALE_320: ThumbnailRequest =
    ThumbnailRequest { width: 320, height: 240, method: Method::Scale, animated: false };
const CROP_96: ThumbnailRequest =
    ThumbnailRequest { width: 96, height: 96, method: Method::Crop, animated: false };

async fn thumbnail(
    fixture: &Fixture,
    uri: &OwnedMxcUri,
    request: ThumbnailRequest,
) -> Result<Download, MediaError> {
    let (server_name, media_id) = uri.parts().unwrap();
    fixture.media.thumbnail(server_name, media_id, request, NO_WAIT).await
}

/// The content type and the picture.
async fn picture(
    fixture: &Fixture,
    uri: &OwnedMxcUri,
    request: ThumbnailRequest,
) -> (String, DynamicImage) {
    let found = thumbnail(fixture, uri, request).await.unwrap();
    assert_eq!(found.content_disposition.disposition_type, ContentDispositionType::Inline);
    let content_type = found.content_type.clone();
    let bytes = read(found).await;
    (content_type, image::load_from_memory(&bytes).unwrap())
}

/// Red on the left, blue on the right.
fn two_halves(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, _| {
        if x < width / 2 { Rgb([250, 0, 0]) } else { Rgb([0, 0, 250]) }
    })
}

fn encoded(image: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.into().write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

fn animation(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    let frames = (0..3_u8)
        .map(|step| Frame::new(RgbaImage::from_pixel(width, height, Rgba([step * 80, 0, 0, 255]))));
    GifEncoder::new(&mut bytes).encode_frames(frames).unwrap();
    bytes
}

#[tokio::test]
async fn a_large_picture_becomes_small_in_its_own_aspect_ratio() {
    let fixture = Fixture::new();
    for format in [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::WebP, ImageFormat::Gif] {
        let uri = upload(&fixture.media, encoded(two_halves(1000, 500), format)).await;
        let (content_type, small) = picture(&fixture, &uri, SCALE_320).await;
        assert_eq!(small.dimensions(), (320, 160), "{format:?}");
        assert!(["image/jpeg", "image/png"].contains(&content_type.as_str()));
        assert!(small.get_pixel(40, 80).0[0] > 200, "red is still on the left");
        assert!(small.get_pixel(280, 80).0[2] > 200, "blue is still on the right");
    }
}

#[tokio::test]
async fn a_crop_shows_the_middle() {
    let fixture = Fixture::new();
    let stripes = RgbImage::from_fn(900, 300, |x, _| match x {
        0..300 => Rgb([250, 0, 0]),
        300..600 => Rgb([0, 250, 0]),
        _ => Rgb([0, 0, 250]),
    });
    let uri = upload(&fixture.media, encoded(stripes, ImageFormat::Png)).await;
    let (_, small) = picture(&fixture, &uri, CROP_96).await;
    assert_eq!(small.dimensions(), (96, 96));
    for x in [5, 48, 90] {
        let [red, green, blue, _] = small.get_pixel(x, 48).0;
        assert!(green > 200 && red < 60 && blue < 60, "{x}");
    }
}

#[tokio::test]
async fn nothing_is_ever_enlarged() {
    let fixture = Fixture::new();
    let flat = upload(&fixture.media, encoded(two_halves(400, 50), ImageFormat::Png)).await;
    let (_, small) = picture(&fixture, &flat, CROP_96).await;
    assert_eq!(small.dimensions(), (50, 50));
}

#[tokio::test]
async fn a_small_picture_is_served_as_it_is() {
    let fixture = Fixture::new();
    let original = encoded(two_halves(80, 60), ImageFormat::Jpeg);
    let description = FileDescription {
        content_type: Some("text/html".to_owned()),
        ..FileDescription::default()
    };
    let uri = fixture.media.upload(claire(), description, body(original.clone())).await.unwrap();
    for _ in 0..2 {
        let found = thumbnail(&fixture, &uri, SCALE_320).await.unwrap();
        assert_eq!(found.content_type, "image/jpeg", "what it is, not what it says it is");
        assert_eq!(read(found).await, original);
    }
    assert_eq!(fixture.files().len(), 1);
}

#[tokio::test]
async fn what_is_larger_than_every_thumbnail_is_the_original() {
    let fixture = Fixture::new();
    let original = encoded(two_halves(400, 300), ImageFormat::Png);
    let uri = upload(&fixture.media, original.clone()).await;
    let request = ThumbnailRequest { width: 5000, height: 5000, ..SCALE_320 };
    assert_eq!(read(thumbnail(&fixture, &uri, request).await.unwrap()).await, original);
}

#[tokio::test]
async fn transparency_stays() {
    let fixture = Fixture::new();
    let ghost = RgbaImage::from_pixel(500, 500, Rgba([0, 200, 0, 0]));
    let uri = upload(&fixture.media, encoded(ghost, ImageFormat::Png)).await;
    let (content_type, small) = picture(&fixture, &uri, CROP_96).await;
    assert_eq!(content_type, "image/png");
    assert_eq!(small.get_pixel(50, 50).0[3], 0);
}

#[tokio::test]
async fn nothing_moves_unless_it_is_asked_for() {
    let fixture = Fixture::new();
    let moving = animation(64, 64);
    let uri = upload(&fixture.media, moving.clone()).await;
    let (content_type, still) = picture(&fixture, &uri, SCALE_320).await;
    assert_ne!(content_type, "image/gif");
    assert_eq!(still.dimensions(), (64, 64));

    let animated = ThumbnailRequest { animated: true, ..SCALE_320 };
    let found = thumbnail(&fixture, &uri, animated).await.unwrap();
    assert_eq!(found.content_type, "image/gif");
    assert_eq!(read(found).await, moving);
}

/// A JPEG with the note that cameras add when they are held upright.
fn with_orientation(jpeg: &[u8], orientation: u8) -> Vec<u8> {
    let mut exif = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0".to_vec();
    exif.extend([orientation, 0, 0, 0, 0, 0, 0, 0]);
    let length = u16::try_from(exif.len() + 2).unwrap().to_be_bytes();
    [&jpeg[..2], &[0xFF, 0xE1], &length, &exif, &jpeg[2..]].concat()
}

#[tokio::test]
async fn a_photograph_taken_upright_stays_upright() {
    let fixture = Fixture::new();
    let jpeg = encoded(two_halves(800, 400), ImageFormat::Jpeg);
    let uri = upload(&fixture.media, with_orientation(&jpeg, 6)).await;
    let (_, small) = picture(&fixture, &uri, SCALE_320).await;
    assert_eq!(small.dimensions(), (120, 240));
    assert!(small.get_pixel(60, 20).0[0] > 200, "what was left is on top");
}

#[tokio::test]
async fn a_thumbnail_is_made_once_and_goes_with_its_file() {
    let fixture = Fixture::new();
    let uri = upload(&fixture.media, encoded(two_halves(1000, 500), ImageFormat::Png)).await;
    let first = read(thumbnail(&fixture, &uri, SCALE_320).await.unwrap()).await;
    read(thumbnail(&fixture, &uri, CROP_96).await.unwrap()).await;
    assert_eq!(fixture.files().len(), 3);
    let smaller = ThumbnailRequest { width: 300, height: 200, ..SCALE_320 };
    assert_eq!(read(thumbnail(&fixture, &uri, smaller).await.unwrap()).await, first);
    assert_eq!(fixture.files().len(), 3);

    let (server_name, media_id) = uri.parts().unwrap();
    fixture.media.delete(server_name, media_id).await.unwrap();
    assert!(fixture.files().is_empty());
    let result = thumbnail(&fixture, &uri, SCALE_320).await;
    assert!(matches!(result, Err(MediaError::NotFound)));
}

#[tokio::test]
async fn many_readers_at_once_get_the_same_thumbnail() {
    let fixture = Fixture::new();
    let uri = upload(&fixture.media, encoded(two_halves(1000, 500), ImageFormat::Png)).await;
    let readers =
        (0..8).map(|_| async { read(thumbnail(&fixture, &uri, SCALE_320).await.unwrap()).await });
    let pictures = futures_util::future::join_all(readers).await;
    assert!(pictures.windows(2).all(|pair| pair[0] == pair[1]));
    assert_eq!(fixture.files().len(), 2);
}

#[tokio::test]
async fn what_is_no_picture_has_no_thumbnail() {
    let fixture = Fixture::new();
    let broken = {
        let mut bytes = encoded(two_halves(1000, 500), ImageFormat::Png);
        bytes.truncate(400);
        bytes
    };
    let svg = "<svg xmlns='http://www.w3.org/2000/svg'/>".as_bytes().to_vec();
    for bytes in [Vec::new(), b"du texte".to_vec(), noise(5000), svg, broken] {
        let uri = upload(&fixture.media, bytes).await;
        let result = thumbnail(&fixture, &uri, SCALE_320).await;
        assert!(matches!(result, Err(MediaError::CannotThumbnail)), "{result:?}");
    }
}

/// A PNG of a few bytes that says it has as many pixels as you like.
fn bomb(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = encoded(two_halves(8, 8), ImageFormat::Png);
    bytes[16..20].copy_from_slice(&width.to_be_bytes());
    bytes[20..24].copy_from_slice(&height.to_be_bytes());
    let checksum = crc32(&bytes[12..29]);
    bytes[29..33].copy_from_slice(&checksum.to_be_bytes());
    bytes
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| {
            if crc & 1 == 1 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 }
        })
    })
}

#[tokio::test]
async fn a_small_file_with_enormous_dimensions_takes_no_memory() {
    let fixture = Fixture::new();
    for (width, height) in [(60_000, 60_000), (2_000_000_000, 2), (64_000_001, 1)] {
        let uri = upload(&fixture.media, bomb(width, height)).await;
        let result = thumbnail(&fixture, &uri, SCALE_320).await;
        assert!(matches!(result, Err(MediaError::TooLargeToThumbnail)), "{width}: {result:?}");
    }
}

#[tokio::test]
async fn readers_who_go_away_dont_let_more_pictures_be_decoded_at_once() {
    let fixture = Fixture::with(|config| {
        config.thumbnail_workers = 1;
        config.max_thumbnail_pixels = 1_000_000;
    });
    let uri = upload(&fixture.media, encoded(two_halves(1000, 1000), ImageFormat::Png)).await;
    for _ in 0..20 {
        let mut request = Box::pin(thumbnail(&fixture, &uri, SCALE_320));
        // As far as it gets without waiting, which is somewhere in the middle.
        for _ in 0..10 {
            if futures_util::poll!(&mut request).is_ready() {
                break;
            }
        }
        drop(request);
    }
    // Whatever they left running ends, and the next one gets its turn.
    picture(&fixture, &uri, SCALE_320).await;
    let one_more = encoded(two_halves(1001, 1000), ImageFormat::Png);
    let too_large = upload(&fixture.media, one_more).await;
    let result = thumbnail(&fixture, &too_large, SCALE_320).await;
    assert!(matches!(result, Err(MediaError::TooLargeToThumbnail)));
}

#[tokio::test]
async fn a_thumbnail_of_no_size_is_refused() {
    let fixture = Fixture::new();
    let uri = upload(&fixture.media, encoded(two_halves(10, 10), ImageFormat::Png)).await;
    for (width, height) in [(0, 10), (10, 0), (70_000, 10)] {
        let request = ThumbnailRequest { width, height, ..SCALE_320 };
        let result = thumbnail(&fixture, &uri, request).await;
        assert!(matches!(result, Err(MediaError::ThumbnailSize { .. })));
    }
}

#[tokio::test]
async fn a_thumbnail_of_nothing_is_not_found() {
    let fixture = Fixture::new();
    let nothing = mxc_uri!("mxc://interieur.example/x").to_owned();
    let result = thumbnail(&fixture, &nothing, CROP_96);
    assert!(matches!(result.await, Err(MediaError::NotFound)));
}

#[tokio::test]
async fn a_thumbnail_waits_for_an_announced_file() {
    let fixture = Fixture::new();
    let uri = fixture.media.create(claire()).await.unwrap().content_uri;
    let (server_name, media_id) = uri.parts().unwrap();
    let waiting = fixture.media.thumbnail(server_name, media_id, CROP_96, Duration::from_secs(20));
    let uploading = fixture.media.upload_announced(
        claire(),
        server_name,
        media_id,
        FileDescription::default(),
        body(encoded(two_halves(300, 300), ImageFormat::Png)),
    );
    let (found, uploaded) = tokio::join!(biased; waiting, uploading);
    uploaded.unwrap();
    assert_eq!(found.unwrap().content_type, "image/jpeg");
}
