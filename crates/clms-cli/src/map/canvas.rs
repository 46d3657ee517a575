//! A picture to draw on.

use std::io;

use crate::png_bytes;

/// Red, green and blue.
pub(crate) type Colour = [u8; 3];

pub(crate) const WHITE: Colour = [255, 255, 255];
pub(crate) const INK: Colour = [34, 38, 42];
pub(crate) const GREY: Colour = [110, 116, 122];
pub(crate) const FRAME: Colour = [190, 194, 198];
/// What lies under pixels without data.
pub(crate) const PAPER: Colour = [218, 227, 234];

/// Width times height pixels, row by row from the top. Drawing outside is harmless.
pub(crate) struct Canvas {
    width: u32,
    height: u32,
    pixels: Vec<Colour>,
}

impl Canvas {
    pub(crate) fn new(width: u32, height: u32) -> Self {
        Self {
            width,
            height,
            pixels: vec![WHITE; width as usize * height as usize],
        }
    }

    #[cfg(test)]
    pub(crate) fn get(&self, x: u32, y: u32) -> Colour {
        self.pixels[y as usize * self.width as usize + x as usize]
    }

    /// Lays `colour` over a pixel; `cover` from 0 (nothing) to 1 (hides what was there).
    pub(crate) fn blend(&mut self, x: i64, y: i64, colour: Colour, cover: f32) {
        let (Ok(x), Ok(y)) = (u32::try_from(x), u32::try_from(y)) else {
            return;
        };
        if x >= self.width || y >= self.height {
            return;
        }
        let below = &mut self.pixels[y as usize * self.width as usize + x as usize];
        for (below, above) in below.iter_mut().zip(colour) {
            let mixed =
                f32::from(*below) + (f32::from(above) - f32::from(*below)) * cover.clamp(0.0, 1.0);
            *below = mixed.round() as u8;
        }
    }

    /// Fills a rectangle.
    pub(crate) fn fill(&mut self, x: u32, y: u32, width: u32, height: u32, colour: Colour) {
        for row in y..y.saturating_add(height).min(self.height) {
            for col in x..x.saturating_add(width).min(self.width) {
                self.pixels[row as usize * self.width as usize + col as usize] = colour;
            }
        }
    }

    /// Draws the outline of a rectangle, one pixel wide, just outside of it.
    pub(crate) fn frame(&mut self, x: u32, y: u32, width: u32, height: u32, colour: Colour) {
        let (left, top) = (x.saturating_sub(1), y.saturating_sub(1));
        self.fill(left, top, width + 2, 1, colour);
        self.fill(left, y + height, width + 2, 1, colour);
        self.fill(left, top, 1, height + 2, colour);
        self.fill(x + width, top, 1, height + 2, colour);
    }

    /// Lays a picture with transparency over what is there.
    pub(crate) fn blit(&mut self, x: u32, y: u32, width: u32, rgba: &[[u8; 4]]) {
        for (number, [r, g, b, alpha]) in rgba.iter().enumerate() {
            let (col, row) = (number as u32 % width, number as u32 / width);
            let cover = f32::from(*alpha) / 255.0;
            self.blend(i64::from(x + col), i64::from(y + row), [*r, *g, *b], cover);
        }
    }

    /// The picture as PNG.
    pub(crate) fn png(&self) -> io::Result<Vec<u8>> {
        png_bytes::encode(self.width, &self.pixels)
    }
}
