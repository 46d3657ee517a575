//! Names of variables and groups, from what file names have in common and what they don't.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::Timestamp;

use crate::Crs;
use crate::dataset::TIME;
use crate::plan::placement::PlacedRaster;
use crate::plan::{OVERVIEWS, StemsAndGroup, series};
use crate::products::{self, Product};
use crate::time_in_name::SEPARATORS;

/// Rasters of a group that are tiles of one picture, or of one for each time.
#[derive(Debug)]
pub(crate) struct Layer {
    name: String,
    pub(crate) product: Option<&'static Product>,
    /// Indices into the group's rasters, in the order of names.
    pub(crate) rasters: Vec<usize>,
    /// The time that each raster tells; none if one of them tells nothing.
    pub(crate) times: Vec<Timestamp>,
    /// Rasters of different times lie on top of each other.
    pub(crate) is_series: bool,
}

pub(super) fn tokens(stem: &str) -> Vec<&str> {
    stem.split(SEPARATORS)
        .filter(|token| !token.is_empty())
        .collect()
}

/// A name of letters, digits and `_` that starts with no digit.
fn sanitise(text: &str) -> String {
    let text: String = text
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
        .collect();
    let text = text.trim_matches('_');
    if text.starts_with(|c: char| c.is_ascii_digit()) {
        format!("v{text}")
    } else {
        text.to_owned()
    }
}

/// Splits the rasters of a group into layers: by product, and among rasters of one product and time that cover the very same
/// ground (which tiles never do) by the parts of their names that differ.
pub(crate) fn layers(rasters: &[PlacedRaster]) -> Vec<Layer> {
    let mut by_name: BTreeMap<String, (Option<&'static Product>, Vec<usize>)> = BTreeMap::new();
    for (index, raster) in rasters.iter().enumerate() {
        // A variable that has a name of its own is what that says, and not what the file says.
        let own = raster.header.variable();
        // `Band1` is how GDAL calls what has no name.
        let speaking = own.filter(|name| !name.starts_with("Band"));
        let product = products::by_file_name(speaking.unwrap_or(raster.stem()));
        let name = match (own, product) {
            (Some(own), _) => own.to_owned(),
            (None, Some(product)) => product.variable.to_owned(),
            (None, None) => code_by_convention(raster.stem()),
        };
        by_name
            .entry(name)
            .or_insert((product, Vec::new()))
            .1
            .push(index);
    }
    let mut layers = Vec::new();
    for (name, (product, mut indices)) in by_name {
        let mut layer = |key: String, rasters: Vec<usize>, times: Vec<Timestamp>, is_series| {
            let parts = [name.as_str(), key.as_str()];
            let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
            layers.push(Layer {
                name: sanitise(&parts.join("_")),
                product,
                rasters,
                times,
                is_series,
            });
        };
        let is_named = product.is_some() || !(name.is_empty() || name.starts_with("Band"));
        let found = series::series(rasters, &indices, is_named);
        for series in found.into_iter().flatten() {
            indices.retain(|index| !series.rasters.contains(index));
            layer(series.key, series.rasters, series.times, true);
        }
        for (key, of_one) in split_coincident(rasters, indices) {
            let times = series::times(rasters, &of_one);
            layer(key, of_one, times, false);
        }
    }
    layers
}

/// Newer names are `CLMS_<family>_<variable>_...`.
fn code_by_convention(stem: &str) -> String {
    match tokens(stem)[..] {
        [first, _, code, ..]
            if first.eq_ignore_ascii_case("clms")
                && code.bytes().all(|b| b.is_ascii_alphabetic()) =>
        {
            code.to_owned()
        }
        _ => String::new(),
    }
}

fn split_coincident(rasters: &[PlacedRaster], indices: Vec<usize>) -> BTreeMap<String, Vec<usize>> {
    let mut by_extent: HashMap<_, Vec<usize>> = HashMap::new();
    for index in &indices {
        let PlacedRaster {
            header, row, col, ..
        } = &rasters[*index];
        by_extent
            .entry((row, col, header.height, header.width))
            .or_default()
            .push(*index);
    }
    // The places in a name where rasters of the same ground differ.
    let mut differing = BTreeSet::new();
    let mut comparable = true;
    for coincident in by_extent.values() {
        let names: Vec<Vec<&str>> = coincident
            .iter()
            .map(|index| tokens(rasters[*index].stem()))
            .collect();
        comparable &= names.iter().all(|name| name.len() == names[0].len());
        differing.extend(
            (0..names[0].len())
                .filter(|i| names.iter().any(|name| name.get(*i) != names[0].get(*i))),
        );
    }
    let mut split: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for index in indices {
        let stem = rasters[index].stem();
        let key = if comparable {
            let name = tokens(stem);
            differing
                .iter()
                .filter_map(|i| name.get(*i).copied())
                .collect::<Vec<_>>()
                .join("_")
        } else {
            stem.to_owned()
        };
        split.entry(key).or_default().push(index);
    }
    split
}

impl Layer {
    /// Where its rasters lie along some times; `None` if it has none of them.
    pub(super) fn steps(&self, times: &[Timestamp]) -> Option<Vec<u64>> {
        let step = |time: &Timestamp| times.binary_search(time).ok().map(|step| step as u64);
        let steps: Vec<u64> = self.times.iter().map(step).collect::<Option<_>>()?;
        (!steps.is_empty()).then_some(steps)
    }

    pub(crate) fn variable_name(
        &self,
        band: usize,
        bands: usize,
        rasters: &[PlacedRaster],
    ) -> String {
        let described = rasters[self.rasters[0]].header.bands[band - 1]
            .description
            .as_deref()
            .map(sanitise);
        match described.filter(|name| !name.is_empty()) {
            Some(description) if bands > 1 => description,
            _ if self.name.is_empty() => format!("band_{band}"),
            _ if bands > 1 => format!("{}_band_{band}", self.name),
            _ => self.name.clone(),
        }
    }
}

/// Rasters of a group whose names are all told.
const FEW: usize = 3;

/// Gives all groups but the first a path: what stands in the names of the group and not in those of the first group
/// (`FR_GLP`), else the CRS (`epsg_4559`), else the pixel size.
pub(crate) fn name_groups(groups: &mut [StemsAndGroup]) {
    let Some(((root_stems, root), others)) = groups.split_first_mut() else {
        return;
    };
    let in_root: BTreeSet<String> = root_stems
        .iter()
        .flat_map(|stem| tokens(stem))
        .map(str::to_ascii_lowercase)
        .collect();
    let mut taken: BTreeSet<String> = root
        .variables
        .iter()
        .map(|variable| variable.name.clone())
        .collect();
    taken.extend(["x", "y", "spatial_ref", OVERVIEWS].map(str::to_owned));
    if !root.times.is_empty() {
        taken.insert(TIME.to_owned());
    }
    for (stems, group) in others {
        let crs_code = code_number(&group.grid.crs);
        let mut own: Vec<&str> = Vec::new();
        for token in stems.iter().flat_map(|stem| tokens(stem)) {
            // Of a few rasters all have a say (`FR_GLP_MTQ`), of many tiles only what they have in common.
            let speaks =
                stems.len() <= FEW || stems.iter().all(|stem| tokens(stem).contains(&token));
            let in_root = in_root.contains(&token.to_ascii_lowercase());
            if speaks
                && !in_root
                && Some(token.trim_start_matches('0')) != crs_code
                && !own.contains(&token)
            {
                own.push(token);
            }
        }
        let mut name = sanitise(&own.join("_"));
        if name.is_empty() {
            name = match crs_code {
                Some(code) if group.grid.crs != root.grid.crs => format!("epsg_{code}"),
                _ if group.grid.pixel_size() != root.grid.pixel_size() => {
                    sanitise(&format!("pixel_{}", group.grid.pixel_size()[0]))
                }
                _ => group.dtype.name().to_owned(),
            };
        }
        let numbered =
            std::iter::once(name.clone()).chain((2_u32..).map(|n| format!("{name}_{n}")));
        for candidate in numbered {
            if taken.insert(candidate.clone()) {
                group.path = candidate;
                break;
            }
        }
    }
}

fn code_number(crs: &Crs) -> Option<&str> {
    crs.code.as_deref()?.strip_prefix("EPSG:")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_safe() {
        assert_eq!(sanitise("10 m–band"), "v10_m_band");
        assert_eq!(sanitise("_a-b_"), "a_b");
        assert_eq!(code_by_convention("CLMS_WSI_FSC_020m_T32TNS_V200"), "FSC");
        assert_eq!(code_by_convention("whatever_2018"), "");
    }
}
