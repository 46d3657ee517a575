//! A portal that names a dataset at WEkEO, a broker that has two tiles of it, and an engine that wants them.

use std::{path::Path, sync::Arc, time::Duration};

use clms_api::{BBox, Client, Dataset, DatasetQuery};
use clms_factory::{PackageSpec, Pattern, RasterSpec};
use clms_preload::{
    Engine, JobOutcome, JobRequest, NoProgress, Policy, PollPolicy, Progress, RunOptions,
    ServerName, Servers,
};
use clms_sim::{
    Sim,
    hda::{HdaDataset, HdaHabits, HdaProduct, HdaSim, HdaSimBuilder},
};
use clms_store::{
    ClmsStore, DataId, PreloadOptions, packages,
    wekeo::{
        Account, HdaClient, Selection, WekeoOptions, WekeoSource, convert_stored, job_request,
    },
};
use futures::TryStreamExt as _;
use jiff::SignedDuration;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

/// The dataset that the portal's query names.
pub(super) const FSC: &str = "EO:CRYO:DAT:HRSI:FSC";
/// What the cube is called.
pub(super) const DATA_ID: &str = "fractional-snow-cover|20m";
/// Pixels of an edge of a tile.
pub(super) const EDGE: usize = 100;

pub(super) struct Scene {
    pub(super) broker: HdaSim,
    pub(super) options: WekeoOptions,
    folder: TempDir,
    dataset: Dataset,
}

/// The western tile, which comes as a zip in a zip, and its eastern neighbour, which comes as it is.
pub(super) fn tiles() -> [RasterSpec; 2] {
    let left = 500_000.0;
    let tile = |name: &str, left: f64| {
        RasterSpec::new(
            format!("CLMS_WSI_FSC_020m_{name}_20180105_V100.tif"),
            EDGE,
            EDGE,
        )
        .epsg(32632)
        .corner(left, 5_200_000.0, 20.0)
        .nodata("255")
        .pattern(Pattern::plane(20.0))
    };
    [
        tile("T32TNS", left),
        tile("T32TPS", left + 20.0 * EDGE as f64),
    ]
}

fn broker(folder: &Path) -> HdaSimBuilder {
    let [west, east] = tiles();
    let zip = PackageSpec::new("FSC_T32TNS")
        .raster(west)
        .write(folder)
        .unwrap();
    let tif = east.write(folder).unwrap();
    let product = |id: &str, path: &Path, west: f64| {
        HdaProduct::of_file(FSC, id, path)
            .unwrap()
            .filter("productType", "FSC")
            .bbox([west, 46.0, west + 1.0, 47.0])
            .on("2018-01-05")
    };
    HdaSim::builder()
        .dataset(HdaDataset::new(FSC))
        .product(product("FSC_20180105_T32TNS", &zip, 9.0))
        .product(product("FSC_20180105_T32TPS.tif", &tif, 10.0).of_unknown_size())
        .product(product("FSC_20180105_T29SND.tif", &tif, -9.0))
        .product(product("FSC_20180106_T32TNS", &zip, 9.0).on("2018-01-06"))
}

impl Scene {
    pub(super) async fn new(habits: HdaHabits) -> Self {
        let folder = TempDir::new().unwrap();
        let portal = Sim::builder().start().unwrap();
        let client = Client::builder()
            .base_url(portal.api_url())
            .build()
            .unwrap();
        let query = DatasetQuery::new().id("fractional-snow-cover");
        let datasets: Vec<Dataset> = client.datasets(query).try_collect().await.unwrap();
        Self {
            broker: broker(folder.path()).habits(habits).start().unwrap(),
            options: WekeoOptions {
                settle: SignedDuration::from_millis(50),
                pause: Duration::from_millis(20),
                ..WekeoOptions::default()
            },
            dataset: datasets.into_iter().next().unwrap(),
            folder,
        }
    }

    pub(super) fn client(&self) -> HdaClient {
        let account = Account::new(HdaSim::USERNAME, HdaSim::PASSWORD.to_owned());
        HdaClient::new(self.broker.url(), Some(account)).unwrap()
    }

    /// The job for what was seen from the first to the last day, in the north of Italy.
    pub(super) fn request(&self, first: &str, last: &str) -> JobRequest {
        let part = Selection {
            bbox: BBox {
                west: 9.2,
                south: 46.1,
                east: 10.8,
                north: 46.9,
            },
            first: first.parse().unwrap(),
            last: last.parse().unwrap(),
        };
        let [collection] = &self.dataset.download_information[..] else {
            panic!("one collection at WEkEO");
        };
        let query = convert_stored(collection.wekeo_choices.as_deref().unwrap(), &part).unwrap();
        let data_id: DataId = DATA_ID.parse().unwrap();
        let options = PreloadOptions::default();
        job_request(&data_id, &self.dataset, &query, &options).unwrap()
    }

    pub(super) fn store(&self) -> ClmsStore {
        let cache = self.folder.path().join("cache");
        ClmsStore::builder()
            .cache(cache.to_str().unwrap())
            .build()
            .unwrap()
    }

    /// What a process has.
    pub(super) fn engine(&self, progress: Arc<dyn Progress>) -> Engine {
        let cache = self.folder.path().join("cache");
        let cache = clms_cache::open_cache(cache.to_str().unwrap(), &Default::default()).unwrap();
        let source = WekeoSource::new(self.client(), cache.records(), self.options.clone());
        let scratch = self.folder.path().join("scratch");
        Engine::builder(
            Servers::none().with(ServerName::new("wekeo"), Arc::new(source.unwrap())),
            Arc::new(packages::unpacker()),
            packages::builder(),
            cache,
            scratch,
        )
        .progress(progress)
        .poll(PollPolicy {
            initial: Duration::from_millis(20),
            longest: Duration::from_millis(50),
            ..PollPolicy::default()
        })
        .policy(Policy {
            settle: Duration::from_millis(50),
            backoff: Duration::from_millis(10),
            max_backoff: Duration::from_millis(200),
            link_retry: Duration::from_millis(10),
            ..Policy::default()
        })
        .build()
    }

    /// One process from its beginning to its end.
    pub(super) async fn preload(&self) -> JobOutcome {
        self.preload_days("2018-01-05", "2018-01-05").await
    }

    pub(super) async fn preload_days(&self, first: &str, last: &str) -> JobOutcome {
        let engine = self.engine(Arc::new(NoProgress));
        let request = self.request(first, last);
        let cancel = CancellationToken::new();
        let mut outcomes = engine
            .run(vec![request], RunOptions::default(), &cancel)
            .await;
        outcomes.remove(0)
    }

    /// How often an endpoint was called.
    pub(super) fn calls(&self, method: &str, ending: &str) -> usize {
        let requests = self.broker.requests();
        let is_it = |path: &str| path.ends_with(ending);
        requests
            .iter()
            .filter(|request| request.method == method && is_it(&request.path))
            .count()
    }

    /// What was ordered, in the order in which it was.
    pub(super) fn ordered(&self) -> Vec<String> {
        let orders = self.broker.orders().into_iter();
        orders.map(|order| order.product_id).collect()
    }

    /// The cube has both tiles, each where it lies.
    pub(super) async fn assert_whole(&self) {
        let cube = self.store().open(&DATA_ID.parse().unwrap()).await.unwrap();
        let group = cube.group("").unwrap();
        let names: Vec<&str> = group.variables.iter().map(|v| v.name.as_str()).collect();
        assert_eq!(names, ["FSC"]);
        let (height, width) = (EDGE as u64, 2 * EDGE as u64);
        let window = cube
            .read_window("", "FSC", 0..height, 0..width)
            .await
            .unwrap();
        for (number, tile) in tiles().iter().enumerate() {
            for (col, row) in [(0, 0), (EDGE - 1, 0), (37, 61), (EDGE - 1, EDGE - 1)] {
                let at = row * 2 * EDGE + number * EDGE + col;
                assert_eq!(
                    window.pixels.value(at),
                    tile.value_at_pixel(col, row),
                    "tile {number}, {col}, {row}"
                );
            }
        }
    }
}
