//! `clms describe`.

use clms_store::{
    CubeContents, DataId, Description, ExpectedQuantity, ExpectedValues, VariableContents, bbox,
    catalogue::{Collection, How},
    cube::{Class, Distribution, Statistics},
};
use schemars::JsonSchema;
use serde::Serialize;

use super::{Context, Done, shown::statistics_of};
use crate::{args::Describe, cover, text};

pub(crate) async fn run(context: &Context, describe: Describe) -> Done {
    let data_id: DataId = describe
        .data_id
        .parse()
        .map_err(clms_store::StoreError::from)?;
    let description = context.store.describe(&data_id).await?;
    let statistics = match &description.cube {
        Some(_) => statistics(context, &data_id).await,
        None => None,
    };
    let described = Described {
        description: &description,
        statistics,
    };
    context.result(&described, || {
        let mut page = page(&described);
        if let Some(statistics) = &described.statistics {
            let colours = context.printer.colours_of_results();
            page.push_str(&format!("\nvalues of {}", cover::page(statistics, colours)));
        }
        page
    })
}

/// What a data id is, and which values its cube has.
#[derive(Serialize, JsonSchema)]
pub(super) struct Described<'a> {
    #[serde(flatten)]
    description: &'a Description,
    /// Which values the cube has, if it is cached.
    #[serde(skip_serializing_if = "Option::is_none")]
    statistics: Option<Statistics>,
}

/// Which values the cached cube has. A cube that can't be opened is what `clms open` tells of.
async fn statistics(context: &Context, data_id: &DataId) -> Option<Statistics> {
    let cube = context.store.open(data_id).await.ok()?;
    statistics_of(context, &cube, data_id).await
}

/// What is told in sentences and long lists, of which lines may be folded.
const PROSE: [&str; 5] = ["about", "title", "licence", "cite", "crs"];

fn page(described: &Described<'_>) -> String {
    let it = described.description;
    let mut pairs: Vec<(&str, String)> = vec![
        ("data id", it.data_id.to_string()),
        ("title", it.title.clone()),
    ];
    let mut add = |name, value: Option<String>| {
        if let Some(value) = value.filter(|value| !value.trim().is_empty()) {
            pairs.push((name, value));
        }
    };
    add("about", Some(it.description.clone()));
    add("area", it.area.clone());
    add("bbox", it.bbox.map(edges));
    add("crs", (!it.crs.is_empty()).then(|| it.crs.join(", ")));
    add("resolution", it.resolution.clone());
    add("time", time(it));
    add("format", it.format.clone());
    add(
        "download",
        it.size.map(|size| format!("about {}", text::bytes(size))),
    );
    add("version", it.version.clone());
    add("source", it.source.clone());
    add("licence", it.licence.clone());
    add("cite", it.citation.clone());
    add("page", it.url.clone());
    if it.siblings > 0 {
        let other = match it.data_id.file() {
            Some(_) => "other ",
            None => "",
        };
        add(
            "more",
            Some(format!(
                "{} {other}files of this product: clms list --product {}",
                it.siblings,
                it.data_id.product()
            )),
        );
    }
    add("cube", it.cube.clone());
    add("holds", it.contents.as_ref().map(holds));
    add("next", Some(next(it)));
    let mut page = text::pairs_with_prose(&pairs, |name| PROSE.contains(&name));
    let variables = it.contents.iter().flat_map(|it| &it.variables);
    // Those that occur are told with the ground that they cover.
    let counted = described
        .statistics
        .as_ref()
        .filter(|it| matches!(it.values, Distribution::Classes { .. }));
    let is_counted = |it: &VariableContents| counted.is_some_and(|of| of.variable == it.name);
    for variable in variables.filter(|it| !it.classes.is_empty() && !is_counted(it)) {
        page.push_str(&classes(variable));
    }
    if let Some(expected) = &it.expected {
        page.push_str(&of_expected(expected));
    }
    if !it.collections.is_empty() {
        page.push_str("\ncollections, of which subsets can be had:\n");
        page.push_str(&collections(&it.collections));
    }
    page
}

/// How big a cube is, and what it holds, a line each.
fn holds(it: &CubeContents) -> String {
    let size = it.bytes.map(|bytes| text::bytes(bytes) + " in the cache");
    let variables = it.variables.iter().map(|variable| {
        let dims = variable.dims.iter().zip(&variable.shape);
        let dims: Vec<String> = dims.map(|(name, size)| format!("{name}: {size}")).collect();
        let units = variable.units.as_ref();
        let units = units.map_or_else(String::new, |units| format!(" in {units}"));
        let pixels: u64 = variable.shape.iter().product();
        format!(
            "{}{units} ({}), {}",
            variable.name,
            dims.join(", "),
            text::count(pixels, "pixel")
        )
    });
    let layers = it.layers.iter();
    let layers = layers.map(|layer| {
        let features = text::count(layer.features, "feature");
        format!("layer {}, {features}", layer.name)
    });
    let lines: Vec<String> = size.into_iter().chain(variables).chain(layers).collect();
    lines.join("\n")
}

/// More classes are for `clms open`.
const READABLE_CLASSES: usize = 60;

fn table_of(classes: &[Class]) -> String {
    let rows = classes.iter().take(READABLE_CLASSES).map(|class| {
        let name = class.name.clone().unwrap_or_default();
        vec![class.value.to_string(), name]
    });
    text::table(&["value", "class"], rows, &[0])
}

fn of_expected(expected: &ExpectedValues) -> String {
    let mut out = "\nvalues that its raster should have:\n".to_owned();
    if let Some(quantity) = &expected.quantity {
        let ExpectedQuantity {
            min, max, units, ..
        } = quantity;
        out.push_str(&format!("{min} to {max} {units}\n"));
    }
    if !expected.classes.is_empty() {
        out.push_str(&table_of(&expected.classes));
    }
    out
}

fn classes(variable: &VariableContents) -> String {
    let table = table_of(&variable.classes);
    let more = match variable.classes.len().saturating_sub(READABLE_CLASSES) {
        0 => String::new(),
        more => format!("and {more} more, which `clms open` shows\n"),
    };
    format!("\nclasses of {}:\n{table}{more}", variable.name)
}

fn collections(all: &[Collection]) -> String {
    let rows = all.iter().map(|it| {
        let time = match (it.max_days, it.needs_time) {
            (Some(days), true) => format!("needed, up to {}", text::count(days.into(), "day")),
            (Some(days), false) => format!("up to {}", text::count(days.into(), "day")),
            (None, true) => "needed".to_owned(),
            (None, false) => "none".to_owned(),
        };
        let layers = match it.layers.as_slice() {
            [] => "-".to_owned(),
            layers => layers.join(" | "),
        };
        vec![
            it.name.clone(),
            it.source.clone().unwrap_or_default(),
            it.format.clone().unwrap_or_default(),
            it.formats.join(" "),
            it.crs.join(" "),
            time,
            layers,
            it.why_not
                .as_ref()
                .map_or("yes".to_owned(), |why| format!("no: {}", why.reason)),
        ]
    });
    let headings = [
        "collection",
        "source",
        "format",
        "as",
        "crs",
        "time",
        "layers",
        "can be had",
    ];
    text::table(&headings, rows, &[])
}

fn edges([west, south, east, north]: [f64; 4]) -> String {
    format!("{west:.4} {south:.4} {east:.4} {north:.4}  (west south east north, degrees)")
}

fn time(it: &Description) -> Option<String> {
    let range = &it.time_range;
    match (&range.text, range.start, range.end) {
        (Some(text), _, _) => Some(text.clone()),
        (None, Some(start), Some(end)) => {
            Some(format!("{} to {}", text::day(start), text::day(end)))
        }
        (None, Some(start), None) => Some(format!("since {}", text::day(start))),
        (None, None, Some(end)) => Some(format!("until {}", text::day(end))),
        (None, None, None) => None,
    }
}

fn next_of_cached(it: &Description) -> String {
    let open = format!("clms open '{}'", it.data_id);
    match it
        .contents
        .as_ref()
        .is_some_and(|it| !it.variables.is_empty())
    {
        true => format!("{open}\nclms preview '{}' --out map.png", it.data_id),
        false => open,
    }
}

fn next(it: &Description) -> String {
    let subsets = it.collections.iter().find(|it| it.available);
    match (&it.cube, &it.why_not) {
        (None, None) if it.how == Some(How::Open) => {
            let day = it.time_range.end.or(it.time_range.start).map(text::day);
            let time = day.map_or_else(String::new, |day| format!(" --time {day}"));
            format!("clms open '{}'{time}", it.data_id)
        }
        (None, _) if subsets.is_some() => {
            let collection = subsets.map(|it| it.name.as_str()).unwrap_or_default();
            let day = it.time_range.end.or(it.time_range.start).map(text::day);
            let day = day.unwrap_or_else(|| "FIRST/LAST".to_owned());
            let time = match subsets.is_some_and(|it| it.needs_time) {
                true => format!(" --time {day}"),
                false => String::new(),
            };
            // Numbers that work when they are pasted.
            let place = bbox::text(bbox::example(it.bbox));
            format!(
                "clms preload '{}|{collection}' --bbox {place}{time}",
                it.data_id.product()
            )
        }
        (None, None) if it.data_id.file().is_none() && it.data_id.subset().is_none() => {
            format!("clms list --product {}", it.data_id.product())
        }
        (Some(_), _) => next_of_cached(it),
        (None, None) => format!("clms preload '{}'", it.data_id),
        (None, Some(why)) => format!("it can't be had: {}; {}", why.reason, why.hint),
    }
}
