//! Staging places: made, committed, discarded. What these are made of is in [`commit`](super::commit).

use std::sync::Arc;

use jiff::Timestamp;
use object_store::path::Path;

use super::{
    Inner,
    commit::guard,
    sign::Signs,
    staged::{StagedHandle, StagedStore},
    standing::{self, Found, Standing},
    swap::Versioned,
};
use crate::{CacheError, CubeName, Generation, Staged, layout::ROOT_METADATA, manifest};

/// A staging place, kept by its [`Staged`].
pub(super) struct Place {
    generation: Generation,
    /// Where the objects are written to: at the cube's final place, or in the hidden folder.
    prefix: Path,
    /// What is known of the cube, if this is its writer.
    claimed: Option<Versioned<Standing>>,
    staged: Arc<StagedStore>,
    signs: Arc<Signs>,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.staged.abandon();
    }
}

impl Inner {
    /// A new staging place for the cube `name`: at its final place if that is free, else in the hidden folder.
    pub(super) async fn stage(&self, name: &CubeName) -> Result<Staged, CacheError> {
        let generation = Generation::random();
        let heartbeat = self.new_writer(&generation).await?;
        let claimed = match self.try_claim(name, &generation).await? {
            Some(claimed) => Some(self.clear(name, claimed, &heartbeat).await?),
            None => None,
        };
        let prefix = match claimed {
            Some(_) => self.keys.cube(name),
            None => self.keys.staged(&generation),
        };
        let staged = Arc::new(StagedStore::new(
            Arc::clone(&self.store),
            prefix.clone(),
            heartbeat,
            Arc::clone(&self.signs),
        ));
        let handle = Arc::new(StagedHandle(Arc::clone(&staged)));
        let place = Place {
            generation: generation.clone(),
            prefix,
            claimed,
            staged,
            signs: Arc::clone(&self.signs),
        };
        Ok(Staged::new(name.clone(), generation, handle).with_guard(place))
    }

    /// The staging place of `staged`, if it is one of this cache.
    pub(super) fn place<'s>(&self, staged: &'s Staged) -> Result<&'s Place, CacheError> {
        staged
            .guard::<Place>()
            .filter(|place| Arc::ptr_eq(&place.signs, &self.signs))
            .ok_or_else(|| CacheError::NotStagedHere {
                name: staged.name().clone(),
                cache: self.location.clone(),
            })
    }
    /// Makes what was staged at `place` the cube of its name.
    pub(super) async fn commit(&self, new: &Staged, place: &Place) -> Result<Found, CacheError> {
        let name = new.name();
        let staged = &place.staged;
        staged.close().await;
        let withheld = staged.withheld().await?;
        if !withheld
            .iter()
            .any(|(key, _)| ROOT_METADATA.contains(&key.as_ref()))
        {
            self.discard(name, place).await?;
            return Err(CacheError::NotWhole { name: name.clone() });
        }
        let heartbeat = staged.heartbeat();
        let mut written = staged.written();
        let known = match &place.claimed {
            Some(known) => known.clone(),
            None => {
                // While the old cube is still there.
                manifest::write(&self.manifests, new, Timestamp::now()).await?;
                let known = self.claim(name, &place.generation).await?;
                let known = self.clear(name, known, heartbeat).await?;
                self.copy(name, &place.prefix, &written, heartbeat).await?;
                // The copies have tags of their own.
                written
                    .values_mut()
                    .for_each(|written| written.e_tag = None);
                known
            }
        };
        self.compare(name, &written, heartbeat).await?;
        if place.claimed.is_some() {
            // Now that nothing else lies there.
            manifest::write(&self.manifests, new, Timestamp::now()).await?;
        }
        let finished = self
            .publish(name, &place.generation, &known, withheld, heartbeat)
            .await?;
        if let Err(error) = self.clean_up(place).await {
            tracing::warn!(%error, "cannot clean up after a commit");
        }
        Ok(Found {
            prefix: self.keys.cube(name),
            finished,
        })
    }

    /// Removes what is left of a staging place after its commit.
    async fn clean_up(&self, place: &Place) -> Result<(), CacheError> {
        if place.claimed.is_none() {
            let (_, left) = standing::keys_below(&*self.store, &place.prefix).await?;
            self.delete(left).await?;
        }
        place.staged.heartbeat().end(true).await
    }

    /// Removes what was staged at `place`.
    pub(super) async fn discard(&self, name: &CubeName, place: &Place) -> Result<(), CacheError> {
        let staged = &place.staged;
        staged.close().await;
        staged.forget_withheld().await?;
        let heartbeat = staged.heartbeat();
        let (root, rest) = standing::keys_below(&*self.store, &place.prefix).await?;
        let left = root.into_iter().chain(rest).collect();
        guard(name, heartbeat, self.delete(left)).await?;
        if let Some(known) = &place.claimed {
            let end = self.advance(name, known, None, None);
            guard(name, heartbeat, end).await?;
        }
        heartbeat.end(true).await
    }
}
