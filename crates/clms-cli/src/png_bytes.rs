//! Pixels as PNG.

use std::io;

use png::{BitDepth, ColorType, Encoder};

/// The PNG of pixels, row by row from the top, with eight bits for each channel.
pub(crate) fn encode<const CHANNELS: usize>(
    width: u32,
    pixels: &[[u8; CHANNELS]],
) -> io::Result<Vec<u8>> {
    let colours = match CHANNELS {
        4 => ColorType::Rgba,
        _ => ColorType::Rgb,
    };
    let height = (pixels.len() / width.max(1) as usize) as u32;
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, width, height);
    encoder.set_color(colours);
    encoder.set_depth(BitDepth::Eight);
    let mut writer = encoder.write_header().map_err(io::Error::other)?;
    writer
        .write_image_data(pixels.as_flattened())
        .map_err(io::Error::other)?;
    writer.finish().map_err(io::Error::other)?;
    Ok(bytes)
}
