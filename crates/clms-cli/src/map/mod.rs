//! Map sheets: a picture of a cube with title, legend, scale bar, north arrow and licence line, as PNG.

mod canvas;
mod legend;
mod lettering;
mod sheet;

pub(crate) use canvas::PAPER;
pub(crate) use sheet::{Ground, Sheet};
