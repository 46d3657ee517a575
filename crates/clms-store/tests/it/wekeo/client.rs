//! The client alone.

use std::time::Duration;

use clms_sim::{
    Fault, FaultKind, When,
    hda::{HdaDataset, HdaHabits, HdaProduct, HdaSim},
};
use clms_store::wekeo::{Account, HdaClient, HdaQuery};

use super::scene::{FSC, Scene};

#[tokio::test]
async fn tokens_are_refreshed_whatever_an_old_one_is_answered_with() {
    for status in [401, 403] {
        let scene = Scene::new(HdaHabits {
            expired_token_status: status,
            ..HdaHabits::default()
        })
        .await;
        let (client, query) = (scene.client(), HdaQuery::new(FSC));
        assert_eq!(client.search_page(&query, 0).await.unwrap().total, 4);
        // This machine's clock has not moved: only the broker knows.
        scene.broker.advance(Duration::from_secs(3601));
        assert_eq!(client.search_page(&query, 0).await.unwrap().total, 4);
        assert_eq!(scene.calls("POST", "refreshtoken"), 1);
        assert_eq!(scene.calls("POST", "gettoken"), 1);
        // And now the refresh token is too old as well.
        scene.broker.advance(Duration::from_secs(13 * 3600));
        assert_eq!(client.search_page(&query, 0).await.unwrap().total, 4);
        assert_eq!(scene.calls("POST", "gettoken"), 2);
    }
}

#[tokio::test]
async fn an_account_that_is_refused_is_told_without_its_password() {
    let scene = Scene::new(HdaHabits::default()).await;
    let account = Account::new("somebody", "open sesame".to_owned());
    let client = HdaClient::new(scene.broker.url(), Some(account)).unwrap();
    let error = client.sign_in().await.unwrap_err();
    let shown = format!("{error} {error:?} {client:?} {:?}", error.hint());
    assert_eq!(error.kind(), "unauthorized");
    assert!(!error.is_retryable());
    assert!(shown.contains("somebody") && shown.contains("~/.hdarc"));
    assert!(!shown.contains("sesame"), "{shown}");
    let nobody = HdaClient::new(scene.broker.url(), None).unwrap();
    let error = nobody.sign_in().await.unwrap_err();
    assert!(error.hint().unwrap().contains("WEKEO_USERNAME"));
}

#[tokio::test]
async fn a_result_set_that_changes_while_it_is_read_is_read_anew() {
    let product = |n: usize| HdaProduct::new("EO:X", format!("p{n:04}"), "x");
    let mut sim = HdaSim::builder().dataset(HdaDataset::new("EO:X"));
    // It comes first and moves all others by one.
    sim = sim.product(product(0).visible_after_searches(1));
    for n in 1..=250 {
        sim = sim.product(product(n));
    }
    let sim = sim.start().unwrap();
    let account = Account::new(HdaSim::USERNAME, HdaSim::PASSWORD.to_owned());
    let client = HdaClient::new(sim.url(), Some(account)).unwrap();
    let found = client.search(&HdaQuery::new("EO:X"), 1000).await.unwrap();
    let expected: Vec<String> = (0..=250).map(|n| format!("p{n:04}")).collect();
    let found: Vec<String> = found.into_iter().map(|product| product.id).collect();
    assert_eq!(found, expected);
    let too_many = client
        .search(&HdaQuery::new("EO:X"), 100)
        .await
        .unwrap_err();
    assert!(too_many.to_string().contains("251 products"));
}

#[tokio::test]
async fn errors_say_whether_a_retry_helps() {
    let scene = Scene::new(HdaHabits {
        faults: vec![Fault {
            endpoint: "search".to_owned(),
            when: When::First(1),
            kind: FaultKind::Status(503),
        }],
        ..HdaHabits::default()
    })
    .await;
    let (client, query) = (scene.client(), HdaQuery::new(FSC));
    let failed = client.search_page(&query, 0).await.unwrap_err();
    assert!(failed.is_retryable() && failed.to_string().contains("503"));
    let unknown = client.search_page(&HdaQuery::new("EO:CLMS:DAT:X"), 0).await;
    let unknown = unknown.unwrap_err();
    assert_eq!(unknown.kind(), "no_such_dataset");
    assert!(unknown.hint().unwrap().contains("EO:JRC:DAT:CLMS"));
    let refused = client.search_page(&query.filter("colour", "blue"), 0).await;
    let refused = refused.unwrap_err();
    assert!(!refused.is_retryable() && refused.to_string().contains("colour"));
}
