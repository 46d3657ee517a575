//! What the broker does wrong, and what it does not allow.

use std::time::Duration;

use clms_preload::{JobOutcome, JobStatus, Problem};
use clms_sim::{
    Fault, FaultKind, When,
    hda::{HdaHabits, HdaQuota},
};

use super::scene::Scene;

fn fault(endpoint: &str, when: When, kind: FaultKind) -> HdaHabits {
    HdaHabits {
        faults: vec![Fault {
            endpoint: endpoint.to_owned(),
            when,
            kind,
        }],
        ..HdaHabits::default()
    }
}

#[track_caller]
fn assert_completed(outcome: &JobOutcome) {
    assert_eq!(outcome.status, JobStatus::Completed, "{outcome:?}");
}

#[track_caller]
fn failure(outcome: JobOutcome) -> Problem {
    assert_eq!(outcome.status, JobStatus::Failed, "{outcome:?}");
    outcome.error.unwrap()
}

#[tokio::test]
async fn a_quota_is_waited_for_until_it_is_renewed() {
    for reset_in_milliseconds in [false, true] {
        let scene = Scene::new(HdaHabits {
            order_quota: Some(HdaQuota {
                limit: 1,
                window: Duration::from_secs(1),
            }),
            reset_in_milliseconds,
            ..HdaHabits::default()
        })
        .await;
        assert_completed(&scene.preload().await);
        scene.assert_whole().await;
        assert_eq!(scene.ordered().len(), 2);
        let requests = scene.broker.requests();
        let is_order = |path: &str| path.ends_with("dataaccess/download");
        let orders: Vec<_> = requests
            .iter()
            .filter(|request| request.method == "POST" && is_order(&request.path))
            .collect();
        let refused = orders.iter().filter(|order| order.status == 429).count();
        assert!(
            (1..=2).contains(&refused),
            "asked at most once more before it paused"
        );
        let renewed = orders[0].when + Duration::from_secs(1);
        assert!(orders.last().unwrap().when >= renewed);
    }
}

#[tokio::test]
async fn an_order_without_an_answer_is_found_in_the_list() {
    for kind in [FaultKind::LostAnswer, FaultKind::Status(502)] {
        let scene = Scene::new(fault("order", When::First(1), kind)).await;
        assert_completed(&scene.preload().await);
        assert_eq!(scene.ordered().len(), 2, "{kind:?}");
        scene.assert_whole().await;
    }
}

#[tokio::test]
async fn without_a_list_an_order_without_an_answer_is_made_again() {
    let scene = Scene::new(HdaHabits {
        lists_single_orders_only: true,
        ..fault("order", When::First(1), FaultKind::LostAnswer)
    })
    .await;
    assert_completed(&scene.preload().await);
    assert_eq!(scene.ordered().len(), 3);
}

#[tokio::test]
async fn outages_are_sat_out() {
    for endpoint in ["gettoken", "queryable", "search", "downloads", "download"] {
        for kind in [FaultKind::Status(503), FaultKind::HtmlPage] {
            let scene = Scene::new(fault(endpoint, When::First(2), kind)).await;
            let outcome = scene.preload().await;
            assert_eq!(
                outcome.status,
                JobStatus::Completed,
                "{endpoint}, {kind:?}: {outcome:?}"
            );
            assert_eq!(scene.ordered().len(), 2, "{endpoint}, {kind:?}");
        }
    }
}

#[tokio::test]
async fn tokens_that_expire_on_the_way_are_renewed() {
    let scene = Scene::new(HdaHabits {
        token_lifetime: Duration::from_secs(1),
        expired_token_status: 403,
        preparation: Duration::from_secs(2),
        ..HdaHabits::default()
    })
    .await;
    assert_completed(&scene.preload().await);
    assert!(scene.calls("POST", "refreshtoken") >= 2);
    assert_eq!(scene.calls("POST", "gettoken"), 1);
}

#[tokio::test]
async fn terms_are_accepted_only_if_that_is_wanted() {
    let habits = HdaHabits {
        terms_pending: true,
        ..HdaHabits::default()
    };
    let mut scene = Scene::new(habits).await;
    let problem = failure(scene.preload().await);
    assert_eq!(problem.kind.as_str(), "terms_not_accepted");
    let hint = problem.hint().unwrap();
    assert!(hint.contains("Copernicus_General_License") && hint.contains("WEKEO_ACCEPT_TERMS"));
    assert_eq!(scene.calls("PUT", "Copernicus_General_License"), 0);

    scene.options.accepts_terms = true;
    assert_completed(&scene.preload().await);
    assert_eq!(scene.calls("PUT", "Copernicus_General_License"), 1);
}

#[tokio::test]
async fn a_product_whose_order_fails_is_ordered_again_and_the_other_is_not() {
    let scene = Scene::new(HdaHabits {
        failing_orders: When::First(1),
        ..HdaHabits::default()
    })
    .await;
    assert_completed(&scene.preload().await);
    let mut ordered = scene.ordered();
    ordered.sort();
    let expected = [
        "FSC_20180105_T32TNS",
        "FSC_20180105_T32TNS",
        "FSC_20180105_T32TPS.tif",
    ];
    assert_eq!(ordered, expected);
    scene.assert_whole().await;

    let scene = Scene::new(HdaHabits {
        failing_orders: When::Always,
        ..HdaHabits::default()
    })
    .await;
    let problem = failure(scene.preload().await);
    assert!(
        problem.message.contains("could not be prepared"),
        "{problem}"
    );
    assert_eq!(scene.ordered().len(), 6, "three times both");
}

#[tokio::test]
async fn a_product_that_is_not_first_in_line_is_ordered_while_the_first_is_fetched() {
    let mut scene = Scene::new(HdaHabits::default()).await;
    scene.options.at_once = 1;
    assert_completed(&scene.preload().await);
    scene.assert_whole().await;
    let requests = scene.broker.requests();
    let at = |method: &str, ending: &str| {
        let is_it = |path: &str| path.contains(ending);
        let found = requests
            .iter()
            .rposition(|r| r.method == method && is_it(&r.path));
        found.unwrap()
    };
    let first = &scene.broker.orders()[0].download_id;
    assert!(at("POST", "dataaccess/download") > at("GET", first));
}

#[tokio::test]
async fn a_connection_that_breaks_is_taken_up_where_it_broke() {
    let scene = Scene::new(HdaHabits {
        cut_body: When::First(2),
        cut_body_after: 700,
        ..HdaHabits::default()
    })
    .await;
    assert_completed(&scene.preload().await);
    scene.assert_whole().await;
    let requests = scene.broker.requests();
    let ranges: Vec<_> = requests
        .iter()
        .filter_map(|request| request.range.as_deref())
        .collect();
    assert!(ranges.contains(&"bytes=700-"), "{ranges:?}");
    assert_eq!(scene.ordered().len(), 2);
}

#[tokio::test]
async fn files_that_are_gone_are_ordered_again_but_not_for_ever() {
    let scene = Scene::new(HdaHabits {
        files_live: Duration::ZERO,
        ..HdaHabits::default()
    })
    .await;
    let problem = failure(scene.preload().await);
    assert_eq!(problem.kind.as_str(), "task_failed");
    assert!(problem.message.contains("ordered 3 times"), "{problem}");
    scene
        .broker
        .update_habits(|habits| habits.files_live = Duration::from_secs(3600));
    assert_completed(&scene.preload().await);
    scene.assert_whole().await;
}

#[tokio::test]
async fn several_dates_are_no_cube_and_neither_is_nothing() {
    let scene = Scene::new(HdaHabits::default()).await;
    let several = failure(scene.preload_days("2018-01-01", "2018-01-31").await);
    assert_eq!(several.kind.as_str(), "several_dates");
    assert!(
        several
            .message
            .contains("2018-01-05/2018-01-05, 2018-01-06/2018-01-06")
    );
    let nothing = failure(scene.preload_days("2019-01-01", "2019-01-31").await);
    assert_eq!(nothing.kind.as_str(), "no_products");
    assert!(scene.ordered().is_empty());
}
