//! From open tiles to groups: which belong together, and where each lies.

use std::collections::HashMap;
use std::sync::Arc;

use super::super::merge::differing;
use super::super::{Dataset, DatasetStructure, GroupStructure};
use super::structure::{group_name, on_grid_of_all};
use super::tile::{Tile, offset};
use super::{Level, Mosaic, Placed, meet};
use crate::metadata::node_path;
use crate::range::Meter;
use crate::{CubeError, Grid};

/// More columns or rows than this are a mistake: the Earth has 8 million pixels of 5 m.
const MOST_PIXELS_ALONG: f64 = 1e8;

pub(super) async fn mosaic(tiles: Vec<Dataset>) -> Result<Dataset, CubeError> {
    let mut known = Vec::with_capacity(tiles.len());
    for tile in &tiles {
        known.push(Tile::of(tile).await?);
    }
    // Numbers of the tiles of each group, the group with the most pixels first.
    let mut sets: Vec<Vec<usize>> = Vec::new();
    for (number, tile) in known.iter().enumerate() {
        match sets.iter_mut().find(|set| known[set[0]].fits(tile)) {
            Some(set) => set.push(number),
            None => sets.push(vec![number]),
        }
    }
    let pixels = |set: &Vec<usize>| {
        set.iter()
            .map(|tile| known[*tile].grid.width * known[*tile].grid.height)
            .sum::<u64>()
    };
    sets.sort_by_key(|set| std::cmp::Reverse(pixels(set)));
    if sets.is_empty() {
        return Err(differing("nothing", "there are no tiles"));
    }
    let mut levels = Vec::new();
    let mut groups: Vec<GroupStructure> = Vec::new();
    for (number, set) in sets.iter().enumerate() {
        let path = match number {
            0 => String::new(),
            _ => group_name(&known[set[0]].grid, &groups),
        };
        let (mut group, level) = assemble(&path, set, &known, |tile| Some(&tile.group))?;
        levels.push(level);
        for overview in 0..known[set[0]].group.overviews.len() {
            let path = node_path(&path, &known[set[0]].group.overviews[overview].path);
            // A level that not all tiles have, or whose pixels don't meet, is none of the whole.
            let Ok((group_of_level, level)) = assemble(&path, set, &known, |tile| {
                tile.group.overviews.get(overview)
            }) else {
                break;
            };
            group.overviews.push(group_of_level);
            levels.push(level);
        }
        groups.push(group);
    }
    let structure = DatasetStructure {
        attributes: groups[0].attributes.clone(),
        groups,
    };
    let meters = tiles.iter().map(|tile| Arc::clone(&tile.meter)).collect();
    Ok(Dataset {
        structure: Arc::new(structure),
        source: Arc::new(Mosaic {
            tiles: tiles.into_iter().map(|tile| tile.source).collect(),
            levels,
        }),
        meter: Arc::new(Meter::of(meters)),
    })
}

/// One group of tiles.
fn assemble<'t>(
    path: &str,
    set: &[usize],
    tiles: &'t [Tile],
    of: impl Fn(&'t Tile) -> Option<&'t GroupStructure>,
) -> Result<(GroupStructure, Level), CubeError> {
    let mut members = Vec::with_capacity(set.len());
    for number in set {
        let group = of(&tiles[*number]).ok_or_else(|| differing("a tile", "it lacks a level"))?;
        let grid = group
            .grid
            .as_ref()
            .ok_or_else(|| differing("a tile", "a level is nowhere"))?;
        members.push((*number, group, grid));
    }
    let (_, template, first) = members[0];
    let mut extent = [[0.0, first.height as f64], [0.0, first.width as f64]];
    let mut offsets = Vec::with_capacity(members.len());
    for (_, _, grid) in &members {
        let off = offset(first, grid)
            .ok_or_else(|| differing("a tile", "its pixels are not those of others"))?;
        for ((edges, off), size) in extent.iter_mut().zip(off).zip([grid.height, grid.width]) {
            *edges = [edges[0].min(off), edges[1].max(off + size as f64)];
        }
        offsets.push(off);
    }
    let [height, width] = extent.map(|[low, high]| high - low);
    // Not `>`: NaN must be refused.
    if !(height <= MOST_PIXELS_ALONG && width <= MOST_PIXELS_ALONG) {
        return Err(differing(
            "tiles",
            &format!("a grid around them would have {height} x {width} pixels"),
        ));
    }
    let [west, dx, _, north, _, dy] = first.geotransform;
    let grid = Grid {
        crs: first.crs.clone(),
        geotransform: [
            west + extent[1][0] * dx,
            dx,
            0.0,
            north + extent[0][0] * dy,
            0.0,
            dy,
        ],
        width: width as u64,
        height: height as u64,
    };
    let times = all_times(set, tiles);
    let mut placed: Vec<Placed> = Vec::with_capacity(members.len());
    for ((number, group, own), off) in members.iter().zip(&offsets) {
        let range = |axis: usize, size: u64| {
            let start = (off[axis] - extent[axis][0]) as u64;
            start..start + size
        };
        placed.push(Placed {
            tile: *number,
            group: group.path.clone(),
            arrays: group.variables.clone(),
            rows: range(0, own.height),
            cols: range(1, own.width),
            steps: steps(&times, &tiles[*number].times),
            overlapped: false,
        });
    }
    mark_overlaps(&mut placed);
    let structure = on_grid_of_all(path, template, &grid, times.len() as u64);
    let level = Level {
        path: path.to_owned(),
        grid,
        times,
        placed,
    };
    Ok((structure, level))
}

fn all_times(set: &[usize], tiles: &[Tile]) -> Vec<f64> {
    let mut times: Vec<f64> = set
        .iter()
        .flat_map(|number| tiles[*number].times.iter().copied())
        .collect();
    times.sort_by(f64::total_cmp);
    times.dedup();
    times
}

/// For each of all times, which of a tile's it is: the first one, where a tile has a time twice.
fn steps(all: &[f64], own: &[f64]) -> Vec<Option<u64>> {
    let mut known: HashMap<u64, u64> = HashMap::with_capacity(own.len());
    for (step, time) in (0..).zip(own) {
        known.entry(time.to_bits()).or_insert(step);
    }
    all.iter()
        .map(|time| known.get(&time.to_bits()).copied())
        .collect()
}

/// Tells the tiles that share ground with another one. Sorted by rows, so that not all are compared with all.
fn mark_overlaps(placed: &mut [Placed]) {
    let mut order: Vec<usize> = (0..placed.len()).collect();
    order.sort_by_key(|number| placed[*number].rows.start);
    for (position, one) in order.iter().enumerate() {
        for other in &order[position + 1..] {
            if placed[*other].rows.start >= placed[*one].rows.end {
                break;
            }
            if meet(&placed[*one].cols, &placed[*other].cols).is_some() {
                placed[*one].overlapped = true;
                placed[*other].overlapped = true;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::ops::Range;

    use super::*;

    #[test]
    fn neighbours_share_no_ground() {
        let tile = |rows: Range<u64>, cols: Range<u64>| Placed {
            tile: 0,
            group: String::new(),
            arrays: Vec::new(),
            rows,
            cols,
            steps: Vec::new(),
            overlapped: false,
        };
        let mut placed = vec![
            tile(0..10, 0..10),
            tile(0..10, 10..20),
            tile(9..19, 19..29),
            tile(10..20, 0..10),
        ];
        mark_overlaps(&mut placed);
        let overlapped: Vec<bool> = placed.iter().map(|tile| tile.overlapped).collect();
        assert_eq!(overlapped, [false, true, true, false]);
    }
}
