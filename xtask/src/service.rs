//! Servers that a command needs while it runs: they say where they listen, and end with it.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
};

use crate::process::{Result, built};

/// How long the simulated CLMS lets its users wait.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Queue {
    /// So long that one sees it.
    Short,
    None,
}

/// The simulated CLMS.
pub(crate) struct Service {
    pub(crate) api_url: String,
    _process: Background,
}

impl Service {
    /// Starts one that delivers what is in the folder `packages` after `queue`, and writes a service key for it to `credentials`.
    pub(crate) fn start(packages: &Path, credentials: &Path, queue: Queue) -> Result<Self> {
        let (queued, running) = match queue {
            Queue::Short => ("600ms", "900ms"),
            Queue::None => ("0ms", "0ms"),
        };
        let mut command = Command::new(built("clms-sim"));
        command
            .args(["--port", "0", "--queued", queued, "--running", running])
            .arg("--packages")
            .arg(packages)
            .arg("--credentials-out")
            .arg(credentials);
        let (process, mut said) = Background::start(command)?;
        let line = said.next().unwrap_or_default();
        let Some(api_url) = line.strip_prefix("listening on ") else {
            return Err(format!(
                "the simulated service did not start: it said {line:?}"
            ));
        };
        Ok(Self {
            api_url: api_url.to_owned(),
            _process: process,
        })
    }
}

/// An S3 server, as the tests have it.
pub(crate) struct ObjectStorage {
    /// What reaches it, by the names of environment variables.
    pub(crate) environment: Vec<(String, String)>,
    pub(crate) url: String,
    _process: Background,
}

impl ObjectStorage {
    pub(crate) fn start() -> Result<Self> {
        let mut command = Command::new(built("clms-servers"));
        command.arg("s3").stdin(Stdio::piped());
        let (process, said) = Background::start(command)?;
        let mut environment = Vec::new();
        for line in said {
            if let Some(url) = line.strip_prefix("# ") {
                return Ok(Self {
                    environment,
                    url: url.to_owned(),
                    _process: process,
                });
            }
            let variable = line.strip_prefix("export ");
            let (name, value) = variable
                .and_then(|variable| variable.split_once('='))
                .ok_or_else(|| format!("the S3 server said {line:?}"))?;
            environment.push((name.to_owned(), value.trim_matches('\'').to_owned()));
        }
        Err("the S3 server did not start".to_owned())
    }
}

/// A process that ends when this is dropped.
struct Background(Child);

impl Background {
    /// Starts it, and gives the lines that it prints.
    fn start(mut command: Command) -> Result<(Self, impl Iterator<Item = String>)> {
        let mut process = command
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|why| format!("cannot start {command:?}: {why}"))?;
        let said: Option<ChildStdout> = process.stdout.take();
        let lines = said
            .into_iter()
            .flat_map(|said| BufReader::new(said).lines());
        Ok((Self(process), lines.map_while(std::result::Result::ok)))
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        // It may have ended by itself; there is nothing more to do then.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
