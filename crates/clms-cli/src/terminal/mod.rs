//! Pictures in a terminal, drawn in the way that it understands.

mod ability;
mod blocks;
mod colours;
mod kitty;
mod picture;
#[cfg(unix)]
mod question;
mod sixel;

use std::{env, io};

use clap::ValueEnum;
use console::Term;

pub(crate) use colours::Colours;
pub(crate) use picture::Picture;

/// What is typed after `--terminal=`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Wish {
    /// The best that the terminal can
    Auto,
    /// The graphics protocol of kitty
    Kitty,
    /// Sixels
    Sixel,
    /// Half-blocks, for any terminal with colours
    Blocks,
}

/// A way to draw pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Kitty,
    Sixel,
    Blocks,
}

/// A terminal as something to draw on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terminal {
    way: Way,
    colours: Colours,
    columns: u32,
    rows: u32,
    /// Width and height of a cell in pixels.
    cell: [u32; 2],
}

/// Where nobody says how large a cell is.
const CELL: [u32; 2] = [8, 16];
/// Lines that a map leaves to its title, its scale and what comes after it.
const OTHER_LINES: u32 = 5;

impl Terminal {
    /// The terminal behind standard output; `None` if there is none, and no way is forced.
    pub(crate) fn of_stdout(wish: Wish) -> Option<Self> {
        let variable = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
        let stdout = Term::stdout();
        let way = match wish {
            Wish::Kitty => Way::Kitty,
            Wish::Sixel => Way::Sixel,
            Wish::Blocks => Way::Blocks,
            Wish::Auto if !stdout.is_term() => return None,
            Wish::Auto => ability::best_way(variable, ask),
        };
        let (rows, columns) = stdout.size_checked().unwrap_or_else(|| {
            let columns = variable("COLUMNS").and_then(|columns| columns.parse().ok());
            (50, columns.unwrap_or(80))
        });
        let (columns, rows) = (u32::from(columns.max(16)), u32::from(rows));
        Some(Self {
            way,
            colours: Colours::of(variable),
            columns,
            rows,
            cell: cell(columns, rows).unwrap_or(CELL),
        })
    }

    pub(crate) fn colours(&self) -> Colours {
        self.colours
    }

    /// The most columns and rows of pixels that a picture may have. A wanted width counts for pixels, not for half-blocks.
    pub(crate) fn most_pixels(&self, width: Option<u32>) -> [u32; 2] {
        let rows = self.rows.saturating_sub(OTHER_LINES).max(8);
        match (self.way, width) {
            (Way::Blocks, _) => [self.columns, rows * 2],
            (_, Some(width)) => [width, width],
            (_, None) => [self.columns * self.cell[0], rows * self.cell[1]],
        }
    }

    /// How many columns of text so many pixels of a picture are wide.
    pub(crate) fn columns_of(&self, pixels: f64) -> usize {
        let per_column = match self.way {
            Way::Blocks => 1.0,
            Way::Kitty | Way::Sixel => f64::from(self.cell[0]),
        };
        (pixels / per_column).round() as usize
    }

    pub(crate) fn columns(&self) -> usize {
        self.columns as usize
    }

    /// The picture in the terminal's words, with the cursor on a new line after it.
    pub(crate) fn draw(&self, picture: &Picture) -> io::Result<String> {
        Ok(match self.way {
            Way::Kitty => kitty::draw(picture)?,
            Way::Sixel => sixel::draw(picture),
            Way::Blocks => blocks::draw(picture, self.colours),
        })
    }
}

/// What the terminal answers when it is asked what it can.
fn ask(question: &[u8], is_whole: fn(&[u8]) -> bool) -> Vec<u8> {
    #[cfg(unix)]
    return question::ask(question, is_whole).unwrap_or_default();
    #[cfg(not(unix))]
    {
        let _ = (question, is_whole);
        Vec::new()
    }
}

fn cell(columns: u32, rows: u32) -> Option<[u32; 2]> {
    #[cfg(unix)]
    {
        let size = rustix::termios::tcgetwinsize(io::stdout()).ok()?;
        let [width, height] = [size.ws_xpixel, size.ws_ypixel].map(u32::from);
        let cell = [width / columns, height.checked_div(rows)?];
        (!cell.contains(&0)).then_some(cell)
    }
    #[cfg(not(unix))]
    {
        let _ = (columns, rows);
        None
    }
}

#[cfg(test)]
mod tests;
