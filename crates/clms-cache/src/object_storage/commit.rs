//! How a cube comes to its final place, and how it goes from there.
//!
//! There is no rename. A cube is visible while its root metadata is there, and it is whole whenever that is, because of the
//! order of the steps. Each `=>` is a conditional change of the cube's [`Standing`], which all others see:
//!
//! ```text
//! stage     => writer = g, if no cube is there and nobody writes one; what is written goes to its final place
//!           or nothing: somebody has the place, and what is written goes to the hidden folder
//! commit    only from the hidden folder:
//!           => writer = g, when the one before has ended or is dead
//!           root metadata removed => finished = none, the old cube deleted, the new one copied by the server
//!           what lies there is compared with what was written
//!           => finished = g
//!           root metadata put, on condition that there is none
//!           => writer = none
//! remove    => writer = g, root metadata removed => finished = none, the cube deleted => writer = none
//! ```
//!
//! A writer gives a sign of life all the time. Who finds another's dead ends that one's sign before he becomes the writer, so
//! that it can't be renewed; and a writer whose sign is not surely alive writes nothing. See [`sign`](super::sign).

use std::{collections::HashMap, time::Duration};

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt, PutMode, path::Path};

use super::{
    Inner,
    sign::{Attempt, Heartbeat, LostSign},
    staged::Written,
    standing::{self, Finished, Found, Standing},
    swap::{self, Versioned},
};
use crate::{
    CacheError, CubeName, Generation,
    layout::{
        ROOT_METADATA,
        keys::{is_at_root, join},
    },
    this_process,
};

/// How many objects the server copies at a time.
const COPIES: usize = 16;

/// How often another writer's sign may end unrenewed before one who waits for him gives up.
const PATIENCE: u32 = 10;

/// The first and the longest pause of one who waits for another writer.
const PAUSES: [Duration; 2] = [Duration::from_millis(20), Duration::from_secs(2)];

impl Inner {
    /// The sign of life of a new writer.
    pub(super) async fn new_writer(
        &self,
        generation: &Generation,
    ) -> Result<Heartbeat, CacheError> {
        let path = self.keys.writer(generation);
        match self.signs.give(path, &this_process()).await? {
            Attempt::Given(heartbeat) => Ok(heartbeat),
            // No two generations are the same.
            Attempt::Held(holder) => Err(CacheError::NoConditionalPuts {
                why: format!("what was just written is said to be held by {holder}"),
            }),
        }
    }

    /// Makes `generation` the writer of the cube `name` if nobody is, and there is no cube.
    pub(super) async fn try_claim(
        &self,
        name: &CubeName,
        generation: &Generation,
    ) -> Result<Option<Versioned<Standing>>, CacheError> {
        let known = standing::read(&*self.store, &self.keys, name).await?;
        let standing = known.as_ref().map(|known| &known.value);
        if let Some(Standing {
            writer: Some(other),
            ..
        }) = standing
            && !self.signs.is_over(&self.keys.writer(other)).await?
        {
            return Ok(None);
        }
        if standing::visible(&*self.store, &self.keys, name, standing)
            .await?
            .is_some()
        {
            return Ok(None);
        }
        let claimed = Standing::new(name, None, Some(generation.clone()));
        let known = known.as_ref().map(|known| &known.version);
        standing::change(&*self.store, &self.keys, name, known, claimed).await
    }

    /// Makes `generation` the writer of the cube `name` when nobody else is.
    pub(super) async fn claim(
        &self,
        name: &CubeName,
        generation: &Generation,
    ) -> Result<Versioned<Standing>, CacheError> {
        let [mut pause, longest] = PAUSES;
        let began = self.signs.clock().now();
        loop {
            let known = standing::read(&*self.store, &self.keys, name).await?;
            let standing = known.as_ref().map(|known| &known.value);
            if let Some(other) = standing.and_then(|standing| standing.writer.as_ref())
                && !self.signs.is_over(&self.keys.writer(other)).await?
            {
                let waited = self.signs.clock().now().at_least_since(began);
                if waited >= self.signs.lives() * PATIENCE {
                    return Err(CacheError::Held {
                        name: name.clone(),
                        holder: "another process, which writes it all the time".to_owned(),
                    });
                }
                self.signs.clock().sleep(pause).await;
                pause = (pause * 2).min(longest);
                continue;
            }
            // A cube that somebody else has put there stays visible until it is replaced.
            let finished = match standing {
                Some(standing) => standing.finished.clone(),
                None => standing::of_somebody_else(&*self.store, &self.keys.cube(name)).await?,
            };
            let claimed = Standing::new(name, finished, Some(generation.clone()));
            let known = known.as_ref().map(|known| &known.version);
            // If another was faster, the next turn waits for that one.
            if let Some(claimed) =
                standing::change(&*self.store, &self.keys, name, known, claimed).await?
            {
                return Ok(claimed);
            }
        }
    }

    /// Changes the standing of a cube whose writer this is.
    pub(super) async fn advance(
        &self,
        name: &CubeName,
        known: &Versioned<Standing>,
        finished: Option<Finished>,
        writer: Option<Generation>,
    ) -> Result<Versioned<Standing>, CacheError> {
        let next = Standing::new(name, finished, writer);
        standing::change(&*self.store, &self.keys, name, Some(&known.version), next)
            .await?
            .ok_or_else(|| lost(name))
    }

    /// Removes all that is at the final place of the cube `name`, whose writer this is.
    pub(super) async fn clear(
        &self,
        name: &CubeName,
        known: Versioned<Standing>,
        heartbeat: &Heartbeat,
    ) -> Result<Versioned<Standing>, CacheError> {
        let (root, rest) = standing::keys_below(&*self.store, &self.keys.cube(name)).await?;
        for key in root {
            guard(name, heartbeat, self.delete(vec![key])).await?;
        }
        let hidden = if known.value.finished.is_some() {
            let writer = known.value.writer.clone();
            guard(name, heartbeat, self.advance(name, &known, None, writer)).await?
        } else {
            known
        };
        guard(name, heartbeat, self.delete(rest)).await?;
        Ok(hidden)
    }

    /// Deletes objects; that one is not there is no error.
    pub(super) async fn delete(&self, keys: Vec<Path>) -> Result<(), CacheError> {
        if keys.is_empty() {
            return Ok(());
        }
        let keys = stream::iter(keys.into_iter().map(Ok)).boxed();
        let mut deleted = self.store.delete_stream(keys);
        while let Some(key) = deleted.next().await {
            match key {
                Ok(_) | Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Lets the server copy the objects `written` from `staged` to the final place of the cube `name`.
    pub(super) async fn copy(
        &self,
        name: &CubeName,
        staged: &Path,
        written: &HashMap<Path, Written>,
        heartbeat: &Heartbeat,
    ) -> Result<(), CacheError> {
        let place = self.keys.cube(name);
        let copies = written
            .keys()
            .map(|key| (join(staged, key), join(&place, key)));
        stream::iter(copies.collect::<Vec<_>>())
            .map(async |(from, to)| {
                let copy = async { Ok(self.store.copy(&from, &to).await?) };
                guard(name, heartbeat, copy).await
            })
            .buffer_unordered(COPIES)
            .try_collect()
            .await
    }

    /// Makes sure that at the final place of the cube `name` there is what was `written` and nothing else.
    ///
    /// What else is there, such as what a dead writer's last request left, is deleted.
    pub(super) async fn compare(
        &self,
        name: &CubeName,
        written: &HashMap<Path, Written>,
        heartbeat: &Heartbeat,
    ) -> Result<(), CacheError> {
        let place = self.keys.cube(name);
        let mut listed = self.store.list(Some(&place));
        let mut strange = Vec::new();
        let mut found = 0;
        while let Some(meta) = listed.try_next().await? {
            let key: Path = match meta.location.prefix_match(&place) {
                Some(parts) => parts.collect(),
                None => continue,
            };
            match written.get(&key).filter(|_| !is_at_root(&key)) {
                None => strange.push(meta.location),
                Some(written) if is_same(written, &meta) => found += 1,
                Some(_) => return Err(overwritten(name, key)),
            }
        }
        drop(listed);
        if found < written.len() {
            return Err(overwritten(name, place));
        }
        guard(name, heartbeat, self.delete(strange)).await
    }

    /// Removes the cube `name` that was `found`.
    pub(super) async fn remove(&self, name: &CubeName, found: Found) -> Result<(), CacheError> {
        let generation = Generation::random();
        let heartbeat = self.new_writer(&generation).await?;
        let known = self.claim(name, &generation).await?;
        if found.prefix == self.keys.cube(name) {
            let known = self.clear(name, known, &heartbeat).await?;
            self.advance(name, &known, None, None).await?;
        } else {
            let (root, rest) = standing::keys_below(&*self.store, &found.prefix).await?;
            let keys = root.into_iter().chain(rest).collect();
            guard(name, &heartbeat, self.delete(keys)).await?;
            let finished = known.value.finished.clone();
            self.advance(name, &known, finished, None).await?;
        }
        heartbeat.end(true).await
    }

    /// Makes the cube at its final place visible.
    pub(super) async fn publish(
        &self,
        name: &CubeName,
        generation: &Generation,
        known: &Versioned<Standing>,
        mut withheld: Vec<(Path, Bytes)>,
        heartbeat: &Heartbeat,
    ) -> Result<Finished, CacheError> {
        withheld.sort_by_key(|(key, _)| standing::rank(key.as_ref()));
        let root = withheld
            .first()
            .map(|(key, _)| key.as_ref())
            .filter(|key| ROOT_METADATA.contains(key))
            .ok_or_else(|| CacheError::NotWhole { name: name.clone() })?;
        let finished = Finished {
            generation: Some(generation.clone()),
            root: root.to_owned(),
            // As precise as it is written down.
            committed_at: Timestamp::now(),
        };
        let writer = known.value.writer.clone();
        let advance = self.advance(name, known, Some(finished.clone()), writer);
        let published = guard(name, heartbeat, advance).await?;
        let place = self.keys.cube(name);
        for (key, bytes) in withheld.into_iter().rev() {
            let root = join(&place, &key);
            let put = swap::swap_bytes(&*self.store, &root, bytes, PutMode::Create);
            if guard(name, heartbeat, put).await?.is_none() {
                return Err(overwritten(name, key));
            }
        }
        // From here on the cube is there, whatever becomes of the remains.
        if let Err(error) = self
            .advance(name, &published, Some(finished.clone()), None)
            .await
        {
            tracing::warn!(%error, "cannot end a commit that is done");
        }
        Ok(finished)
    }
}

/// Does `work` while `heartbeat` shows that this process is the writer of the cube `name`.
pub(super) async fn guard<T>(
    name: &CubeName,
    heartbeat: &Heartbeat,
    work: impl Future<Output = Result<T, CacheError>>,
) -> Result<T, CacheError> {
    match heartbeat.guard(work).await {
        Ok(done) => done,
        Err(LostSign) => Err(lost(name)),
    }
}

fn lost(name: &CubeName) -> CacheError {
    CacheError::LostToAnother { name: name.clone() }
}

fn overwritten(name: &CubeName, key: Path) -> CacheError {
    CacheError::Overwritten {
        name: name.clone(),
        key: key.to_string(),
    }
}

/// True if the object is the one that was written. Storages differ in whether they quote their e-tags in listings.
fn is_same(written: &Written, meta: &ObjectMeta) -> bool {
    let tag = |e_tag: &Option<String>| Some(e_tag.as_ref()?.trim_matches('"').to_owned());
    let (put, listed) = (tag(&written.e_tag), tag(&meta.e_tag));
    written.size == meta.size && (put.is_none() || listed.is_none() || put == listed)
}
