//! Pictures of half-blocks: every cell shows two pixels, one above the other.

use super::{Colours, Picture};

/// A line of text for each two rows of pixels.
pub(super) fn draw(picture: &Picture, colours: Colours) -> String {
    let rows: Vec<&[[u8; 3]]> = picture.rows().collect();
    let mut out = String::new();
    for pair in rows.chunks(2) {
        let upper = pair[0];
        let lower = pair.get(1);
        let mut before = String::new();
        for (column, above) in upper.iter().enumerate() {
            let ground = match lower.map(|lower| lower[column]) {
                Some(below) => colours.ground(below),
                // Of an odd number of rows, the last one has nothing under it.
                None => "49".to_owned(),
            };
            let style = format!("\x1b[{};{ground}m", colours.ink(*above));
            if style != before {
                out.push_str(&style);
                before = style;
            }
            out.push('▀');
        }
        out.push_str("\x1b[0m\n");
    }
    out
}
