//! What is drawn is decoded again, as terminals do.

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::{Colours, Picture, blocks, kitty};

/// Neighbours differ in each channel, and nothing can be made smaller.
fn picture(width: u32, height: u32) -> Picture {
    let pixel = |index: u32| {
        let [red, green, blue, _] = (index + 1)
            .wrapping_mul(0x9e37_79b1)
            .rotate_left(index % 32)
            .to_le_bytes();
        [red, green, blue, 255]
    };
    let rgba: Vec<[u8; 4]> = (0..width * height).map(pixel).collect();
    Picture::over([0; 3], width, &rgba)
}

#[test]
fn what_is_transparent_shows_the_ground() {
    let rgba = [[10, 20, 30, 255], [10, 20, 30, 0], [0, 0, 0, 51]];
    let picture = Picture::over([200, 210, 220], 3, &rgba);
    assert_eq!(
        picture.pixels(),
        [[10, 20, 30], [200, 210, 220], [160, 168, 176]]
    );
}

#[test]
fn kitty_gets_a_png_in_pieces() {
    let picture = picture(300, 200);
    let drawn = kitty::draw(&picture).unwrap();
    let pieces: Vec<&str> = drawn
        .trim_end()
        .split("\x1b\\")
        .filter(|piece| !piece.is_empty())
        .collect();
    assert!(pieces.len() > 1);
    let mut encoded = String::new();
    for (number, piece) in pieces.iter().enumerate() {
        let (keys, content) = piece
            .strip_prefix("\x1b_G")
            .unwrap()
            .split_once(';')
            .unwrap();
        let more = if number + 1 < pieces.len() {
            "m=1"
        } else {
            "m=0"
        };
        assert!(keys.ends_with(more), "{keys}");
        assert_eq!(keys.starts_with("a=T,f=100,q=2,"), number == 0, "{keys}");
        assert!(content.len() <= 4096);
        encoded.push_str(content);
    }
    let png = STANDARD.decode(encoded).unwrap();
    let mut reader = png::Decoder::new(std::io::Cursor::new(png))
        .read_info()
        .unwrap();
    let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut bytes).unwrap();
    assert_eq!((info.width, info.height), (300, 200));
    assert_eq!(bytes, picture.pixels().as_flattened());
}

/// The colours of the cells' two halves.
fn cells(line: &str) -> Vec<[Option<[u8; 3]>; 2]> {
    let mut now = [None; 2];
    let mut cells = Vec::new();
    let mut rest = line;
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix('▀') {
            cells.push(now);
            rest = after;
            continue;
        }
        let (codes, after) = rest.strip_prefix("\x1b[").unwrap().split_once('m').unwrap();
        rest = after;
        let codes: Vec<u8> = codes.split(';').map(|code| code.parse().unwrap()).collect();
        now = match codes[..] {
            [0] => [None; 2],
            [38, 2, r, g, b, 48, 2, x, y, z] => [Some([r, g, b]), Some([x, y, z])],
            [38, 2, r, g, b, 49] => [Some([r, g, b]), None],
            _ => panic!("{codes:?}"),
        };
    }
    cells
}

#[test]
fn half_blocks_show_two_rows_in_a_line() {
    let picture = picture(7, 5);
    let drawn = blocks::draw(&picture, Colours::All);
    let lines: Vec<_> = drawn.lines().map(cells).collect();
    assert_eq!(lines.len(), 3);
    for (number, row) in picture.rows().enumerate() {
        for (column, pixel) in row.iter().enumerate() {
            assert_eq!(lines[number / 2][column][number % 2], Some(*pixel));
        }
    }
    assert!(lines[2].iter().all(|cell| cell[1].is_none()));
}
