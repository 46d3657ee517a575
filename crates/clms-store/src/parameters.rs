//! Parameters as other software hands them over, and their JSON Schemas: generated from the very structs that are parsed, so that they can't
//! differ from what is taken.

use std::{collections::BTreeMap, fmt, path::PathBuf, str::FromStr, time::Duration};

use clms_api::ServiceKey;
use clms_cache::StorageOptions;
use schemars::{JsonSchema, Schema, generate::SchemaSettings};
use serde::Deserialize;
use serde_json::Value;

use crate::sources::{
    cdse::S3Keys,
    wekeo::{Account, WekeoSettings},
};
use crate::{
    ClmsStore, ClmsStoreBuilder, DEFAULT_API_URL, DataId, DataType, OpenOptions, PreloadOptions,
    StoreError,
    catalogue::{Catalogue, Collection, How, Query},
    sources, subset,
};

/// The settings of a store. What is not given has its default.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct StoreParameters {
    /// The service key: the JSON object that the portal gave when the key was made.
    pub credentials: Option<Credentials>,
    /// The file that holds the service key's JSON.
    pub credentials_file: Option<PathBuf>,
    /// The portal's API; `https://land.copernicus.eu/api` if not given.
    pub api_url: Option<String>,
    /// Where finished cubes live: a path, or a URL such as s3://bucket/prefix; ./clms_cache if not given.
    pub cache: Option<String>,
    /// Settings of the object storage behind the cache's URL, such as endpoint and region.
    pub storage_options: BTreeMap<String, String>,
    /// Where downloads in progress live; inside the cache if that is a folder and none is given.
    pub scratch: Option<PathBuf>,
    /// How often the portal's queue is looked at, to begin with, such as 15s or 2m.
    #[serde(with = "crate::as_duration")]
    #[schemars(with = "Option<String>")]
    pub poll_interval: Option<Duration>,
    /// How old the catalogue on disk may be before the portal is asked again, such as 24h.
    #[serde(with = "crate::as_duration")]
    #[schemars(with = "Option<String>")]
    pub catalogue_age: Option<Duration>,
    /// Never touch the network: the catalogue on disk and the cache still answer.
    pub offline: Option<bool>,
    /// CDSE's keys and servers; those of the environment and the usual ones if not given.
    pub cdse: Option<CdseParameters>,
    /// The account of WEkEO; that of the environment or of ~/.hdarc if not given.
    pub wekeo: Option<WekeoParameters>,
}

/// How CDSE is reached.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct CdseParameters {
    /// The access key of its object storage.
    pub access_key_id: Option<String>,
    /// The secret of that key.
    pub secret_access_key: Option<Secret>,
    /// Another container of lists of products than CDSE's.
    pub catalogue: Option<String>,
    /// Another object storage than CDSE's.
    pub endpoint: Option<String>,
}

/// How WEkEO is reached.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct WekeoParameters {
    /// The account's name.
    pub username: String,
    /// Its password.
    pub password: Secret,
    /// Another broker than WEkEO's.
    #[serde(default)]
    pub broker: Option<String>,
    /// Accept the terms of datasets in the account's name.
    #[serde(default)]
    pub accept_terms: bool,
}

/// A text that nobody sees by accident.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Secret(String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// A service key that nobody sees by accident.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Credentials(#[schemars(with = "serde_json::Map<String, Value>")] Value);

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(..)")
    }
}

impl TryFrom<StoreParameters> for ClmsStoreBuilder {
    type Error = StoreError;

    /// # Errors
    /// [`StoreError::Credentials`] for a service key that is none, [`StoreError::Cache`] for a storage option that makes no sense.
    fn try_from(given: StoreParameters) -> Result<Self, StoreError> {
        let options: Vec<String> = given
            .storage_options
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let mut builder = ClmsStore::builder()
            .api_url(given.api_url.as_deref().unwrap_or(DEFAULT_API_URL))
            .storage_options(StorageOptions::parse(&options)?)
            .offline(given.offline.unwrap_or_default());
        if let Some(cache) = given.cache {
            builder = builder.cache(cache);
        }
        if let Some(file) = given.credentials_file {
            builder = builder.credentials_file(file);
        }
        if let Some(Credentials(key)) = given.credentials {
            builder = builder.service_key(ServiceKey::from_json(&key.to_string())?);
        }
        if let Some(scratch) = given.scratch {
            builder = builder.scratch(scratch);
        }
        if let Some(interval) = given.poll_interval {
            builder = builder.poll_interval(interval);
        }
        if let Some(age) = given.catalogue_age {
            builder = builder.catalogue_age(age);
        }
        if let Some(cdse) = given.cdse {
            builder = builder.cdse_servers(cdse.catalogue.as_deref(), cdse.endpoint.as_deref());
            if let (Some(id), Some(Secret(secret))) = (cdse.access_key_id, cdse.secret_access_key) {
                builder = builder.cdse_keys(S3Keys::new(id, secret));
            }
        }
        if let Some(wekeo) = given.wekeo {
            let Secret(password) = wekeo.password;
            builder = builder.wekeo(WekeoSettings {
                account: Some(Account::new(wekeo.username, password)),
                broker: wekeo.broker,
                accepts_terms: wekeo.accept_terms,
            });
        }
        Ok(builder)
    }
}

/// What there are parameters of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Parameters {
    /// [`StoreParameters`].
    Store,
    /// [`Query`].
    Search,
    /// [`OpenOptions`].
    Open,
    /// [`PreloadOptions`].
    Preload,
}

impl Parameters {
    /// The JSON Schema (draft 2020-12) of the parameters.
    #[must_use]
    pub fn schema(self) -> Value {
        let generator = SchemaSettings::draft2020_12().into_generator();
        let schema: Schema = match self {
            Self::Store => generator.into_root_schema_for::<StoreParameters>(),
            Self::Search => generator.into_root_schema_for::<Query>(),
            Self::Open => generator.into_root_schema_for::<OpenOptions>(),
            Self::Preload => generator.into_root_schema_for::<PreloadOptions>(),
        };
        schema.to_value()
    }
}

impl ClmsStore {
    /// The JSON Schema of those parameters that matter for a data id. Those of preloading a collection of which subsets can be had,
    /// `<product id>|<collection>`, are [`PreloadOptions`] and those of a [`Subset`](crate::Subset) side by side.
    ///
    /// # Errors
    /// As for [`describe`](Self::describe); [`StoreError::Unavailable`] for what can't be had, [`StoreError::OpenedInPlace`] for the parameters
    /// of preloading what is opened where it lies.
    pub async fn parameters(&self, of: Parameters, data_id: &DataId) -> Result<Value, StoreError> {
        let catalogue = self.catalogue_with(std::slice::from_ref(data_id)).await?;
        let collection = collection(&catalogue, data_id);
        if let (Parameters::Preload, Some(collection)) = (of, collection) {
            return parameters_of_subset(data_id, &collection);
        }
        let described = self.describe_by(&catalogue, data_id).await?;
        let mut schema = of.schema();
        let matters: &dyn Fn(&str) -> bool = match (of, described.how, described.why_not) {
            (Parameters::Store | Parameters::Search, ..) => return Ok(schema),
            (_, None, Some(why)) => {
                return Err(StoreError::Unavailable {
                    data_id: data_id.to_string(),
                    why,
                });
            }
            (Parameters::Open, Some(How::Open), _) if described.cube.is_none() => {
                let dataset = catalogue.product(data_id.product())?;
                let heeded = sources::open_parameters(data_id, dataset);
                &move |name| heeded.contains(&name)
            }
            (Parameters::Open, ..) => &|name| name == "variables",
            (Parameters::Preload, Some(How::Open), _) => {
                return Err(StoreError::OpenedInPlace {
                    data_id: data_id.to_string(),
                });
            }
            (Parameters::Preload, ..) if described.data_type == DataType::GeoDataFrame => {
                &is_for_vectors
            }
            (Parameters::Preload, ..) => &|_| true,
        };
        retain(&mut schema, matters);
        schema["title"] = title(of, data_id);
        Ok(schema)
    }
}

/// The collection that a data id names, if it names one and no file.
fn collection(catalogue: &Catalogue, data_id: &DataId) -> Option<Collection> {
    let name = data_id.file().filter(|_| data_id.subset().is_none())?;
    if catalogue.entry(data_id).is_ok() {
        return None;
    }
    let collections = catalogue.collections(data_id.product()).ok()?;
    collections.into_iter().find(|it| it.name == name)
}

/// What preloading a subset of a collection takes.
fn parameters_of_subset(data_id: &DataId, collection: &Collection) -> Result<Value, StoreError> {
    if let Some(why) = &collection.why_not {
        return Err(StoreError::Unavailable {
            data_id: data_id.to_string(),
            why: why.clone(),
        });
    }
    let mut schema = Parameters::Preload.schema();
    if DataType::of_format(collection.format.as_deref()) == DataType::GeoDataFrame {
        retain(&mut schema, &is_for_vectors);
    }
    subset::add_subset_of(collection, &mut schema);
    schema["title"] = title(Parameters::Preload, data_id);
    Ok(schema)
}

/// Whether a parameter of preloading matters for vectors, which have no pixels.
fn is_for_vectors(parameter: &str) -> bool {
    !["tile_size", "levels"].contains(&parameter)
}

fn retain(schema: &mut Value, matters: &dyn Fn(&str) -> bool) {
    if let Some(properties) = schema["properties"].as_object_mut() {
        properties.retain(|name, _| matters(name));
    }
}

fn title(of: Parameters, data_id: &DataId) -> Value {
    format!("{of:?} {data_id}").into()
}

impl FromStr for Parameters {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "store" => Ok(Self::Store),
            "search" => Ok(Self::Search),
            "open" => Ok(Self::Open),
            "preload" => Ok(Self::Preload),
            _ => Err(format!(
                "there are no parameters of {text:?}; there are those of store, search, open and preload"
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_schema_names_is_taken_and_nothing_else() {
        let given = json!({
            "credentials": {"client_id": "x"}, "credentials_file": "key.json", "api_url": "http://127.0.0.1:1/api",
            "cache": "memory:///", "storage_options": {"region": "x"}, "scratch": "/tmp", "poll_interval": "200ms",
            "catalogue_age": "1h", "offline": true,
            "cdse": {"access_key_id": "x", "secret_access_key": "hidden", "catalogue": "http://127.0.0.1:1", "endpoint": "http://127.0.0.1:2"},
            "wekeo": {"username": "x", "password": "hidden", "broker": "http://127.0.0.1:3", "accept_terms": true},
        });
        let schema = Parameters::Store.schema();
        let named: Vec<&String> = schema["properties"].as_object().unwrap().keys().collect();
        let keys: Vec<&String> = given.as_object().unwrap().keys().collect();
        assert_eq!(named, keys);
        let parsed: StoreParameters = serde_json::from_value(given).unwrap();
        assert_eq!(parsed.poll_interval, Some(Duration::from_millis(200)));
        let shown = format!(
            "{parsed:?} {:?}",
            ClmsStoreBuilder::try_from(parsed.clone()).err()
        );
        assert!(
            !shown.contains("client_id") && !shown.contains("hidden"),
            "{shown}"
        );
        assert!(serde_json::from_value::<StoreParameters>(json!({"cash": "x"})).is_err());
        assert!(
            serde_json::from_value::<PreloadOptions>(
                json!({"tile_size": [256, 256], "timeout": "90m", "levels": "auto"})
            )
            .is_ok()
        );
        assert!(
            serde_json::from_value::<OpenOptions>(
                json!({"time": "2020/2021", "bbox": [1, 2, 3, 4]})
            )
            .is_ok()
        );
        assert!(serde_json::from_value::<OpenOptions>(json!({"times": "2020"})).is_err());
    }

    #[test]
    fn schemas_describe_each_parameter() {
        for of in [
            Parameters::Store,
            Parameters::Search,
            Parameters::Open,
            Parameters::Preload,
        ] {
            for (name, schema) in of.schema()["properties"].as_object().unwrap() {
                assert!(schema["description"].is_string(), "{of:?} {name}");
            }
        }
    }
}
