//! Tasks and links that give trouble.

use super::*;

#[test]
fn a_dead_link_gets_its_grace_and_is_never_tried_again() {
    let mut job = Job::waiting_for("1");
    let task = finished_task("1", job.at);
    let begin = job.at;
    loop {
        assert_eq!(
            job.sees(std::slice::from_ref(&task)),
            StageName::Downloading
        );
        match job.download_fails(ProblemKind::LinkDead, 0) {
            StageName::Pausing => assert_eq!(job.sits_out_its_pause(), 15),
            stage => {
                assert_eq!(stage, StageName::Finding);
                break;
            }
        }
    }
    assert!(job.abandons("1"));
    assert_eq!(job.at.duration_since(begin).as_secs(), 300);
    assert_eq!(
        job.sees(&[task]),
        StageName::Pausing,
        "backoff before the next order"
    );
    job.sits_out_its_pause();
    // Not even if the server calls it queued again: it was finished.
    assert_eq!(
        job.sees(&[portal_task("1", TaskStatus::Queued)]),
        StageName::Posting
    );
    assert_eq!(job.state.knowledge.requests, 2);
}

#[test]
fn a_missing_task_is_waited_for_and_comes_back_to_life() {
    let mut job = Job::waiting_for("1");
    assert_eq!(job.sees(&[]), StageName::Waiting);
    assert_eq!(
        job.sees(&[portal_task("1", TaskStatus::Queued)]),
        StageName::Waiting
    );
    assert_eq!(job.sees(&[]), StageName::Waiting);
    assert_eq!(job.sees(&[]), StageName::Waiting);
    assert_eq!(job.sees(&[]), StageName::Pausing, "the third list in a row");
    assert!(job.abandons("1"));
    job.sits_out_its_pause();
    // It is back: one more order would make two of it.
    assert_eq!(
        job.sees(&[portal_task("1", TaskStatus::InProgress)]),
        StageName::Waiting
    );
    assert!(job.state.knowledge.dead.is_empty());
}

/// Found by the simulation: each of two such tasks made the job forget how long it had tried the other.
#[test]
fn two_finished_tasks_without_a_link_do_not_take_turns_for_ever() {
    let mut job = Job::finding();
    let tasks = [
        portal_task("1", TaskStatus::FinishedOk),
        portal_task("2", TaskStatus::FinishedOk),
    ];
    let begin = job.at;
    while job.sees(&tasks) == StageName::Waiting {
        job.later(15);
    }
    assert_eq!(job.state.stage.name(), StageName::Pausing);
    assert!(job.abandons("1") && job.abandons("2"));
    assert!(job.at.duration_since(begin).as_secs() <= 600);
}

#[test]
fn damage_that_shows_while_building_is_a_bad_package() {
    let mut job = Job::waiting_for("1");
    let task = TaskId::new("1");
    job.state.stage = Stage::Building { task: task.clone() };
    let problem = Problem::new(ProblemKind::DamagedZip, "its checksum is another");
    assert_eq!(job.on(Event::BuildFailed(problem)), StageName::Pausing);
    assert!(job.commands.contains(&Command::DiscardDownload { task }));
    job.sits_out_its_pause();
    // It is downloaded again, not built again.
    let finished = finished_task("1", job.at);
    assert_eq!(job.sees(&[finished]), StageName::Downloading);
}

#[test]
fn links_older_than_a_day_are_not_tried() {
    let mut job = Job::finding();
    let old = job.at.checked_sub(SignedDuration::from_hours(25)).unwrap();
    assert_eq!(job.sees(&[finished_task("1", old)]), StageName::Posting);

    // One's own is given up as well.
    let mut job = Job::waiting_for("1");
    assert_eq!(job.sees(&[finished_task("1", old)]), StageName::Pausing);
    assert_eq!(
        job.state.knowledge.dead[0].problem.kind,
        ProblemKind::LinkExpired
    );
}

#[test]
fn a_line_that_breaks_is_given_up_only_if_nothing_arrives() {
    let mut job = Job::waiting_for("1");
    let task = finished_task("1", job.at);
    for n in 1..50 {
        assert_eq!(
            job.sees(std::slice::from_ref(&task)),
            StageName::Downloading
        );
        assert_eq!(
            job.download_fails(ProblemKind::Unreachable, n * 100),
            StageName::Pausing
        );
        assert_eq!(job.sits_out_its_pause(), 5);
    }
    let (begin, mut pauses) = (job.at, Vec::new());
    loop {
        job.sees(std::slice::from_ref(&task));
        match job.download_fails(ProblemKind::Unreachable, 4900) {
            StageName::Pausing => pauses.push(job.sits_out_its_pause()),
            stage => {
                assert_eq!(stage, StageName::Failed);
                break;
            }
        }
    }
    assert_eq!(pauses[..7], [10, 20, 40, 80, 160, 300, 300]);
    assert!(job.at.duration_since(begin).as_hours() >= 6);
}

#[test]
fn an_outage_is_survived_while_there_is_a_task() {
    let mut job = Job::waiting_for("1");
    let begin = job.at;
    while job.on(Event::LookFailed(Problem::new(
        ProblemKind::Unreachable,
        "no route",
    ))) == StageName::Pausing
    {
        job.sits_out_its_pause();
    }
    assert_eq!(job.state.stage.name(), StageName::Failed);
    assert!(
        job.at.duration_since(begin) >= SignedDuration::try_from(job.policy.max_outage).unwrap()
    );
}

#[test]
fn the_servers_retry_after_is_kept() {
    let mut job = Job::waiting_for("1");
    let problem =
        Problem::new(ProblemKind::RateLimited, "429").with_retry_after(Duration::from_secs(600));
    assert_eq!(job.on(Event::LookFailed(problem)), StageName::Pausing);
    assert_eq!(job.sits_out_its_pause(), 600);
}

#[test]
fn unlinked_tasks_get_a_grace_too() {
    let mut job = Job::waiting_for("1");
    let task = portal_task("1", TaskStatus::FinishedOk);
    assert_eq!(job.sees(std::slice::from_ref(&task)), StageName::Waiting);
    job.later(299);
    assert_eq!(job.sees(std::slice::from_ref(&task)), StageName::Waiting);
    job.later(1);
    assert_eq!(job.sees(std::slice::from_ref(&task)), StageName::Pausing);
    assert!(job.abandons("1"));
    job.sits_out_its_pause();
    // Should the link come after all, it is used.
    let linked = finished_task("1", job.at);
    assert_eq!(job.sees(&[linked]), StageName::Downloading);
}
