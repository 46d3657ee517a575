//! What is there when the reader of a page begins: services, packages, a home.

use std::{
    env, fs,
    net::TcpListener,
    path::{Path, PathBuf},
};

use clms_factory::{Package, PackageSpec, Scale};
use clms_servers::Server;
use clms_sim::{
    Habits, Sim,
    hda::{HdaHabits, HdaSim},
};
use clms_tests::{Scene, cdse::Cdse, cut, lake_ice, program, python, wekeo};

/// Where the pages are read, as they show it.
const HOME: &str = "/home/ada";

/// Where the service key is kept at home.
const KEY: &str = ".config/clms/credentials.json";

/// The world of one page. Its comment `<!-- stage` has a line for each thing that is there:
///
/// | line | what is there |
/// |---|---|
/// | `package NAME WxH` | the portal delivers this package, at most so large |
/// | `package NAME WxH at X,Y` | the same with its upper left corner there |
/// | `parts` | the portal cuts out parts of datasets |
/// | `habit NAME=VALUE` | a bad habit of the portal, as `clms-sim --habit` takes it |
/// | `lake-ice N` | the links of `lake-ice-extent-europe-v2-250m` lead to so many days from 1 January 2020 on |
/// | `cdse` | CDSE with two days of soil moisture, and its keys |
/// | `wekeo` | WEkEO with one tile of snow, and an account |
/// | `s3` | an object storage with the bucket `bucket` at `https://storage.example`, and its keys |
/// | `no-key` | the reader has no service key yet |
/// | `downloaded-key` | the reader has just downloaded one |
/// | `port N` | this port is really another one, which is free |
/// | `nothing` | no service, and no key |
pub(super) struct Stage {
    scene: Scene,
    cdse: Option<Cdse>,
    wekeo: Option<HdaSim>,
    s3: Option<Server>,
    without_service: bool,
    /// What pages show in place of what is there.
    stand_ins: Vec<(String, String)>,
}

impl Stage {
    pub(super) fn of(directives: &[String]) -> Self {
        let mut service = Sim::builder();
        let mut habits = Habits::default();
        let mut packages = Vec::new();
        let mut stand_ins = Vec::new();
        let (mut days, mut cdse, mut wekeo, mut s3) = (0, false, false, false);
        let (mut key, mut without_service) = (Some(KEY), false);
        for line in directives {
            let words: Vec<&str> = line.split_whitespace().collect();
            match words[..] {
                ["package", name, size, ref place @ ..] => {
                    let scale: Scale = size.parse().unwrap();
                    let package = Package::by_file_name(name, scale).unwrap();
                    packages.push(moved(package.into_spec(), place));
                }
                ["parts"] => service = service.parts(cut),
                ["habit", habit] => habits.set(habit).unwrap(),
                ["lake-ice", number] => days = number.parse().unwrap(),
                ["cdse"] => cdse = true,
                ["wekeo"] => wekeo = true,
                ["s3"] => s3 = true,
                ["no-key"] => key = None,
                ["downloaded-key"] => key = Some("Downloads/token.json"),
                ["port", port] => {
                    let free = TcpListener::bind(("127.0.0.1", 0)).unwrap();
                    let port_there = free.local_addr().unwrap().port();
                    stand_ins.push((port.to_owned(), port_there.to_string()));
                }
                ["nothing"] => (without_service, key) = (true, None),
                _ => panic!("nobody knows how to put {line:?} on stage"),
            }
        }
        let scene = Scene::of(service.habits(habits));
        for package in packages {
            package.write(&scene.packages()).unwrap();
        }
        let _ = lake_ice(&scene.packages(), days);
        let mut stage = Self {
            cdse: cdse.then(Cdse::with_soil_moisture),
            wekeo: wekeo.then(|| wekeo::broker(scene.home(), HdaHabits::default())),
            s3: s3.then(|| Server::s3_with_bucket("bucket")),
            scene,
            without_service,
            stand_ins,
        };
        stage.furnish(key);
        stage
    }

    /// Makes the reader's home, with a service key at this place in it.
    fn furnish(&mut self, key: Option<&str>) {
        fs::create_dir_all(self.folder()).unwrap();
        if let Some(place) = key {
            let path = self.home().join(place);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            self.scene.sim.write_service_key(&path).unwrap();
        }
        let home = self.home().to_str().unwrap().to_owned();
        self.stand_ins.push((HOME.to_owned(), home));
        let mut at = |shown: &str, real: &str| {
            self.stand_ins.push((shown.to_owned(), real.to_owned()));
        };
        at("https://land.copernicus.eu", self.scene.sim.base_url());
        if let Some(server) = &self.s3 {
            at("https://storage.example", server.address());
        }
        if let Some(cdse) = &self.cdse {
            at("https://eodata.dataspace.copernicus.eu", cdse.address());
        }
    }

    /// A folder for what the reader doesn't see.
    pub(super) fn root(&self) -> &Path {
        self.scene.home()
    }

    fn home(&self) -> PathBuf {
        self.root().join("home/ada")
    }

    /// Where the reader begins.
    pub(super) fn folder(&self) -> PathBuf {
        self.home().join("land")
    }

    /// All that is in the reader's environment; nothing of the machine's owner matters.
    pub(super) fn environment(&self) -> Vec<(String, String)> {
        let mut path = vec![program("clms"), program("clms-sim"), python::interpreter()];
        path.iter_mut().for_each(|program| _ = program.pop());
        let system = env::var_os("PATH").unwrap();
        path.extend(env::split_paths(&system));
        let path = env::join_paths(path).unwrap().into_string().unwrap();
        let home = self.home().to_str().unwrap().to_owned();
        let mut all = vec![
            ("PATH".to_owned(), path),
            ("HOME".to_owned(), home),
            ("LANG".to_owned(), "C.UTF-8".to_owned()),
        ];
        let mut add = |name: &str, value: &str| all.push((name.to_owned(), value.to_owned()));
        if !self.without_service {
            add("CLMS_API_URL", &self.scene.sim.api_url());
            add("CLMS_POLL_INTERVAL", "50ms");
        }
        if let Some(broker) = &self.wekeo {
            for (name, value) in wekeo::environment(broker) {
                add(name, value);
            }
        }
        if let Some(server) = &self.s3 {
            for (name, value) in server.environment() {
                // Where it is, the page has to say.
                if name != "AWS_ENDPOINT_URL" {
                    add(name, &value);
                }
            }
        }
        all.extend(self.cdse.iter().flat_map(Cdse::environment));
        all
    }

    /// A command as it must be typed here.
    pub(super) fn real(&self, shown: &str) -> String {
        let pairs = self.stand_ins.iter();
        pairs.fold(shown.to_owned(), |text, (shown, real)| {
            text.replace(shown, real)
        })
    }

    /// What was said here as a page shows it.
    pub(super) fn shown(&self, real: &str) -> String {
        let pairs = self.stand_ins.iter();
        pairs.fold(real.to_owned(), |text, (shown, real)| {
            text.replace(real, shown)
        })
    }
}

/// A package whose rasters begin at the place `at X,Y`, if there is one.
fn moved(mut package: PackageSpec, place: &[&str]) -> PackageSpec {
    if let ["at", corner] = place {
        let (x, y) = corner.split_once(',').unwrap();
        for raster in &mut package.rasters {
            let corner = raster.geotransform.as_mut().unwrap();
            (corner[0], corner[3]) = (x.parse().unwrap(), y.parse().unwrap());
        }
    }
    package
}
