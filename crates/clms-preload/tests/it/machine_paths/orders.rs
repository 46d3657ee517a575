//! Which task is taken, and what is ordered.

use super::*;

#[test]
fn tasks_of_other_files_are_no_ones_business() {
    let mut job = Job::finding();
    assert_eq!(job.sees(&[of_others("7")]), StageName::Posting);
    assert_eq!(job.commands, [Command::Post]);
}

#[test]
fn of_several_tasks_the_newest_finished_is_taken_then_the_furthest() {
    let mut job = Job::finding();
    let (old, new) = (
        finished_task("old", job.at),
        finished_task(
            "new",
            job.at.checked_add(SignedDuration::from_secs(9)).unwrap(),
        ),
    );
    let (queued, running) = (
        portal_task("q", TaskStatus::Queued),
        portal_task("r", TaskStatus::InProgress),
    );
    let mut other = Job::finding();
    job.sees(&[queued.clone(), old, running.clone(), new]);
    assert_eq!(job.download(), Some(&TaskId::new("new")));
    other.sees(&[queued, running]);
    assert_eq!(
        other.state.stage,
        Stage::Waiting {
            task: TaskId::new("r")
        }
    );
    assert_eq!(
        other.commands.last(),
        Some(&Command::Look(Urgency::NextTick))
    );
}

#[test]
fn a_twin_that_is_finished_is_taken_while_waiting() {
    let mut job = Job::waiting_for("1");
    let twin = finished_task("2", job.at);
    assert_eq!(
        job.sees(&[portal_task("1", TaskStatus::Queued), twin]),
        StageName::Downloading
    );
    assert_eq!(job.download(), Some(&TaskId::new("2")));
}

#[test]
fn a_stranger_that_failed_is_not_remembered() {
    let mut job = Job::finding();
    assert_eq!(
        job.sees(&[portal_task("7", TaskStatus::Rejected)]),
        StageName::Posting
    );
    assert!(job.state.knowledge.dead.is_empty());
}

#[test]
fn finished_is_final_whatever_the_status_says_later() {
    let mut job = Job::waiting_for("1");
    let mut backwards = finished_task("1", job.at);
    backwards.status = TaskStatus::Queued;
    assert_eq!(
        job.sees(std::slice::from_ref(&backwards)),
        StageName::Downloading
    );

    // A link without a date is not enough.
    let mut job = Job::waiting_for("1");
    backwards.finalized = None;
    assert_eq!(job.sees(&[backwards]), StageName::Waiting);
}

#[test]
fn an_unclear_order_is_looked_for_before_the_next() {
    let mut job = Job::finding();
    assert_eq!(job.sees(&[]), StageName::Posting);
    let begin = job.at;
    job.later(10);
    assert_eq!(
        job.on(Event::PostUnclear(Problem::new(
            ProblemKind::ServerError,
            "500"
        ))),
        StageName::Finding
    );
    assert_eq!(job.sees(&[]), StageName::Pausing);
    assert_eq!(job.sits_out_its_pause(), 30);
    let mut found = job.again();
    assert_eq!(
        found.sees(&[portal_task("5", TaskStatus::Queued)]),
        StageName::Waiting
    );
    assert!(
        !found.state.knowledge.owned[0].adopted,
        "it is what was ordered"
    );
    assert_eq!(found.state.knowledge.unclear_since, None);

    job.at = begin.checked_add(SignedDuration::from_secs(40)).unwrap();
    assert_eq!(job.sees(&[]), StageName::Finding, "one list proves nothing");
    assert_eq!(job.sees(&[]), StageName::Finding);
    assert_eq!(job.sees(&[]), StageName::Posting);
}

/// Found by the simulation: what was counted for the first order was counted for the second as well.
#[test]
fn each_unclear_order_is_looked_for_in_several_lists() {
    let mut job = Job::finding();
    assert_eq!(job.sees(&[]), StageName::Posting);
    for _ in 0..2 {
        job.on(Event::PostUnclear(Problem::new(
            ProblemKind::ServerError,
            "500",
        )));
        job.later(31);
        assert_eq!(job.sees(&[]), StageName::Finding);
        assert_eq!(job.sees(&[]), StageName::Finding);
        assert_eq!(job.sees(&[]), StageName::Posting);
    }
}

/// A job whose server names no task, and has been asked for one.
fn unnamed(before: &[PortalTask]) -> Job {
    let mut job = Job::finding();
    job.state.is_unnamed = true;
    assert_eq!(job.sees(before), StageName::Posting);
    assert_eq!(job.on(Event::Posted(Vec::new())), StageName::Finding);
    job
}

#[test]
fn a_task_that_is_never_named_is_looked_for_at_every_tick_and_then_no_more() {
    let mut job = unnamed(&[]);
    for _ in 0..5 {
        job.later(30);
        assert_eq!(job.sees(&[]), StageName::Finding);
        assert_eq!(job.commands, [Command::Look(Urgency::NextTick)]);
    }
    let mut found = job.again();
    assert_eq!(
        found.sees(&[portal_task("5", TaskStatus::Queued)]),
        StageName::Waiting
    );
    assert!(!found.state.knowledge.owned[0].adopted);

    job.later(30);
    assert_eq!(job.sees(&[]), StageName::Finding, "one list proves nothing");
    assert_eq!(job.sees(&[]), StageName::Finding);
    assert_eq!(job.sees(&[]), StageName::Failed);
    let problem = job.state.knowledge.last_problem.as_ref().unwrap();
    assert_eq!(problem.kind, ProblemKind::NoTask);
    assert!(problem.hint.as_ref().unwrap().contains("other days"));

    // Who asks again means it, and is asked for anew.
    job.state = job.state.renewed();
    job.state.stage = Stage::Finding;
    for stage in [StageName::Finding, StageName::Finding, StageName::Posting] {
        assert_eq!(job.sees(&[]), stage);
    }
}

#[test]
fn a_rejected_task_that_was_never_named_tells_why_and_an_old_one_does_not() {
    let rejected = |id| portal_task(id, TaskStatus::Rejected);
    let mut job = unnamed(&[rejected("old")]);
    job.later(20);
    assert_eq!(job.sees(&[rejected("old")]), StageName::Finding);
    assert!(job.state.knowledge.owned.is_empty());
    assert_eq!(
        job.sees(&[rejected("old"), rejected("new")]),
        StageName::Pausing
    );
    assert!(job.abandons("new") && !job.abandons("old"));
    job.sits_out_its_pause();
    assert_eq!(job.sees(&[rejected("old")]), StageName::Posting);
    assert_eq!(job.state.knowledge.requests, 2);
}

#[test]
fn a_job_killed_while_it_ordered_looks_first() {
    let mut job = Job::finding();
    job.sees(&[]);
    job.state = job.state.clone().renewed();
    assert_eq!(job.state.stage, Stage::New);
    job.on(Event::Started);
    job.on(Event::CubeLookedUp {
        cube: None,
        remains: false,
    });
    let remembered = Box::new(job.state.knowledge.clone());
    job.on(Event::Leased {
        remembered,
        download_on_disk: false,
    });
    job.on(Event::CubeLookedUp {
        cube: None,
        remains: false,
    });
    assert_eq!(
        job.sees(&[]),
        StageName::Pausing,
        "the order may still appear"
    );
}

#[test]
fn a_late_answer_is_remembered() {
    let mut job = Job::waiting_for("1");
    job.on(Event::Posted(vec![TaskId::new("2")]));
    assert_eq!(
        job.state.stage,
        Stage::Waiting {
            task: TaskId::new("1")
        }
    );
    assert!(job.state.knowledge.owns(&TaskId::new("2")));
}

#[test]
fn a_new_run_remembers_tasks_and_forgets_counts() {
    let mut job = Job::waiting_for("1");
    job.sees(&[portal_task("1", TaskStatus::Rejected)]);
    job.sits_out_its_pause();
    job.sees(&[]);
    job.on(Event::Posted(vec![TaskId::new("2")]));
    assert_eq!(job.state.knowledge.requests, 2);
    let renewed = job.state.renewed();
    assert_eq!(
        (&renewed.stage, renewed.knowledge.requests),
        (&Stage::New, 0)
    );
    assert_eq!(renewed.knowledge.current_task(), Some(&TaskId::new("2")));
    assert!(renewed.knowledge.death(&TaskId::new("1")).is_some());
}

#[test]
fn a_full_queue_is_waited_for_as_long_as_it_takes() {
    let mut job = Job::finding();
    let full = || Problem::new(ProblemKind::QueueFull, "five items at a time");
    let mut waited = 0;
    // Longer than any outage is sat out.
    while waited < 100 * 3600 {
        assert_eq!(job.sees(&[]), StageName::Posting);
        assert_eq!(job.on(Event::PostRefused(full())), StageName::Pausing);
        waited += job.sits_out_its_pause();
    }
    assert_eq!(job.sees(&[]), StageName::Posting);
    assert_eq!(
        job.state.knowledge.requests, 1,
        "what was refused is no task"
    );
    job.on(Event::Posted(vec![TaskId::new("1")]));
    assert_eq!(job.state.stage.name(), StageName::Waiting);
}
