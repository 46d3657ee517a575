//! The picture that is drawn.

use std::io;

use crate::png_bytes;

/// Pixels in red, green and blue, row by row from the top.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Picture {
    width: u32,
    pixels: Vec<[u8; 3]>,
}

impl Picture {
    /// Of pixels with transparency, on a ground of one colour.
    pub(crate) fn over(ground: [u8; 3], width: u32, rgba: &[[u8; 4]]) -> Self {
        let on_ground = |[red, green, blue, alpha]: &[u8; 4]| {
            let mixed = |above: u8, below: u8| {
                let (above, below, alpha) = (u32::from(above), u32::from(below), u32::from(*alpha));
                ((above * alpha + below * (255 - alpha) + 127) / 255) as u8
            };
            [
                mixed(*red, ground[0]),
                mixed(*green, ground[1]),
                mixed(*blue, ground[2]),
            ]
        };
        Self {
            width,
            pixels: rgba.iter().map(on_ground).collect(),
        }
    }

    pub(crate) fn width(&self) -> u32 {
        self.width
    }

    pub(super) fn pixels(&self) -> &[[u8; 3]] {
        &self.pixels
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = &[[u8; 3]]> {
        self.pixels.chunks(self.width.max(1) as usize)
    }

    pub(super) fn height(&self) -> u32 {
        (self.pixels.len() / self.width.max(1) as usize) as u32
    }

    pub(super) fn png(&self) -> io::Result<Vec<u8>> {
        png_bytes::encode(self.width, &self.pixels)
    }
}
