//! What a job is asked to do.

use clms_cache::CubeName;
use serde::{Deserialize, Serialize};

use crate::{ContentKey, JobId, ServerName};

/// One product file, or a part of a dataset, that is to become one cube.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JobRequest {
    /// The data id, as users know it.
    pub data_id: String,
    /// The cube to make of it.
    #[serde(with = "cube_name")]
    pub cube: CubeName,
    /// What is ordered at the server.
    pub order: Order,
    /// Size of the package in bytes, if the catalogue knows it; only a hint, for the check of free space.
    #[serde(default)]
    pub expected_size: Option<u64>,
    /// Make the cube even if the cache has it; the new one replaces the old one.
    #[serde(default)]
    pub force: bool,
    /// What the [`CubeBuilder`](crate::CubeBuilder) wants to know, such as the chunk size; opaque here.
    #[serde(default)]
    pub build: serde_json::Value,
}

impl JobRequest {
    /// A request with nothing optional in it.
    #[must_use]
    pub fn new(data_id: impl Into<String>, cube: CubeName, order: Order) -> Self {
        Self {
            data_id: data_id.into(),
            cube,
            order,
            expected_size: None,
            force: false,
            build: serde_json::Value::Null,
        }
    }

    /// The id of the job: equal for equal data id and order.
    #[must_use]
    pub fn job_id(&self) -> JobId {
        JobId::of(&self.data_id, &self.order.content)
    }
}

/// What is ordered at the server, in the terms of the [`PortalSource`](crate::PortalSource) that will order it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Order {
    /// Where it is ordered.
    #[serde(default, skip_serializing_if = "ServerName::is_portal")]
    pub server: ServerName,
    /// What tasks of this order are recognised by.
    pub content: ContentKey,
    /// UID of the dataset.
    pub dataset_uid: String,
    /// Whether the server names no task of such an order even if all is well: it shows up in the server's list later, or never.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_unnamed: bool,
    /// `FileID` of a prepackaged file; `None` for anything else.
    #[serde(default)]
    pub file_id: Option<String>,
    /// Name of the file, for messages.
    pub file_name: String,
    /// Further parameters of the order; opaque here.
    #[serde(default)]
    pub parameters: serde_json::Value,
}

impl Order {
    /// An order of a prepackaged file.
    #[must_use]
    pub fn file(
        dataset_uid: impl Into<String>,
        file_id: impl Into<String>,
        file_name: impl Into<String>,
    ) -> Self {
        let (dataset_uid, file_id) = (dataset_uid.into(), file_id.into());
        Self {
            server: ServerName::portal(),
            is_unnamed: false,
            content: ContentKey::file(&dataset_uid, &file_id),
            dataset_uid,
            file_id: Some(file_id),
            file_name: file_name.into(),
            parameters: serde_json::Value::Null,
        }
    }

    /// An order of a part that the server cuts out of a dataset. `description` is as for [`ContentKey::part`], `name` is for messages, and
    /// `parameters` are what the [`PortalSource`](crate::PortalSource) needs to order it, now or after a restart.
    #[must_use]
    pub fn part(
        dataset_uid: impl Into<String>,
        description: &str,
        name: impl Into<String>,
        parameters: serde_json::Value,
    ) -> Self {
        Self {
            server: ServerName::portal(),
            is_unnamed: false,
            content: ContentKey::part(description),
            dataset_uid: dataset_uid.into(),
            file_id: None,
            file_name: name.into(),
            parameters,
        }
    }
}

/// [`CubeName`] as a string that is checked when read.
mod cube_name {
    use clms_cache::CubeName;
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    pub(super) fn serialize<S: Serializer>(name: &CubeName, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(name.as_str())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<CubeName, D::Error> {
        CubeName::new(String::deserialize(from)?).map_err(D::Error::custom)
    }
}
