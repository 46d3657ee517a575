//! The servers of an engine: each has the orders and tasks of its own jobs.

use std::{collections::HashMap, sync::Arc};

use async_trait::async_trait;
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use crate::{
    CancelOutcome, Download, DownloadLink, Meter, Order, PortalSource, PortalTask, PostOutcome,
    Problem, ProblemKind, ServerName, TaskId,
};

/// Where an [`Engine`](crate::Engine) has its orders made: one server, or several by their names.
///
/// ```
/// # use std::sync::Arc;
/// # use clms_preload::{PortalSource, ServerName, Servers};
/// # fn example(portal: Arc<dyn PortalSource>, broker: Arc<dyn PortalSource>) {
/// let one = Servers::from(Arc::clone(&portal));
/// let both = Servers::none().with(ServerName::portal(), portal).with(ServerName::new("broker"), broker);
/// # }
/// ```
#[derive(Debug, Clone, Default)]
pub struct Servers(HashMap<ServerName, Arc<Server>>);

/// A server, and what its jobs share.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) source: Arc<dyn PortalSource>,
    /// Held while ordering, so that orders go out one by one.
    pub(super) orders: Mutex<()>,
}

impl Servers {
    /// No server at all: enough for what is cached, and for giving jobs up here only.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// With one more, or another one of that name.
    #[must_use]
    pub fn with(mut self, name: ServerName, source: Arc<dyn PortalSource>) -> Self {
        self.0.insert(name, Arc::new(Server::new(source)));
        self
    }

    /// The server of that name. One that is not there refuses everything, so that a job fails only if it needs it.
    pub(super) fn of(&self, name: &ServerName) -> Arc<Server> {
        let known = self.0.get(name).cloned();
        known.unwrap_or_else(|| Arc::new(Server::new(Arc::new(Missing(name.clone())))))
    }
}

impl Server {
    fn new(source: Arc<dyn PortalSource>) -> Self {
        Self {
            source,
            orders: Mutex::default(),
        }
    }
}

impl From<Arc<dyn PortalSource>> for Servers {
    /// The only server is the [portal](ServerName::portal).
    fn from(source: Arc<dyn PortalSource>) -> Self {
        Self::none().with(ServerName::portal(), source)
    }
}

impl<S: PortalSource> From<Arc<S>> for Servers {
    fn from(source: Arc<S>) -> Self {
        Self::from(source as Arc<dyn PortalSource>)
    }
}

/// A server that the engine has not.
#[derive(Debug)]
struct Missing(ServerName);

impl Missing {
    fn problem(&self) -> Problem {
        let kind = ProblemKind::Other("no_server".to_owned());
        let message = format!(
            "the job's orders are at {}, which is not set up here",
            self.0
        );
        Problem::new(kind, message)
    }
}

#[async_trait]
impl PortalSource for Missing {
    async fn find_tasks(&self) -> Result<Vec<PortalTask>, Problem> {
        Err(self.problem())
    }

    async fn post(&self, _: &Order) -> PostOutcome {
        PostOutcome::Refused(self.problem())
    }

    async fn cancel(&self, _: &TaskId) -> Result<CancelOutcome, Problem> {
        Err(self.problem())
    }

    async fn probe(&self, _: &DownloadLink) -> Result<(), Problem> {
        Err(self.problem())
    }

    async fn download(
        &self,
        _: Download<'_>,
        _: &Meter,
        _: &CancellationToken,
    ) -> Result<u64, Problem> {
        Err(self.problem())
    }
}
