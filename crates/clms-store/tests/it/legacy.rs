//! Files of the former global land service, opened lazily where they lie.

use std::{ops::RangeInclusive, path::Path};

use clms_factory::DatedRaster;
use clms_sim::{Fault, FaultKind, Habits, RequestRecord, RetryAfter, Sim, When};
use clms_store::{
    ClmsStore, DataId, OpenOptions, ServiceKey, StoreError,
    cube::{Dataset, Selection},
};
use jiff::{ToSpan, civil::Date};
use tempfile::TempDir;

const LAKE_ICE: &str = "lake-ice-extent-europe-v2-250m|LEGACY";
const WIDTH: usize = 240;
const HEIGHT: usize = 160;

/// The days that have values of their own; all others have those of the first.
const OWN_VALUES: RangeInclusive<i8> = 1..=3;

struct Scene {
    sim: Sim,
    folder: TempDir,
}

fn raster(day: Date) -> DatedRaster {
    DatedRaster::soil_moisture(day, WIDTH, HEIGHT)
}

impl Scene {
    fn new(habits: Habits) -> Self {
        let folder = TempDir::new().unwrap();
        let packages = folder.path().join("packages");
        std::fs::create_dir(&packages).unwrap();
        write_files(&packages);
        let sim = Sim::builder().packages(&packages).habits(habits);
        let sim = sim.start().unwrap();
        Self { sim, folder }
    }

    fn store(&self) -> ClmsStore {
        let file = |name: &str| self.folder.path().join(name);
        ClmsStore::builder()
            .api_url(self.sim.api_url())
            .service_key(ServiceKey::from_json(&self.sim.service_key_json()).unwrap())
            .cache(file("cache").to_str().unwrap())
            .catalogue_file(file("catalogue.json"))
            .build()
            .unwrap()
    }

    async fn open(&self, time: &str) -> Result<Dataset, StoreError> {
        let options = OpenOptions {
            time: Some(time.parse().unwrap()),
            ..OpenOptions::default()
        };
        self.store().open_part(&id(), &options).await
    }

    /// Requests for files, not for the portal.
    fn of_files(&self) -> Vec<RequestRecord> {
        let requests = self.sim.requests().into_iter();
        requests
            .filter(|one| one.path.contains("legacydata"))
            .collect()
    }
}

fn id() -> DataId {
    LAKE_ICE.parse().unwrap()
}

/// The files of a year.
pub(crate) fn write_files(packages: &Path) {
    let name = |day: Date| {
        let day = day.strftime("%Y%m%d");
        packages.join(format!("c_gls_LIE250m_{day}1200_GLOBE_SIM_V1.0.1.nc"))
    };
    let first = jiff::civil::date(2020, 1, 1);
    for day in first.series(1.day()).take_while(|day| day.year() == 2020) {
        if day.month() == 1 && OWN_VALUES.contains(&day.day()) {
            raster(day).write_netcdf(&name(day)).unwrap();
        } else {
            std::fs::hard_link(name(first), name(day)).unwrap();
        }
    }
}

fn files_of(requests: &[RequestRecord]) -> Vec<&str> {
    let mut paths: Vec<&str> = requests.iter().map(|one| one.path.as_str()).collect();
    paths.sort_unstable();
    paths.dedup();
    paths
}

#[tokio::test(flavor = "multi_thread")]
async fn a_year_of_days_costs_the_metadata_of_two_and_a_window_one_file() {
    let scene = Scene::new(Habits::default());
    let month = scene.open("2020-01").await.unwrap();
    let for_a_month = scene.of_files().len();
    let year = scene.open("2020").await.unwrap();
    let opened = scene.of_files();
    assert_eq!(opened.len(), 2 * for_a_month, "31 days cost what 366 do");
    assert_eq!(files_of(&opened).len(), 3, "the first and the last of each");
    assert_eq!(year.group("").unwrap().dims[0].size, 366);
    assert_eq!(month.group("").unwrap().dims[0].size, 31);

    let times = Selection::new()
        .time("2020-01-02T00:00:00Z".parse().unwrap()..="2020-01-02T23:00:00Z".parse().unwrap());
    let slab = year.select("", "ssm", &times).await.unwrap();
    let window = year.read(&slab).await.unwrap();
    assert_eq!(window.shape(), [1, HEIGHT as u64, WIDTH as u64]);
    let expected = raster(jiff::civil::date(2020, 1, 2)).pixels();
    let found: Vec<u8> = (0..window.pixels.len())
        .map(|at| window.pixels.value(at) as u8)
        .collect();
    assert_eq!(found, expected);
    let read = scene.of_files().split_off(opened.len());
    assert_eq!(files_of(&read).len(), 1, "{read:?}");
    assert!(files_of(&read)[0].contains("20200102"), "{read:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_wants_less_to_be_asked_is_given_time() {
    let strike = |kind, first| Fault {
        endpoint: "legacydata".to_owned(),
        when: When::First(first),
        kind,
    };
    let scene = Scene::new(Habits {
        faults: vec![
            strike(FaultKind::TooManyRequests(RetryAfter::Absent), 1),
            strike(FaultKind::Status(404), 2),
            strike(FaultKind::Status(503), 3),
        ],
        ..Habits::default()
    });
    let dataset = scene.open("2020-01-01/2020-01-05").await.unwrap();
    assert_eq!(dataset.group("").unwrap().dims[0].size, 5);
    let refused = scene.of_files();
    assert!(refused.iter().any(|one| one.status == 404), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn days_without_files_and_a_store_without_network_say_so() {
    let scene = Scene::new(Habits::default());
    let none = scene.open("1999").await.unwrap_err();
    assert_eq!(none.kind(), "moved", "{none}");
    assert!(none.to_string().contains("no files of lake-ice"), "{none}");
    let offline = ClmsStore::builder()
        .api_url(scene.sim.api_url())
        .catalogue_file(scene.folder.path().join("catalogue.json"))
        .cache(scene.folder.path().join("cache").to_str().unwrap())
        .offline(true)
        .build()
        .unwrap();
    let requests = scene.sim.requests().len();
    assert!(
        offline.has_data(&id()).await.unwrap(),
        "the catalogue is on disk"
    );
    let refused = offline.open(&id()).await.unwrap_err();
    assert_eq!(refused.kind(), "offline", "{refused}");
    assert_eq!(scene.sim.requests().len(), requests);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_gone_tells_where_it_is_now() {
    let scene = Scene::new(Habits {
        direct_links_gone: true,
        ..Habits::default()
    });
    let product = "lake-ice-extent-europe-v2-250m";
    let legacy: DataId = format!("{product}|LEGACY").parse().unwrap();
    let gone = scene.store().open(&legacy).await.unwrap_err();
    assert_eq!(gone.kind(), "moved", "{gone}");
    let text = gone.to_string();
    assert!(
        text.contains("its data have moved to CDSE (as lie_europe"),
        "{text}"
    );
    let hint = gone.hint().unwrap();
    assert_eq!(hint, format!("open it with: clms open '{product}'"));
}
