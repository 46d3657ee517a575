//! Pictures in sixels: characters that are six pixels high, one colour after the other.

use std::collections::BTreeMap;

use super::Picture;

/// The most colours that nearly every terminal with sixels has room for.
const MOST_COLOURS: usize = 256;

pub(super) fn draw(picture: &Picture) -> String {
    let bits = bits(picture);
    let coarse = |colour: [u8; 3]| colour.map(|channel| channel >> (8 - bits));
    // Registers with the first colour that falls to each, which is exact where nothing had to be merged.
    let mut registers: BTreeMap<[u8; 3], (usize, [u8; 3])> = BTreeMap::new();
    for colour in picture.pixels() {
        let next = registers.len();
        registers.entry(coarse(*colour)).or_insert((next, *colour));
    }
    // Pixels are square (1;1), and the picture has this size.
    let (width, height) = (picture.width(), picture.height());
    let mut out = format!("\x1bPq\"1;1;{width};{height}");
    for (register, colour) in registers.values() {
        let [red, green, blue] = colour.map(|channel| (u32::from(channel) * 100 + 127) / 255);
        out.push_str(&format!("#{register};2;{red};{green};{blue}"));
    }
    let rows: Vec<Vec<usize>> = picture
        .rows()
        .map(|row| {
            let registers = row.iter().map(|colour| registers[&coarse(*colour)].0);
            registers.collect()
        })
        .collect();
    let bands: Vec<String> = rows.chunks(6).map(of_band).collect();
    out.push_str(&bands.join("-"));
    out.push_str("\x1b\\\n");
    out
}

/// Six rows of register numbers: each colour that occurs draws its own pixels, and goes back to the left.
fn of_band(band: &[Vec<usize>]) -> String {
    let width = band[0].len();
    let mut masks: BTreeMap<usize, Vec<u8>> = BTreeMap::new();
    for (number, row) in band.iter().enumerate() {
        for (column, register) in row.iter().enumerate() {
            masks.entry(*register).or_insert_with(|| vec![0; width])[column] |= 1 << number;
        }
    }
    let colours = masks.iter().map(|(register, columns)| {
        let runs = columns.chunk_by(|a, b| a == b);
        let runs = runs.map(|run| {
            let sixel = char::from(b'?' + run[0]);
            match run.len() {
                length @ ..=3 => String::from(sixel).repeat(length),
                length => format!("!{length}{sixel}"),
            }
        });
        format!("#{register}{}", runs.collect::<String>())
    });
    colours.collect::<Vec<_>>().join("$")
}

/// The most bits of each channel with which the colours are few enough.
fn bits(picture: &Picture) -> u8 {
    let is_few = |bits: &u8| {
        let coarse = |colour: &[u8; 3]| colour.map(|channel| channel >> (8 - bits));
        let mut colours: Vec<[u8; 3]> = picture.pixels().iter().map(coarse).collect();
        colours.sort_unstable();
        colours.dedup();
        colours.len() <= MOST_COLOURS
    };
    // Two bits make 64 colours at most.
    (3..=8).rev().find(is_few).unwrap_or(2)
}
