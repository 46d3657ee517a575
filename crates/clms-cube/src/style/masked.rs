//! Pixels with what a mask beside them says.

use crate::{Overview, Pixels, Window};

/// Pixels to be coloured: raw values, and which of them are data where a mask beside the variable says so.
#[derive(Debug, Clone, Copy)]
pub struct MaskedPixels<'a> {
    pub(super) pixels: &'a Pixels,
    valid: Option<&'a [bool]>,
}

/// Without a mask.
impl<'a> From<&'a Pixels> for MaskedPixels<'a> {
    fn from(pixels: &'a Pixels) -> Self {
        Self {
            pixels,
            valid: None,
        }
    }
}

impl<'a> From<&'a Overview> for MaskedPixels<'a> {
    fn from(overview: &'a Overview) -> Self {
        Self {
            pixels: &overview.pixels,
            valid: overview.valid.as_deref(),
        }
    }
}

impl<'a> From<&'a Window> for MaskedPixels<'a> {
    fn from(window: &'a Window) -> Self {
        Self {
            pixels: &window.pixels,
            valid: window.valid(),
        }
    }
}

impl<'a> MaskedPixels<'a> {
    pub(crate) fn new(pixels: &'a Pixels, valid: Option<&'a [bool]>) -> Self {
        Self { pixels, valid }
    }
}

impl MaskedPixels<'_> {
    /// Whether the pixel is not masked out.
    pub(super) fn is_valid(&self, index: usize) -> bool {
        self.valid
            .is_none_or(|valid| valid.get(index) == Some(&true))
    }
}
