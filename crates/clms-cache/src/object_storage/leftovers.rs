//! What dead writers left.

use std::{collections::HashMap, sync::Arc};

use async_trait::async_trait;
use futures::{StreamExt, TryStreamExt, stream::BoxStream};
use object_store::{ObjectMeta, ObjectStore, path::Path};

use super::{Inner, ObjectStorageCache, standing};
use crate::{
    CacheError, CubeName, Generation, Leftover, LeftoverKind, Maintain, Usage, layout::keys::Keys,
};

/// How often a sign is looked at while it is found out whether it is renewed.
const LOOKS: u32 = 4;

/// For how many writers it is found out at a time whether they are alive.
const WAITS: usize = 1000;

impl Inner {
    /// True if the writer of that generation has ended, or is known to be dead.
    async fn over(&self, generation: &Generation) -> Result<bool, CacheError> {
        self.signs.is_over(&self.keys.writer(generation)).await
    }

    /// True if the writer of that generation is dead, which takes as long as a sign of life lives unless it has ended.
    async fn is_dead(&self, generation: &Generation) -> Result<bool, CacheError> {
        for _ in 0..=LOOKS {
            if self.over(generation).await? {
                return Ok(true);
            }
            self.signs.clock().sleep(self.signs.lives() / LOOKS).await;
        }
        self.over(generation).await
    }

    /// All that dead writers may have left, whether they are dead or not.
    async fn begun(&self) -> Result<Vec<Leftover>, CacheError> {
        let mut staged = self.staged_usage().await?;
        let mut begun = Vec::new();
        let standings: Vec<ObjectMeta> = self
            .store
            .list(Some(&self.keys.standings()))
            .try_collect()
            .await?;
        for meta in standings {
            let Some(name) = name_of_standing(&meta.location) else {
                continue;
            };
            if let Some(known) = standing::read(&*self.store, &self.keys, &name).await?
                && let Some(writer) = known.value.writer
            {
                // What belongs to a cube that is finished, or still is, is no leftover.
                let usage = match known.value.finished {
                    Some(_) => Usage::default(),
                    None => self.usage_below(&self.keys.cube(&name)).await?,
                };
                let kind = LeftoverKind::Unfinished;
                begun.push(Leftover::new(kind, Some(name), writer, usage));
            }
        }
        // Those who died before they wrote anything.
        let writers = self.keys.writers();
        let mut signs = self.store.list(Some(&writers));
        while let Some(meta) = signs.try_next().await? {
            let generation = meta
                .location
                .filename()
                .and_then(|file| file.strip_suffix(".json"));
            if let Some(generation) = generation.and_then(Generation::parse)
                && begun
                    .iter()
                    .all(|leftover| leftover.generation != generation)
            {
                staged.entry(generation).or_default();
            }
        }
        for (generation, usage) in staged {
            begun.push(Leftover::new(LeftoverKind::Staged, None, generation, usage));
        }
        Ok(begun)
    }

    /// The room that each staging place in the hidden folder takes.
    async fn staged_usage(&self) -> Result<HashMap<Generation, Usage>, CacheError> {
        let all = self.keys.all_staged();
        let mut metas = self.store.list(Some(&all));
        let mut usages: HashMap<Generation, Usage> = HashMap::new();
        while let Some(meta) = metas.try_next().await? {
            let generation = meta
                .location
                .prefix_match(&all)
                .and_then(|mut parts| Generation::parse(parts.next()?.as_ref()));
            if let Some(generation) = generation {
                let usage = usages.entry(generation).or_default();
                usage.bytes += meta.size;
                usage.objects += 1;
            }
        }
        Ok(usages)
    }

    async fn usage_below(&self, prefix: &Path) -> Result<Usage, CacheError> {
        let add = |usage: Usage, meta: ObjectMeta| async move {
            Ok(Usage {
                bytes: usage.bytes + meta.size,
                objects: usage.objects + 1,
            })
        };
        let metas = self.store.list(Some(prefix));
        Ok(metas.try_fold(Usage::default(), add).await?)
    }

    async fn clear_leftover(&self, leftover: &Leftover) -> Result<bool, CacheError> {
        self.check_writable().await?;
        let generation = &leftover.generation;
        if !self.over(generation).await? {
            return Ok(false);
        }
        let cleared = match (&leftover.kind, &leftover.name) {
            (LeftoverKind::Staged, _) => {
                let (root, rest) =
                    standing::keys_below(&*self.store, &self.keys.staged(generation)).await?;
                let keys: Vec<_> = root.into_iter().chain(rest).collect();
                self.delete(keys).await?;
                true
            }
            (LeftoverKind::Unfinished, Some(name)) => self.end_unfinished(name, generation).await?,
            _ => false,
        };
        self.delete(vec![self.keys.writer(generation)]).await?;
        Ok(cleared)
    }

    /// Ends what the dead writer `dead` of the cube `name` had begun.
    async fn end_unfinished(&self, name: &CubeName, dead: &Generation) -> Result<bool, CacheError> {
        let known = standing::read(&*self.store, &self.keys, name).await?;
        if known.is_none_or(|known| known.value.writer.as_ref() != Some(dead)) {
            return Ok(false);
        }
        let generation = Generation::random();
        let heartbeat = self.new_writer(&generation).await?;
        let known = self.claim(name, &generation).await?;
        let standing = Some(&known.value);
        let visible = standing::visible(&*self.store, &self.keys, name, standing).await?;
        let finished = match visible {
            // It died when all was done but saying so.
            Some(found) if found.prefix == self.keys.cube(name) => Some(found.finished),
            _ => None,
        };
        let known = match finished {
            Some(_) => known,
            None => self.clear(name, known, &heartbeat).await?,
        };
        self.advance(name, &known, finished, None).await?;
        heartbeat.end(true).await?;
        Ok(true)
    }
}

#[async_trait]
impl Maintain for ObjectStorageCache {
    fn leftovers(&self) -> BoxStream<'_, Result<Leftover, CacheError>> {
        let candidates = async {
            let found = self.inner.begun().await?;
            Ok::<_, CacheError>(futures::stream::iter(found.into_iter().map(Ok)))
        };
        futures::stream::once(candidates)
            .try_flatten()
            // All at a time, so that waiting for one is waiting for all.
            .map(move |leftover: Result<Leftover, CacheError>| async move {
                let leftover = leftover?;
                let is_dead = self.inner.is_dead(&leftover.generation).await?;
                Ok(is_dead.then_some(leftover))
            })
            .buffer_unordered(WAITS)
            .try_filter_map(|leftover| async move { Ok(leftover) })
            .boxed()
    }

    async fn clear(&self, leftover: &Leftover) -> Result<bool, CacheError> {
        self.inner.clear_leftover(leftover).await
    }

    async fn is_live(&self, _: &CubeName, generation: &Generation) -> Result<bool, CacheError> {
        Ok(!self.inner.over(generation).await?)
    }

    async fn holder(&self, name: &CubeName) -> Result<Option<String>, CacheError> {
        self.inner.signs.holder(&self.inner.keys.lease(name)).await
    }

    fn manifests(&self) -> Arc<dyn ObjectStore> {
        Arc::clone(&self.inner.manifests)
    }
}

fn name_of_standing(key: &Path) -> Option<CubeName> {
    Keys::name_of(&Path::parse(key.as_ref().strip_suffix(".json")?).ok()?)
}
