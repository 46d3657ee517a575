//! `clms list`.

use clms_store::catalogue::{Entry, Filter};

use super::{Context, Done};
use crate::{args::List, text};

pub(crate) async fn run(context: &Context, list: List) -> Done {
    let listing = context.listing(list.refresh).await?;
    let filter = Filter {
        pattern: list.pattern,
        product: list.product,
        source: list.source,
        data_type: list.data_type,
        all: list.all,
    };
    let entries: Vec<&Entry> = listing.list(&filter).collect();
    if entries.is_empty() {
        let everything = Filter {
            all: true,
            ..filter
        };
        let hidden = listing.list(&everything).count();
        context.printer.note(&match hidden {
            0 => "note: nothing matches; `clms list` without a pattern shows all".to_owned(),
            1 => "note: one matches that can't be had with this version; --all shows it and why"
                .to_owned(),
            hidden => format!(
                "note: {hidden} match that can't be had with this version; --all shows them and why"
            ),
        });
    }
    context.result(&entries, || table(&entries, None))
}

/// A table of entries, perhaps with one more column: its heading, and what it says of each.
pub(super) fn table(entries: &[&Entry], more: Option<(&str, Vec<String>)>) -> String {
    let word = |word: &Option<String>| word.clone().unwrap_or_default();
    let any_missing = entries.iter().any(|entry| !entry.available);
    let (more_header, more_cells) = more.unzip();
    let mut more_cells = more_cells.unwrap_or_default().into_iter();
    let rows = entries.iter().map(|entry| {
        let mut row = vec![
            entry.data_id.to_string(),
            word(&entry.source),
            word(&entry.resolution),
            word(&entry.format),
            entry.size.map_or_else(String::new, text::bytes),
        ];
        if any_missing {
            row.push(
                entry
                    .why_not
                    .as_ref()
                    .map_or_else(String::new, |why| why.reason.clone()),
            );
        }
        row.extend(more_cells.next());
        row
    });
    let mut header = vec!["data id", "source", "resolution", "format", "size"];
    if any_missing {
        header.push("why not");
    }
    header.extend(more_header);
    if entries.is_empty() {
        return String::new();
    }
    text::table(&header, rows, &[4])
}
