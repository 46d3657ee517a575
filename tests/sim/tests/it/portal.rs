//! The portal without tasks: the fixture catalogue, tokens, direct links.

use std::collections::HashSet;
use std::time::Duration;

use clms_sim::{Catalogue, Habits, Sim};
use reqwest::Method;
use reqwest::header::{ACCEPT, AUTHORIZATION};
use serde_json::Value;

use crate::client::{Client, Key};

/// All full objects of a type, page by page as `next` says.
async fn all_objects(client: &Client<'_>, portal_type: &str) -> Vec<Value> {
    let mut url = format!("/api/@search?portal_type={portal_type}&fullobjects=1");
    let mut found = Vec::new();
    loop {
        let response = client
            .request(Method::GET, &url)
            .header(ACCEPT, "application/json")
            .send()
            .await
            .unwrap();
        let page: Value = response.json().await.unwrap();
        found.extend(page["items"].as_array().unwrap().iter().cloned());
        match page["batching"]["next"].as_str() {
            Some(next) => url = next.to_owned(),
            None => return found,
        }
    }
}

#[tokio::test]
async fn the_fixture_is_searched_in_pages_of_whole_objects() {
    let sim = Sim::builder().start().unwrap();
    let client = Client::new(&sim);
    let datasets = all_objects(&client, "DataSet").await;
    assert_eq!(datasets.len(), 37);
    let uids: HashSet<&str> = datasets
        .iter()
        .map(|dataset| dataset["UID"].as_str().unwrap())
        .collect();
    assert_eq!(uids.len(), 37, "UIDs are unique");
    for dataset in &datasets {
        assert!(
            dataset.as_object().unwrap().len() > 100,
            "{} has too few keys",
            dataset["id"]
        );
        assert_eq!(dataset["UID"].as_str().unwrap().len(), 32);
        let url = dataset["@id"].as_str().unwrap();
        assert!(url.starts_with(&sim.api_url()), "{url}");
    }
    let response = client
        .request(Method::GET, datasets[7]["@id"].as_str().unwrap())
        .header(ACCEPT, "application/json");
    let one: Value = response.send().await.unwrap().json().await.unwrap();
    assert_eq!(
        one["title"],
        "Forest Type 2015 (raster 20 m and 100 m), Europe, 3-yearly"
    );
    assert!(!all_objects(&client, "Product").await.is_empty());
}

#[test]
fn the_fixture_has_the_files_that_tests_ask_for() {
    let files = Catalogue::fixture().files();
    assert_eq!(files.len(), 258);
    for data_id in [
        "tree-cover-density-2015|TCD_2015_100m_eu_03035_d04_Full",
        "forest-type-2015|FTY_2015_100m_eu_03035_d02_Full",
        "forest-type-2015|FTY_2015_020m_eu_03035_d04_E00N20",
        "clc-backbone-2021|CLMS_CLCplus_RASTER_2021",
        "clc2018|u2018_clc2018_v2020_20u1_raster100m",
        "clc2018|u2018_clc2018_v2020_20u1_fgdb",
        "clc2018|u2018_clc2018_v2020_20u1_geoPackage",
        "water-and-wetness-status-2018|WAW_2018_010m_mt_03035_v020",
        "grassland-2018|GRA_2018_100m_eu_03035_v010",
        "grassland-2018|GRA_2018_010m_lu_03035_v010",
    ] {
        assert!(
            files.iter().any(|file| file.data_id == data_id),
            "{data_id}"
        );
    }
    let data_ids: HashSet<&str> = files.iter().map(|file| file.data_id.as_str()).collect();
    assert_eq!(data_ids.len(), files.len(), "data ids are unique");
    let by_dataset: HashSet<_> = files
        .iter()
        .map(|file| (&file.dataset_uid, &file.file_id))
        .collect();
    assert_eq!(
        by_dataset.len(),
        files.len(),
        "file ids are unique within a data set"
    );
}

#[tokio::test]
async fn the_fixture_has_the_catalogues_quirks() {
    let sim = Sim::builder().start().unwrap();
    let client = Client::new(&sim);
    let datasets = all_objects(&client, "DataSet").await;
    let files: Vec<&Value> = datasets
        .iter()
        .flat_map(|dataset| dataset["downloadable_files"]["items"].as_array().unwrap())
        .collect();
    let any_file = |what: &str, test: &dyn Fn(&Value) -> bool| {
        assert!(files.iter().any(|file| test(file)), "{what}");
    };
    any_file("leading TAB", &|file| {
        file["area"] == "\tEurope" && file["version"] == "\tv2020_20u1"
    });
    any_file("two blanks", &|file| file["size"] == "23  MB");
    any_file("leading blank", &|file| {
        file["file"].as_str().unwrap().starts_with(' ')
    });
    any_file("final .zip", &|file| {
        file["file"].as_str().unwrap().ends_with(".zip")
    });
    any_file("Countries", &|file| {
        file.get("area").is_none() && file["Countries"] == "Austria"
    });
    any_file("no type", &|file| file["type"] == "" && file["file"] != "");
    any_file("placeholder", &|file| {
        let values = file
            .as_object()
            .unwrap()
            .iter()
            .filter(|(key, _)| *key != "@id");
        values.map(|(_, value)| value).all(|value| value == "")
    });
    let informations: Vec<&Value> = datasets
        .iter()
        .flat_map(|dataset| {
            dataset["dataset_download_information"]["items"]
                .as_array()
                .unwrap()
        })
        .collect();
    let any = |what: &str, test: &dyn Fn(&Value) -> bool| {
        assert!(informations.iter().any(|item| test(item)), "{what}");
    };
    any("object format", &|item| {
        item["full_format"]["token"] == "Netcdf"
    });
    any("vector", &|item| {
        item["name"] == "VECTOR" && item.get("collection").is_none()
    });
    any("final blank", &|item| item["collection"] == "20m ");
    for source in ["EEA", "LEGACY", "WEKEO", "LANDCOVER", "CDSE"] {
        any(source, &|item| item["full_source"] == source);
    }
    let shared = informations
        .iter()
        .filter(|item| item["@id"] == "bec918b1-0ac9-4a8f-8973-a88393c37905");
    assert_eq!(shared.count(), 2, "one @id in two data sets");
    let ends: Vec<&Value> = datasets
        .iter()
        .map(|dataset| &dataset["temporalExtentEnd"])
        .collect();
    assert!(ends.iter().any(|end| *end == ""), "open end");
}

#[tokio::test]
async fn expired_tokens_are_refused_in_two_ways() {
    let lifetime = Duration::from_secs(10);
    let sim = Sim::builder()
        .habits(Habits {
            token_lifetime: lifetime,
            ..Habits::default()
        })
        .start()
        .unwrap();
    let client = Client::new(&sim);
    let token = client.token(&Key::of(&sim)).await;
    let search = |token: &str| {
        let request = client
            .request(Method::GET, "/api/@datarequest_search")
            .header(ACCEPT, "application/json");
        request
            .header(AUTHORIZATION, format!("Bearer {token}"))
            .send()
    };
    assert_eq!(search(&token).await.unwrap().status(), 200);
    sim.advance(lifetime);
    let stored: Value = search(&token).await.unwrap().json().await.unwrap();
    assert_eq!(stored["error"], "invalid_token");
    sim.update_habits(|habits| habits.forgets_expired_tokens = true);
    let forgotten: Value = search(&token).await.unwrap().json().await.unwrap();
    assert_eq!(forgotten["type"], "Unauthorized");
}

#[tokio::test]
async fn direct_links_lead_to_files_and_the_land_cover_bucket_is_closed() {
    let sim = Sim::builder().start().unwrap();
    let client = Client::new(&sim);
    let datasets = all_objects(&client, "DataSet").await;
    let links = async |source: &str, parameters: &str| {
        let information =
            |dataset: &Value| dataset["dataset_download_information"]["items"][0].clone();
        let dataset = datasets
            .iter()
            .find(|dataset| information(dataset)["full_source"] == source)
            .unwrap();
        let (uid, id) = (
            dataset["UID"].as_str().unwrap(),
            information(dataset)["@id"].clone(),
        );
        let id = id.as_str().unwrap();
        let endpoint = format!(
            "@get-download-file-urls?dataset_uid={uid}&download_information_id={id}{parameters}"
        );
        let (status, links) = client.call(Method::GET, &endpoint, None).await;
        assert_eq!(status, 200, "{links}");
        links
    };
    let status = async |link: &Value| {
        client
            .request(Method::GET, link.as_str().unwrap())
            .send()
            .await
            .unwrap()
            .status()
            .as_u16()
    };
    let legacy = links("LEGACY", "&date_from=2024-01-01&date_to=2024-02-28").await;
    assert_eq!(legacy.as_array().unwrap().len(), 59, "of each day");
    assert_eq!(status(&legacy[0]).await, 200);
    let tiles = links("LANDCOVER", "&x_min=6&y_min=49&x_max=7&y_max=50").await;
    assert_eq!(status(&tiles[0]).await, 403);
    sim.update_habits(|habits| habits.landcover_closed = false);
    assert_eq!(status(&tiles[0]).await, 200);
    let query = links("WEKEO", "&date_from=2021-01-01&date_to=2021-01-05").await;
    assert_eq!(query["datasetId"], "EO:CRYO:DAT:HRSI:FSC");
}

#[test]
fn sims_run_side_by_side_and_stop_when_dropped() {
    let (one, other) = (
        Sim::builder().start().unwrap(),
        Sim::builder().start().unwrap(),
    );
    assert_ne!(one.base_url(), other.base_url());
    let address = one.base_url().strip_prefix("http://").unwrap().to_owned();
    assert!(std::net::TcpStream::connect(&address).is_ok());
    drop(one);
    assert!(std::net::TcpStream::connect(&address).is_err());
}

#[cfg(unix)]
#[test]
fn the_service_key_is_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let sim = Sim::builder().start().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key.json");
    std::fs::write(
        &path,
        "something longer that was there before, with other permissions".repeat(100),
    )
    .unwrap();
    sim.write_service_key(&path).unwrap();
    assert_eq!(
        std::fs::read_to_string(&path).unwrap(),
        sim.service_key_json()
    );
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
}
