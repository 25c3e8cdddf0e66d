use std::{
    fs::File,
    io::{BufReader, Cursor, Seek},
};

use bytes::Bytes;
use image::{
    DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits,
    codecs::{jpeg::JpegEncoder, png::PngDecoder},
    metadata::Orientation,
};

use super::size::{Method, Variant};
use crate::MediaError;

/// How good the JPEG thumbnails are, of 100.
const JPEG_QUALITY: u8 = 82;

/// How many bytes a decoder may use for each of the pixels that an image may have, and how many
/// besides: images of 8 bits and 4 channels.
const BYTES_PER_PIXEL: u64 = 4;
const DECODER_BYTES: u64 = 16 * 1024 * 1024;

/// What serves as a thumbnail.
pub(crate) enum Outcome {
    /// The image itself: it is small enough.
    Original {
        /// Its type, by its first bytes.
        content_type: &'static str,
    },
    /// Something smaller.
    Made(Made),
}

pub(crate) struct Made {
    pub(crate) bytes: Bytes,
    pub(crate) content_type: &'static str,
}

/// How many pixels an image has, by its header. Gives the file back, to be read from its beginning.
pub(crate) fn count_pixels(mut file: File) -> Result<(File, u64), MediaError> {
    let reader = ImageReader::new(BufReader::new(&file)).with_guessed_format()?;
    supported_format(reader.format())?;
    let (width, height) = reader.into_dimensions().map_err(|error| decoding_error(&error))?;
    file.rewind()?;
    Ok((file, u64::from(width) * u64::from(height)))
}

/// The format by the first bytes: what they say counts, not what the uploader said.
fn supported_format(format: Option<ImageFormat>) -> Result<ImageFormat, MediaError> {
    match format {
        Some(
            format @ (ImageFormat::Jpeg | ImageFormat::Png | ImageFormat::Gif | ImageFormat::WebP),
        ) => Ok(format),
        _ => Err(MediaError::CannotThumbnail),
    }
}

/// Makes a thumbnail. Blocks for as long as decoding takes.
pub(crate) fn make(file: File, variant: &Variant, max_pixels: u64) -> Result<Outcome, MediaError> {
    let mut reader = ImageReader::new(BufReader::new(file)).with_guessed_format()?;
    let format = supported_format(reader.format())?;
    let mut limits = Limits::default();
    limits.max_alloc = Some(max_pixels.saturating_mul(BYTES_PER_PIXEL) + DECODER_BYTES);

    let may_be_animated = match format {
        ImageFormat::Jpeg => false,
        ImageFormat::Png => {
            let mut file = reader.into_inner();
            let is_apng = PngDecoder::with_limits(&mut file, limits.clone())
                .and_then(|decoder| decoder.is_apng())
                .map_err(|error| decoding_error(&error))?;
            file.rewind()?;
            reader = ImageReader::with_format(file, format);
            is_apng
        }
        _ => true,
    };

    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(|error| decoding_error(&error))?;
    let (width, height) = decoder.dimensions();
    // Cameras turn the picture with a note in the file. A thumbnail has no notes.
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let (shown_width, shown_height) =
        if swaps_sides(orientation) { (height, width) } else { (width, height) };

    // An image that is no larger than its thumbnail is served as it is, but a moving one only to
    // who asked for that.
    let fits = variant.bounds.is_none_or(|(max_width, max_height)| {
        shown_width <= max_width && shown_height <= max_height
    });
    if fits && (!may_be_animated || variant.animated) {
        return Ok(Outcome::Original { content_type: format.to_mime_type() });
    }

    let mut image = DynamicImage::from_decoder(decoder).map_err(|error| decoding_error(&error))?;
    image.apply_orientation(orientation);
    let thumbnail = match variant.bounds {
        _ if fits => image,
        None => image,
        Some((max_width, max_height)) => match variant.method {
            Method::Scale => image.thumbnail(max_width, max_height),
            Method::Crop => crop(&image, max_width, max_height),
        },
    };
    encode(&thumbnail).map(Outcome::Made)
}

/// The middle of the image in the wanted aspect ratio, never enlarged.
fn crop(image: &DynamicImage, wanted_width: u32, wanted_height: u32) -> DynamicImage {
    let (width, height) = (u64::from(image.width()), u64::from(image.height()));
    let (wanted_width, wanted_height) = (u64::from(wanted_width), u64::from(wanted_height));

    // The largest part of the image that has the wanted aspect ratio.
    let (part_width, part_height) = if width * wanted_height >= height * wanted_width {
        ((height * wanted_width / wanted_height).max(1), height)
    } else {
        (width, (width * wanted_height / wanted_width).max(1))
    };
    let left = (width - part_width) / 2;
    let top = (height - part_height) / 2;
    let part = image.crop_imm(side(left), side(top), side(part_width), side(part_height));
    if part_width <= wanted_width || part_height <= wanted_height {
        return part;
    }
    part.thumbnail_exact(side(wanted_width), side(wanted_height))
}

fn side(length: u64) -> u32 {
    u32::try_from(length).expect("a part of an image is no longer than its side")
}

fn encode(image: &DynamicImage) -> Result<Made, MediaError> {
    let mut bytes = Vec::new();
    let (encoded, content_type) = if image.color().has_alpha() {
        let encoded = image.to_rgba8().write_to(&mut Cursor::new(&mut bytes), ImageFormat::Png);
        (encoded, "image/png")
    } else {
        let encoder = JpegEncoder::new_with_quality(&mut bytes, JPEG_QUALITY);
        (image.to_rgb8().write_with_encoder(encoder), "image/jpeg")
    };
    encoded.map_err(|error| decoding_error(&error))?;
    Ok(Made { bytes: bytes.into(), content_type })
}

fn swaps_sides(orientation: Orientation) -> bool {
    matches!(
        orientation,
        Orientation::Rotate90
            | Orientation::Rotate270
            | Orientation::Rotate90FlipH
            | Orientation::Rotate270FlipH
    )
}

fn decoding_error(error: &ImageError) -> MediaError {
    match error {
        ImageError::Limits(_) => MediaError::TooLargeToThumbnail,
        other => {
            tracing::debug!(error = %other, "an image can't be decoded");
            MediaError::CannotThumbnail
        }
    }
}
