//! `clms search`.

use clms_store::catalogue::{Entry, Query};

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
        list::table(&entries)
    })
}
