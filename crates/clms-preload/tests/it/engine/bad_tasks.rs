//! What tasks and answers to orders can be.

use std::time::Duration;

use clms_preload::{Clock as _, JobStatus, ProgressEvent, RunOptions, TaskId};

use super::assert_completed;
use crate::world::{
    World, kind,
    server::{Answer, CancelHabit, Fate},
};

#[tokio::test]
async fn what_a_task_can_do_wrong_leads_to_a_new_one() {
    for fate in [
        Fate::DeadLink,
        Fate::HtmlLink,
        Fate::NoLink,
        Fate::ShortFile,
        Fate::NoZip,
        Fate::Nok,
        Fate::Rejected,
        Fate::CancelledByOther,
        Fate::Vanishes,
    ] {
        let world = World::with_fates(&[fate]);
        let outcome = world.run().await;
        assert_eq!(outcome.task_id, Some(TaskId::new("9001")), "{fate:?}");
        assert_completed(&world, &outcome, 2);
        let abandoned = world
            .heard
            .events()
            .iter()
            .filter(|event| matches!(event, ProgressEvent::TaskAbandoned { .. }))
            .count();
        assert_eq!(abandoned, 1, "{fate:?}");
    }
}

#[tokio::test]
async fn what_is_only_slow_or_strange_needs_no_new_one() {
    for fate in [Fate::LateLink(170), Fate::Backwards, Fate::UnknownWord] {
        let world = World::with_fates(&[fate]);
        let outcome = world.run().await;
        assert_completed(&world, &outcome, 1);
    }
}

#[tokio::test]
async fn a_file_is_ordered_three_times_at_most_and_the_servers_words_are_told() {
    let world = World::with_fates(&[Fate::Nok, Fate::DeadLink, Fate::Rejected]);
    let outcome = world.run().await;
    assert_eq!(
        (outcome.status, kind(&outcome)),
        (JobStatus::Failed, Some("rejected"))
    );
    let message = outcome.error.unwrap().message;
    assert!(
        message.contains("3 times") && message.contains("FME says no"),
        "{message}"
    );
    assert_eq!(world.posts_and_doubled(), (3, 0));
}

#[tokio::test]
async fn an_order_without_an_answer_is_never_doubled() {
    for (answers, posts) in [
        (vec![Answer::LostButMade], 1),
        (vec![Answer::Nameless], 1),
        (vec![Answer::LostNotMade], 2),
        (vec![Answer::LostNotMade, Answer::LostButMade], 2),
        (vec![Answer::Duplicated, Answer::Duplicated], 3),
    ] {
        let world = World::with_answers(&answers);
        let outcome = world.run().await;
        assert_completed(&world, &outcome, posts);
    }
}

#[tokio::test]
async fn a_duplicate_is_adopted_if_the_list_shows_it() {
    let world = World::new();
    let id = world.make_task();
    let outcome = world.run().await;
    assert_completed(&world, &outcome, 0);
    assert_eq!(outcome.task_id, Some(id));
    let adopted =
        |event: &ProgressEvent| matches!(event, ProgressEvent::TaskChosen { adopted: true, .. });
    assert!(world.heard.events().iter().any(adopted));
}

#[tokio::test]
async fn a_finished_task_with_a_dead_link_is_not_adopted_for_long() {
    let world = World::with_fates(&[Fate::DeadLink]);
    world.make_task();
    world.clock.sleep(Duration::from_secs(3600)).await;
    let outcome = world.run().await;
    assert_completed(&world, &outcome, 1);
    assert_eq!(
        world.server().downloads.len(),
        3 + 1,
        "an old link gets three attempts"
    );
}

#[tokio::test]
async fn the_server_may_ask_for_patience_but_not_for_other_credentials() {
    let world = World::with_answers(&[Answer::RateLimited]);
    let begin = world.clock.now();
    assert_completed(&world, &world.run().await, 2);
    assert!(world.clock.now().duration_since(begin).as_secs() > 77);

    let world = World::with_answers(&[Answer::Unauthorized]);
    let outcome = world.run().await;
    assert_eq!(
        (outcome.status, kind(&outcome)),
        (JobStatus::Failed, Some("unauthorized"))
    );
}

const DAY: Duration = Duration::from_secs(24 * 3600);

#[tokio::test]
async fn a_task_that_is_never_begun_is_cancelled_and_ordered_anew() {
    let world = World::with_fates(&[Fate::Stuck]);
    let begin = world.clock.now();
    let outcome = world.run().await;
    assert_completed(&world, &outcome, 2);
    assert_eq!(outcome.task_id, Some(TaskId::new("9001")));
    assert_eq!(world.server().cancels, [TaskId::new("9000")]);
    assert!(world.clock.now().duration_since(begin).as_hours() >= 24);
    let stuck = |event: &ProgressEvent| match event {
        ProgressEvent::TaskStuck { problem, .. } => Some(problem.message.clone()),
        _ => None,
    };
    let told: Vec<_> = world.heard.events().iter().filter_map(stuck).collect();
    assert_eq!(told, ["task 9000 was queued for 24 h and never begun"]);
}

#[tokio::test]
async fn a_task_that_is_never_begun_is_not_doubled_if_it_cannot_be_cancelled() {
    for habit in [CancelHabit::Refuses, CancelHabit::Swallows] {
        let world = World::with_fates(&[Fate::Stuck]);
        world.server().cancel_habit = habit;
        let options = RunOptions {
            timeout: Some(DAY + DAY / 4),
            ..RunOptions::default()
        };
        let outcome = world.run_with(options).await;
        assert_eq!(kind(&outcome), Some("timeout"));
        let message = outcome.error.unwrap().message;
        let queued = "last seen: task 9000 is Queued for 29 h, and the server does not cancel it";
        assert!(message.contains(queued), "{message}");
        assert_eq!(message.contains("firewall"), habit == CancelHabit::Refuses);
        assert_eq!(world.posts_and_doubled(), (1, 0));
        let cancels = world.server().cancels.len();
        assert!((4..9).contains(&cancels), "{cancels}");

        // Once that works, all is well.
        world.server().cancel_habit = CancelHabit::Works;
        assert_completed(&world, &world.run().await, 2);
    }
}

#[tokio::test]
async fn tasks_that_are_never_begun_are_ordered_three_times_at_most() {
    let world = World::with_fates(&[Fate::Stuck; 9]);
    let outcome = world.run().await;
    assert_eq!(kind(&outcome), Some("task_stuck"));
    let error = outcome.error.unwrap();
    assert!(error.message.contains("3 times") && error.message.contains("queued for 24 h"));
    assert!(error.hint.is_some());
    assert_eq!(world.posts_and_doubled(), (3, 0));
    assert_eq!(
        world.server().cancels.len(),
        2,
        "the last one may yet be begun"
    );
}

/// Several tasks of one file, none of which is ever begun: all have to go before another is ordered.
#[tokio::test]
async fn of_several_tasks_that_are_never_begun_none_stays() {
    let world = World::with_fates(&[Fate::Stuck, Fate::Stuck]);
    world.make_task();
    world.make_task();
    assert_completed(&world, &world.run().await, 1);
    assert_eq!(world.server().cancels.len(), 2);
}

/// An order that the server takes without ever making a task is not repeated for ever.
#[tokio::test]
async fn orders_of_which_no_task_comes_are_three_at_most() {
    let world = World::with_answers(&[Answer::NothingMade; 9]);
    let outcome = world.run().await;
    assert_eq!(kind(&outcome), Some("no_task"));
    assert_eq!(world.posts_and_doubled(), (3, 0));
}

#[tokio::test]
async fn orders_without_an_answer_do_not_count() {
    let mut answers = vec![Answer::LostNotMade; 7];
    answers.push(Answer::LostButMade);
    let world = World::with_answers(&answers);
    assert_completed(&world, &world.run().await, 8);
}
