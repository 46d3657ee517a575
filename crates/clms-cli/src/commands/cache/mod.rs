//! `clms cache`.

use clms_store::CachedCube;
use jiff::Timestamp;

use super::{Context, Done};
use crate::text;

pub(crate) async fn list(context: &Context) -> Done {
    let cubes = context.store.cached().await?;
    if cubes.is_empty() {
        context.printer.note(&format!(
            "note: there is no cube in {}",
            context.store.cache_location()
        ));
    }
    context.result(&cubes, || table(&cubes))
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
                text::bytes(cube.bytes),
                cube.objects.to_string(),
                text::ago(cube.committed_at, now),
                cube.cube.clone(),
            ]
        })
        .collect();
    if cubes.len() > 1 {
        rows.push(vec![
            format!("{} cubes", cubes.len()),
            text::bytes(cubes.iter().map(|cube| cube.bytes).sum()),
            cubes
                .iter()
                .map(|cube| cube.objects)
                .sum::<u64>()
                .to_string(),
        ]);
    }
    text::table(
        &["data id", "size", "files", "built", "cube"],
        rows,
        &[1, 2],
    )
}
