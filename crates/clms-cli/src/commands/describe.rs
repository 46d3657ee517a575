//! `clms describe`.

use clms_store::{DataId, Description, catalogue::How};

use super::{Context, Done};
use crate::{args::Describe, text};

pub(crate) async fn run(context: &Context, describe: Describe) -> Done {
    let data_id: DataId = describe
        .data_id
        .parse()
        .map_err(clms_store::StoreError::from)?;
    let description = context.store.describe(&data_id).await?;
    context.result(&description, || page(&description))
}

fn page(it: &Description) -> String {
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
    add("bbox", it.bbox.map(bbox));
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
        add(
            "more",
            Some(format!(
                "{} other files of this product: clms list --product {}",
                it.siblings,
                it.data_id.product()
            )),
        );
    }
    add("cube", it.cube.clone());
    add("next", Some(next(it)));
    text::pairs(&pairs)
}

fn bbox([west, south, east, north]: [f64; 4]) -> String {
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

fn next(it: &Description) -> String {
    match (&it.cube, &it.why_not) {
        (Some(_), _) => format!("clms open '{}'", it.data_id),
        (None, None) if it.how == Some(How::Open) => {
            let day = it.time_range.end.or(it.time_range.start).map(text::day);
            let time = day.map_or_else(String::new, |day| format!(" --time {day}"));
            format!("clms open '{}'{time}", it.data_id)
        }
        (None, None) => format!("clms preload '{}'", it.data_id),
        (None, Some(why)) => format!("it can't be had: {}; {}", why.reason, why.hint),
    }
}
