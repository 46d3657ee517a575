//! `clms cache verify`.

use clms_store::{
    DataId, StoreError,
    keeping::{Checked, Manifest, Verdict, Verification},
};
use futures::TryStreamExt;
use schemars::JsonSchema;
use serde::Serialize;

use super::{Context, Done, Stop, data_ids, say_that_nothing_is_there};
use crate::{
    args::Verify,
    exit,
    failure::Failure,
    progress::{Doing, Work},
    text,
};

/// Of each cube so many objects with something wrong are named; a cube that has lost more has to be built anew anyway.
const NAMED: usize = 1000;
/// And to people so many.
const SHOWN: usize = 20;

/// A cube that was read from its first byte to its last.
#[derive(Serialize, JsonSchema)]
pub(in crate::commands) struct Verified {
    /// Its name.
    data_id: String,
    /// The path or URL under which other software opens it.
    cube: String,
    /// Which one of all the cubes that ever had this name, if that was written down.
    generation: Option<String>,
    /// `null` if nobody wrote down what the cube was: all of it can be read, and nobody knows more.
    whole: Option<bool>,
    /// Objects of each kind.
    counts: Counts,
    /// What is wrong, up to a thousand of them.
    findings: Vec<Finding>,
    /// Why it is not whole, or could not be read.
    error: Option<Failure>,
}

/// How many files or objects of a cube are of each kind.
#[derive(Default, Serialize, JsonSchema)]
struct Counts {
    /// As they were written.
    sound: u64,
    /// Read, without anything to compare them with.
    readable: u64,
    /// Other than they were written.
    bad: u64,
    /// Not there.
    missing: u64,
    /// There, but not to be read.
    unreadable: u64,
    /// Not there when the cube was built.
    superfluous: u64,
}

impl Counts {
    fn wrong(&self) -> u64 {
        self.bad + self.missing + self.unreadable + self.superfluous
    }
}

/// An object with something wrong.
#[derive(Serialize, JsonSchema)]
struct Finding {
    /// Its path in the cube.
    key: String,
    /// `bad`, `missing`, `unreadable` or `superfluous`.
    verdict: &'static str,
    /// In words.
    why: String,
}

pub(super) async fn run(context: &Context, verify: Verify) -> Done {
    let data_ids = if verify.data_ids.is_empty() {
        everything(context).await?
    } else {
        data_ids(&verify.data_ids)?
    };
    for data_id in &data_ids {
        context.store.check_cached(data_id).await?;
    }
    let mut verified = Vec::new();
    for data_id in &data_ids {
        verified.push(one(context, data_id, &verify).await);
    }
    context.result(&verified, || page(&verified))?;
    for failure in verified.iter().filter_map(|cube| cube.error.as_ref()) {
        if !context.printer.is_json() {
            context.printer.failure(failure);
        }
    }
    // Also if others are whole: what is asked is whether all is well.
    if verified.iter().all(|cube| cube.error.is_none()) {
        Ok(())
    } else {
        Err(Stop::Code(exit::FAILED))
    }
}

/// All cached cubes.
async fn everything(context: &Context) -> Result<Vec<DataId>, Stop> {
    let cubes = context.store.cached().await?;
    if cubes.is_empty() {
        say_that_nothing_is_there(context);
    }
    let data_ids = cubes.iter().map(|cube| cube.data_id.parse());
    Ok(data_ids
        .collect::<Result<_, _>>()
        .map_err(StoreError::from)?)
}

async fn one(context: &Context, data_id: &DataId, verify: &Verify) -> Verified {
    let mut verified = Verified {
        data_id: data_id.to_string(),
        cube: context.store.cube_location(data_id).unwrap_or_default(),
        generation: None,
        whole: None,
        counts: Counts::default(),
        findings: Vec::new(),
        error: None,
    };
    let read = match context.store.verification(data_id).await {
        Ok(verification) => read(context, verification, verify, &mut verified).await,
        Err(why) => Err(why),
    };
    // They come as they are ready.
    verified.findings.sort_by(|a, b| a.key.cmp(&b.key));
    let wrong = verified.counts.wrong();
    verified.error = match read {
        Err(why) => {
            verified.whole = None;
            Some(why.into())
        }
        Ok(()) if wrong > 0 => {
            verified.whole = Some(false);
            Some(not_whole(data_id, wrong))
        }
        Ok(()) => None,
    };
    verified
}

async fn read(
    context: &Context,
    verification: Verification,
    verify: &Verify,
    verified: &mut Verified,
) -> Result<(), StoreError> {
    verified.whole = verification.manifest().map(|_| true);
    verified.generation = verification
        .manifest()
        .map(|Manifest { generation, .. }| generation.to_string());
    let (mut done, total) = (0, verification.expected().bytes);
    let (progress, screen) = (context.progress, &context.screen);
    let reading = Work::begin(Doing::Reading, progress, screen, &verified.data_id);
    reading.at(done, total);
    let mut objects = verification.run(verify.concurrency);
    while let Some(Checked { key, verdict, .. }) = objects.try_next().await? {
        done += verdict.bytes();
        reading.at(done, total);
        let counts = &mut verified.counts;
        let (count, word) = match &verdict {
            Verdict::Sound { .. } => (&mut counts.sound, "sound"),
            Verdict::Readable { .. } => (&mut counts.readable, "readable"),
            Verdict::Missing { .. } => (&mut counts.missing, "missing"),
            Verdict::Superfluous { .. } => (&mut counts.superfluous, "superfluous"),
            Verdict::Unreadable { .. } => (&mut counts.unreadable, "unreadable"),
            _ => (&mut counts.bad, "bad"),
        };
        *count += 1;
        if !verdict.is_good() && verified.findings.len() < NAMED {
            let why = why(&verdict);
            verified.findings.push(Finding {
                key,
                verdict: word,
                why,
            });
        }
    }
    reading.done();
    Ok(())
}

fn why(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Bad { expected, found } if expected.bytes != found.bytes => {
            let has = text::count(found.bytes, "byte");
            format!("has {has} instead of {}", expected.bytes)
        }
        Verdict::Bad { expected, found } => format!(
            "has other content: checksum {} instead of {}",
            found.checksum, expected.checksum
        ),
        Verdict::Missing { expected } => {
            format!("of {} is not there", text::count(expected.bytes, "byte"))
        }
        Verdict::Superfluous { bytes } => {
            let size = text::count(*bytes, "byte");
            format!("of {size} was not there when the cube was built")
        }
        Verdict::Unreadable { why } => format!("can't be read: {why}"),
        _ => String::new(),
    }
}

fn not_whole(data_id: &DataId, wrong: u64) -> Failure {
    let differ = match wrong {
        1 => "1 object differs".to_owned(),
        _ => format!("{wrong} objects differ"),
    };
    Failure {
        kind: "damaged".to_owned(),
        message: format!("{data_id}: the cube is not what was built: {differ}"),
        hint: Some(format!(
            "build it anew with: clms preload --force '{data_id}'"
        )),
        retryable: false,
        nearest: Vec::new(),
        code: exit::FAILED,
    }
}

fn page(verified: &[Verified]) -> String {
    let rows = verified.iter().map(|cube| {
        let counts = &cube.counts;
        let good = counts.sound + counts.readable;
        vec![
            cube.data_id.clone(),
            match (cube.whole, &cube.error) {
                (Some(true), None) => "whole",
                (None, None) => "readable (no manifest to compare with)",
                (Some(false), _) => "damaged",
                _ => "not verified",
            }
            .to_owned(),
            good.to_string(),
            counts.bad.to_string(),
            counts.missing.to_string(),
            counts.unreadable.to_string(),
            counts.superfluous.to_string(),
        ]
    });
    let header = [
        "data id",
        "verdict",
        "good",
        "bad",
        "missing",
        "unreadable",
        "superfluous",
    ];
    if verified.is_empty() {
        return String::new();
    }
    let mut out = text::table(&header, rows, &[2, 3, 4, 5, 6]);
    for cube in verified.iter().filter(|cube| !cube.findings.is_empty()) {
        out.push_str(&format!("\n{}\n", cube.cube));
        for finding in cube.findings.iter().take(SHOWN) {
            out.push_str(&format!("  {} {}\n", finding.key, finding.why));
        }
        let more = cube.counts.wrong().saturating_sub(SHOWN as u64);
        if more > 0 {
            out.push_str(&format!("  and {more} more\n"));
        }
    }
    out
}
