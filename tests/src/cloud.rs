//! A scene whose cache is in object storage.

use std::process::Command;

use clms_servers::Server;

use crate::{Run, Scene};

/// A scene, and a server that its cache is on.
pub struct Cloud {
    /// The service, a home for the program, and the program.
    pub scene: Scene,
    /// The storage.
    pub server: Server,
}

impl Cloud {
    /// The scene with its cache on this server.
    #[must_use]
    pub fn new(scene: Scene, server: Server) -> Self {
        Self { scene, server }
    }

    /// The cache's URL, as a user gives it.
    #[must_use]
    pub fn cache(&self) -> String {
        self.server.url("land cover/cubes")
    }

    /// The URL under which other software opens the cube of a data id.
    #[must_use]
    pub fn cube(&self, data_id: &str) -> String {
        format!("{}/{data_id}.zarr", self.cache())
    }

    /// The program, ready to be run in another way. All that it knows of the storage is a URL and its user's environment.
    #[must_use]
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = self.without_credentials(args);
        command.envs(self.server.environment());
        command
    }

    /// The same for a user who has no credentials.
    #[must_use]
    pub fn without_credentials(&self, args: &[&str]) -> Command {
        let mut command = self.scene.command(args);
        command
            .env("CLMS_CACHE", self.cache())
            .envs(self.server.endpoint());
        command
    }

    /// Runs the program to its end.
    #[must_use]
    pub fn clms(&self, args: &[&str]) -> Run {
        Run::of(self.command(args))
    }
}
