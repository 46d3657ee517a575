//! The section on values: a table of classes with bars, or a histogram.

use clms_store::cube::{Bin, ClassCover, Distribution, Legend, Statistics};
use maud::{Markup, html};

use crate::{cover, text};

pub(super) fn section(statistics: Option<&Statistics>, legend: &Legend) -> Markup {
    html! {
        section {
            h2 { "What it shows" }
            @match statistics {
                Some(statistics) => (of_statistics(statistics)),
                None => (of_legend(legend)),
            }
        }
    }
}

fn of_statistics(statistics: &Statistics) -> Markup {
    html! {
        @match &statistics.values {
            Distribution::Classes { classes } => (table(classes)),
            Distribution::Quantity { min: Some(min), mean: Some(mean), max: Some(max), units, bins, codes } => {
                @let units = units.as_deref().unwrap_or_default();
                (histogram(bins, [*min, *max], units))
                dl.numbers {
                    @for (name, value) in [("least", min), ("mean", mean), ("greatest", max)] {
                        dt { (name) }
                        dd { (cover::quantity(*value, units)) }
                    }
                }
                (of_codes(codes))
            }
            Distribution::Quantity { codes, .. } => {
                p { "No pixel has a value." }
                (of_codes(codes))
            }
            _ => {}
        }
        p.note {
            (cover::missing(&statistics.missing)) ". Shares are of the area with data; "
            (cover::counted(statistics.counted)) "."
        }
    }
}

fn of_codes(codes: &[ClassCover]) -> Markup {
    let (named, rest) = cover::told_apart(codes);
    html! {
        @if !named.is_empty() { (table(named)) }
        @if let Some(rest) = rest { p.note { (rest) "." } }
    }
}

fn table<'a>(classes: impl IntoIterator<Item = &'a ClassCover>) -> Markup {
    let classes: Vec<_> = classes.into_iter().collect();
    let greatest = classes.iter().map(|class| class.cover.share);
    let greatest = greatest.fold(f64::MIN_POSITIVE, f64::max);
    html! {
        div.wide {
            table {
                thead {
                    tr {
                        th scope="col" { "Value" }
                        th scope="col" { "Class" }
                        th.number scope="col" { "Share" }
                        th.number scope="col" { "Area" }
                        th.bars scope="col" aria-hidden="true" {}
                    }
                }
                tbody {
                    @for class in classes {
                        tr {
                            td.number { (class.value) }
                            th scope="row" { span.swatch style=(ground(class.colour)) {} (class.name) }
                            td.number { (cover::share(class.cover.share)) }
                            td.number { (class.cover.area_m2.map(text::area).unwrap_or_default()) }
                            td.bars aria-hidden="true" {
                                div style={ (ground(class.colour)) ";width:" (format!("{:.2}", class.cover.share / greatest * 100.0)) "%" } {}
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Bars of the bins, in the map's own colours; as a table for those who don't see them.
fn histogram(bins: &[Bin], ends: [f64; 2], units: &str) -> Markup {
    let greatest = bins.iter().map(|bin| bin.share);
    let greatest = greatest.fold(f64::MIN_POSITIVE, f64::max);
    let edge = |value: f64| cover::quantity(value, units);
    html! {
        div.histogram aria-hidden="true" {
            @for bin in bins {
                div title={ (edge(bin.from)) " to " (edge(bin.to)) ": " (cover::share(bin.share)) }
                    style={ (ground(bin.colour)) ";height:" (format!("{:.2}", bin.share / greatest * 100.0)) "%" } {}
            }
        }
        div.axis aria-hidden="true" {
            @for end in ends { span { (edge(end)) } }
        }
        details {
            summary { "The numbers" }
            div.wide {
                table {
                    thead { tr { th.number scope="col" { "From" } th.number scope="col" { "To less than" } th.number scope="col" { "Share" } } }
                    tbody {
                        @for bin in bins {
                            tr {
                                td.number { (edge(bin.from)) }
                                td.number { (edge(bin.to)) }
                                td.number { (cover::share(bin.share)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn of_legend(legend: &Legend) -> Markup {
    let (stops, units, classes) = match legend {
        Legend::Ramp {
            stops,
            units,
            classes,
        } => (&stops[..], units.as_deref(), &classes[..]),
        Legend::Classes { classes } => (&[][..], None, &classes[..]),
        _ => (&[][..], None, &[][..]),
    };
    html! {
        ul.legend {
            @for (value, colour) in stops {
                li { span.swatch style=(ground(*colour)) {} (cover::quantity(*value, units.unwrap_or_default())) }
            }
            @for class in classes {
                li { span.swatch style=(ground(class.colour)) {} (class.name) " (" (class.value) ")" }
            }
        }
        p.note { "Shares and areas are not counted: the cube has no overview that is small enough." }
    }
}

fn ground([red, green, blue]: [u8; 3]) -> String {
    format!("background:#{red:02x}{green:02x}{blue:02x}")
}
