//! `@search` and `@datasets_by_uid`, objects by path and by UID, batching
//! (points 12 to 16).

use std::cmp::Ordering;

use axum::http::header;
use axum::response::Response;
use serde_json::{Map, Value, json};
use url::form_urlencoded::Serializer;

use crate::access::Visitor;
use crate::answer::{self, Refused};
use crate::call::Call;
use crate::catalogue::{Entry, text};
use crate::state::State;

const DEFAULT_BATCH: i64 = 25;

/// `@search`.
pub(crate) fn search(state: &State, call: &Call) -> Response {
    let mut found: Vec<Entry<'_>> = state
        .catalogue
        .published()
        .filter(|entry| matches(*entry, call))
        .collect();
    if matches!(call.parameter("sort_on"), Some("sortable_title" | "title")) {
        found.sort_by(|one, other| by_title(*one, *other));
    }
    if matches!(call.parameter("sort_order"), Some("descending" | "reverse")) {
        found.reverse();
    }
    let portal_url = call.portal_url();
    batch(call, &found, |place, entry| {
        if call.parameter("fullobjects").is_some() {
            let mut object = entry.served(&portal_url);
            // Only the first object of a page has this one.
            if place > 0 {
                remove(&mut object, "/@components", "contextnavigation");
            }
            object
        } else {
            summary(entry, call, &portal_url)
        }
    })
}

/// `@datasets_by_uid` (point 16).
pub(crate) fn datasets_by_uid(state: &State, call: &Call) -> Response {
    let uids: Vec<&str> = call
        .parameters("UID")
        .flat_map(|uids| uids.split(','))
        .collect();
    let wanted = |entry: &Entry<'_>| {
        let of_type = call
            .parameter("portal_type")
            .is_none_or(|wanted| entry.portal_type() == wanted);
        of_type && (uids.is_empty() || uids.contains(&entry.uid()))
    };
    let found: Vec<Entry<'_>> = state.catalogue.published().filter(wanted).collect();
    batch(call, &found, |_, entry| {
        let or_empty =
            |name: &str| Some(entry.field(name).clone()).filter(|value| !value.is_null());
        json!({
            "UID": entry.uid(), "title": entry.title(),
            "dataset_download_information": or_empty("dataset_download_information").unwrap_or_else(|| json!({})),
            "download_show_auxiliary_calendar": or_empty("download_show_auxiliary_calendar").unwrap_or(json!(false)),
            "downloadable_files": or_empty("downloadable_files").unwrap_or_else(|| json!({})),
            "original_projection": text(entry.field("characteristics_projection")),
        })
    })
}

/// An object by its path, or by `resolveuid/<UID>`.
pub(crate) fn object(state: &State, call: &Call, visitor: &Visitor) -> Response {
    let path = call.local_path();
    if let Some(uid) = path.strip_prefix("resolveuid/") {
        return match state.catalogue.by_uid(uid) {
            Some(entry) => {
                let location = format!("{}/{}", call.portal_url(), entry.path());
                answer::with_header(answer::empty(301), header::LOCATION, &location)
            }
            None => answer::not_found(&call.url()),
        };
    }
    match state.catalogue.by_path(path) {
        Some((_, false)) => answer::unauthorized(),
        Some((entry, true)) => {
            let mut object = entry.served(&call.portal_url());
            // Only searches expand this one.
            remove(&mut object, "/@components/siblings", "items");
            answer::json(200, object)
        }
        None if *visitor == Visitor::Anonymous && path.is_empty() => {
            answer::json(200, json!({"@id": call.portal_url()}))
        }
        None => answer::not_found(&call.url()),
    }
}

fn remove(object: &mut Value, pointer: &str, key: &str) {
    if let Some(map) = object.pointer_mut(pointer).and_then(Value::as_object_mut) {
        map.remove(key);
    }
}

/// The indexes that a search can name; other parameters do not narrow it.
fn matches(entry: Entry<'_>, call: &Call) -> bool {
    let any_of = |name: &str, value: &str| {
        let mut wanted = call.parameters(name).peekable();
        wanted.peek().is_none() || wanted.any(|wanted| wanted == value)
    };
    let words_match = call.parameter("SearchableText").is_none_or(|query| {
        let content = format!(
            "{} {} {}",
            entry.title(),
            entry.id(),
            text(entry.field("description"))
        )
        .to_lowercase();
        let words: Vec<&str> = content
            .split(|letter: char| !letter.is_alphanumeric())
            .collect();
        query
            .to_lowercase()
            .split_whitespace()
            .all(|wanted| match wanted.strip_suffix('*') {
                Some(start) => words.iter().any(|word| word.starts_with(start)),
                None => words.contains(&wanted),
            })
    });
    words_match
        && any_of("portal_type", entry.portal_type())
        && any_of("UID", entry.uid())
        && any_of("id", entry.id())
}

fn by_title(one: Entry<'_>, other: Entry<'_>) -> Ordering {
    one.title()
        .to_lowercase()
        .cmp(&other.title().to_lowercase())
}

/// An item of a search without `fullobjects`.
fn summary(entry: Entry<'_>, call: &Call, portal_url: &str) -> Value {
    let mut summary = json!({
        "@id": format!("{portal_url}/{}", entry.path()), "@type": entry.portal_type(),
        "description": text(entry.field("description")), "effective": entry.field("effective"),
        "getRemoteUrl": null, "image_field": "", "image_scales": null, "review_state": "published",
        "title": entry.title(), "type_title": entry.portal_type(),
    });
    for name in call.parameters("metadata_fields") {
        if name == "_all" {
            add_all_metadata(&mut summary, entry, portal_url);
        } else if name == "dataset_full_format" {
            summary[name] = Value::Null; // documented, and not there (point 14)
        } else {
            summary[name] = entry.field(name).clone();
        }
    }
    summary
}

/// The catalogue's columns, without `dataset_download_information` (point 14).
fn add_all_metadata(summary: &mut Value, entry: Entry<'_>, portal_url: &str) {
    let (id, path, title) = (entry.id(), entry.path(), entry.title());
    let (created, modified) = (entry.field("created"), entry.field("modified"));
    let columns = json!({
        "CreationDate": created, "Creator": "admin", "Date": entry.field("effective"),
        "Description": summary["description"], "EffectiveDate": entry.field("effective"), "ExpirationDate": "None",
        "Language": "en", "ModificationDate": modified, "Subject": [], "Title": title, "TranslationGroup": entry.uid(),
        "Type": entry.portal_type(), "UID": entry.uid(), "commentators": [], "created": created,
        "exclude_from_nav": false, "expires": "2499-12-31T00:00:00+00:00", "getId": id, "getObjSize": "1 KB",
        "getPath": format!("/Plone/{path}"), "getURL": format!("{portal_url}/{path}"), "id": id,
        "is_folderish": true, "listCreators": ["admin"], "mime_type": "text/plain", "modified": modified,
        "portal_type": entry.portal_type(), "total_comments": 0,
    });
    let empty = [
        "author_name",
        "cmf_uid",
        "end",
        "external_source_url",
        "getIcon",
        "hasPreviewImage",
        "head_title",
        "in_response_to",
        "last_comment_date",
        "location",
        "nav_title",
        "ondemand",
        "procurement_no",
        "publication_date",
        "side_nav_title",
        "start",
        "submission_deadline",
        "sync_uid",
        "version",
    ];
    let lists = [
        "faqcategories",
        "technical_library_categorization",
        "use_case_spatial_coverage",
        "user_profile_affiliation",
        "user_profile_country",
        "user_profile_sector_of_activity",
        "user_profile_thematic_activity",
    ];
    let Value::Object(summary) = summary else {
        return;
    };
    if let Value::Object(columns) = columns {
        summary.extend(columns);
    }
    summary.extend(empty.map(|name| (name.to_owned(), Value::Null)));
    summary.extend(lists.map(|name| (format!("taxonomy_{name}"), json!([]))));
}

/// One page of what was found, with links to the others if not all of it fits.
fn batch(call: &Call, found: &[Entry<'_>], item: impl Fn(usize, Entry<'_>) -> Value) -> Response {
    let (size, start) = match (
        number(call, "b_size", DEFAULT_BATCH),
        number(call, "b_start", 0),
    ) {
        (Ok(size), Ok(start)) => (size.max(0), start.max(0)),
        (Err(response), _) | (_, Err(response)) => return *response,
    };
    let total = i64::try_from(found.len()).unwrap_or(i64::MAX);
    let index = |number: i64| usize::try_from(number).unwrap_or_default();
    let page = found.iter().skip(index(start)).take(index(size));
    let mut body = Map::new();
    body.insert("@id".to_owned(), json!(own_url(call)));
    body.insert(
        "items".to_owned(),
        page.enumerate()
            .map(|(place, entry)| item(place, *entry))
            .collect(),
    );
    body.insert("items_total".to_owned(), json!(total));
    if total > size {
        body.insert("batching".to_owned(), links(call, total, size, start));
    }
    answer::json(200, Value::Object(body))
}

/// A parameter read as Python's `int()` does, or its exception (point 13).
fn number(call: &Call, name: &str, default: i64) -> Result<i64, Refused> {
    let Some(text) = call.parameter(name) else {
        return Ok(default);
    };
    text.trim().parse().map_err(|_| {
        Refused::from(answer::plone_error(
            500,
            "ValueError",
            &format!("invalid literal for int() with base 10: '{text}'"),
        ))
    })
}

fn links(call: &Call, total: i64, size: i64, start: i64) -> Value {
    let page = |start: i64| {
        let rest = call.query.iter().filter(|(name, _)| name != "b_start");
        let mut query = Serializer::new(String::new());
        query
            .append_pair("b_start", &start.to_string())
            .extend_pairs(rest);
        format!("{}?{}", call.url(), query.finish())
    };
    // A batch of nothing leads to a next one for ever.
    let (last, next) = if size == 0 {
        (0, Some(total - 1))
    } else {
        ((total - 1) / size * size, Some(start + size))
    };
    let mut links = json!({
        "@id": format!("{}?{}", call.url(), call.raw_query), "first": page(0), "last": page(last),
    });
    if let Some(next) = next.filter(|next| *next < total) {
        links["next"] = json!(page(next));
    }
    if start > 0 && size > 0 {
        links["prev"] = json!(page((start.min(total) - size).max(0)));
    }
    links
}

/// The request's URL without what concerns batching and order, and without empty parameters.
fn own_url(call: &Call) -> String {
    let kept = call.query.iter().filter(|(name, value)| {
        !value.is_empty()
            && !matches!(
                name.as_str(),
                "b_size" | "b_start" | "sort_on" | "sort_order"
            )
    });
    let query = Serializer::new(String::new()).extend_pairs(kept).finish();
    if query.is_empty() {
        call.url()
    } else {
        format!("{}?{query}", call.url())
    }
}
