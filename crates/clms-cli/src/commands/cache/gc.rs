//! `clms cache gc`.

use std::time::Duration;

use clms_store::{
    StoreError,
    keeping::{Fate, Garbage, LeftoverKind, Limits},
};
use futures::StreamExt;
use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;

use super::{Context, Done, conclude};
use crate::{args::Gc, failure::Failure, text};

/// Something that was or would be removed.
#[derive(Serialize, JsonSchema)]
pub(in crate::commands) struct Collected {
    /// `cube`, or what a dead process left: `staged`, `unfinished`, `trash`, `manifest`, `temporary`, `scratch`.
    kind: &'static str,
    /// The cube that it is or was to be; none for files of an ended job.
    data_id: Option<String>,
    /// Which one of all the cubes that ever had this name.
    generation: Option<String>,
    /// Its size in bytes.
    bytes: u64,
    /// How many files or objects it is made of.
    objects: u64,
    /// `would_remove`, `removed`, `in_use`, `changed` or `failed`.
    status: &'static str,
    /// Who works on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    holder: Option<String>,
    /// Why it could not be removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Failure>,
}

impl Collected {
    fn of(garbage: &Garbage, status: &'static str) -> Self {
        let usage = garbage.usage();
        let (kind, generation) = match garbage {
            Garbage::Leftover(leftover) => (
                match leftover.kind {
                    LeftoverKind::Staged => "staged",
                    LeftoverKind::Unfinished => "unfinished",
                    LeftoverKind::Trash => "trash",
                    LeftoverKind::Manifest => "manifest",
                    LeftoverKind::Temporary => "temporary",
                    _ => "leftover",
                },
                Some(&leftover.generation),
            ),
            Garbage::Files(_) => ("scratch", None),
            Garbage::Cube(cube, _) => ("cube", cube.generation.as_ref()),
            _ => ("other", None),
        };
        Self {
            kind,
            data_id: garbage.name().map(ToString::to_string),
            generation: generation.map(ToString::to_string),
            bytes: usage.bytes,
            objects: usage.objects,
            status,
            holder: None,
            error: None,
        }
    }

    fn with_fate(garbage: &Garbage, fate: Fate, gone: &'static str) -> Self {
        match fate {
            Fate::Removed => Self::of(garbage, gone),
            Fate::InUse { holder } => Self {
                holder: Some(holder),
                ..Self::of(garbage, "in_use")
            },
            Fate::Failed(why) => Self {
                error: Some(StoreError::from(why).into()),
                ..Self::of(garbage, "failed")
            },
            _ => Self::of(garbage, "changed"),
        }
    }

    fn counts(&self) -> bool {
        matches!(self.status, "removed" | "would_remove")
    }
}

pub(super) async fn run(context: &Context, gc: Gc) -> Done {
    let plan = context.store.plan_gc(limits(&gc)).await?;
    let (fates, gone) = if gc.dry_run {
        (plan.rehearse(), "would_remove")
    } else {
        (plan.execute(&context.store.holder()), "removed")
    };
    let collected: Vec<Collected> = fates
        .map(|(garbage, fate)| Collected::with_fate(&garbage, fate, gone))
        .collect()
        .await;
    context.result(&collected, || table(&collected))?;
    context.printer.note(&total(&collected, gc.dry_run));
    let failures = collected.iter().filter_map(|item| item.error.as_ref());
    conclude(context, collected.len(), failures)
}

fn limits(gc: &Gc) -> Limits {
    let mut limits = Limits::none();
    if let Some(bytes) = gc.max_size {
        limits = limits.with_max_bytes(bytes);
    }
    if let Some(age) = gc.older_than {
        limits = limits.with_committed_before(before(age));
    }
    limits
}

/// So long ago; longer than there are times is the first one.
fn before(age: Duration) -> Timestamp {
    SignedDuration::try_from(age)
        .ok()
        .and_then(|age| Timestamp::now().checked_sub(age).ok())
        .unwrap_or(Timestamp::MIN)
}

fn table(collected: &[Collected]) -> String {
    if collected.is_empty() {
        return String::new();
    }
    let rows = collected.iter().map(|item| {
        vec![
            item.data_id.clone().unwrap_or_default(),
            match item.kind {
                "cube" => "finished cube",
                "staged" => "half-built cube",
                "unfinished" => "half-written cube",
                "trash" => "half-deleted cube",
                "manifest" => "manifest without a cube",
                "temporary" => "half-written record",
                "scratch" => "files of an ended job",
                other => other,
            }
            .to_owned(),
            text::bytes(item.bytes),
            match &item.holder {
                Some(holder) => format!("in use by {holder}"),
                None => item.status.replace('_', " "),
            },
        ]
    });
    text::table(&["data id", "what", "size", "status"], rows, &[2])
}

fn total(collected: &[Collected], dry_run: bool) -> String {
    let counted: Vec<&Collected> = collected.iter().filter(|item| item.counts()).collect();
    let bytes = text::bytes(counted.iter().map(|item| item.bytes).sum());
    match (counted.len(), dry_run) {
        (0, _) => "nothing to remove".to_owned(),
        (n, true) => format!("{n} would be removed, {bytes}; nothing was"),
        (n, false) => format!("{n} removed, {bytes}"),
    }
}
