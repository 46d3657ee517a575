//! Links of finished tasks, live, dead and odd.

use std::time::Duration;

use clms_sim::{Habits, Sim, When};
use reqwest::Method;
use reqwest::header::{CONTENT_RANGE, ETAG, IF_RANGE, RANGE, USER_AGENT};

use crate::client::Client;
use crate::orders::{FOREST_TYPE, finished, get, post_of, sim_with, status};

#[tokio::test]
async fn packages_are_served_from_their_folder_also_in_parts() {
    let folder = tempfile::tempdir().unwrap();
    let content: Vec<u8> = (0..200_000_u32)
        .map(|number| (number % 251) as u8)
        .collect();
    let name = "FTY_2015_100m_eu_03035_d02_Full.zip";
    std::fs::write(folder.path().join(name), &content).unwrap();
    let sim = Sim::builder().packages(folder.path()).start().unwrap();
    let client = Client::new(&sim);
    let task = finished(&client, FOREST_TYPE).await;
    assert_eq!(task["FileSize"], content.len());
    let whole = get(&client, &task).await;
    let etag = whole.headers()[ETAG].clone();
    assert_eq!(whole.content_length(), Some(content.len() as u64));
    assert_eq!(whole.bytes().await.unwrap(), content);

    let url = task["DownloadURL"].as_str().unwrap();
    let part = |range: &str| client.request(Method::GET, url).header(RANGE, range);
    let rest = part("bytes=150000-")
        .header(IF_RANGE, etag)
        .send()
        .await
        .unwrap();
    assert_eq!(rest.status(), 206);
    assert_eq!(rest.headers()[CONTENT_RANGE], "bytes 150000-199999/200000");
    assert_eq!(rest.bytes().await.unwrap(), content[150_000..]);
    let stale = part("bytes=150000-")
        .header(IF_RANGE, "\"other\"")
        .send()
        .await
        .unwrap();
    assert_eq!(stale.status(), 200);
    let beyond = part("bytes=200000-").send().await.unwrap();
    assert_eq!(beyond.status(), 416);
    assert_eq!(beyond.headers()[CONTENT_RANGE], "bytes */200000");

    let head = client.request(Method::HEAD, url).send().await.unwrap();
    assert_eq!(head.headers()["content-length"], "200000");
}

#[tokio::test]
async fn several_files_in_one_task_come_in_one_zip() {
    let sim = sim_with(Habits::default());
    let client = Client::new(&sim);
    let mut both = post_of(FOREST_TYPE);
    let other = post_of("forest-type-2015|FTY_2015_020m_eu_03035_d04_E00N20");
    both["Datasets"]
        .as_array_mut()
        .unwrap()
        .push(other["Datasets"][0].clone());
    let (_, body) = client
        .call(Method::POST, "@datarequest_post", Some(both))
        .await;
    assert_eq!(body["TaskIds"].as_array().unwrap().len(), 1);
    sim.advance(Duration::from_secs(200));
    let task = status(&client, body["TaskIds"][0]["TaskID"].as_str().unwrap()).await;
    let zip = get(&client, &task).await.bytes().await.unwrap();
    assert_eq!(task["FileSize"], zip.len());
    assert_eq!(
        zip::ZipArchive::new(std::io::Cursor::new(zip))
            .unwrap()
            .len(),
        2
    );
}

#[tokio::test]
async fn library_user_agents_are_refused_unless_told_otherwise() {
    let sim = sim_with(Habits::default());
    let client = Client::new(&sim);
    let task = finished(&client, FOREST_TYPE).await;
    let url = task["DownloadURL"].as_str().unwrap();
    let bare = reqwest::Client::builder().no_proxy().build().unwrap();
    let with = |agent: &str| bare.get(url).header(USER_AGENT, agent);
    assert_eq!(bare.get(url).send().await.unwrap().status(), 403);
    for (agent, expected) in [
        ("", 403),
        ("python-requests/2.32.3", 403),
        ("reqwest/0.13", 403),
        ("curl/7.81.0", 200),
        ("clms/0.1", 200),
    ] {
        assert_eq!(
            with(agent).send().await.unwrap().status(),
            expected,
            "{agent}"
        );
    }
    sim.update_habits(|habits| habits.refuses_library_agents = false);
    assert_eq!(bare.get(url).send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn dead_links_are_counted_for_each_file() {
    let sim = sim_with(Habits {
        dead_links: When::First(1),
        dead_link_status: 403,
        ..Habits::default()
    });
    let client = Client::new(&sim);
    let other = "clc2018|u2018_clc2018_v2020_20u1_raster100m";
    for (data_id, expected) in [
        (FOREST_TYPE, 403),
        (other, 403),
        (FOREST_TYPE, 200),
        (other, 200),
    ] {
        let task = finished(&client, data_id).await;
        assert_eq!(task["Status"], "Finished_ok");
        assert_eq!(get(&client, &task).await.status(), expected, "{data_id}");
    }
}

#[tokio::test]
async fn links_come_alive_late() {
    let sim = sim_with(Habits {
        link_alive_after: Duration::from_secs(60),
        link_alive_after_requests: 2,
        ..Habits::default()
    });
    let client = Client::new(&sim);
    let task = finished(&client, FOREST_TYPE).await;
    assert_eq!(get(&client, &task).await.status(), 404, "too early");
    sim.advance(Duration::from_secs(61));
    for expected in [404, 404, 200] {
        assert_eq!(get(&client, &task).await.status(), expected);
    }
}

#[tokio::test]
async fn zips_come_as_pages_in_halves_and_in_pieces() {
    let sim = sim_with(Habits {
        html_instead_of_zip: When::First(1),
        ..Habits::default()
    });
    let client = Client::new(&sim);
    let task = finished(&client, FOREST_TYPE).await;
    let size = task["FileSize"].as_u64().unwrap();
    let page = get(&client, &task).await;
    assert_eq!(page.status(), 200);
    assert!(
        page.headers()["content-type"]
            .to_str()
            .unwrap()
            .starts_with("text/html")
    );
    assert_eq!(get(&client, &task).await.content_length(), Some(size));

    sim.update_habits(|habits| habits.truncated_zip = When::Every(2));
    let page = get(&client, &task).await;
    assert!(
        page.text().await.unwrap().contains("<html>"),
        "counting starts anew"
    );
    let whole = get(&client, &task).await;
    assert_eq!(whole.content_length(), Some(size));
    let half = get(&client, &task).await;
    assert_eq!(half.content_length(), Some(size / 2));
    assert_eq!(half.bytes().await.unwrap().len() as u64, size / 2);

    sim.update_habits(|habits| {
        *habits = Habits {
            cut_body: When::Always,
            cut_body_after: 10,
            ..Habits::default()
        };
    });
    let mut broken = get(&client, &task).await;
    assert_eq!(broken.content_length(), Some(size));
    assert_eq!(broken.chunk().await.unwrap().unwrap().len(), 10);
    assert!(broken.chunk().await.is_err());
}

#[tokio::test]
async fn the_link_and_its_size_may_be_odd() {
    let sim = sim_with(Habits {
        download_url_is_list: true,
        file_size_error: 7,
        naive_times: true,
        ignores_range: true,
        etag_changes: true,
        ..Habits::default()
    });
    let client = Client::new(&sim);
    let task = finished(&client, FOREST_TYPE).await;
    let url = task["DownloadURL"][0].as_str().unwrap();
    assert!(!task["FinalizationDateTime"].as_str().unwrap().contains('+'));
    let ranged = || {
        client
            .request(Method::GET, url)
            .header(RANGE, "bytes=5-")
            .send()
    };
    let (one, other) = (ranged().await.unwrap(), ranged().await.unwrap());
    assert_eq!(one.status(), 200);
    assert_eq!(
        one.content_length().unwrap() + 7,
        task["FileSize"].as_u64().unwrap()
    );
    assert_ne!(one.headers()[ETAG], other.headers()[ETAG]);
}
