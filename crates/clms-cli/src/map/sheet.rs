//! The layout of a map sheet.

use std::io;

use clms_store::cube::Legend;

use super::{
    canvas::{Canvas, Colour, FRAME, GREY, INK, PAPER},
    legend::LegendBox,
    lettering::Lettering,
};

/// All that goes onto a sheet.
pub(crate) struct Sheet<'a> {
    pub(crate) title: &'a str,
    /// A line under the title, such as the data id.
    pub(crate) subtitle: &'a str,
    /// Width of the picture in pixels.
    pub(crate) width: u32,
    /// The picture, row by row from the north.
    pub(crate) rgba: &'a [[u8; 4]],
    pub(crate) ground: Ground,
    pub(crate) legend: &'a Legend,
    /// The line at the bottom: whose data these are.
    pub(crate) credit: &'a str,
}

/// The size of one pixel of the picture on the ground.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Ground {
    Metres(f64),
    Degrees(f64),
}

impl Ground {
    /// A scale bar that is at most so many pixels long: its length in pixels and on the ground.
    pub(crate) fn scale_bar(self, longest: f64) -> (f64, String) {
        let (per_pixel, label): (f64, fn(f64) -> String) = match self {
            Self::Metres(size) => (size, metres),
            Self::Degrees(size) => (size, |degrees| format!("{degrees}°")),
        };
        let length = round_down(per_pixel * longest);
        (length / per_pixel, label(length))
    }
}

const MARGIN: u32 = 28;
const TITLE: f32 = 28.0;
/// Of all text but the title.
pub(super) const SMALL: f32 = 15.0;
/// A sheet is never narrower than this, so that the title has room.
const MIN_WIDTH: u32 = 560;

impl Sheet<'_> {
    /// Draws the sheet, as PNG.
    pub(crate) fn png(&self) -> io::Result<Vec<u8>> {
        self.draw()?.png()
    }

    fn height(&self) -> u32 {
        self.rgba.len() as u32 / self.width.max(1)
    }

    fn draw(&self) -> io::Result<Canvas> {
        let lettering = Lettering::new().map_err(io::Error::other)?;
        let map_height = self.height();
        let legend = LegendBox::new(self.legend, map_height, &lettering);
        let content = (self.width + MARGIN + legend.width()).max(MIN_WIDTH);
        let title = lettering.fold(self.title, TITLE, content, 2);
        let top = MARGIN + title.len() as u32 * 34 + 28;
        let body = map_height.max(legend.height());
        let mut canvas = Canvas::new(content + 2 * MARGIN, top + body + 86 + MARGIN);

        for (number, line) in title.iter().enumerate() {
            lettering.draw(
                &mut canvas,
                MARGIN,
                MARGIN - 6 + number as u32 * 34,
                TITLE,
                INK,
                line,
            );
        }
        let subtitle = lettering.shorten(self.subtitle, SMALL, content);
        lettering.draw(&mut canvas, MARGIN, top - 30, SMALL, GREY, &subtitle);

        canvas.fill(MARGIN, top, self.width, map_height, PAPER);
        canvas.blit(MARGIN, top, self.width, self.rgba);
        canvas.frame(MARGIN, top, self.width, map_height, FRAME);
        legend.draw(&mut canvas, MARGIN + self.width + MARGIN, top, &lettering);

        let foot = top + body + 18;
        self.draw_scale_bar(&mut canvas, MARGIN, foot, &lettering);
        draw_north(
            &mut canvas,
            MARGIN + self.width.max(220) - 12,
            foot,
            &lettering,
        );
        let credit = lettering.shorten(self.credit, SMALL, content);
        lettering.draw(&mut canvas, MARGIN, foot + 52, SMALL, GREY, &credit);
        Ok(canvas)
    }

    fn draw_scale_bar(&self, canvas: &mut Canvas, x: u32, y: u32, lettering: &Lettering) {
        let longest = f64::from(self.width.clamp(120, 1000)) / 4.0;
        let (pixels, end) = self.ground.scale_bar(longest);
        let pixels = pixels.round() as u32;
        // Four fields, dark and light.
        for field in 0..4 {
            let (from, to) = (pixels * field / 4, pixels * (field + 1) / 4);
            let colour: Colour = if field % 2 == 0 { INK } else { [255, 255, 255] };
            canvas.fill(x + from, y + 4, to - from, 7, colour);
        }
        canvas.frame(x, y + 4, pixels, 7, INK);
        lettering.draw(canvas, x, y + 16, SMALL, INK, "0");
        let half = lettering.width(&end, SMALL) / 2;
        lettering.draw(
            canvas,
            (x + pixels).saturating_sub(half),
            y + 16,
            SMALL,
            INK,
            &end,
        );
    }
}

/// An arrow to the top of the map, with an N on it.
fn draw_north(canvas: &mut Canvas, x: u32, y: u32, lettering: &Lettering) {
    for row in 0..18_u32 {
        let half = i64::from(row / 3);
        for dx in -half..=half {
            // The right half is the shaded one.
            let colour = if dx <= 0 { INK } else { GREY };
            canvas.blend(i64::from(x) + dx, i64::from(y + row), colour, 1.0);
        }
    }
    let half = lettering.width("N", SMALL) / 2;
    lettering.draw(canvas, x.saturating_sub(half), y + 19, SMALL, INK, "N");
}

/// The largest of 1, 2, 5 times a power of ten that is at most `length`.
fn round_down(length: f64) -> f64 {
    let power = 10_f64.powf(length.log10().floor());
    let digit = length / power;
    power
        * if digit >= 5.0 {
            5.0
        } else if digit >= 2.0 {
            2.0
        } else {
            1.0
        }
}

fn metres(length: f64) -> String {
    if length >= 1000.0 {
        format!("{} km", length / 1000.0)
    } else {
        format!("{length} m")
    }
}

#[cfg(test)]
mod tests {
    use clms_store::cube::LegendClass;

    use super::*;

    #[test]
    fn scale_bars_have_round_lengths() {
        for (length, rounded) in [(1.0, 1.0), (4.9, 2.0), (7300.0, 5000.0), (0.03, 0.02)] {
            assert!((round_down(length) - rounded).abs() < 1e-12, "{length}");
        }
        assert_eq!(metres(500_000.0), "500 km");
    }

    #[test]
    fn a_sheet_shows_map_legend_and_paper() {
        let legend = Legend::Classes {
            classes: vec![LegendClass {
                value: 1,
                name: "Broadleaved".to_owned(),
                colour: [1, 200, 3],
            }],
        };
        let mut rgba = vec![[1, 200, 3, 255]; 300 * 200];
        rgba[0] = [0, 0, 0, 0];
        let sheet = Sheet {
            title: "Forest Type 2015",
            subtitle: "x|y",
            width: 300,
            rgba: &rgba,
            ground: Ground::Metres(100.0),
            legend: &legend,
            credit: "credit",
        };
        let canvas = sheet.draw().unwrap();
        let top = MARGIN + 34 + 28;
        assert_eq!(canvas.get(MARGIN, top), PAPER);
        assert_eq!(canvas.get(MARGIN + 5, top + 5), [1, 200, 3]);
        assert_eq!(
            canvas.get(MARGIN + 300 + MARGIN + 5, top + 5),
            [1, 200, 3],
            "the legend's swatch"
        );
        let png = sheet.png().unwrap();
        assert_eq!(&png[1..4], b"PNG");
    }
}
