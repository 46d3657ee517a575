//! How the files of a product are named.
//!
//! The list names folders only. The folder of a NetCDF product holds one file of its name; that of GeoTIFFs holds one for each variable,
//! whose name has the variable's in it: within a word (`c_gls_SSM1km_..._cog/c_gls_SSM1km-NOISE_....tiff`, `c_gls_FAPAR300-RT6_...` ->
//! `c_gls_FAPAR300-FAPAR-RT6_...`) or as a word of its own (`..._V200` -> `..._V200_FSCOG.tif`). So one look at one folder tells the names
//! of the files of all dates. Where that is not so (the epoch in `PROBAV_LC100_global_v3.1.2_2019-nrt_...`), a folder is listed when a file
//! is read that is not there.

use super::{Collection, versions::stem};

/// How files are named after their product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FilePattern {
    /// What the file holds.
    pub(super) variable: String,
    /// What its name has more than the product's; `None` if that is not clear.
    addition: Option<Addition>,
    /// The name's end, with its dot.
    extension: String,
}

/// A piece that is put into the name of a product. It begins with `-` or `_`, or is empty.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Addition {
    piece: String,
    /// So many words, and parts of the next word, come before it; `None` if all do.
    behind: Option<(usize, usize)>,
}

impl FilePattern {
    /// By a file of a product; `None` if it is no GeoTIFF.
    pub(super) fn of(collection: &Collection, product: &str, file: &str) -> Option<Self> {
        let (file_stem, extension) = file.rsplit_once('.')?;
        if !["tif", "tiff"].contains(&extension.to_ascii_lowercase().as_str()) {
            return None;
        }
        let addition = Addition::of(stem(product), file_stem);
        Some(Self {
            variable: variable(collection, stem(product), file_stem, addition.as_ref()),
            addition,
            extension: format!(".{extension}"),
        })
    }

    /// Whether a file of another product holds the same.
    pub(super) fn is_of(&self, collection: &Collection, product: &str, file: &str) -> bool {
        let Some(other) = Self::of(collection, product, file) else {
            return false;
        };
        let by_facts = || {
            let facts = collection.variable_of_file(file);
            facts.is_some() && facts == collection.facts_of(&self.variable)
        };
        other.variable == self.variable || (other.addition.is_none() && by_facts())
    }

    /// The name of the file of another product, as far as it can be told.
    pub(super) fn file_of(&self, product: &str) -> Option<String> {
        let named = self.addition.as_ref()?.put_into(stem(product))?;
        Some(format!("{named}{}", self.extension))
    }
}

impl Addition {
    fn of(product: &str, file: &str) -> Option<Self> {
        let length = file.len().checked_sub(product.len())?;
        let same = product
            .bytes()
            .zip(file.bytes())
            .take_while(|(a, b)| a == b)
            .count();
        // Where a piece begins with the letters that follow it, it could as well lie further to the left: there it begins with a separator.
        let is_here = |at: &usize| {
            file.is_char_boundary(*at)
                && file.is_char_boundary(at + length)
                && file[at + length..] == product[*at..]
                && (length == 0 || file[*at..].starts_with(['-', '_']))
        };
        let at = (0..=same).rev().find(is_here)?;
        let before = &product[..at];
        let last = before.rsplit('_').next().unwrap_or(before);
        Some(Self {
            piece: file[at..at + length].to_owned(),
            behind: (at < product.len())
                .then(|| (before.matches('_').count(), last.matches('-').count() + 1)),
        })
    }

    fn put_into(&self, product: &str) -> Option<String> {
        let Some((word, part)) = self.behind else {
            return Some(format!("{product}{}", self.piece));
        };
        let mut words: Vec<String> = product.split('_').map(str::to_owned).collect();
        let changed = words.get_mut(word)?;
        let end = changed
            .match_indices('-')
            .nth(part - 1)
            .map_or(changed.len(), |(at, _)| at);
        changed.insert_str(end, &self.piece);
        Some(words.join("_"))
    }
}

/// The name of the variable that a file holds: what its name has more than the product's, if that says something.
fn variable(
    collection: &Collection,
    product: &str,
    file: &str,
    addition: Option<&Addition>,
) -> String {
    let facts = collection
        .variable_of_file(file)
        .map(|facts| facts.name.as_str());
    let piece = addition.map_or("", |addition| addition.piece.trim_matches(['-', '_']));
    match (piece, facts) {
        // The piece may hold more, such as an epoch; `MAP` says nothing.
        (piece, Some(name)) if piece.is_empty() || piece == "MAP" || piece.contains(name) => {
            name.to_owned()
        }
        ("", None) => match &collection.variables[..] {
            [only] => only.name.clone(),
            _ => left_over(product, file),
        },
        (piece, _) => piece.to_owned(),
    }
}

/// What is left of a file's name without the words of its product's, or else the product's own word.
fn left_over(product: &str, file: &str) -> String {
    const OF_ALL: [&str; 6] = ["c", "gls", "clms", "CLMS", "HRLVLCC", "WSI"];
    let of_product: Vec<&str> = product.split('_').collect();
    let more: Vec<&str> = file
        .split('_')
        .filter(|word| !of_product.contains(word))
        .collect();
    if more.is_empty() {
        let own = of_product.into_iter().find(|word| !OF_ALL.contains(word));
        own.unwrap_or(product).to_owned()
    } else {
        more.join("_")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Product and file of which the names are learned, the variable, and the same of another date.
    const REAL: [[&str; 6]; 9] = [
        [
            "ssm_europe_1km_daily_v1",
            "c_gls_SSM1km_202506010000_CEURO_S1CSAR_V1.2.1_cog",
            "c_gls_SSM1km-NOISE_202506010000_CEURO_S1CSAR_V1.2.1.tiff",
            "NOISE",
            "c_gls_SSM1km_202506020000_CEURO_S1CSAR_V1.1.1_cog",
            "c_gls_SSM1km-NOISE_202506020000_CEURO_S1CSAR_V1.1.1.tiff",
        ],
        [
            "fapar_global_300m_10daily_v2",
            "c_gls_FAPAR300-RT6_202302100000_GLOBE_OLCI_V2.0.1_cog",
            "c_gls_FAPAR300-FAPAR-RT6_202302100000_GLOBE_OLCI_V2.0.1.tiff",
            "FAPAR",
            "c_gls_FAPAR300-RT0_201401100000_GLOBE_PROBAV_V2.0.1_cog",
            "c_gls_FAPAR300-FAPAR-RT0_201401100000_GLOBE_PROBAV_V2.0.1.tiff",
        ],
        [
            "fapar_global_300m_10daily_v2",
            "c_gls_FAPAR300-RT6_202302100000_GLOBE_OLCI_V2.0.1_cog",
            "c_gls_FAPAR300-LENGTH_BEFORE-RT6_202302100000_GLOBE_OLCI_V2.0.1.tiff",
            "LENGTH_BEFORE",
            "c_gls_FAPAR300_201401100000_GLOBE_PROBAV_V2.0.1_cog",
            "c_gls_FAPAR300-LENGTH_BEFORE_201401100000_GLOBE_PROBAV_V2.0.1.tiff",
        ],
        [
            "fapar_global_300m_10daily_v2",
            "c_gls_FAPAR300-RT6_202302100000_GLOBE_OLCI_V2.0.1_cog",
            "c_gls_FAPAR300-RMSE-RT6_202302100000_GLOBE_OLCI_V2.0.1.tiff",
            "RMSE",
            "c_gls_FAPAR300-RT1_202302200000_GLOBE_OLCI_V2.0.1_cog",
            "c_gls_FAPAR300-RMSE-RT1_202302200000_GLOBE_OLCI_V2.0.1.tiff",
        ],
        [
            "ndvi_global_300m_10daily_v3",
            "c_gls_NDVI300_202406210000_GLOBE_OLCI_V3.0.1_cog",
            "c_gls_NDVI300-NDVI_202406210000_GLOBE_OLCI_V3.0.1.tiff",
            "NDVI",
            "c_gls_NDVI300_202407010000_GLOBE_OLCI_V3.0.1_cog",
            "c_gls_NDVI300-NDVI_202407010000_GLOBE_OLCI_V3.0.1.tiff",
        ],
        [
            "ndvi-lts_global_1km_10daily_v3",
            "c_gls_NDVI-LTS_1999-2019-0621_GLOBE_VGT-PROBAV_V3.0.1_cog",
            "c_gls_NDVI-MEAN-LTS_1999-2019-0621_GLOBE_VGT-PROBAV_V3.0.1.tiff",
            "MEAN",
            "c_gls_NDVI-LTS_1999-2019-0701_GLOBE_VGT-PROBAV_V3.0.1_cog",
            "c_gls_NDVI-MEAN-LTS_1999-2019-0701_GLOBE_VGT-PROBAV_V3.0.1.tiff",
        ],
        [
            "clms_wsi_fractional-snow-cover_europe_utm_20m_daily_v2",
            "CLMS_WSI_FSC_020m_T32TLR_20260402T102841_S2A_V200",
            "CLMS_WSI_FSC_020m_T32TLR_20260402T102841_S2A_V200_FSCOG-QA.tif",
            "FSCOG-QA",
            "CLMS_WSI_FSC_020m_T32TMR_20260403T102841_S2B_V200",
            "CLMS_WSI_FSC_020m_T32TMR_20260403T102841_S2B_V200_FSCOG-QA.tif",
        ],
        [
            "clms_vlcc_tree-cover-density_europe_10m_yearly_v1",
            "CLMS_HRLVLCC_TCD_S2021_R10m_E48N28_03035_V01_R00_cog",
            "CLMS_HRLVLCC_TCD_S2021_R10m_E48N28_03035_V01_R00.tif",
            "TCD",
            "CLMS_HRLVLCC_TCD_S2022_R10m_E48N29_03035_V01_R00_cog",
            "CLMS_HRLVLCC_TCD_S2022_R10m_E48N29_03035_V01_R00.tif",
        ],
        [
            "lcm_global_10m_yearly_v1",
            "LCFM_LCM-10_V100_2020_N18E105_cog",
            "LCFM_LCM-10_V100_2020_N18E105_MAP.tif",
            "LCM",
            "LCFM_LCM-10_V100_2021_N18E108_cog",
            "LCFM_LCM-10_V100_2021_N18E108_MAP.tif",
        ],
    ];

    #[test]
    fn one_folder_tells_the_names_in_all_others() {
        for [collection, product, file, variable, other, expected] in REAL {
            let collection = Collection::find(collection).unwrap();
            let pattern = FilePattern::of(collection, product, file).unwrap();
            assert_eq!(pattern.variable, variable, "{file}");
            assert_eq!(pattern.file_of(product).as_deref(), Some(file));
            assert_eq!(pattern.file_of(other).as_deref(), Some(expected));
        }
    }

    #[test]
    fn an_epoch_in_the_name_makes_no_other_variable() {
        let collection = Collection::find("lc_global_100m_yearly_v3").unwrap();
        let of = |product: &str, file: &str| FilePattern::of(collection, product, file);
        let [base, conso] = [("2016", "base"), ("2018", "conso")].map(|(year, epoch)| {
            let file = format!("PROBAV_LC100_global_v3.1.2_{year}-{epoch}_Discrete-Classification-map_EPSG-4326.tif");
            of(&format!("PROBAV_LC100_global_v3.1.2_{year}_cog"), &file).unwrap()
        });
        assert_eq!(base.variable, "Discrete-Classification-map");
        assert_eq!(base.variable, conso.variable);
        assert_eq!(
            of("PROBAV_LC100_global_v3.1.2_2017_cog", "legend.qml"),
            None
        );
    }
}
