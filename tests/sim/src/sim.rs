//! Starting, steering and stopping a simulated service.

use std::io;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use crate::access::{OTHER_USER, OWNER, OWNER_PASSWORD};
use crate::catalogue::Catalogue;
use crate::datarequest::TaskRecord;
use crate::habits::Habits;
use crate::package::{Cutter, Packages};
use crate::server;
use crate::server_thread::ServerThread;
use crate::service_keys::ServiceKeys;
use crate::state::{App, QueueTimes, RequestRecord};

/// A running simulated service. Dropping it stops it.
pub struct Sim {
    app: Arc<App>,
    service_key: Value,
    _thread: ServerThread,
}

/// How a [`Sim`] is to be. See [`Sim::builder`].
#[derive(Debug, Clone, Default)]
#[must_use]
pub struct SimBuilder {
    packages: Option<PathBuf>,
    cutter: Option<Cutter>,
    queue: QueueTimes,
    habits: Habits,
    catalogue: Option<Catalogue>,
    port: u16,
}

impl SimBuilder {
    /// The folder of packages: `<file>.zip` is served for a task of the
    /// prepackaged file of that name. Without it, and for files that are not
    /// there, a small zip in a zip is served that holds a text and no raster.
    pub fn packages(mut self, folder: impl Into<PathBuf>) -> Self {
        self.packages = Some(folder.into());
        self
    }

    /// Who cuts parts of data sets: gets what a task shows of its items, as the portal's engine does, and gives the bytes of
    /// the zip behind the task's link. Without it, and where it gives none, that is a small zip in a zip that holds a text.
    pub fn parts(
        mut self,
        cut: impl Fn(&[Value]) -> Option<Vec<u8>> + Send + Sync + 'static,
    ) -> Self {
        self.cutter = Some(Cutter(Arc::new(cut)));
        self
    }

    /// How long tasks stay queued and running; 50 ms and 100 ms if not set.
    pub fn queue(mut self, queue: QueueTimes) -> Self {
        self.queue = queue;
        self
    }

    /// The service's habits.
    pub fn habits(mut self, habits: Habits) -> Self {
        self.habits = habits;
        self
    }

    /// What the portal holds; [`Catalogue::fixture`] if not set.
    pub fn catalogue(mut self, catalogue: Catalogue) -> Self {
        self.catalogue = Some(catalogue);
        self
    }

    /// The port on 127.0.0.1; 0, the default, takes a free one.
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Makes a service key and starts to listen.
    ///
    /// # Errors
    ///
    /// The port is taken, or threads, temporary folders or random numbers
    /// cannot be had.
    pub fn start(self) -> io::Result<Sim> {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, self.port))?;
        listener.set_nonblocking(true)?;
        let base_url = format!("http://{}", listener.local_addr()?);
        let mut keys = ServiceKeys::default();
        let service_key = keys
            .create(OWNER, "simulated key", None, &base_url, Timestamp::now())
            .ok_or_else(|| io::Error::other("no key pair could be made"))?;
        let catalogue = self.catalogue.unwrap_or_else(Catalogue::fixture);
        let app = Arc::new(App::new(
            base_url,
            Packages::new(self.packages, self.cutter)?,
            keys,
            catalogue,
            self.queue,
        ));
        app.set_habits(|habits| *habits = self.habits);
        let served = Arc::clone(&app);
        let thread = ServerThread::start("clms-sim", move |stopped| {
            server::serve(served, listener, async {
                // An error means that the sender is gone: stop all the same.
                let _ = stopped.await;
            })
        })?;
        Ok(Sim {
            app,
            service_key,
            _thread: thread,
        })
    }
}

impl Sim {
    /// The id of the user to whom the service key belongs.
    pub const USER_ID: &str = OWNER;
    /// That user's password, for `@service-keys` with Basic authentication.
    pub const PASSWORD: &str = OWNER_PASSWORD;
    /// The id of another user of the portal.
    pub const OTHER_USER_ID: &str = OTHER_USER;

    /// A sim with a fixture catalogue, built-in packages, quick tasks and the
    /// default habits, until told otherwise.
    pub fn builder() -> SimBuilder {
        SimBuilder::default()
    }

    /// `http://127.0.0.1:<port>`, which stands for both the portal's site and
    /// the download host.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.app.base_url
    }

    /// The URL of the API: `<base_url>/api`.
    #[must_use]
    pub fn api_url(&self) -> String {
        format!("{}/api", self.app.base_url)
    }

    /// The service key's JSON text, as users save it from the portal. It holds
    /// a private key, good for nothing but this sim.
    #[must_use]
    pub fn service_key_json(&self) -> String {
        self.service_key.to_string()
    }

    /// Writes the service key to a file that only its owner can read.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    pub fn write_service_key(&self, path: &Path) -> io::Result<()> {
        use std::io::Write as _;
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path)?;
        #[cfg(unix)]
        file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
        file.write_all(self.service_key_json().as_bytes())
    }

    /// Makes one more service key, for any user, and gives its JSON text.
    ///
    /// # Errors
    ///
    /// No key pair could be made.
    pub fn new_service_key(&self, user_id: &str) -> io::Result<String> {
        let mut state = self.app.state();
        let now = state.now();
        let key = state
            .keys
            .create(user_id, "further key", None, &self.app.base_url, now);
        key.map(|key| key.to_string())
            .ok_or_else(|| io::Error::other("no key pair could be made"))
    }

    /// All requests so far, in the order in which their answers were ready.
    #[must_use]
    pub fn requests(&self) -> Vec<RequestRecord> {
        self.app.state().requests.clone()
    }

    /// All tasks of all users, as they are at this moment. Looking at them
    /// here is not noticed by [`Habits::status_goes_back`].
    #[must_use]
    pub fn tasks(&self) -> Vec<TaskRecord> {
        let state = self.app.state();
        let now = state.now();
        state
            .tasks
            .all()
            .filter(|task| task.registered <= now)
            .map(|task| task.record(now))
            .collect()
    }

    /// Forgets all tasks, but for those that habits speak of.
    pub fn forget_tasks(&self) {
        let mut state = self.app.state();
        state.tasks.retain(|_| false);
        state.make_tasks_of_habits();
    }

    /// Changes the habits from now on. What they count starts anew.
    pub fn update_habits(&self, change: impl FnOnce(&mut Habits)) {
        self.app.set_habits(change);
    }

    /// Changes how long tasks stay queued and running, for tasks yet to come.
    pub fn set_queue(&self, queue: QueueTimes) {
        self.app.state().queue = queue;
    }

    /// Puts the sim's clock ahead: tasks go on, tokens and assertions expire.
    pub fn advance(&self, time: Duration) {
        self.app.state().advance(time);
    }

    /// The time of the sim's clock.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.app.state().now()
    }
}
