//! `clms search`.

use clms_store::catalogue::{Entry, Field, Hit, Query};

use super::{Context, Done, list};
use crate::args::Search;

pub(crate) async fn run(context: &Context, search: Search) -> Done {
    let catalogue = context.catalogue(search.refresh).await?;
    let query = Query {
        text: search.text.join(" "),
        bbox: search.bbox,
        time: search.time,
        source: search.source,
        resolution: search.resolution,
    };
    let mut hits = catalogue.search(&query);
    let found = hits.len();
    hits.truncate(search.limit.get());
    match found {
        0 => context
            .printer
            .note("note: no product fits; fewer or other words may, `clms list --all` shows all"),
        _ if found > hits.len() => context
            .printer
            .note(&format!("note: the best {} of {found}", hits.len())),
        _ => {}
    }
    context.result(&hits, || {
        let entries: Vec<&Entry> = hits.iter().map(|hit| &hit.entry).collect();
        let found: Vec<String> = hits.iter().map(found_by).collect();
        let is_told = found.iter().any(|words| !words.is_empty());
        list::table(&entries, is_told.then_some(("found by", found)))
    })?;
    if let (Some(best), false) = (hits.first(), context.printer.is_json()) {
        let next = format!("next: clms describe '{}'", best.entry.data_id);
        context.printer.note(&next);
    }
    Ok(())
}

/// The words that were found in the place of others, such as `imperviousness` for `sealed`: what else fits stands in the names.
fn found_by(hit: &Hit) -> String {
    let others = hit.matches.iter().filter(|it| {
        let asked = it.asked.to_lowercase();
        let is_form = it.found.starts_with(&asked) || asked.starts_with(&it.found);
        it.field != Field::Years && !is_form
    });
    let mut words: Vec<&str> = others.map(|it| it.found.as_str()).collect();
    words.dedup();
    words.join(", ")
}
