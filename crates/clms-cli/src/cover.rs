//! Which values a cube has and how much ground they cover, as text: a table of classes with swatches, or a histogram.

use clms_store::cube::{Bin, ClassCover, Counted, Cover, Distribution, Legend, Statistics};
use console::measure_text_width;

use crate::{terminal::Colours, text};

/// The whole: what was counted, a table or a histogram, and what is missing. Swatches need colours.
pub(crate) fn page(statistics: &Statistics, colours: Option<Colours>) -> String {
    let mut out = String::new();
    match &statistics.values {
        Distribution::Classes { classes } => out.push_str(&table(classes, colours)),
        Distribution::Quantity {
            min,
            mean,
            max,
            units,
            bins,
            codes,
        } => {
            let units = units.as_deref().unwrap_or_default();
            if let (Some(min), Some(mean), Some(max)) = (min, mean, max) {
                out.push_str(&histogram(bins, colours));
                let [min, mean, max] = [min, mean, max].map(|value| quantity(*value, units));
                out.push_str(&format!("  min {min}   mean {mean}   max {max}\n"));
            }
            let (named, rest) = told_apart(codes);
            out.push_str(&table(named, colours));
            out.push_str(&rest.map(|rest| format!("  {rest}\n")).unwrap_or_default());
        }
        _ => {}
    }
    format!(
        "{} ({})\n{out}  {}\n",
        statistics.variable,
        counted(statistics.counted),
        missing(&statistics.missing)
    )
}

/// The legend alone, of what is too large to count.
pub(crate) fn legend(legend: &Legend, colours: Colours) -> String {
    let (stops, units, classes) = match legend {
        Legend::Classes { classes } => (&[][..], None, classes),
        Legend::Ramp {
            stops,
            units,
            classes,
        } => (&stops[..], units.as_deref(), classes),
        _ => return String::new(),
    };
    let mut out = String::new();
    if let (Some(first), Some(last)) = (stops.first(), stops.last()) {
        let swatches = stops.iter().map(|(_, colour)| colours.swatch(*colour));
        let [from, to] = [first, last].map(|stop| quantity(stop.0, units.unwrap_or_default()));
        let swatches: String = swatches.collect();
        out.push_str(&format!("  {from} {swatches} {to}\n"));
    }
    for class in classes {
        let swatch = colours.swatch(class.colour);
        out.push_str(&format!("  {:>3}  {swatch} {}\n", class.value, class.name));
    }
    out
}

/// Where the numbers come from.
pub(crate) fn counted(counted: Counted) -> String {
    match counted {
        Counted::All => "all pixels counted".to_owned(),
        Counted::Overview { scale } => format!("from overview 1:{scale}"),
        Counted::Sample { scale } => {
            format!(
                "from a sample, {} of the pixels",
                share((scale * scale).recip())
            )
        }
        _ => "counted".to_owned(),
    }
}

/// How much has no data.
pub(crate) fn missing(missing: &Cover) -> String {
    match missing.area_m2 {
        Some(area) if area > 0.0 => {
            format!("no data: {} ({})", share(missing.share), text::area(area))
        }
        _ => format!("no data: {}", share(missing.share)),
    }
}

/// A part in per cent.
pub(crate) fn share(share: f64) -> String {
    match share * 100.0 {
        percent if percent > 0.0 && percent < 0.05 => "<0.1 %".to_owned(),
        percent => format!("{percent:.1} %"),
    }
}

/// A value with its units.
pub(crate) fn quantity(value: f64, units: &str) -> String {
    // Four digits that count.
    let digits = match value.abs() {
        0.0 => 0,
        size => (3 - size.log10().floor() as i64).clamp(0, 9) as usize,
    };
    let number = format!("{value:.digits$}");
    let number = match number.contains('.') {
        true => number.trim_end_matches('0').trim_end_matches('.'),
        false => &number,
    };
    format!("{number} {units}").trim_end().to_owned()
}

/// More codes than this that nobody named are told together.
const MOST_NAMELESS: usize = 8;

/// The codes that are told one by one, and a line about the rest if there is one.
pub(crate) fn told_apart(codes: &[ClassCover]) -> (Vec<&ClassCover>, Option<String>) {
    let (named, nameless): (Vec<_>, Vec<_>) = codes
        .iter()
        .partition(|code| code.name != code.value.to_string());
    if nameless.len() <= MOST_NAMELESS {
        return (codes.iter().collect(), None);
    }
    let shares = nameless.iter().map(|code| code.cover.share).sum();
    let area: Option<f64> = nameless.iter().map(|code| code.cover.area_m2).sum();
    let area = area.map(|area| format!(" ({})", text::area(area)));
    let rest = format!(
        "{} codes without a name: {}{}",
        nameless.len(),
        share(shares),
        area.unwrap_or_default()
    );
    (named, Some(rest))
}

fn table<'a>(
    classes: impl IntoIterator<Item = &'a ClassCover>,
    colours: Option<Colours>,
) -> String {
    let classes: Vec<_> = classes.into_iter().collect();
    let rows: Vec<[String; 4]> = classes
        .iter()
        .map(|class| {
            [
                class.value.to_string(),
                class.name.clone(),
                share(class.cover.share),
                class.cover.area_m2.map(text::area).unwrap_or_default(),
            ]
        })
        .collect();
    let width = |column: usize| {
        let widths = rows.iter().map(|row| measure_text_width(&row[column]));
        widths.max().unwrap_or(0)
    };
    let widths: [usize; 4] = std::array::from_fn(width);
    let padded = |text: &str, width: usize| " ".repeat(width - measure_text_width(text));
    let mut out = String::new();
    for ([value, name, share, area], class) in rows.iter().zip(classes) {
        let swatch = colours.map(|colours| format!("{} ", colours.swatch(class.colour)));
        let line = format!(
            "  {}{value}  {}{name}{}  {}{share}  {}{area}",
            padded(value, widths[0]),
            swatch.unwrap_or_default(),
            padded(name, widths[1]),
            padded(share, widths[2]),
            padded(area, widths[3]),
        );
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

/// Rows of the bars of a histogram.
const ROWS: usize = 4;
/// Of a row, by eighths.
const EIGHTHS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Bars, two columns for each bin, over the colours that the map has for their values.
fn histogram(bins: &[Bin], colours: Option<Colours>) -> String {
    let greatest = bins.iter().map(|bin| bin.share).fold(0.0, f64::max);
    if greatest <= 0.0 {
        return String::new();
    }
    let heights: Vec<usize> = bins
        .iter()
        .map(|bin| match bin.share {
            share if share > 0.0 => {
                ((share / greatest * (ROWS * 8) as f64).round() as usize).max(1)
            }
            _ => 0,
        })
        .collect();
    let mut out = String::new();
    for row in (0..ROWS).rev() {
        let bar = |height: &usize| EIGHTHS[height.saturating_sub(row * 8).min(8)];
        let line: String = heights.iter().flat_map(|height| [bar(height); 2]).collect();
        out.push_str(format!("  {line}").trim_end());
        out.push('\n');
    }
    let axis = bins.iter().map(|bin| match colours {
        Some(colours) => colours.swatch(bin.colour),
        None => "──".to_owned(),
    });
    out.push_str(&format!("  {}\n", axis.collect::<String>()));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bin(share: f64) -> Bin {
        Bin {
            from: 0.0,
            to: 1.0,
            share,
            colour: [1, 2, 3],
        }
    }

    #[test]
    fn bars_are_as_high_as_their_shares() {
        let drawn = histogram(&[bin(0.5), bin(0.0), bin(0.25), bin(0.0001)], None);
        assert_eq!(drawn, "  ██\n  ██\n  ██  ██\n  ██  ██▁▁\n  ────────\n");
        let coloured = histogram(&[bin(1.0)], Some(Colours::All));
        assert!(coloured.ends_with("  \x1b[48;2;1;2;3m  \x1b[0m\n"));
        assert_eq!(histogram(&[bin(0.0)], None), "");
    }

    #[test]
    fn many_codes_without_a_name_are_told_together() {
        let code = |value: i64| ClassCover {
            value,
            name: if value == 101 {
                "water".to_owned()
            } else {
                value.to_string()
            },
            colour: [0; 3],
            cover: Cover {
                share: 0.01,
                area_m2: Some(1e6),
            },
        };
        let many: Vec<_> = (101..110).map(code).collect();
        let (few, rest) = told_apart(&many);
        assert_eq!((few.len(), rest), (9, None));
        let many: Vec<_> = (101..111).map(code).collect();
        let (named, rest) = told_apart(&many);
        assert_eq!(named, [&many[0]]);
        assert_eq!(rest.unwrap(), "9 codes without a name: 9.0 % (9.00 km²)");
    }

    #[test]
    fn numbers_have_as_many_digits_as_count() {
        for (value, text) in [
            (0.0, "0 %"),
            (100.0, "100 %"),
            (49.6123, "49.61 %"),
            (-0.0801, "-0.0801 %"),
            (12345.6, "12346 %"),
            (20.0, "20 %"),
        ] {
            assert_eq!(quantity(value, "%"), text);
        }
        assert_eq!(
            (share(0.0001), share(0.0), share(0.4567)),
            ("<0.1 %".to_owned(), "0.0 %".to_owned(), "45.7 %".to_owned())
        );
    }
}
