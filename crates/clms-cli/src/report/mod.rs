//! A page about a cube: one HTML file that needs nothing else, no script and no network.

mod access;
mod values;

use std::io;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use clms_store::cube::{Legend, Statistics};
// Checked when it is compiled, and all that is put into it is escaped.
use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::png_bytes;

/// All that goes onto the page.
pub(crate) struct Report<'a> {
    pub(crate) title: &'a str,
    pub(crate) data_id: &'a str,
    pub(crate) map: Map<'a>,
    pub(crate) legend: &'a Legend,
    /// `None` where to count would have meant to read too much.
    pub(crate) statistics: Option<&'a Statistics>,
    /// What the cube is: names and values.
    pub(crate) facts: &'a [(&'static str, String)],
    /// Where it came from.
    pub(crate) provenance: &'a [(String, String)],
    pub(crate) licence: Option<&'a str>,
    pub(crate) citation: Option<&'a str>,
    /// The line about whose data these are.
    pub(crate) credit: &'a str,
    /// Path or URL of the cube.
    pub(crate) location: &'a str,
    pub(crate) variable: &'a str,
    /// Path of the variable's group; empty for the root group.
    pub(crate) group: &'a str,
    /// When the page was made, and with what.
    pub(crate) made: &'a str,
}

/// The picture on the page.
pub(crate) struct Map<'a> {
    pub(crate) width: u32,
    /// Row by row from the north; what has no data is transparent.
    pub(crate) rgba: &'a [[u8; 4]],
    /// The time that is drawn, of a variable of several.
    pub(crate) time: Option<&'a str>,
    /// Length of the scale bar in pixels, and on the ground.
    pub(crate) scale: (f64, String),
}

/// Nothing may be fetched, whatever stands in the page.
const POLICY: &str = "default-src 'none'; img-src data:; style-src 'unsafe-inline'";

impl Report<'_> {
    /// The page.
    pub(crate) fn html(&self) -> io::Result<String> {
        let style = include_str!("style.css");
        let page = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta http-equiv="Content-Security-Policy" content=(POLICY);
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    title { (self.title) }
                    // An icon of nothing, so that no browser looks for one.
                    link rel="icon" href="data:,";
                    style { (PreEscaped(style)) }
                }
                body {
                    header {
                        h1 { (self.title) }
                        p.id { (self.data_id) }
                    }
                    main {
                        (self.figure()?)
                        (values::section(self.statistics, self.legend))
                        (pairs("What it is", self.facts.iter().map(|(name, value)| (*name, value.as_str()))))
                        (pairs("Where it came from", self.provenance.iter().map(|(name, value)| (name.as_str(), value.as_str()))))
                        (self.rights())
                        (access::section(self))
                    }
                    footer { p { (self.credit) } p { (self.made) } }
                }
            }
        };
        Ok(page.into_string())
    }

    fn figure(&self) -> io::Result<Markup> {
        let (width, png) = (
            self.map.width,
            png_bytes::encode(self.map.width, self.map.rgba)?,
        );
        let height = self.map.rgba.len() as u32 / width.max(1);
        let (bar, length) = &self.map.scale;
        let percent = bar / f64::from(width) * 100.0;
        let time = self.map.time.map(|time| format!(", {time}"));
        let time = time.unwrap_or_default();
        Ok(html! {
            figure {
                // Never wider than as wide as makes it as high as a screen, and pixels stay sharp.
                div.map style={ "max-width:min(100%, calc(80vh * " (width) " / " (height) "))" } {
                    img width=(width) height=(height) src={ "data:image/png;base64," (STANDARD.encode(png)) }
                        alt={ "Map of " (self.title) (time) ", north at the top. Its colours are explained in the section What it shows." };
                    div.scale {
                        span.bar style={ "width:" (format!("{percent:.2}")) "%" } {}
                        span { (length) }
                        span.north { "↑ N" }
                    }
                }
                figcaption { (self.variable) (time) }
            }
        })
    }

    fn rights(&self) -> Markup {
        html! {
            @if self.licence.is_some() || self.citation.is_some() {
                section {
                    h2 { "Licence and citation" }
                    @if let Some(licence) = self.licence { p { (licence) } }
                    @if let Some(citation) = self.citation { blockquote { (citation) } }
                }
            }
        }
    }
}

fn pairs<'a>(heading: &str, pairs: impl Iterator<Item = (&'a str, &'a str)>) -> Markup {
    html! {
        section {
            h2 { (heading) }
            dl {
                @for (name, value) in pairs {
                    dt { (name) }
                    dd { (value) }
                }
            }
        }
    }
}
