//! What a search says of an object when it is not asked for the whole of it.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use url::Url;

use super::dataset::page;
use super::fields::Fields;
use super::ids::DatasetUid;
use super::rich_text::as_plain_text;
use crate::error::DecodeError;

/// A short entry of a search: some hundred bytes where a [`Dataset`](super::Dataset) has forty
/// kilobytes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DatasetSummary {
    /// The page (the portal's `@id`, without `/api`).
    pub url: Option<Url>,
    /// What it is: `DataSet`, `Product`, ...
    pub portal_type: Option<String>,
    /// The title.
    pub title: String,
    /// A short description, plain text; may be empty.
    pub description: String,
    /// The portal's `UID`; only if it was asked for.
    pub uid: Option<DatasetUid>,
    /// Everything else that the portal said: the further fields that were asked for, say.
    pub extra: Map<String, Value>,
}

impl DatasetSummary {
    /// Reads an item of a search.
    ///
    /// # Errors
    /// When it is no object, or has neither a title nor an address.
    pub fn from_portal(value: Value) -> Result<Self, DecodeError> {
        let mut fields = Fields::new(value, "")?;
        let url = fields.take("@id", |value| page(value.as_str()?));
        let title = match (fields.text("title"), &url) {
            (Some(title), _) => title,
            (None, Some(url)) => url.path().to_owned(),
            (None, None) => return Err(DecodeError::new("title", "is missing or blank")),
        };
        Ok(Self {
            portal_type: fields.text("@type"),
            title,
            description: fields
                .take("description", as_plain_text)
                .unwrap_or_default(),
            uid: fields.word("UID"),
            url,
            extra: fields.rest(),
        })
    }
}
