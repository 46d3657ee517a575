//! `cargo xtask container`: the image of the `Containerfile`, with whichever of the usual programs is there.

use super::program::VERSION;
use crate::process::{Result, step};

/// Programs that build images and take the same arguments, the best known first.
const BUILDERS: [&str; 3] = ["docker", "podman", "buildah"];

/// Takes further arguments for the builder, such as `--build-arg PROGRAM=dist`.
pub(crate) fn run(args: &[String]) -> Result {
    let builder = BUILDERS
        .into_iter()
        // Answered by those only that can work here: docker's client alone, without its service, can't.
        .find(|builder| step(builder).args(["info"]).output().is_some())
        .ok_or_else(|| format!("an image is built by one of {}", BUILDERS.join(", ")))?;
    step(builder)
        .args(["build", "--file", "Containerfile"])
        .args(["--tag", &format!("clms:{VERSION}"), "--tag", "clms:latest"])
        .args(args)
        .args(["."])
        .run()
}
