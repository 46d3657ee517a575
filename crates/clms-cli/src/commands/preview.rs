//! `clms preview`.

use std::io;

use clms_store::{
    DataId, StoreError,
    cube::{Overview, Style},
};
use schemars::JsonSchema;
use serde::Serialize;

use super::{
    Context, Done, Stop,
    shown::{CREDIT, Shown, check_out, open_raster, write_out},
};
use crate::{
    args::Preview,
    cover,
    failure::Failure,
    map::{PAPER, Sheet},
    terminal::{Picture, Terminal, Wish},
    text,
};

/// A map that was written.
#[derive(Serialize, JsonSchema)]
pub(super) struct Written {
    /// The PNG file.
    path: String,
    /// What is drawn.
    data_id: String,
    /// The path of the group; empty for the root group.
    group: String,
    /// The variable.
    variable: String,
    /// Of a variable of several times, the one that is drawn (RFC 3339).
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<String>,
    /// Columns of the map itself, without its frame.
    width: u32,
    /// Rows of the map itself, without its frame.
    height: u32,
    /// Pixels of the cube that one pixel of the map stands for.
    reduction: f64,
    /// The file's size in bytes.
    bytes: u64,
}

/// Of a map in a file, unless another one is wanted.
const WIDTH: u32 = 1200;

pub(crate) async fn run(context: &Context, preview: Preview) -> Done {
    let data_id: DataId = preview.data_id.parse().map_err(StoreError::from)?;
    if let Some(out) = &preview.out {
        check_out(out, "png", "maps are written as PNG")?;
    }
    let terminal = match preview.terminal {
        Some(wish) => Some(terminal(context, wish)?),
        None => None,
    };
    let cube = open_raster(context, &data_id).await?;
    let shown = Shown::of(&cube, &data_id, preview.time).await?;
    if let Some(terminal) = &terminal {
        let page = page(&shown, terminal, preview.width).await?;
        let drawn = context.printer.raw(page.as_bytes());
        drawn.map_err(Stop::Closed)?;
    }
    let Some(out) = &preview.out else {
        return Ok(());
    };
    let side = preview.width.unwrap_or(WIDTH);
    let overview = shown.overview(side, side).await?;
    let png = sheet(&shown, &overview).map_err(|why| Failure::io("draw the map", &why))?;
    write_out(out, &png)?;
    let written = Written {
        path: out.display().to_string(),
        data_id: data_id.to_string(),
        group: shown.group.path.clone(),
        variable: shown.variable.name.clone(),
        time: shown.time.clone(),
        width: overview.width,
        height: overview.height,
        reduction: shown.reduction(&overview),
        bytes: png.len() as u64,
    };
    context.result(&written, || {
        format!(
            "{}  ({} x {} map pixels, each {:.0} of the cube; {})",
            written.path,
            written.width,
            written.height,
            written.reduction,
            text::bytes(written.bytes)
        )
    })
}

fn sheet(shown: &Shown<'_>, overview: &Overview) -> io::Result<Vec<u8>> {
    let style = Style::new(shown.variable, overview);
    Sheet {
        title: shown.title(),
        subtitle: &shown.subtitle(),
        width: overview.width,
        rgba: &style.render(overview),
        ground: shown.ground(overview),
        legend: &style.legend(overview),
        credit: CREDIT,
    }
    .png()
}

/// What is drawn on, or why nothing can be.
fn terminal(context: &Context, wish: Wish) -> Result<Terminal, Failure> {
    if context.printer.is_json() {
        return Err(Failure::usage(
            "--terminal draws on standard output, where -o json prints its document",
        )
        .with_hint("leave one of them away; --out map.png writes a file"));
    }
    if context.printer.never_colours() {
        return Err(Failure::usage(
            "pictures in a terminal need colours, and --color never or the variable NO_COLOR turns them off",
        )
        .with_hint("add --color always, or write a file with --out map.png"));
    }
    Terminal::of_stdout(wish).ok_or_else(|| {
        Failure::usage("--terminal draws in a terminal, and standard output is none").with_hint(
            "say how to draw with --terminal=blocks, =sixel or =kitty, or write a file with --out map.png",
        )
    })
}

/// The map with its title, scale and legend, for a terminal.
async fn page(shown: &Shown<'_>, terminal: &Terminal, width: Option<u32>) -> Result<String, Stop> {
    let [max_width, max_height] = terminal.most_pixels(width);
    let overview = shown.overview(max_width, max_height).await?;
    let style = Style::new(shown.variable, &overview);
    let picture = Picture::over(PAPER, overview.width, &style.render(&overview));
    let drawn = terminal
        .draw(&picture)
        .map_err(|why| Failure::io("draw the map", &why))?;
    let legend = match shown.statistics().await? {
        Some(statistics) => cover::page(&statistics, Some(terminal.colours())),
        None => cover::legend(&style.legend(&overview), terminal.colours()),
    };
    let (bar, length) = shown
        .ground(&overview)
        .scale_bar(f64::from(picture.width()) / 3.0);
    let dashes = "─".repeat(terminal.columns_of(bar).saturating_sub(2));
    let folded = |line: &str| text::fold(line, terminal.columns()).join("\n");
    Ok(format!(
        "\x1b[1m{}\x1b[0m\n{}\n{drawn}├{dashes}┤ {length}   ↑ N\n{legend}{}\n",
        folded(shown.title()),
        folded(&shown.subtitle()),
        folded(CREDIT),
    ))
}
