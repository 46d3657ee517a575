//! Where lists are found, when they are asked for, and what is read of them.

use std::time::Duration;

use clms_store::cdse::{Cdse, CdseError, Freshness, ProductQuery, RasterFormat, S3Keys, Tile};

use super::world::{Row, World, collection, day, list};

const NOW: Freshness = Freshness::Within(Duration::ZERO);
const DAY: Freshness = Freshness::Within(Duration::from_hours(24));

#[tokio::test]
async fn a_list_is_fetched_once_and_again_when_it_has_changed() {
    let world = World::start().await;
    let fapar = collection("fapar_global_300m_10daily_v2");
    let cdse = world.cdse();
    let first = Row::new(
        fapar,
        "c_gls_FAPAR300-RT0_202501010000_GLOBE_OLCI_V2.0.1_nc",
        day(0),
    );
    world.put_list(fapar, "nc", std::slice::from_ref(&first));
    world.put_list(fapar, "cog", std::slice::from_ref(&first));
    let offline = cdse
        .list(fapar, None, Freshness::Offline)
        .await
        .unwrap_err();
    assert!(matches!(offline, CdseError::Offline { .. }), "{offline}");
    assert!(world.catalogue.asked().is_empty());

    // A busy server is asked again.
    world.catalogue.is_busy(1, "0");
    let kept = cdse.list(fapar, None, DAY).await.unwrap();
    let prefix = format!("?{}/{}/", fapar.folder, fapar.id);
    let name = format!("{}/{}/{}_nc.csv", fapar.folder, fapar.id, fapar.id);
    assert_eq!(
        world.catalogue.asked(),
        [&prefix, &prefix, &name].map(String::as_str)
    );
    for freshness in [DAY, Freshness::Offline] {
        assert_eq!(cdse.list(fapar, None, freshness).await.unwrap(), kept);
    }
    assert!(world.catalogue.asked().is_empty());

    // Compared, and found to be the same.
    let again = cdse.list(fapar, None, NOW).await.unwrap();
    assert_eq!(again.path, kept.path);
    assert_eq!(world.catalogue.asked(), [prefix.as_str()]);

    let second = Row::new(
        fapar,
        "c_gls_FAPAR300-RT0_202501110000_GLOBE_OLCI_V2.0.1_nc",
        day(10),
    );
    world.put_list(fapar, "nc", &[second, first]);
    let changed = cdse.list(fapar, None, NOW).await.unwrap();
    assert_eq!(world.catalogue.asked(), [prefix.as_str(), name.as_str()]);
    assert_eq!(
        cdse.products(fapar, &changed, &ProductQuery::new())
            .await
            .unwrap()
            .len(),
        2
    );
    assert!(changed.path.exists() && !kept.path.exists());
    let left = std::fs::read_dir(world.folder.path().join("lists"))
        .unwrap()
        .count();
    assert_eq!(left, 2, "the list and a note of when it was compared");
}

#[tokio::test]
async fn servers_that_say_odd_things() {
    let world = World::start().await;
    let fapar = collection("fapar_global_300m_10daily_v2");
    let cdse = world.cdse();
    let row = Row::new(
        fapar,
        "c_gls_FAPAR300-RT0_202501010000_GLOBE_OLCI_V2.0.1_nc",
        day(0),
    );
    world.put_list(fapar, "nc", std::slice::from_ref(&row));
    // Longer than any clock can tell, and longer than anybody waits.
    for seconds in ["18446744073709551615", "86400"] {
        world.catalogue.is_busy(1, seconds);
        let error = cdse.list(fapar, None, DAY).await.unwrap_err();
        assert!(
            error.is_retryable() && error.hint().is_some(),
            "{seconds}: {error}"
        );
    }

    // Without hashes nobody knows whether a list has changed: it is fetched whenever it is compared.
    world.catalogue.hide_hashes();
    world.catalogue.asked();
    let kept = cdse.list(fapar, None, DAY).await.unwrap();
    assert_eq!(cdse.list(fapar, None, DAY).await.unwrap(), kept);
    assert_eq!(world.catalogue.asked().len(), 2);
    let name = kept.path.file_name().unwrap().to_str().unwrap();
    let number = name.split('.').nth(1).unwrap().strip_prefix("of").unwrap();
    assert_eq!(number.parse(), Ok(kept.checked.as_second()));
}

#[tokio::test]
async fn what_was_left_of_a_killed_fetch_is_removed_after_a_day() {
    let world = World::start().await;
    let fapar = collection("fapar_global_300m_10daily_v2");
    let lists = world.settings().folder;
    std::fs::create_dir_all(&lists).unwrap();
    let left = |name: &str, hours: u64| {
        let file = std::fs::File::create(lists.join(name)).unwrap();
        let time = std::time::SystemTime::now() - Duration::from_hours(hours);
        file.set_modified(time).unwrap();
    };
    left(".part-old", 25);
    left(".part-new", 23);
    left("mine", 25);
    let row = Row::new(
        fapar,
        "c_gls_FAPAR300-RT0_202501010000_GLOBE_OLCI_V2.0.1_nc",
        day(0),
    );
    world.put_list(fapar, "nc", &[row]);
    world.cdse().list(fapar, None, DAY).await.unwrap();
    let names = [".part-old", ".part-new", "mine"];
    assert_eq!(
        names.map(|name| lists.join(name).exists()),
        [false, true, true]
    );
}

#[tokio::test]
async fn a_list_in_another_folder_than_expected_is_found_page_by_page() {
    let world = World::start().await;
    let fapar = collection("fapar_global_300m_10daily_v2");
    let cdse = world.cdse();
    let missing = cdse.list(fapar, None, DAY).await.unwrap_err();
    assert!(matches!(missing, CdseError::NoList { .. }), "{missing}");
    assert!(missing.hint().is_some() && !missing.is_retryable());

    for number in 0..1500 {
        world
            .catalogue
            .put(&format!("bio-geophysical/a/x{number}/x{number}_nc.csv"), "");
    }
    let row = Row::new(
        fapar,
        "c_gls_FAPAR300-RT0_202501010000_GLOBE_OLCI_V2.0.1_cog",
        day(0),
    );
    world.catalogue.put(
        &format!("bio-geophysical/moved/{0}/{0}_cog.csv", fapar.id),
        list(&[row]),
    );
    world.catalogue.asked();
    let found = cdse.list(fapar, None, DAY).await.unwrap();
    assert_eq!(found.format, RasterFormat::Cog);
    let asked = world.catalogue.asked();
    assert_eq!(asked[1..3], ["?bio-geophysical/", "?bio-geophysical/"]);
    assert_eq!(asked.len(), 4, "{asked:?}");
    let other = cdse
        .list(fapar, Some(RasterFormat::NetCdf), DAY)
        .await
        .unwrap_err();
    assert!(other.to_string().contains("as nc"), "{other}");
}

#[tokio::test]
async fn of_several_versions_the_wanted_one_is_taken_and_rows_are_sorted() {
    let world = World::start().await;
    let fapar = collection("fapar_global_300m_10daily_v2");
    let named = |rt: &str, number: i32, version: &str| {
        let date = day(number);
        let name = format!(
            "c_gls_FAPAR300{rt}_{}0000_GLOBE_OLCI_V{version}_nc",
            date.strftime("%Y%m%d")
        );
        Row::new(fapar, &name, date)
    };
    let changed = Row {
        modified: "2025-06-01T00:00:00.000",
        s3_path: "elsewhere".to_owned(),
        ..named("-RT6", 0, "2.0.10")
    };
    let far = Row {
        bbox: [100.0, -10.0, 110.0, 0.0],
        ..named("-RT6", 20, "2.0.1")
    };
    let unknown = Row {
        name: "an odd name".to_owned(),
        ..named("", 30, "1")
    };
    let rows = [
        named("-RT0", 10, "2.0.1"),
        named("-RT0", 0, "9.9.9"),
        far,
        changed,
        named("-RT6", 0, "2.0.10"),
        named("-RT6", 0, "2.0.9"),
        unknown,
    ];
    world.put_list(fapar, "nc", &rows);
    let cdse = world.cdse();
    let list = cdse.list(fapar, None, DAY).await.unwrap();
    let found = async |query: ProductQuery| cdse.products(fapar, &list, &query).await;
    let names = async |query: ProductQuery| -> Vec<String> {
        found(query)
            .await
            .unwrap()
            .into_iter()
            .map(|product| product.name)
            .collect()
    };
    let all = found(ProductQuery::new()).await.unwrap();
    assert!(all.is_sorted_by_key(|product| product.time));
    assert_eq!(all.len(), 4);
    assert_eq!(
        (all[0].name.as_str(), all[0].s3_path.as_str()),
        (rows[3].name.as_str(), "s3://cubes/elsewhere")
    );
    assert!(matches!(all[3].tile, Tile::Around(_)) && all[3].name == "an odd name");

    let provisional = names(ProductQuery::new().version("RT0".parse().unwrap())).await;
    assert_eq!(provisional, [rows[1].name.as_str(), &rows[0].name]);
    let exact = names(ProductQuery::new().version("V2.0.9".parse().unwrap())).await;
    assert_eq!(exact, [rows[5].name.as_str()]);
    let double = found(ProductQuery::new().version("all".parse().unwrap()))
        .await
        .unwrap_err();
    assert!(matches!(double, CdseError::Doubles { .. }), "{double}");

    let times = |from: &str, to: &str| {
        ProductQuery::new().times(from.parse().unwrap()..=to.parse().unwrap())
    };
    let january = names(times("2025-01-05T00:00Z", "2025-01-11T12:00Z")).await;
    assert_eq!(january, [rows[0].name.as_str()]);
    assert_eq!(
        names(ProductQuery::new().bbox([105.0, -5.0, 106.0, -4.0])).await,
        [rows[2].name.as_str()]
    );
    let none = found(times("1999-01-01T00:00Z", "1999-12-31T00:00Z"))
        .await
        .unwrap_err();
    assert!(
        none.to_string().contains("1999") && none.hint().is_some(),
        "{none}"
    );
}

#[tokio::test]
async fn what_makes_no_sense_is_named() {
    let world = World::start().await;
    let fapar = collection("fapar_global_300m_10daily_v2");
    let name = format!("{0}/{1}/{1}_nc.csv", fapar.folder, fapar.id);
    world
        .catalogue
        .put(&name, "<html><body>Maintenance</body></html>");
    let cdse = world.cdse();
    let list = cdse.list(fapar, None, DAY).await.unwrap();
    let error = cdse
        .products(fapar, &list, &ProductQuery::new())
        .await
        .unwrap_err();
    assert!(matches!(error, CdseError::List { .. }), "{error}");

    let rivers = collection("wl-rivers_global_vector_daily_v2");
    let error = cdse.list(rivers, None, DAY).await.unwrap_err();
    assert!(
        error.to_string().contains("vector") && error.hint().unwrap().contains("s3://eodata"),
        "{error}"
    );

    for setting in [
        world.settings().servers("ftp://host", "http://host"),
        world.settings().servers("http://host", "nothing"),
    ] {
        let error =
            Cdse::new(setting.keys(Some(S3Keys::new("key-that-is-secret", "secret")))).unwrap_err();
        assert!(matches!(error, CdseError::Setting { .. }), "{error}");
    }
    let gone = Cdse::new(
        world
            .settings()
            .servers("http://127.0.0.1:9/", world.s3.address())
            .retry(clms_api::RetryPolicy::none()),
    );
    let error = gone.unwrap().list(fapar, None, NOW).await.unwrap_err();
    assert!(
        error.is_retryable() && error.to_string().contains("127.0.0.1:9"),
        "{error}"
    );
}
