//! What a store answers about data ids without getting them.

use std::path::PathBuf;

use clms_sim::Sim;
use clms_store::{
    ClmsStore, DataId, DataType, Listing, Parameters, StoreError,
    catalogue::{Entry, Filter, Query},
};
use futures::StreamExt as _;
use serde_json::Value;
use tempfile::TempDir;

const CLC: &str = "clc2018|u2018_clc2018_v2020_20u1_raster100m";
const CLC_VECTOR: &str = "clc2018|u2018_clc2018_v2020_20u1_fgdb";
const CLC_PART: &str = "clc2018|100 m?nuts=LU";
const LEGACY: &str = "lake-ice-extent-europe-v2-250m|LEGACY";

struct Scene {
    sim: Sim,
    folder: TempDir,
}

impl Scene {
    fn new() -> Self {
        Self {
            sim: Sim::builder().start().unwrap(),
            folder: TempDir::new().unwrap(),
        }
    }

    fn catalogue_file(&self) -> PathBuf {
        self.folder.path().join("catalogue.json")
    }

    fn store(&self) -> ClmsStore {
        ClmsStore::builder()
            .api_url(self.sim.api_url())
            .cache(self.folder.path().join("cache").to_str().unwrap())
            .catalogue_file(self.catalogue_file())
            .build()
            .unwrap()
    }

    fn edit_catalogue(&self, edit: impl FnOnce(&mut Value)) {
        let file = self.catalogue_file();
        let mut kept = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        edit(&mut kept);
        std::fs::write(&file, kept.to_string()).unwrap();
    }
}

fn id(text: &str) -> DataId {
    text.parse().unwrap()
}

#[tokio::test]
async fn every_kind_of_data_id_has_a_type_and_a_way_to_open_it() {
    let scene = Scene::new();
    let store = scene.store();
    for (text, data_type, opener, has_data) in [
        (CLC, DataType::Dataset, &["dataset:zarr:cache"][..], true),
        (
            CLC_VECTOR,
            DataType::GeoDataFrame,
            &["geodataframe:gpkg:cache"],
            true,
        ),
        (CLC_PART, DataType::Dataset, &["dataset:zarr:cache"], true),
        (
            "clc2018|VECTOR?nuts=LU",
            DataType::GeoDataFrame,
            &["geodataframe:gpkg:cache"],
            true,
        ),
        ("clc2018", DataType::Dataset, &[], false),
    ] {
        let data_id = id(text);
        assert_eq!(
            store.data_type(&data_id).await.unwrap(),
            data_type,
            "{text}"
        );
        assert_eq!(store.opener_ids(&data_id).await.unwrap(), opener, "{text}");
        assert_eq!(store.has_data(&data_id).await.unwrap(), has_data, "{text}");
    }
    let moisture = store
        .describe(&id("daily-surface-soil-moisture-v1-0"))
        .await
        .unwrap();
    assert_eq!(
        moisture.opener_ids,
        ["dataset:netcdf:https", "dataset:geotiff:https"]
    );
    assert!(!store.has_data(&id("nothing|of that")).await.unwrap());
    assert!(store.data_type(&id("nothing|of that")).await.is_err());
}

/// What a hint says works: the command that is named for moved data is one for an id that can be opened.
#[tokio::test]
async fn what_has_moved_can_be_had_under_the_id_that_is_named() {
    let scene = Scene::new();
    let store = scene.store();
    let everything = Filter {
        all: true,
        ..Filter::default()
    };
    let catalogue = store.catalogue().await.unwrap();
    let mut commands = 0;
    for entry in catalogue.list(&everything) {
        let hint = entry.why_not.as_ref().map_or("", |why| &why.hint);
        for command in hint.split("clms open '").skip(1) {
            let named = command.split('\'').next().unwrap();
            let found = catalogue.entry(&id(named)).unwrap();
            assert!(found.available, "{}: {hint}", entry.data_id);
            commands += 1;
        }
    }
    assert!(commands > 0);
    let cover = "copernicus-global-land-service-land-cover-100m-collection-3-epoch-2019-globe";
    let closed = catalogue.entry(&id(&format!("{cover}|LANDCOVER"))).unwrap();
    let why = closed.why_not.as_ref().unwrap();
    assert!(
        why.reason.contains("closed on 2025-06-14"),
        "{}",
        why.reason
    );
    assert!(
        why.reason.contains("lc_global_100m_yearly_v3"),
        "{}",
        why.reason
    );
    assert_eq!(why.hint, format!("open it with: clms open '{cover}'"));
}

#[tokio::test]
async fn attributes_of_data_ids_are_those_that_are_named_or_all() {
    let scene = Scene::new();
    let store = scene.store();
    let filter = Filter {
        pattern: Some("clc2018|*raster100m".to_owned()),
        ..Filter::default()
    };
    for (names, least) in [(&["title"][..], 1), (&["*"], 8), (&[], 0)] {
        let ids: Vec<_> = store
            .data_ids(&filter, names)
            .await
            .unwrap()
            .collect()
            .await;
        let [(data_id, attributes)] = &ids[..] else {
            panic!("{ids:?}");
        };
        assert_eq!(data_id.to_string(), CLC);
        assert!(attributes.len() >= least, "{names:?}: {attributes:?}");
        assert_eq!(attributes.contains_key("title"), least > 0);
    }
}

#[tokio::test]
async fn a_schema_for_a_data_id_has_what_matters_for_it() {
    let scene = Scene::new();
    let store = scene.store();
    let names = |schema: &Value| -> Vec<String> {
        schema["properties"]
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect()
    };
    let open = |text: &'static str| {
        let store = store.clone();
        async move { store.parameters(Parameters::Open, &id(text)).await.unwrap() }
    };
    assert_eq!(names(&open(CLC).await), ["variables"]);
    assert_eq!(names(&open(LEGACY).await), ["time", "variables"]);
    let all = names(&Parameters::Preload.schema());
    let raster = store
        .parameters(Parameters::Preload, &id(CLC_PART))
        .await
        .unwrap();
    assert_eq!(names(&raster), all);
    let vector = store
        .parameters(Parameters::Preload, &id(CLC_VECTOR))
        .await
        .unwrap();
    assert!(!names(&vector).contains(&"tile_size".to_owned()));
    let lazily = store.parameters(Parameters::Preload, &id(LEGACY)).await;
    assert!(matches!(lazily, Err(StoreError::OpenedInPlace { .. })));
}

#[tokio::test]
async fn a_product_that_is_new_at_the_portal_is_asked_for_once() {
    let scene = Scene::new();
    let searches = || {
        let requests = scene.sim.requests();
        requests
            .iter()
            .filter(|it| it.path.ends_with("@search"))
            .count()
    };
    let store = scene.store();
    assert!(store.has_data(&id(CLC)).await.unwrap());
    let first = searches();
    assert!(!store.has_data(&id("clc2081|x")).await.unwrap());
    assert_eq!(searches(), first, "a young catalogue is complete");

    scene.edit_catalogue(|kept| {
        let datasets = kept["datasets"].as_array_mut().unwrap();
        let before = datasets.len();
        datasets.retain(|dataset| !dataset.to_string().contains("clc2018"));
        assert!(datasets.len() < before);
        let two_hours_ago = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(2);
        kept["loaded_at"] = two_hours_ago.to_string().into();
    });
    assert!(store.has_data(&id(CLC)).await.unwrap());
    assert_eq!(searches(), 2 * first);
}

/// Also where what is kept on disk for it is missing, damaged, or of another catalogue.
#[tokio::test]
async fn a_listing_lists_and_finds_what_the_catalogue_does() {
    let scene = Scene::new();
    let store = scene.store();
    let everything = Filter {
        all: true,
        ..Filter::default()
    };
    let query = Query {
        text: "forest europe 2018".to_owned(),
        ..Query::default()
    };
    let check = async |when: &str| -> Listing {
        let listing = store.listing().await.unwrap();
        let catalogue = store.catalogue().await.unwrap();
        let listed: Vec<&Entry> = listing.list(&everything).collect();
        assert!(listed.len() > 100);
        assert_eq!(
            listed,
            catalogue.list(&everything).collect::<Vec<_>>(),
            "{when}"
        );
        assert_eq!(listing.search(&query), catalogue.search(&query), "{when}");
        listing
    };
    let first = check("it is loaded").await;
    let requests = scene.sim.requests().len();
    let file = scene.folder.path().join("catalogue.json.listing");
    let kept = std::fs::read(&file).unwrap();
    assert_eq!(check("it is read").await, first);

    std::fs::write(&file, &kept[..kept.len() / 2]).unwrap();
    assert_eq!(check("it is damaged").await, first);
    assert_eq!(std::fs::read(&file).unwrap(), kept, "it is written anew");

    scene.edit_catalogue(|kept| {
        let datasets = kept["datasets"].as_array_mut().unwrap();
        datasets.retain(|dataset| !dataset.to_string().contains("clc2018"));
    });
    let other = check("the catalogue is another").await;
    assert!(other.list(&everything).count() < first.list(&everything).count());
    assert_eq!(check("that is read").await, other);

    std::fs::remove_file(&file).unwrap();
    assert_eq!(check("it is missing").await, other);
    let asked = scene.sim.requests().len();
    assert_eq!(asked, requests, "all that needs no portal");

    let refreshed = store.refresh_listing().await.unwrap();
    assert_eq!(refreshed, first);
    assert_eq!(check("it is loaded anew").await, first);
}
