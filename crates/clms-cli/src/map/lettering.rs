//! Text on a canvas.

use ab_glyph::{Font, FontRef, Glyph, InvalidFont, PxScale, ScaleFont, point};

use super::canvas::{Canvas, Colour};

/// One typeface in all sizes.
pub(crate) struct Lettering(FontRef<'static>);

impl Lettering {
    pub(crate) fn new() -> Result<Self, InvalidFont> {
        FontRef::try_from_slice(epaint_default_fonts::UBUNTU_LIGHT).map(Self)
    }

    /// How wide a text becomes, in pixels.
    pub(crate) fn width(&self, text: &str, size: f32) -> u32 {
        self.lay_out(text, size).1.ceil() as u32
    }

    /// Draws a line of text with its upper left corner at (x, y).
    pub(crate) fn draw(
        &self,
        canvas: &mut Canvas,
        x: u32,
        y: u32,
        size: f32,
        colour: Colour,
        text: &str,
    ) {
        let ascent = self.0.as_scaled(PxScale::from(size)).ascent();
        for mut glyph in self.lay_out(text, size).0 {
            glyph.position += point(x as f32, y as f32 + ascent);
            let Some(outline) = self.0.outline_glyph(glyph) else {
                continue;
            };
            let corner = outline.px_bounds().min;
            outline.draw(|dx, dy, cover| {
                let (px, py) = (
                    corner.x as i64 + i64::from(dx),
                    corner.y as i64 + i64::from(dy),
                );
                // The typeface is light; a little more ink makes small text readable.
                canvas.blend(px, py, colour, cover * 1.35);
            });
        }
    }

    /// The text, shortened at its end until it fits.
    pub(crate) fn shorten(&self, text: &str, size: f32, max_width: u32) -> String {
        if self.width(text, size) <= max_width {
            return text.to_owned();
        }
        let mut kept: Vec<char> = text.chars().collect();
        while kept.pop().is_some() {
            let shorter = format!("{}…", kept.iter().collect::<String>().trim_end());
            if self.width(&shorter, size) <= max_width {
                return shorter;
            }
        }
        String::new()
    }

    /// The text in lines that fit; only the last of `max_lines` may be shortened.
    pub(crate) fn fold(
        &self,
        text: &str,
        size: f32,
        max_width: u32,
        max_lines: usize,
    ) -> Vec<String> {
        let mut lines: Vec<String> = Vec::new();
        for word in text.split_whitespace() {
            let full = lines.len() == max_lines;
            match lines.last_mut() {
                Some(line) if full || self.width(&format!("{line} {word}"), size) <= max_width => {
                    line.push(' ');
                    line.push_str(word);
                }
                _ => lines.push(word.to_owned()),
            }
        }
        lines
            .into_iter()
            .map(|line| self.shorten(&line, size, max_width))
            .collect()
    }

    fn lay_out(&self, text: &str, size: f32) -> (Vec<Glyph>, f32) {
        let scaled = self.0.as_scaled(PxScale::from(size));
        let mut x = 0.0;
        let mut previous = None;
        let mut glyphs = Vec::new();
        for c in text.chars() {
            let id = scaled.glyph_id(c);
            if let Some(previous) = previous {
                x += scaled.kern(previous, id);
            }
            glyphs.push(id.with_scale_and_position(PxScale::from(size), point(x, 0.0)));
            x += scaled.h_advance(id);
            previous = Some(id);
        }
        (glyphs, x)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_shortened_and_folded_to_fit() {
        let lettering = Lettering::new().unwrap();
        let text = "Land principally occupied by agriculture, with significant areas of natural vegetation";
        let short = lettering.shorten(text, 14.0, 200);
        assert!(
            short.ends_with('…') && lettering.width(&short, 14.0) <= 200,
            "{short}"
        );
        let lines = lettering.fold(text, 14.0, 200, 2);
        assert_eq!(lines.len(), 2);
        assert!(
            lines.iter().all(|line| lettering.width(line, 14.0) <= 200),
            "{lines:?}"
        );
        assert_eq!(lettering.shorten("Water", 14.0, 200), "Water");
        assert_eq!(lettering.shorten("Water", 14.0, 1), "");
    }
}
