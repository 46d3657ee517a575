//! The long steps of a job: download, unpack, build, commit.

use std::sync::Arc;

use clms_cache::{CacheStoreExt as _, Staged};

use super::JobRun;
use crate::{
    BuildOrder, Download, DownloadLink, Meter, Problem, ProblemKind, TaskId, machine::CubeSite,
};

impl JobRun {
    pub(super) async fn download(
        &self,
        task: &TaskId,
        link: &DownloadLink,
        size: Option<u64>,
    ) -> Result<u64, Problem> {
        let _permit = self.permit(&self.parts.downloads).await?;
        let size = size.filter(|size| *size > 0);
        let folder = self.scratch.create()?;
        // A package that is there as a whole, although the journal had no time to say so.
        if let Some(bytes) = self.scratch.archive_len(task) {
            if size.is_none_or(|size| size == bytes) {
                return Ok(bytes);
            }
            self.scratch.discard_download(task).await;
        }
        let _room = match size.or(self.request.expected_size) {
            Some(size) => {
                let needed = size.saturating_sub(self.scratch.part_len(task));
                self.room_for("the package", needed, folder, "--scratch")
                    .await?
            }
            None => None,
        };
        let part = self.scratch.part(task);
        let download = Download {
            task,
            link,
            size,
            into: &part,
        };
        let bytes = self
            .server
            .source
            .download(download, &self.meter(), &self.halt)
            .await?;
        if let Some(size) = size.filter(|size| *size != bytes) {
            let message = format!("the package of task {task} has {bytes} bytes instead of {size}");
            return Err(Problem::new(ProblemKind::WrongLength, message));
        }
        self.scratch.finish_download(task)?;
        Ok(bytes)
    }

    pub(super) async fn unpack(&mut self, task: &TaskId) -> Result<(), Problem> {
        let _permit = self.permit(&self.parts.builds).await?;
        let (archive, into) = (self.scratch.archive(task), self.scratch.unpacked()?);
        self.package = self
            .parts
            .unpacker
            .unpack(&archive, &into, &self.meter(), &self.halt)
            .await?;
        Ok(())
    }

    pub(super) async fn build(&mut self, task: &TaskId) -> Result<(), Problem> {
        self.discard_staged().await;
        let (staged, built) = self.build_staged(task).await?;
        self.staged = Some(staged);
        built
    }

    /// A place in the cache for the cube, and whether it is there as a whole.
    async fn build_staged(&self, task: &TaskId) -> Result<(Staged, Result<(), Problem>), Problem> {
        let _permit = self.permit(&self.parts.builds).await?;
        let scratch = self.scratch.build()?;
        let order = BuildOrder {
            job: &self.job,
            request: &self.request,
            task,
            package: &self.package,
            scratch: &scratch,
        };
        let _memory = self.memory_for(order).await?;
        // A cube is about as large as its package, which is compressed too. Only a local cache can be asked.
        let folder = self.parts.cache.scratch().filter(|folder| folder.exists());
        let _room = match (folder, &self.state.knowledge.downloaded) {
            (Some(folder), Some(package)) => {
                self.room_for("the cube", package.bytes, &folder, "--cache")
                    .await?
            }
            _ => None,
        };
        let staged = self.parts.cache.stage(&self.request.cube).await?;
        let built = self
            .parts
            .builder
            .build(order, &staged, &self.meter(), &self.halt)
            .await;
        Ok((staged, built))
    }

    pub(super) async fn commit(&mut self) -> Result<CubeSite, Problem> {
        let Some(staged) = self.staged.take() else {
            return Err(Problem::new(
                ProblemKind::Internal,
                "there is no cube to commit",
            ));
        };
        let info = self.parts.cache.commit(staged).await?;
        Ok(CubeSite {
            location: info.location,
        })
    }

    /// One of a limited number of permits; held until dropped.
    async fn permit<'s>(
        &self,
        permits: &'s tokio::sync::Semaphore,
    ) -> Result<tokio::sync::SemaphorePermit<'s>, Problem> {
        self.turn(permits.acquire()).await
    }

    /// What somebody waits for, unless the job is stopped meanwhile.
    pub(super) async fn turn<T, E>(
        &self,
        waited_for: impl Future<Output = Result<T, E>>,
    ) -> Result<T, Problem> {
        let permit = tokio::select! {
            biased;
            () = self.halt.cancelled() => None,
            permit = waited_for => permit.ok(),
        };
        permit.ok_or_else(|| {
            Problem::new(
                ProblemKind::Interrupted,
                "stopped while it waited for its turn",
            )
        })
    }

    fn meter(&self) -> Meter {
        Meter::new(
            self.job.clone(),
            self.state.stage.name(),
            Arc::clone(&self.parts.progress),
        )
        .with_clock(Arc::clone(&self.parts.clock))
    }
}
