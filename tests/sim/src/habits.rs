//! The switches for what the real service does and should not.

use std::time::Duration;

/// Which calls, links or tasks a habit strikes, by their number (from 1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum When {
    /// None of them.
    #[default]
    Never,
    /// All of them.
    Always,
    /// The first `n`.
    First(u32),
    /// Every `n`-th: n, 2n, 3n, ...
    Every(u32),
}

impl When {
    /// Whether the `number`-th one (from 1) is struck.
    #[must_use]
    pub fn strikes(self, number: u32) -> bool {
        match self {
            Self::Never => false,
            Self::Always => true,
            Self::First(n) => number <= n,
            Self::Every(n) => n > 0 && number.is_multiple_of(n),
        }
    }
}

/// Everything that a simulated service may do wrong.
///
/// The default is a service that behaves as the portal normally does, which
/// includes two habits: library User-Agents are refused by the download host,
/// and the bucket behind LANDCOVER links is closed. "Point n" is a behaviour
/// of the portal, "service" a fact about the live one; both lists are in the
/// crate's README.
#[derive(Debug, Clone, PartialEq)]
pub struct Habits {
    /// The links of the first N (or other) finished tasks of each file are
    /// dead and stay so. Service: the zip answers 403 or 404 after Finished_ok.
    pub dead_links: When,
    /// The status of dead links and of links that are not alive yet.
    pub dead_link_status: u16,
    /// Data ids (`<dataset>|<file>`, or `*` for all files) for which the task
    /// list holds a finished task of two days ago whose link is dead.
    /// Service: links live for 72 h and less, tasks are listed for longer.
    pub zombies: Vec<String>,
    /// Data ids for which the task list holds a finished task, with a live
    /// link, that another program of the same user asked for. Service: a
    /// client must look for its own task id.
    pub strangers: Vec<String>,
    /// A queued task of another user exists: its status is answered with 200,
    /// deleting it with 404. Points 39 and 42.
    pub other_users_task: bool,
    /// How long after Finished_ok a link answers with `dead_link_status`.
    /// Service: up to about 3 minutes.
    pub link_alive_after: Duration,
    /// How many requests of each link answer with `dead_link_status` first.
    pub link_alive_after_requests: u32,
    /// Requests of each link that get an HTML page with status 200.
    /// Service: "a bad zip".
    pub html_instead_of_zip: When,
    /// Requests of each link that get only the first half of the zip, with
    /// that half's Content-Length. Service: "a bad zip".
    pub truncated_zip: When,
    /// Requests of each link whose connection is closed after
    /// `cut_body_after` bytes. Service: "Response ended prematurely".
    pub cut_body: When,
    /// See `cut_body`.
    pub cut_body_after: u64,
    /// What the task's FileSize adds to the size of the zip.
    pub file_size_error: i64,
    /// `DownloadURL` is a list with one link. Service.
    pub download_url_is_list: bool,
    /// `Range` is ignored: always 200 and the whole file.
    pub ignores_range: bool,
    /// Each answer of a link has another ETag, as after a file was made anew.
    pub etag_changes: bool,
    /// The download host answers 403 to empty User-Agents and to the default
    /// ones of HTTP libraries. Service; on by default.
    pub refuses_library_agents: bool,
    /// The bucket behind LANDCOVER links answers 403 AllAccessDisabled.
    /// Service, since 2025-06-14; on by default.
    pub landcover_closed: bool,
    /// `@get-download-file-urls` answers 404. Service, seen in 2026.
    pub direct_links_gone: bool,
    /// At most so many bytes per second from each link.
    pub bandwidth: Option<u64>,
    /// What cancelling a task does.
    pub cancel: Cancel,
    /// What the job engine does when a task is handed to it.
    pub engine: Option<EngineFault>,
    /// The posts that `engine` strikes; ignored without it.
    pub engine_when: When,
    /// How tasks end, and the tasks (counted per kind of ending) it strikes.
    pub outcome: TaskOutcome,
    /// The tasks that `outcome` strikes, by their number; ignored for `Ok`.
    pub outcome_when: When,
    /// The engine's first report comes before the portal has noted the task's
    /// FMETaskId: seen once as Finished_ok, the task is then Queued again with
    /// its DownloadURL kept (point 41), and a cancel is undone (point 43).
    pub status_goes_back: bool,
    /// The posts for parts of data sets that find the queue full.
    pub full_queue: When,
    /// What becomes of CDSE requests.
    pub cdse: Cdse,
    /// How long tokens live (one second and more; 3600 s on the portal).
    pub token_lifetime: Duration,
    /// Expired tokens are forgotten at once, so that the 401 has the shape of
    /// point 6 and not that of point 5.
    pub forgets_expired_tokens: bool,
    /// Task times have no offset, as in the portal's documentation. Point 40.
    pub naive_times: bool,
    /// Faults of single endpoints: 429, 5xx, lost answers, firewall pages.
    pub faults: Vec<Fault>,
}

impl Default for Habits {
    fn default() -> Self {
        Self {
            dead_links: When::Never,
            dead_link_status: 404,
            zombies: Vec::new(),
            strangers: Vec::new(),
            other_users_task: false,
            link_alive_after: Duration::ZERO,
            link_alive_after_requests: 0,
            html_instead_of_zip: When::Never,
            truncated_zip: When::Never,
            cut_body: When::Never,
            cut_body_after: 64 * 1024,
            file_size_error: 0,
            download_url_is_list: false,
            ignores_range: false,
            etag_changes: false,
            refuses_library_agents: true,
            landcover_closed: true,
            direct_links_gone: false,
            bandwidth: None,
            cancel: Cancel::Works,
            engine: None,
            engine_when: When::Always,
            outcome: TaskOutcome::Ok,
            outcome_when: When::Always,
            status_goes_back: false,
            full_queue: When::Never,
            cdse: Cdse::Works,
            token_lifetime: Duration::from_secs(3600),
            forgets_expired_tokens: false,
            naive_times: false,
            faults: Vec::new(),
        }
    }
}

/// What `@datarequest_delete` does with a good request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cancel {
    /// 204, and the task is Cancelled.
    Works,
    /// The firewall's HTML page with 403; the task goes on. Service.
    FirewallPage,
    /// 204, and the task goes on. Service.
    Swallowed,
}

/// How the job engine fails when a task is handed to it. In every case the
/// task was made and stays in the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EngineFault {
    /// 500 "all requests failed"; the task stays Queued, and the same post is
    /// then DUPLICATED. Point 31.
    Refuses,
    /// The same for area tasks only: 201 with ErrorTaskIds if a prepackaged
    /// task went well. Point 33.
    RefusesAreas,
    /// The engine answers with HTML: 500 JSONDecodeError, the task stays Queued.
    AnswersHtml,
    /// 500 ConnectionError, the task stays Queued.
    Unreachable,
    /// The same when there is an area task among the request's.
    UnreachableForAreas,
    /// 500 after this time, and yet the task finishes. Point 32 (10.1 s).
    Slow(Duration),
}

/// How tasks end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TaskOutcome {
    /// Finished_ok, with a link.
    Ok,
    /// Finished_nok with this Message ("Translation failed").
    Nok(String),
    /// Rejected with this Message.
    Rejected(String),
    /// Queued for ever.
    Stuck,
}

/// What becomes of a CDSE request, which never gives a TaskID (point 34).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cdse {
    /// A child and a parent task appear after a moment. Point 34.
    Works,
    /// No data for the dates: no task ever appears. Point 36.
    NoData,
    /// The batches cannot be started: the parent appears as Rejected. Point 36.
    Rejected,
}

/// A fault of one endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The endpoint as its last path segment ("@search", "@@oauth2-token",
    /// "@datarequest_post"), "results" for download links, or "*" for all.
    pub endpoint: String,
    /// The calls of the endpoint that are struck. Calls are counted for each
    /// fault, from when the habits were last set.
    pub when: When,
    /// What happens.
    pub kind: FaultKind,
}

/// What happens to a struck call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// A proxy's HTML page with this status, and nothing is done.
    Status(u16),
    /// 429 with this `Retry-After`, and nothing is done.
    TooManyRequests(RetryAfter),
    /// 200 with an HTML page (maintenance), and nothing is done.
    HtmlPage,
    /// The request is carried out, then the connection is closed unanswered.
    LostAnswer,
}

/// The `Retry-After` of a 429.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryAfter {
    /// No such header.
    Absent,
    /// A number of seconds.
    Seconds(u32),
    /// An HTTP date so many seconds ahead.
    DateIn(u32),
}
