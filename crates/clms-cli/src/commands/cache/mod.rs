//! `clms cache`.

mod gc;
mod verify;

pub(super) use self::{gc::Collected, verify::Verified};

use clms_store::{CachedCube, CachedCubeDetails};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::{Context, Done, Stop, data_ids};
use crate::{args::Cache, exit, failure::Failure, text};

pub(crate) async fn run(context: &Context, cache: Cache) -> Done {
    match cache {
        Cache::List => list(context).await,
        Cache::Info(cached) => info(context, &cached.data_ids).await,
        Cache::Verify(verify) => verify::run(context, verify).await,
        Cache::Remove(cached) => remove(context, &cached.data_ids).await,
        Cache::Gc(gc) => gc::run(context, gc).await,
    }
}

async fn list(context: &Context) -> Done {
    let cubes = context.store.cached().await?;
    if cubes.is_empty() {
        say_that_nothing_is_there(context);
    }
    context.result(&cubes, || table(&cubes))
}

fn say_that_nothing_is_there(context: &Context) {
    context.printer.note(&format!(
        "note: there is no cube in {}",
        context.store.cache_location()
    ));
}

fn table(cubes: &[CachedCube]) -> String {
    if cubes.is_empty() {
        return String::new();
    }
    let now = Timestamp::now();
    let mut rows: Vec<Vec<String>> = cubes
        .iter()
        .map(|cube| {
            vec![
                cube.data_id.clone(),
                cube.kind.clone().unwrap_or_default(),
                text::bytes(cube.bytes),
                cube.objects.to_string(),
                text::ago(cube.committed_at, now),
                cube.source.clone().unwrap_or_default(),
                whole(cube.whole).to_owned(),
                cube.cube.clone(),
            ]
        })
        .collect();
    if cubes.len() > 1 {
        rows.push(vec![
            format!("{} cubes", cubes.len()),
            String::new(),
            text::bytes(cubes.iter().map(|cube| cube.bytes).sum()),
            cubes
                .iter()
                .map(|cube| cube.objects)
                .sum::<u64>()
                .to_string(),
        ]);
    }
    text::table(
        &[
            "data id", "kind", "size", "files", "built", "source", "whole", "cube",
        ],
        rows,
        &[2, 3],
    )
}

fn whole(whole: Option<bool>) -> &'static str {
    match whole {
        Some(true) => "yes",
        Some(false) => "no",
        None => "unknown",
    }
}

async fn info(context: &Context, typed: &[String]) -> Done {
    let mut cubes = Vec::new();
    for data_id in data_ids(typed)? {
        cubes.push(context.store.cached_details(&data_id).await?);
    }
    context.result(&cubes, || {
        cubes.iter().map(page).collect::<Vec<_>>().join("\n")
    })
}

fn page(details: &CachedCubeDetails) -> String {
    let cube = &details.cube;
    let now = Timestamp::now();
    let mut pairs = vec![
        ("data id", cube.data_id.clone()),
        ("cube", cube.cube.clone()),
        ("size", size_in_files(cube.bytes, cube.objects)),
        (
            "built",
            format!(
                "{} ({})",
                text::time(cube.committed_at),
                text::ago(cube.committed_at, now)
            ),
        ),
        ("whole", wholeness(details)),
    ];
    if let Some(generation) = &details.generation {
        pairs.push(("generation", generation.clone()));
    }
    // The data id stands above already.
    let origin = details.origin.iter().filter(|(name, _)| *name != "data_id");
    let origin: Vec<(String, String)> = origin
        .filter_map(|(name, value)| Some((name.replace('_', " "), readable(value)?)))
        .collect();
    pairs.extend(
        origin
            .iter()
            .map(|(name, value)| (name.as_str(), value.clone())),
    );
    text::pairs_with_prose(&pairs, |name| {
        ["title", "licence", "citation"].contains(&name)
    })
}

/// As in `1.53 MiB in 12 files`.
pub(super) fn size_in_files(bytes: u64, files: u64) -> String {
    format!("{} in {}", text::bytes(bytes), text::count(files, "file"))
}

fn wholeness(details: &CachedCubeDetails) -> String {
    let cube = &details.cube;
    match (cube.whole, details.committed) {
        (Some(false), Some(committed)) => format!(
            "no: it had {} when it was built; `clms cache verify` names what is wrong",
            size_in_files(committed.bytes, committed.objects)
        ),
        (Some(true), _) => {
            "yes, by its size; `clms cache verify` also reads what is in it".to_owned()
        }
        _ => "unknown: it has no manifest, which other software and older versions of this one do not write".to_owned(),
    }
}

/// What a person can read.
pub(super) fn readable(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()).filter(|text| !text.trim().is_empty()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().filter_map(readable).collect();
            Some(items.join(", ")).filter(|text| !text.is_empty())
        }
        _ => None,
    }
}

/// What became of a cube that was to be removed.
#[derive(Serialize, JsonSchema)]
pub(super) struct Removal {
    /// Its name.
    data_id: String,
    /// `removed` or `failed`.
    status: &'static str,
    /// Where it was, if it was removed.
    cube: Option<String>,
    /// Bytes that were removed.
    bytes: u64,
    /// Files or objects that were removed.
    objects: u64,
    /// Why it could not be removed.
    error: Option<Failure>,
}

async fn remove(context: &Context, typed: &[String]) -> Done {
    let data_ids = data_ids(typed)?;
    // Nothing is removed if one of them is a slip of the pen.
    for data_id in &data_ids {
        context.store.check_cached(data_id).await?;
    }
    let mut removals = Vec::new();
    for data_id in &data_ids {
        let data_id_text = data_id.to_string();
        removals.push(match context.store.remove_cached(data_id).await {
            Ok(cube) => Removal {
                data_id: data_id_text,
                status: "removed",
                cube: Some(cube.cube),
                bytes: cube.bytes,
                objects: cube.objects,
                error: None,
            },
            Err(why) => Removal {
                data_id: data_id_text,
                status: "failed",
                cube: None,
                bytes: 0,
                objects: 0,
                error: Some(why.into()),
            },
        });
    }
    context.result(&removals, || removal_table(&removals))?;
    conclude(
        context,
        removals.len(),
        removals.iter().filter_map(|removal| removal.error.as_ref()),
    )
}

fn removal_table(removals: &[Removal]) -> String {
    let rows = removals.iter().map(|removal| {
        vec![
            removal.data_id.clone(),
            removal.status.to_owned(),
            text::bytes(removal.bytes),
            removal.objects.to_string(),
        ]
    });
    text::table(&["data id", "status", "size", "files"], rows, &[2, 3])
}

/// Says what failed of `all` things, and finds the exit code.
fn conclude<'f>(
    context: &Context,
    all: usize,
    failures: impl IntoIterator<Item = &'f Failure>,
) -> Done {
    let mut codes = Vec::new();
    for failure in failures {
        if !context.printer.is_json() {
            context.printer.failure(failure);
        }
        codes.push(failure.code);
    }
    match codes.as_slice() {
        [] => Ok(()),
        codes if codes.len() < all => Err(Stop::Code(exit::PARTLY)),
        [first, rest @ ..] if rest.iter().all(|code| code == first) => Err(Stop::Code(*first)),
        _ => Err(Stop::Code(exit::FAILED)),
    }
}
