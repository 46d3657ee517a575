//! The legend of a map sheet: a ramp, and classes in as many columns as there is room for beside the map.

use clms_store::cube::{Legend, LegendClass};

use super::{
    canvas::{Canvas, Colour, FRAME, INK},
    lettering::Lettering,
    sheet::SMALL,
};

const SWATCH: u32 = 16;
/// From a swatch to its class's name, and from there to the next column.
const GAPS: [u32; 2] = [10, 14];
/// A class with a name of one line, and each further line.
const ROW: u32 = 22;
const LINE: u32 = 18;
/// Names have at most so many lines.
const MOST_LINES: usize = 2;
/// The widths that names may take: the first one in which all of them are whole, else the last one.
const TEXT_WIDTHS: [u32; 4] = [250, 300, 350, 400];
/// A column has room for so many classes, however low the map is.
const FEWEST_ROWS: u32 = 12;

/// The legend, laid out.
pub(super) struct LegendBox<'a> {
    ramp: Option<Ramp<'a>>,
    entries: Vec<Entry>,
    width: u32,
    height: u32,
}

/// A class at its place, from the upper left corner of the legend.
struct Entry {
    colour: Colour,
    /// The class's name.
    lines: Vec<String>,
    x: u32,
    y: u32,
}

/// Stops and units of a colour ramp.
type Ramp<'a> = (&'a [(f64, Colour)], Option<&'a str>);

/// Height of a ramp, and with the space under it.
const RAMP: u32 = 180;
const RAMP_ROOM: u32 = RAMP + 30;
const RAMP_WIDTH: u32 = 110;

impl<'a> LegendBox<'a> {
    pub(super) fn new(legend: &'a Legend, map_height: u32, lettering: &Lettering) -> Self {
        let (ramp, classes) = match legend {
            Legend::Classes { classes } => (None, &classes[..]),
            Legend::Ramp {
                stops,
                units,
                classes,
            } => (Some((&stops[..], units.as_deref())), &classes[..]),
            _ => (None, &[][..]),
        };
        let above = if ramp.is_some() { RAMP_ROOM } else { 0 };
        let names = folded(classes, lettering);
        let room = map_height.saturating_sub(above).max(FEWEST_ROWS * ROW);
        let places = in_columns(&names, room);
        let widest = names
            .iter()
            .flatten()
            .map(|line| lettering.width(line, SMALL))
            .max();
        let column_width = SWATCH + GAPS[0] + widest.unwrap_or(0) + GAPS[1];
        let entries: Vec<Entry> = classes
            .iter()
            .zip(names)
            .zip(places)
            .map(|((class, lines), (column, y))| Entry {
                colour: class.colour,
                lines,
                x: column * column_width,
                y: above + y,
            })
            .collect();
        let ramp_width = if ramp.is_some() { RAMP_WIDTH } else { 0 };
        let right = entries.iter().map(|entry| entry.x + column_width).max();
        let bottom = entries.iter().map(|entry| entry.y + height(&entry.lines));
        Self {
            ramp,
            width: right.unwrap_or(0).max(ramp_width),
            height: bottom.max().unwrap_or(above),
            entries,
        }
    }

    pub(super) fn width(&self) -> u32 {
        self.width
    }

    pub(super) fn height(&self) -> u32 {
        self.height
    }

    /// Draws it with its upper left corner at (x, y).
    pub(super) fn draw(&self, canvas: &mut Canvas, x: u32, y: u32, lettering: &Lettering) {
        if let Some((stops, units)) = self.ramp {
            draw_ramp(canvas, x, y, stops, units, lettering);
        }
        for entry in &self.entries {
            let (left, top) = (x + entry.x, y + entry.y);
            canvas.fill(left, top, SWATCH, SWATCH, entry.colour);
            canvas.frame(left, top, SWATCH, SWATCH, FRAME);
            let left = left + SWATCH + GAPS[0];
            for (top, line) in (top..).step_by(LINE as usize).zip(&entry.lines) {
                lettering.draw(canvas, left, top, SMALL, INK, line);
            }
        }
    }
}

/// The names of classes in lines.
fn folded(classes: &[LegendClass], lettering: &Lettering) -> Vec<Vec<String>> {
    let in_width = |width: u32| -> Vec<Vec<String>> {
        let name = |class: &LegendClass| lettering.fold(&class.name, SMALL, width, MOST_LINES);
        classes.iter().map(name).collect()
    };
    let is_whole = |(class, lines): (&LegendClass, &Vec<String>)| {
        let words = class.name.split_whitespace();
        words.eq(lines.iter().flat_map(|line| line.split_whitespace()))
    };
    let mut names = Vec::new();
    for width in TEXT_WIDTHS {
        names = in_width(width);
        if classes.iter().zip(&names).all(is_whole) {
            break;
        }
    }
    names
}

/// How high a class with a name in so many lines is.
fn height(lines: &[String]) -> u32 {
    ROW + LINE * (lines.len() as u32).saturating_sub(1)
}

/// Columns and tops of names, in as few columns as fit into `room`, which are about equally high.
fn in_columns(names: &[Vec<String>], room: u32) -> Vec<(u32, u32)> {
    let within = |room: u32| {
        let (mut column, mut top) = (0, 0);
        let places = names.iter().map(|lines| {
            let height = height(lines);
            if top > 0 && top + height > room {
                (column, top) = (column + 1, 0);
            }
            let place = (column, top);
            top += height;
            place
        });
        places.collect::<Vec<_>>()
    };
    let columns = |places: &[(u32, u32)]| places.last().map_or(0, |(column, _)| column + 1);
    let fewest = columns(&within(room));
    let total: u32 = names.iter().map(|lines| height(lines)).sum();
    let lowest = total / fewest.max(1);
    (lowest..=room)
        .map(within)
        .find(|places| columns(places) <= fewest)
        .unwrap_or_else(|| within(room))
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

    fn class(name: &str) -> LegendClass {
        LegendClass {
            value: 1,
            name: name.to_owned(),
            colour: [1, 2, 3],
        }
    }

    #[test]
    fn long_names_are_whole() {
        let lettering = Lettering::new().unwrap();
        let names = [
            "Water",
            "Land principally occupied by agriculture, with significant areas of natural vegetation",
            "Discontinuous very low density urban fabric (S.L. < 10%)",
        ];
        let legend = Legend::Classes {
            classes: names.into_iter().map(class).collect(),
        };
        let drawn = LegendBox::new(&legend, 600, &lettering);
        let shown: Vec<String> = drawn.entries.iter().map(|it| it.lines.join(" ")).collect();
        assert_eq!(shown, names);
        let tops: Vec<u32> = drawn.entries.iter().map(|it| it.y).collect();
        assert_eq!(tops, [0, ROW, 2 * ROW + LINE], "names don't overlap");
        assert_eq!(drawn.height(), 3 * ROW + 2 * LINE);

        let endless = "word ".repeat(200);
        let legend = Legend::Classes {
            classes: vec![class(&endless)],
        };
        let drawn = LegendBox::new(&legend, 600, &lettering);
        assert!(drawn.width() <= SWATCH + GAPS[0] + TEXT_WIDTHS[3] + GAPS[1]);
        let lines = &drawn.entries[0].lines;
        assert!(
            lines.len() == MOST_LINES && lines[1].ends_with('…'),
            "{lines:?}"
        );
    }

    #[test]
    fn columns_are_few_and_about_equally_high() {
        let names = vec![vec!["x".to_owned()]; 20];
        let places = in_columns(&names, 15 * ROW);
        let in_column = |column| places.iter().filter(|(it, _)| *it == column).count();
        assert_eq!((in_column(0), in_column(1)), (10, 10));
        assert_eq!(places[10], (1, 0));
        assert!(in_columns(&[], 100).is_empty());
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
