//! Habits by name, as the program's `--habit NAME[=VALUE]` sets them.

use std::time::Duration;

use crate::habits::{
    Cancel, Cdse, EngineFault, Fault, FaultKind, Habits, RetryAfter, TaskOutcome, When,
};

/// A habit that can be set by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HabitFlag {
    /// The name before `=`.
    pub name: &'static str,
    /// What may stand behind `=`, for help texts.
    pub value: &'static str,
    /// One line of help.
    pub help: &'static str,
}

const fn flag(name: &'static str, value: &'static str, help: &'static str) -> HabitFlag {
    HabitFlag { name, value, help }
}

/// All habits that can be set by name. `WHEN` is `always` (which no value
/// means too), `never`, `first:N`, `every:N`, or `N` for `first:N`; `DURATION` is `200ms`,
/// `15s`, `2m` or `24h`.
pub const HABIT_FLAGS: &[HabitFlag] = &[
    flag(
        "dead-link",
        "WHEN",
        "links of finished tasks, counted per file, are dead for good",
    ),
    flag("dead-link-status", "404|403", "what dead links answer"),
    flag(
        "zombie",
        "DATA_ID|*",
        "the task list holds a finished task of old with a dead link",
    ),
    flag(
        "stranger",
        "DATA_ID|*",
        "the task list holds a finished task of another program",
    ),
    flag(
        "other-users-task",
        "",
        "a queued task of another user exists",
    ),
    flag(
        "link-alive-after",
        "DURATION",
        "links are dead for so long after Finished_ok",
    ),
    flag(
        "link-alive-after-requests",
        "N",
        "the first N requests of each link find it dead",
    ),
    flag(
        "full-queue",
        "WHEN",
        "posts for parts of data sets find the queue full",
    ),
    flag(
        "html-instead-of-zip",
        "WHEN",
        "requests of a link get a page with 200",
    ),
    flag(
        "truncated-zip",
        "WHEN",
        "requests of a link get half of the zip as if it were all",
    ),
    flag(
        "cut-body",
        "WHEN",
        "requests of a link get a body that breaks off",
    ),
    flag("cut-body-after", "BYTES", "where bodies break off (65536)"),
    flag(
        "file-size-error",
        "BYTES",
        "what FileSize adds to the zip's size",
    ),
    flag("download-url-list", "", "DownloadURL is a list"),
    flag("ignore-range", "", "Range gets 200 and everything"),
    flag(
        "changing-etag",
        "",
        "each answer of a link has another ETag",
    ),
    flag(
        "any-agent",
        "",
        "the download host takes library User-Agents too",
    ),
    flag("landcover-open", "", "LANDCOVER links are served"),
    flag(
        "direct-links-gone",
        "",
        "@get-download-file-urls answers 404",
    ),
    flag("cancel", "firewall|swallowed", "cancelling has no effect"),
    flag(
        "engine",
        "refuses|refuses-areas|html|unreachable|unreachable-areas|slow:DURATION",
        "posts fail, tasks stay",
    ),
    flag(
        "engine-when",
        "WHEN",
        "the posts that `engine` strikes (always)",
    ),
    flag(
        "outcome",
        "nok|rejected|stuck[:MESSAGE]",
        "tasks end badly or never",
    ),
    flag(
        "outcome-when",
        "WHEN",
        "the tasks that `outcome` strikes (always)",
    ),
    flag(
        "status-goes-back",
        "",
        "finished tasks are Queued again, and cancels are undone",
    ),
    flag("cdse", "no-data|rejected", "what becomes of CDSE requests"),
    flag("token-lifetime", "DURATION", "how long tokens live (1h)"),
    flag(
        "forget-expired-tokens",
        "",
        "expired tokens are unknown at once",
    ),
    flag("naive-times", "", "task times have no offset"),
    flag(
        "server-error",
        "ENDPOINT[,WHEN[,STATUS]]",
        "calls get a proxy's page (503)",
    ),
    flag(
        "too-many-requests",
        "ENDPOINT[,WHEN[,DURATION|date:DURATION|absent]]",
        "calls get 429 with Retry-After (1s)",
    ),
    flag("html-page", "ENDPOINT[,WHEN]", "calls get a page with 200"),
    flag(
        "lost-answer",
        "ENDPOINT[,WHEN]",
        "calls are carried out and never answered",
    ),
];

/// A habit that does not exist, or a value that it does not take.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidHabit(String);

impl Habits {
    /// Sets one habit from `NAME` or `NAME=VALUE`, one of [`HABIT_FLAGS`].
    ///
    /// # Errors
    ///
    /// There is no such habit, or it does not take the value.
    pub fn set(&mut self, flag: &str) -> Result<(), InvalidHabit> {
        let (name, value) = flag.split_once('=').unwrap_or((flag, ""));
        let Some(known) = HABIT_FLAGS.iter().find(|known| known.name == name) else {
            return Err(InvalidHabit(format!("there is no habit `{name}`")));
        };
        self.set_known(name, value).ok_or_else(|| {
            let wants = if known.value.is_empty() {
                "no value"
            } else {
                known.value
            };
            InvalidHabit(format!("habit `{name}` takes {wants}, not `{value}`"))
        })
    }

    fn set_known(&mut self, name: &str, value: &str) -> Option<()> {
        let switch = || value.is_empty().then_some(true);
        match name {
            "dead-link" => self.dead_links = parse_when(value)?,
            "dead-link-status" => {
                self.dead_link_status = value
                    .parse()
                    .ok()
                    .filter(|status| (400..600).contains(status))?;
            }
            "zombie" if !value.is_empty() => self.zombies.push(value.to_owned()),
            "stranger" if !value.is_empty() => self.strangers.push(value.to_owned()),
            "other-users-task" => self.other_users_task = switch()?,
            "link-alive-after" => self.link_alive_after = parse_duration(value)?,
            "link-alive-after-requests" => self.link_alive_after_requests = value.parse().ok()?,
            "full-queue" => self.full_queue = parse_when(value)?,
            "html-instead-of-zip" => self.html_instead_of_zip = parse_when(value)?,
            "truncated-zip" => self.truncated_zip = parse_when(value)?,
            "cut-body" => self.cut_body = parse_when(value)?,
            "cut-body-after" => self.cut_body_after = value.parse().ok()?,
            "file-size-error" => self.file_size_error = value.parse().ok()?,
            "download-url-list" => self.download_url_is_list = switch()?,
            "ignore-range" => self.ignores_range = switch()?,
            "changing-etag" => self.etag_changes = switch()?,
            "any-agent" => self.refuses_library_agents = !switch()?,
            "landcover-open" => self.landcover_closed = !switch()?,
            "direct-links-gone" => self.direct_links_gone = switch()?,
            "cancel" => {
                self.cancel = match value {
                    "firewall" => Cancel::FirewallPage,
                    "swallowed" => Cancel::Swallowed,
                    _ => return None,
                };
            }
            "engine" => self.engine = Some(parse_engine(value)?),
            "engine-when" => self.engine_when = parse_when(value)?,
            "outcome" => self.outcome = parse_outcome(value)?,
            "outcome-when" => self.outcome_when = parse_when(value)?,
            "status-goes-back" => self.status_goes_back = switch()?,
            "cdse" => {
                self.cdse = match value {
                    "no-data" => Cdse::NoData,
                    "rejected" => Cdse::Rejected,
                    _ => return None,
                };
            }
            "token-lifetime" => self.token_lifetime = parse_duration(value)?,
            "forget-expired-tokens" => self.forgets_expired_tokens = switch()?,
            "naive-times" => self.naive_times = switch()?,
            fault => self.faults.push(parse_fault(fault, value)?),
        }
        Some(())
    }
}

/// `200ms`, `15s`, `2m`, `24h`.
#[must_use]
pub fn parse_duration(text: &str) -> Option<Duration> {
    let digits = text.find(|letter: char| !letter.is_ascii_digit())?;
    let number: u64 = text[..digits].parse().ok()?;
    match &text[digits..] {
        "ms" => Some(Duration::from_millis(number)),
        "s" => Some(Duration::from_secs(number)),
        "m" => Some(Duration::from_secs(number.checked_mul(60)?)),
        "h" => Some(Duration::from_secs(number.checked_mul(3600)?)),
        _ => None,
    }
}

fn parse_when(text: &str) -> Option<When> {
    match text.split_once(':') {
        Some(("first", number)) => number.parse().ok().map(When::First),
        Some(("every", number)) => number
            .parse()
            .ok()
            .filter(|number| *number > 0)
            .map(When::Every),
        Some(_) => None,
        None => match text {
            "" | "always" => Some(When::Always),
            "never" => Some(When::Never),
            number => number.parse().ok().map(When::First),
        },
    }
}

fn parse_engine(text: &str) -> Option<EngineFault> {
    Some(match text {
        "refuses" => EngineFault::Refuses,
        "refuses-areas" => EngineFault::RefusesAreas,
        "html" => EngineFault::AnswersHtml,
        "unreachable" => EngineFault::Unreachable,
        "unreachable-areas" => EngineFault::UnreachableForAreas,
        slow => EngineFault::Slow(parse_duration(slow.strip_prefix("slow:")?)?),
    })
}

fn parse_outcome(text: &str) -> Option<TaskOutcome> {
    let (word, message) = text.split_once(':').unwrap_or((text, "Translation failed"));
    match word {
        "nok" => Some(TaskOutcome::Nok(message.to_owned())),
        "rejected" => Some(TaskOutcome::Rejected(message.to_owned())),
        "stuck" => Some(TaskOutcome::Stuck),
        _ => None,
    }
}

fn parse_fault(name: &str, text: &str) -> Option<Fault> {
    let mut parts = text.split(',');
    let endpoint = parts
        .next()
        .filter(|endpoint| !endpoint.is_empty())?
        .to_owned();
    let when = parse_when(parts.next().unwrap_or_default())?;
    let detail = parts.next();
    let seconds = |text: &str| u32::try_from(parse_duration(text)?.as_secs()).ok();
    let kind = match (name, detail) {
        ("server-error", detail) => FaultKind::Status(
            detail
                .unwrap_or("503")
                .parse()
                .ok()
                .filter(|status| (400..600).contains(status))?,
        ),
        ("too-many-requests", Some("absent")) => FaultKind::TooManyRequests(RetryAfter::Absent),
        ("too-many-requests", detail) => {
            let detail = detail.unwrap_or("1s");
            FaultKind::TooManyRequests(match detail.strip_prefix("date:") {
                Some(ahead) => RetryAfter::DateIn(seconds(ahead)?),
                None => RetryAfter::Seconds(seconds(detail)?),
            })
        }
        ("html-page", None) => FaultKind::HtmlPage,
        ("lost-answer", None) => FaultKind::LostAnswer,
        _ => return None,
    };
    parts.next().is_none().then_some(Fault {
        endpoint,
        when,
        kind,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flag_is_understood() {
        for flag in HABIT_FLAGS {
            let value = match flag.value {
                "" => String::new(),
                "WHEN" => "=every:3".to_owned(),
                "DURATION" => "=2m".to_owned(),
                "N" | "BYTES" => "=7".to_owned(),
                "DATA_ID|*" => "=*".to_owned(),
                choices if choices.starts_with("ENDPOINT") => "=@search,first:2".to_owned(),
                choices => format!("={}", choices.split(['|', '[']).next().unwrap_or_default()),
            };
            let mut habits = Habits::default();
            let before = habits.clone();
            habits.set(&format!("{}{value}", flag.name)).unwrap();
            let is_default = flag.name == "dead-link-status"; // 404
            assert_eq!(habits == before, is_default, "{} did nothing", flag.name);
        }
    }

    #[test]
    fn faults_have_endpoint_count_and_detail() {
        let mut habits = Habits::default();
        habits.set("server-error=@search,first:2,502").unwrap();
        habits.set("too-many-requests=*,every:3,date:5s").unwrap();
        let fault = |endpoint: &str, when, kind| Fault {
            endpoint: endpoint.to_owned(),
            when,
            kind,
        };
        assert_eq!(
            habits.faults,
            [
                fault("@search", When::First(2), FaultKind::Status(502)),
                fault(
                    "*",
                    When::Every(3),
                    FaultKind::TooManyRequests(RetryAfter::DateIn(5))
                ),
            ]
        );
    }

    #[test]
    fn mistakes_say_what_is_wanted() {
        let mut habits = Habits::default();
        assert_eq!(
            habits.set("dead-lnk").unwrap_err().to_string(),
            "there is no habit `dead-lnk`"
        );
        let error = habits.set("cancel=maybe").unwrap_err().to_string();
        assert_eq!(
            error,
            "habit `cancel` takes firewall|swallowed, not `maybe`"
        );
        for bad in [
            "zombie",
            "link-alive-after=5",
            "engine=slow",
            "server-error=",
            "lost-answer=@search,1,x",
        ] {
            assert!(habits.set(bad).is_err(), "{bad}");
        }
    }
}
