//! What is cached: listing, describing, verifying and removing cubes, and giving room back.

use std::sync::Arc;

use clms_cache::{
    CacheError, CacheStoreExt as _, CubeInfo, CubeName, Manifest, Usage,
    gc::{Limits, Plan},
    verify::Verification,
};
use clms_preload::JobFiles;
use futures::{StreamExt, TryStreamExt};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::{
    ClmsStore, DataId, StoreError,
    spelling::{NAMED, Name, Typed},
};

/// A finished cube in the cache.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct CachedCube {
    /// Its name.
    pub data_id: String,
    /// The path or URL under which other software opens it.
    pub cube: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// How many files or objects it is made of.
    pub objects: u64,
    /// When it was finished (RFC 3339, UTC).
    pub committed_at: Timestamp,
    /// Who offers the data, such as `EEA`.
    pub source: Option<String>,
    /// `raster` for a cube of pixels, `vector` for files beside a GeoPackage of them; `None` if nobody wrote that down.
    pub kind: Option<String>,
    /// Whether it has as many objects and bytes as it was finished with; `None` if nobody wrote that down. Whether they are
    /// the same bytes is what [verifying](ClmsStore::verification) tells.
    pub whole: Option<bool>,
}

/// All that is known of a cached cube without reading it.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct CachedCubeDetails {
    /// What a list shows of it.
    #[serde(flatten)]
    pub cube: CachedCube,
    /// Which one of all the cubes that ever had this name, if that was written down.
    pub generation: Option<String>,
    /// What it was made of when it was finished, if that was written down.
    pub committed: Option<Committed>,
    /// Where it came from: data id, task, files, version, licence, and the program that made it.
    pub origin: Map<String, Value>,
}

/// See [`CachedCubeDetails::committed`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct Committed {
    /// Sum of the sizes of all objects in bytes.
    pub bytes: u64,
    /// Number of objects.
    pub objects: u64,
}

/// The root attribute in which a cube carries its own provenance.
const PROVENANCE_ATTRIBUTE: &str = "clms";

impl ClmsStore {
    /// All finished cubes, sorted by data id. Needs neither credentials nor network.
    ///
    /// # Errors
    /// [`StoreError::Cache`] if the cache can't be read.
    pub async fn cached(&self) -> Result<Vec<CachedCube>, StoreError> {
        let mut cubes: Vec<CachedCube> = self
            .cache
            .list()
            .map_err(StoreError::from)
            .map_ok(|cube| async move {
                let manifest = self.readable_manifest(&cube.name).await;
                self.cached_cube(cube, manifest.as_ref()).await
            })
            .try_buffer_unordered(4)
            .try_filter_map(async |cube| Ok(cube))
            .try_collect()
            .await?;
        cubes.sort_by(|a, b| a.data_id.cmp(&b.data_id));
        Ok(cubes)
    }

    /// All that is known of a cached cube; reads its metadata and no pixels. Needs neither credentials nor network.
    ///
    /// # Errors
    /// [`StoreError::NoSuchCube`] with the nearest names.
    pub async fn cached_details(&self, data_id: &DataId) -> Result<CachedCubeDetails, StoreError> {
        let found = self.find_cached(data_id).await?;
        let name = found.name.clone();
        let manifest = self.readable_manifest(&name).await;
        let Some(cube) = self.cached_cube(found, manifest.as_ref()).await? else {
            return Err(self.no_such_cube(data_id).await);
        };
        let origin = match &manifest {
            Some(manifest) => manifest.origin.clone(),
            // Made by an older version, which left its word in the cube alone; or by other software.
            None => self.own_provenance(data_id).await,
        };
        Ok(CachedCubeDetails {
            cube,
            generation: manifest
                .as_ref()
                .map(|manifest| manifest.generation.to_string()),
            committed: manifest.as_ref().map(|manifest| Committed {
                bytes: manifest.bytes,
                objects: manifest.objects,
            }),
            origin,
        })
    }

    /// A cached cube, ready to be read from its first byte to its last. Needs neither credentials nor network.
    ///
    /// # Errors
    /// [`StoreError::NoSuchCube`] with the nearest names; [`StoreError::Cache`] if it can't be opened.
    pub async fn verification(&self, data_id: &DataId) -> Result<Verification, StoreError> {
        let found = self.find_cached(data_id).await?;
        Ok(Verification::of(&*self.cache, &found.name).await?)
    }

    /// Removes a cube from the cache, and returns what it was. Needs neither credentials nor network.
    ///
    /// # Errors
    /// [`StoreError::NoSuchCube`] with the nearest names; [`StoreError::Cache`] if a job works on it.
    pub async fn remove_cached(&self, data_id: &DataId) -> Result<CachedCube, StoreError> {
        let found = self.find_cached(data_id).await?;
        let name = found.name.clone();
        let lease = self.cache.lease(&name, &clms_cache::this_process()).await?;
        let manifest = self.readable_manifest(&name).await;
        let cube = self.cached_cube(found, manifest.as_ref()).await?;
        let removed = self.cache.remove(&name).await?;
        lease.give_back().await?;
        match cube.filter(|_| removed) {
            Some(cube) => Ok(cube),
            None => Err(self.no_such_cube(data_id).await),
        }
    }

    /// What could be removed to give room back: what dead processes left, and the oldest cubes beyond the limits. What jobs left
    /// in a scratch folder that was [named](crate::ClmsStoreBuilder::scratch) stays, since caches may share it. Nothing is
    /// removed before the plan is [executed](Plan::execute). Needs neither credentials nor network.
    ///
    /// # Errors
    /// [`StoreError::Cache`] if the cache can't be read.
    pub async fn plan_gc(&self, limits: Limits) -> Result<Plan, StoreError> {
        let plan = Plan::make(&self.cache, limits).await?;
        // A folder that somebody named may be other caches' too, of whose jobs this one's journal and leases know nothing.
        if self.scratch.is_some() {
            return Ok(plan);
        }
        let files = JobFiles::new(Arc::clone(&self.cache), self.scratch_folder());
        Ok(plan.with_files(Arc::new(files)).await?)
    }

    /// How this process names itself to others that wait for what it works on.
    #[must_use]
    pub fn holder(&self) -> String {
        clms_cache::this_process()
    }

    /// Fails unless there is a cube of that name.
    ///
    /// # Errors
    /// [`StoreError::NoSuchCube`] with the nearest names.
    pub async fn check_cached(&self, data_id: &DataId) -> Result<(), StoreError> {
        self.find_cached(data_id).await.map(|_| ())
    }

    async fn find_cached(&self, data_id: &DataId) -> Result<CubeInfo, StoreError> {
        match self.cache.find(&data_id.cube_name()?).await {
            Err(CacheError::NotFound { .. }) => Err(self.no_such_cube(data_id).await),
            found => Ok(found?),
        }
    }

    /// What a list shows of a cube; `None` if it is gone meanwhile.
    async fn cached_cube(
        &self,
        cube: CubeInfo,
        manifest: Option<&Manifest>,
    ) -> Result<Option<CachedCube>, StoreError> {
        let Usage { bytes, objects } = match self.cache.usage(&cube.name).await {
            Err(CacheError::NotFound { .. }) => return Ok(None),
            usage => usage?,
        };
        let origin = |name: &str| {
            let value = manifest?.origin.get(name)?.as_str()?;
            Some(value.to_owned())
        };
        Ok(Some(CachedCube {
            data_id: data_id_of(&cube.name, origin("data_id").as_deref()),
            cube: cube.location,
            bytes,
            objects,
            committed_at: cube.committed_at,
            source: origin("source"),
            kind: origin("kind"),
            whole: manifest.map(|manifest| (manifest.bytes, manifest.objects) == (bytes, objects)),
        }))
    }

    /// The manifest, if there is one that can be read. That there is none must not hide the cube.
    pub(crate) async fn readable_manifest(&self, name: &CubeName) -> Option<Manifest> {
        match Manifest::of(&*self.cache, name).await {
            Ok(manifest) => manifest,
            Err(CacheError::NotFound { .. }) => None,
            Err(why) => {
                tracing::warn!("the manifest of {name} can't be read: {why}");
                None
            }
        }
    }

    async fn own_provenance(&self, data_id: &DataId) -> Map<String, Value> {
        let Ok(cube) = self.open(data_id).await else {
            return Map::new();
        };
        let attributes = &cube.structure().attributes;
        let provenance = attributes
            .get(PROVENANCE_ATTRIBUTE)
            .and_then(Value::as_object);
        provenance.cloned().unwrap_or_default()
    }

    async fn no_such_cube(&self, data_id: &DataId) -> StoreError {
        let asked = data_id.to_string();
        let names = self.cache.list().filter_map(async |cube| cube.ok());
        let names: Vec<String> = names
            .map(|cube| data_id_of(&cube.name, None))
            .collect()
            .await;
        StoreError::NoSuchCube {
            nearest: near(&asked, names),
            data_id: asked,
            cache: self.cache_in_full(),
        }
    }
}

/// The data id that is opened to find the cube of that name: the `told` one if it is that, else what the name says.
fn data_id_of(name: &CubeName, told: Option<&str>) -> String {
    let told = told.and_then(|told| told.parse::<DataId>().ok());
    told.filter(|data_id| data_id.cube_name().as_ref() == Ok(name))
        .or_else(|| DataId::of_cube(name))
        .map_or_else(|| name.to_string(), |data_id| data_id.to_string())
}

/// The names that are most like what was asked for, those of the same product if none is.
fn near(asked: &str, names: Vec<String>) -> Vec<String> {
    let named = names.into_iter().map(|name| {
        let spelt = Name::of_data_id(&name);
        (name, spelt)
    });
    let best = Typed::new(asked).best(named);
    best.into_iter().take(NAMED).map(|(_, name)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::near;

    #[test]
    fn what_looks_alike_is_near_and_nothing_else() {
        let names = ["forest-type-2015|FTY_2015_100m", "clc2018|raster", "x"].map(str::to_owned);
        let near = |asked| near(asked, names.to_vec());
        assert_eq!(near("forest-type-2015|FTY_2015_100"), [names[0].as_str()]);
        assert_eq!(near("CLC2018|Raster"), [names[1].as_str()]);
        assert_eq!(near("forest-type-2015"), [names[0].as_str()]);
        assert!(near("nothing-like-that").is_empty());
    }
}
