//! The layout of a map sheet.

use std::io;

use clms_store::cube::{Legend, LegendClass};

use super::{
    canvas::{Canvas, Colour, FRAME, GREY, INK, PAPER},
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
const SMALL: f32 = 15.0;
const ROW: u32 = 22;
const SWATCH: u32 = 16;
const LEGEND_TEXT: u32 = 250;
const COLUMN: u32 = SWATCH + 10 + LEGEND_TEXT + 14;
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

/// The legend, in as many columns as fit beside the map.
struct LegendBox<'a> {
    ramp: Option<Ramp<'a>>,
    classes: &'a [LegendClass],
    rows: u32,
    column_width: u32,
    width: u32,
}

/// Stops and units of a colour ramp.
type Ramp<'a> = (&'a [(f64, Colour)], Option<&'a str>);

/// Height of a ramp, and with the space under it.
const RAMP: u32 = 180;
const RAMP_ROOM: u32 = RAMP + 30;

impl<'a> LegendBox<'a> {
    fn new(legend: &'a Legend, map_height: u32, lettering: &Lettering) -> Self {
        let (ramp, classes) = match legend {
            Legend::Classes { classes } => (None, &classes[..]),
            Legend::Ramp {
                stops,
                units,
                classes,
            } => (Some((&stops[..], units.as_deref())), &classes[..]),
            _ => (None, &[][..]),
        };
        let widest = classes
            .iter()
            .map(|class| lettering.width(&class.name, SMALL).min(LEGEND_TEXT))
            .max();
        let column_width = widest.map_or(0, |widest| COLUMN - LEGEND_TEXT + widest);
        let above = if ramp.is_some() { RAMP_ROOM } else { 0 };
        let fit = (map_height.saturating_sub(above) / ROW).max(12);
        let columns = (classes.len() as u32).div_ceil(fit).max(1);
        Self {
            ramp,
            classes,
            rows: (classes.len() as u32).div_ceil(columns).max(1),
            column_width,
            width: (columns * column_width).max(if ramp.is_some() { 110 } else { 0 }),
        }
    }

    fn width(&self) -> u32 {
        self.width
    }

    fn height(&self) -> u32 {
        let ramp = if self.ramp.is_some() { RAMP_ROOM } else { 0 };
        ramp + if self.classes.is_empty() {
            0
        } else {
            self.rows * ROW
        }
    }

    fn draw(&self, canvas: &mut Canvas, x: u32, y: u32, lettering: &Lettering) {
        let mut top = y;
        if let Some((stops, units)) = self.ramp {
            draw_ramp(canvas, x, y, stops, units, lettering);
            top += RAMP_ROOM;
        }
        for (number, class) in self.classes.iter().enumerate() {
            let (column, row) = (number as u32 / self.rows, number as u32 % self.rows);
            let (left, top) = (x + column * self.column_width, top + row * ROW);
            canvas.fill(left, top, SWATCH, SWATCH, class.colour);
            canvas.frame(left, top, SWATCH, SWATCH, FRAME);
            let name = lettering.shorten(&class.name, SMALL, LEGEND_TEXT);
            lettering.draw(canvas, left + SWATCH + 10, top, SMALL, INK, &name);
        }
    }
}

/// A vertical ramp with the largest value at the top.
fn draw_ramp(
    canvas: &mut Canvas,
    x: u32,
    y: u32,
    stops: &[(f64, Colour)],
    units: Option<&str>,
    lettering: &Lettering,
) {
    let (Some(first), Some(last)) = (stops.first(), stops.last()) else {
        return;
    };
    let span = last.0 - first.0;
    for row in 0..RAMP {
        let value = last.0 - span * f64::from(row) / f64::from(RAMP - 1);
        canvas.fill(x, y + row, 24, 1, between(stops, value));
    }
    canvas.frame(x, y, 24, RAMP, FRAME);
    let units = units.map(|units| format!(" {units}")).unwrap_or_default();
    for step in 0..=4_u32 {
        let value = last.0 - span * f64::from(step) / 4.0;
        let text = format!("{}{units}", (value * 100.0).round() / 100.0);
        lettering.draw(
            canvas,
            x + 34,
            (y + RAMP * step / 4).saturating_sub(8),
            SMALL,
            INK,
            &text,
        );
    }
}

fn between(stops: &[(f64, Colour)], value: f64) -> Colour {
    let above = stops
        .iter()
        .position(|(stop, _)| *stop >= value)
        .unwrap_or(stops.len() - 1);
    let (high, low) = (stops[above], stops[above.saturating_sub(1)]);
    let share = if high.0 > low.0 {
        (value - low.0) / (high.0 - low.0)
    } else {
        0.0
    };
    std::array::from_fn(|channel| {
        let (from, to) = (f64::from(low.1[channel]), f64::from(high.1[channel]));
        (from + (to - from) * share.clamp(0.0, 1.0)).round() as u8
    })
}

#[cfg(test)]
mod tests {
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

    #[test]
    fn a_ramp_runs_through_its_stops() {
        let stops = [
            (0.0, [0, 0, 0]),
            (50.0, [100, 0, 0]),
            (100.0, [100, 200, 0]),
        ];
        assert_eq!(between(&stops, 25.0), [50, 0, 0]);
        assert_eq!(between(&stops, 100.0), [100, 200, 0]);
        assert_eq!(between(&stops, 1000.0), [100, 200, 0]);
    }
}
