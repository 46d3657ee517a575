//! Pictures in kitty's graphics protocol: a PNG in base64, in pieces between escape sequences.

use std::io;

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::Picture;

/// The most characters of base64 that the protocol takes at once; a multiple of four.
const PIECE: usize = 4096;

pub(super) fn draw(picture: &Picture) -> io::Result<String> {
    let encoded = STANDARD.encode(picture.png()?);
    let mut out = String::with_capacity(encoded.len() + encoded.len() / 64 + 64);
    let mut rest = encoded.as_str();
    // Shown at once (a=T), as PNG (f=100), without an answer that somebody would have to read (q=2).
    let mut keys = "a=T,f=100,q=2,";
    while !rest.is_empty() {
        let (piece, after) = rest.split_at(rest.len().min(PIECE));
        let more = u8::from(!after.is_empty());
        out.push_str(&format!("\x1b_G{keys}m={more};{piece}\x1b\\"));
        keys = "";
        rest = after;
    }
    out.push('\n');
    Ok(out)
}
