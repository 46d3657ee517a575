//! What opening and reading costs, and what comes of it.

use clms_factory::DatedRaster;
use clms_store::cdse::{Cdse, CdseError, OpenOptions, ProductQuery, RasterFormat, S3Keys};
use clms_store::cube::Selection;

use super::world::{Row, World, collection, day};

/// A year of soil moisture as NetCDF: every day has a file, in the list in disorder; only some files differ from each other.
#[tokio::test(flavor = "multi_thread")]
async fn a_year_of_netcdf_costs_its_list_and_two_headers() {
    if !DatedRaster::can_write_netcdf() {
        return;
    }
    let world = World::start().await;
    let ssm = collection("ssm_europe_1km_daily_v1");
    let raster = |number: i32| DatedRaster::soil_moisture(day(number), 683, 414);
    let netcdf = |number: i32| world.written("raster.nc", |path| raster(number).write_netcdf(path));
    let usual = netcdf(7);
    let mut rows = Vec::new();
    for number in 0..365 {
        let date = day(number).strftime("%Y%m%d");
        let row = |version: &str| {
            Row::new(
                ssm,
                &format!("c_gls_SSM1km_{date}0000_CEURO_S1CSAR_V{version}_nc"),
                day(number),
            )
        };
        let (old, new) = (row("1.1.1"), row("1.2.1"));
        let bytes = if [0, 100, 364].contains(&number) {
            netcdf(number)
        } else {
            usual.clone()
        };
        world
            .put_file(
                &new,
                &format!("{}.nc", new.name.trim_end_matches("_nc")),
                bytes,
            )
            .await;
        rows.extend([new, old]);
    }
    rows.reverse();
    rows.rotate_left(200);
    world.put_list(ssm, "nc", &rows);
    world.put_list(ssm, "cog", &[]);

    let (_, before) = world.reads(0, 0);
    let dataset = world
        .cdse()
        .open(ssm, &OpenOptions::default())
        .await
        .unwrap();
    assert_eq!(world.catalogue.asked().len(), 2, "the folder and the list");
    let opened = dataset.traffic();
    let (reads, before) = world.reads(before, opened.requests);
    assert_eq!(reads.len() as u64, opened.requests);
    assert!(opened.requests <= 8 && opened.bytes < 600_000, "{opened:?}");
    assert!(
        reads
            .iter()
            .all(|key| key.contains("/2025/01/01/") || key.contains("/2025/12/31/")),
        "{reads:?}"
    );
    assert!(
        reads.iter().all(|key| key.contains("V1.2.1")),
        "the highest version"
    );

    let moisture = dataset.variable("", "ssm").unwrap();
    assert_eq!(
        (&moisture.dims[..], &moisture.shape[..]),
        (
            &["time", "lat", "lon"].map(str::to_owned)[..],
            &[365, 414, 683][..]
        )
    );
    let times = dataset.times("").await.unwrap();
    assert!(times.is_sorted() && times[100].to_string() == "2025-04-11T00:00:00Z");

    // One day of a small place.
    let time = times[100]..=times[100];
    let place = Selection::new().time(time).bbox([-10.0, 71.0, -9.5, 71.5]);
    let slab = dataset.select("", "ssm", &place).await.unwrap();
    let window = dataset.read(&slab).await.unwrap();
    let source = raster(100);
    let [rows, cols] = [slab.ranges[1].clone(), slab.ranges[2].clone()];
    let expected = rows.flat_map(|row| cols.clone().map(move |col| (row, col)));
    for ((row, col), (index, value)) in expected.zip(window.values().into_iter().enumerate()) {
        let stored = source.value_at(row as usize, col as usize);
        assert_eq!(window.pixels.value(index), f64::from(stored));
        assert!(if stored > 200 {
            value.is_nan()
        } else {
            value == f64::from(stored) / 2.0
        });
    }
    let read = dataset.traffic().requests - opened.requests;
    let (reads, _) = world.reads(before, read);
    assert!(
        reads.len() <= 8 && reads.iter().all(|key| key.contains("/2025/04/11/")),
        "{reads:?}"
    );
    let whole = netcdf(100).len() as u64;
    assert!(
        dataset.traffic().bytes - opened.bytes < whole,
        "{:?} of {whole}",
        dataset.traffic()
    );

    // The list is at hand now.
    let month = "2025-06-01T00:00Z".parse().unwrap()..="2025-06-30T23:00Z".parse().unwrap();
    let june = world
        .cdse()
        .open(ssm, &OpenOptions::new(ProductQuery::new().times(month)))
        .await
        .unwrap();
    assert_eq!(june.variable("", "ssm").unwrap().shape[0], 30);
    assert!(world.catalogue.asked().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn geotiffs_of_several_variables_are_one_dataset_and_one_folder_is_listed() {
    let world = World::start().await;
    let fapar = collection("fapar_global_300m_10daily_v2");
    let raster = |number: i32| DatedRaster::fapar(day(number), 700, 600);
    // Says nothing of its scale.
    let deviation = |number: i32| DatedRaster {
        variable: "RMSE",
        scale: 1.0,
        ..raster(number)
    };
    let mut rows = Vec::new();
    for (number, rt) in [(20, "RT0"), (0, "RT6"), (10, "RT2"), (0, "RT0")] {
        let words = format!(
            "{rt}_{}0000_GLOBE_OLCI_V2.0.1",
            day(number).strftime("%Y%m%d")
        );
        let row = Row::new(fapar, &format!("c_gls_FAPAR300-{words}_cog"), day(number));
        world
            .put_file(
                &row,
                &format!("c_gls_FAPAR300-FAPAR-{words}.tiff"),
                world.cog(&raster(number)),
            )
            .await;
        // One date's file has another name than those of the others.
        let odd = if number == 10 { "-v2" } else { "" };
        let name = format!("c_gls_FAPAR300-RMSE-{words}{odd}.tiff");
        world
            .put_file(&row, &name, world.cog(&deviation(number)))
            .await;
        world
            .put_file(
                &row,
                &format!("c_gls_FAPAR300_PROD-DESC_{words}.xml"),
                b"<x/>".to_vec(),
            )
            .await;
        rows.push(row);
    }
    world.put_list(fapar, "cog", &rows);
    let (_, before) = world.reads(0, 0);
    let dataset = world
        .cdse()
        .open(fapar, &OpenOptions::default())
        .await
        .unwrap();
    let (reads, before) = world.reads(before, 5);
    let lists = reads.iter().filter(|key| key.contains("list-type")).count();
    assert_eq!(
        (lists, reads.len()),
        (1, 5),
        "a folder, and two headers of two variables: {reads:?}"
    );
    assert_eq!(dataset.traffic().requests, 4);
    assert!(
        !reads.iter().any(|key| key.contains("FAPAR-RT0_20250101")),
        "the most final one"
    );

    let names: Vec<&str> = dataset
        .group("")
        .unwrap()
        .variables
        .iter()
        .map(|v| v.name.as_str())
        .collect();
    assert_eq!(names, ["FAPAR", "RMSE"]);
    for (name, number) in [("FAPAR", 10), ("RMSE", 10), ("RMSE", 20)] {
        let variable = dataset.variable("", name).unwrap();
        assert_eq!(variable.attributes["scale_factor"], 0.004, "{name}");
        let step = number as u64 / 10;
        let place = Selection::new()
            .indices("time", step..step + 1)
            .indices("y", 300..302)
            .indices("x", 40..90);
        let slab = dataset.select("", name, &place).await.unwrap();
        let window = dataset.read(&slab).await.unwrap();
        let source = raster(number);
        let expected: Vec<f64> = (300..302)
            .flat_map(|row| (40..90).map(move |col| (row, col)))
            .map(|(row, col)| f64::from(source.value_at(row, col)))
            .collect();
        assert_eq!(window.pixels.to_f64(), expected, "{name} {number}");
        let coarse = Selection::new()
            .indices("time", step..step + 1)
            .resolution(2.0 / 336.0);
        let slab = dataset.select("", name, &coarse).await.unwrap();
        assert_eq!(
            (slab.group.as_str(), slab.shape()),
            ("overview_1", vec![1, 300, 350])
        );
    }
    // Where a name is not as expected, a look into the folder and the file's own read come on top.
    let (reads, _) = world.reads(before, dataset.traffic().requests - 4 + 2);
    let looked: Vec<&String> = reads
        .iter()
        .filter(|key| key.contains("list-type"))
        .collect();
    assert_eq!(
        looked.len(),
        1,
        "the odd name was looked for once: {reads:?}"
    );

    let options = OpenOptions::default()
        .variables(["RMSE"])
        .format(RasterFormat::Cog);
    let one = world.cdse().open(fapar, &options).await.unwrap();
    assert_eq!(one.group("").unwrap().variables.len(), 1);
    assert_eq!(one.traffic().requests, 2);
    let unknown = world
        .cdse()
        .open(fapar, &OpenOptions::default().variables(["NDVI"]))
        .await
        .unwrap_err();
    assert!(unknown.to_string().contains("FAPAR, RMSE"), "{unknown}");
    let first = OpenOptions::new(ProductQuery::new().version("RT0".parse().unwrap()));
    let provisional = world.cdse().open(fapar, &first).await.unwrap();
    assert_eq!(provisional.variable("", "FAPAR").unwrap().shape[0], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_keys_and_with_wrong_ones_it_is_told_where_they_are_made() {
    let world = World::start().await;
    let lai = collection("lai_global_300m_10daily_v2");
    let row = Row::new(
        lai,
        "c_gls_LAI300-RT6_202501010000_GLOBE_OLCI_V2.0.1_cog",
        day(0),
    );
    let file = "c_gls_LAI300-LAI-RT6_202501010000_GLOBE_OLCI_V2.0.1.tiff";
    world
        .put_file(&row, file, world.cog(&DatedRaster::fapar(day(0), 64, 64)))
        .await;
    world.put_list(lai, "cog", &[row]);
    let wrong = S3Keys::new("AKIATHEWRONGKEYID", "the-wrong-secret");
    let environment = world.s3.environment();
    let right: Vec<&str> = environment
        .iter()
        .filter(|(name, _)| name.contains("ACCESS_KEY"))
        .map(|(_, value)| value.as_str())
        .collect();
    assert_eq!(right.len(), 2);
    for keys in [None, Some(wrong)] {
        let cdse = Cdse::new(world.settings().keys(keys.clone())).unwrap();
        let error = cdse.open(lai, &OpenOptions::default()).await.unwrap_err();
        assert!(
            error.is_about_credentials() && !error.is_retryable(),
            "{error:?}"
        );
        assert!(
            error.hint().unwrap().contains("CDSE_AWS_SECRET_ACCESS_KEY"),
            "{error}"
        );
        assert_eq!(matches!(error, CdseError::NoKeys), keys.is_none());
        let text = format!("{error} {error:?} {cdse:?} {keys:?}");
        assert!(
            !text.contains("AKIATHEWRONGKEYID") && !text.contains("the-wrong-secret"),
            "{text}"
        );
    }
    let dataset = world
        .cdse()
        .open(lai, &OpenOptions::default())
        .await
        .unwrap();
    let shown = format!("{dataset:?} {:?} {:?}", world.cdse(), world.settings());
    assert!(right.iter().all(|key| !shown.contains(key)), "{shown}");
}
