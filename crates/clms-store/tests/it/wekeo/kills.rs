//! Processes that die, and jobs that are given up.

use std::sync::Arc;

use clms_preload::{CancelScope, CancelVerdict, JobStatus, NoProgress, RunOptions};
use clms_sim::hda::HdaHabits;
use tokio_util::sync::CancellationToken;

use super::scene::Scene;

/// Kills a process after each request that it makes, and lets another one go on.
#[tokio::test]
async fn a_kill_after_any_request_orders_nothing_twice() {
    let mut deaths = 0;
    for after in 1.. {
        let scene = Scene::new(HdaHabits::default()).await;
        let engine = scene.engine(Arc::new(NoProgress));
        let request = scene.request("2018-01-05", "2018-01-05");
        let running = async move {
            let cancel = CancellationToken::new();
            engine
                .run(vec![request], RunOptions::default(), &cancel)
                .await
        };
        let finished = tokio::select! {
            biased;
            // Dropping what runs is like killing the process.
            () = scene.broker.answered(after) => false,
            _ = running => true,
        };
        if finished {
            break;
        }
        deaths += 1;
        let outcome = scene.preload().await;
        assert_eq!(outcome.status, JobStatus::Completed, "{after}: {outcome:?}");
        let mut ordered = scene.ordered();
        ordered.sort();
        let expected = ["FSC_20180105_T32TNS", "FSC_20180105_T32TPS.tif"];
        assert_eq!(ordered, expected, "killed after {after} requests");
        scene.assert_whole().await;
    }
    assert!(deaths >= 8, "{deaths}");
}

#[tokio::test]
async fn what_is_given_up_is_over_here_and_its_orders_are_found_again() {
    let scene = Scene::new(HdaHabits {
        preparation: std::time::Duration::from_secs(3600),
        ..HdaHabits::default()
    })
    .await;
    let engine = scene.engine(Arc::new(NoProgress));
    let request = scene.request("2018-01-05", "2018-01-05");
    let handle = engine.start(vec![request], RunOptions::default()).remove(0);
    // Until it looks at what it has ordered.
    while scene.calls("GET", "downloads") == 0 {
        scene
            .broker
            .answered(scene.broker.requests().len() + 1)
            .await;
    }
    let report = handle.cancel(CancelScope::Everywhere).await.unwrap();
    let [task] = &report.tasks[..] else {
        panic!("{report:?}");
    };
    assert_eq!(task.verdict, CancelVerdict::Refused);
    let message = &task.problem.as_ref().unwrap().message;
    assert!(message.contains("2 products"), "{message}");

    scene.broker.advance(std::time::Duration::from_secs(3600));
    let outcome = scene.preload().await;
    assert_eq!(outcome.status, JobStatus::Completed, "{outcome:?}");
    assert_eq!(scene.ordered().len(), 2);
}
