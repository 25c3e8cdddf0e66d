use super::ThumbnailRequest;

/// The greatest width and height that a request may name.
pub(crate) const MAX_REQUEST: u32 = 65_535;

/// The rectangles into which `scale` fits images: those that the specification recommends, and one
/// for screens with many pixels.
const SCALED: &[(u32, u32)] = &[(320, 240), (640, 480), (800, 600), (1600, 1200)];

/// The lengths that the longer side of a `crop` can have.
const CROPPED: &[u32] = &[32, 96, 320, 640, 800, 1600];

/// In how many steps the shorter side of a `crop` goes up to the longer one: every aspect ratio is
/// met closely, yet an image has few different thumbnails.
const RATIO_STEPS: u32 = 8;

/// How a thumbnail relates to its image's aspect ratio.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// It keeps the image's aspect ratio.
    Scale,
    /// It takes the aspect ratio of the request; what doesn't fit is cut off.
    Crop,
}

/// One of the few thumbnails that are made of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Variant {
    /// The rectangle to fit the image into; `None`: larger than any thumbnail, so the original.
    pub(crate) bounds: Option<(u32, u32)>,
    pub(crate) method: Method,
    pub(crate) animated: bool,
}

impl Variant {
    /// The smallest variant that is at least as large as requested.
    pub(crate) fn for_request(request: ThumbnailRequest) -> Self {
        let ThumbnailRequest { width, height, method, animated } = request;
        let bounds = match method {
            Method::Scale => SCALED
                .iter()
                .copied()
                .find(|&(max_width, max_height)| width <= max_width && height <= max_height),
            Method::Crop => cropped_bounds(width, height),
        };
        Self { bounds, method, animated }
    }

    /// The variant's name in the store: `320x240-scale`.
    pub(crate) fn key(&self) -> String {
        let method = match self.method {
            Method::Scale => "scale",
            Method::Crop => "crop",
        };
        let animated = if self.animated { "-animated" } else { "" };
        match self.bounds {
            Some((width, height)) => format!("{width}x{height}-{method}{animated}"),
            None => format!("original{animated}"),
        }
    }
}

fn cropped_bounds(width: u32, height: u32) -> Option<(u32, u32)> {
    let longer_requested = width.max(height);
    let longer = CROPPED.iter().copied().find(|&length| longer_requested <= length)?;
    let steps = (width.min(height) * RATIO_STEPS).div_ceil(longer_requested);
    let shorter = longer * steps / RATIO_STEPS;
    Some(if width >= height { (longer, shorter) } else { (shorter, longer) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bounds(width: u32, height: u32, method: Method) -> Option<(u32, u32)> {
        Variant::for_request(ThumbnailRequest { width, height, method, animated: false }).bounds
    }

    #[test]
    fn the_recommended_sizes_are_met_exactly() {
        for (width, height) in [(32, 32), (96, 96)] {
            assert_eq!(bounds(width, height, Method::Crop), Some((width, height)));
        }
        for (width, height) in [(320, 240), (640, 480), (800, 600)] {
            assert_eq!(bounds(width, height, Method::Scale), Some((width, height)));
        }
    }

    #[test]
    fn a_thumbnail_is_never_smaller_than_requested() {
        for width in (1..=1600).step_by(37) {
            for height in (1..=1200).step_by(41) {
                for method in [Method::Scale, Method::Crop] {
                    let (got_width, got_height) = bounds(width, height, method).unwrap();
                    assert!(got_width >= width && got_height >= height, "{width}x{height}");
                }
            }
        }
    }

    #[test]
    fn an_image_has_few_thumbnails() {
        let mut variants = std::collections::BTreeSet::new();
        for width in 1..=400 {
            for height in 1..=400 {
                variants.insert(bounds(width * 4, height * 4, Method::Crop));
            }
        }
        assert!(variants.len() <= CROPPED.len() * 2 * 8 + 1, "{}", variants.len());
    }

    #[test]
    fn what_is_larger_than_any_thumbnail_is_the_original() {
        assert_eq!(bounds(1601, 10, Method::Scale), None);
        assert_eq!(bounds(MAX_REQUEST, MAX_REQUEST, Method::Crop), None);
    }
}
