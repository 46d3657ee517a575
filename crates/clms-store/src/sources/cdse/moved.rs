//! Where the data of the portal's products are now.
//!
//! Products stay in the portal's catalogue when their data move: from the agency's store and the former global land service to CDSE or WEkEO.
//! What the portal answers then (nothing, a dead link, 403 from a closed bucket) says nothing of that.

use super::{Collection, CollectionKind};

/// The bucket of the global land cover was closed then.
const LANDCOVER_CLOSED: &str = "2025-06-14";

/// Where global land cover of 100 m is now, whichever of its titles the portal uses.
const LANDCOVER_NOW: &str = "lc_global_100m_yearly_v3";

/// The portal's word for the bucket of the global land cover.
const LANDCOVER: &str = "LANDCOVER";

/// The collections of CDSE that have the data of a product of the portal, by its title and the word for where the portal takes it from.
pub(super) fn collections_of(title: &str, source: Option<&str>) -> Vec<&'static Collection> {
    let found = Collection::of_title(title);
    let was_in_bucket = source.is_some_and(|word| word.trim().eq_ignore_ascii_case(LANDCOVER));
    // Of the closed bucket each year had a title of its own; it held this one product of 100 m.
    match found {
        [] if was_in_bucket && title.contains("100 m") => {
            Collection::find(LANDCOVER_NOW).into_iter().collect()
        }
        found => found.to_vec(),
    }
}

/// Where the data of a product are now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Whereabouts {
    /// In collections of CDSE that can be opened.
    Cdse,
    /// In CDSE, in a form that this version does not read.
    CdseFiles,
    /// At WEkEO.
    Wekeo,
    /// In a place that was closed, and nobody knows of another one.
    Closed,
}

/// That the data of a product have moved, and what to do.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Moved {
    /// Where they are now.
    pub whereabouts: Whereabouts,
    /// The collections of CDSE that have them; empty elsewhere.
    pub collections: Vec<&'static Collection>,
    /// What has happened, in words.
    pub reason: String,
    /// The command that gets them, or where they lie.
    pub hint: String,
}

impl Moved {
    /// Of a product of the portal: its id, its title, and the word for where the portal takes it from (such as `WEKEO`). `None` if nothing
    /// is known of a move: then it is where the portal says.
    #[must_use]
    pub fn of_product(product: &str, title: &str, source: Option<&str>) -> Option<Self> {
        let collections = collections_of(title, source);
        let source = source.map(|word| word.trim().to_ascii_uppercase());
        let landcover = source.as_deref() == Some(LANDCOVER);
        let closed = format!("its bucket was closed on {LANDCOVER_CLOSED}");
        let ids: Vec<&str> = collections
            .iter()
            .map(|collection| collection.id.as_str())
            .collect();
        let now = |place: &str| match landcover {
            true => format!("{closed}; its data are at {place} now"),
            false => format!("its data have moved to {place}"),
        };
        let cdse = || now(&format!("CDSE (as {})", ids.join(" and ")));
        Some(match (collections.first(), source.as_deref()) {
            (Some(main), _) if main.kind == CollectionKind::Raster => Self {
                whereabouts: Whereabouts::Cdse,
                reason: cdse(),
                hint: command(product, &ids),
                collections,
            },
            (Some(main), _) => Self {
                whereabouts: Whereabouts::CdseFiles,
                reason: cdse(),
                hint: format!("get the files from {}", main.place()),
                collections,
            },
            (None, Some("WEKEO")) => Self {
                whereabouts: Whereabouts::Wekeo,
                reason: now("WEkEO"),
                hint: "look for it at wekeo.copernicus.eu".to_owned(),
                collections,
            },
            (None, Some(LANDCOVER)) => Self {
                whereabouts: Whereabouts::Closed,
                reason: closed.clone(),
                hint: "look for it in the Copernicus Data Space Ecosystem, dataspace.copernicus.eu"
                    .to_owned(),
                collections,
            },
            _ => return None,
        })
    }
}

/// With the id of the collection where the product has several.
fn command(product: &str, ids: &[&str]) -> String {
    let commands: Vec<String> = match ids {
        [_] => vec![format!("clms open '{product}'")],
        several => several
            .iter()
            .map(|id| format!("clms open '{product}|{id}'"))
            .collect(),
    };
    format!("open it with: {}", commands.join(" or "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_what_has_moved_the_command_or_the_place_is_told() {
        let title = |id: &str| Collection::find(id).unwrap().title.as_deref().unwrap();
        let moved =
            |id: &str, source| Moved::of_product("a-product", title(id), Some(source)).unwrap();

        let moisture = moved("ssm_europe_1km_daily_v1", "LEGACY");
        assert_eq!(moisture.whereabouts, Whereabouts::Cdse);
        assert_eq!(moisture.hint, "open it with: clms open 'a-product'");

        let cover = moved("lc_global_100m_yearly_v3", "LANDCOVER");
        assert!(
            cover.reason.contains("closed on 2025-06-14"),
            "{}",
            cover.reason
        );
        assert_eq!(cover.collections[0].id, "lc_global_100m_yearly_v3");
        let renamed = Moved::of_product(
            "x",
            "Land cover 2019 (raster 100 m), global",
            Some("LANDCOVER"),
        );
        assert_eq!(renamed.unwrap().collections, cover.collections);

        let rivers = moved("wl-rivers_global_vector_daily_v2", "LEGACY");
        assert_eq!(rivers.whereabouts, Whereabouts::CdseFiles);
        assert!(rivers.hint.contains("s3://eodata/CLMS/"), "{}", rivers.hint);

        let crops = moved("clms_vlcc_crop-types_europe_10m_yearly_v1", "WEKEO");
        assert!(
            crops
                .hint
                .contains("'a-product|clms_vlcc_crop-types-confidence-layer_europe_10m_yearly_v1'")
        );
    }

    #[test]
    fn of_what_has_not_moved_nothing_is_said() {
        let title = "CORINE Land Cover 2018 (vector/raster 100 m), Europe, 6-yearly";
        assert_eq!(Moved::of_product("clc2018", title, Some("EEA")), None);
        let elsewhere = Moved::of_product("x", "Something else", Some("WEKEO")).unwrap();
        assert_eq!(elsewhere.whereabouts, Whereabouts::Wekeo);
    }
}
