//! `clms search`.

use clms_store::{
    Listing, bbox,
    catalogue::{Entry, Field, Hit, Query},
};

use super::{Context, Done, list};
use crate::args::Search;

pub(crate) async fn run(context: &Context, search: Search) -> Done {
    let listing = context.listing(search.refresh).await?;
    let query = Query {
        text: search.text.join(" "),
        bbox: search.bbox,
        time: search.time,
        source: search.source,
        resolution: search.resolution,
    };
    let mut hits = listing.search(&query);
    let found = hits.len();
    hits.truncate(search.limit.get());
    match found {
        0 => context.printer.note(&nothing(&listing, &query)),
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
        if best.siblings > 0 {
            let product = best.entry.data_id.product();
            let note = format!(
                "note: the first is 1 of {} files: clms list --product {product}",
                best.siblings + 1
            );
            context.printer.note(&note);
        }
    }
    Ok(())
}

/// Why nothing was found, as far as that can be told.
fn nothing(listing: &Listing, query: &Query) -> String {
    let swapped = query.with_latitude_second();
    let swapped = swapped.filter(|swapped| !listing.search(swapped).is_empty());
    if let Some(meant) = swapped.and_then(|swapped| swapped.bbox) {
        return format!(
            "note: no product fits there; did you mean --bbox {}? boxes are west,south,east,north",
            bbox::text(meant)
        );
    }
    let unknown = listing.unknown_words(&query.text);
    if !unknown.is_empty() {
        let unknown: Vec<String> = unknown.iter().map(|word| format!("'{word}'")).collect();
        return format!(
            "note: no product fits: nothing knows {}; places are given as --bbox W,S,E,N",
            unknown.join(", ")
        );
    }
    "note: no product fits; fewer or other words may, `clms list --all` shows all".to_owned()
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
