//! The portal's content: data sets, products, prepackaged files.

mod dataset_object;
mod entry;
mod fixture;

use serde_json::Value;

pub(crate) use entry::{Entry, text};

/// URLs of the portal inside stored objects begin with this instead, because
/// they depend on the name under which the portal is called.
const PORTAL: &str = "portal:";

/// What the simulated portal holds.
///
/// [`Catalogue::fixture`] is the one that a [`Sim`](crate::Sim) serves unless
/// told otherwise: real ids, names and quirks in invented surroundings.
#[derive(Debug, Clone, Default)]
pub struct Catalogue {
    entries: Vec<Stored>,
}

#[derive(Debug, Clone)]
struct Stored {
    object: Value,
    published: bool,
}

/// A prepackaged file of a catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrepackagedFile {
    /// `<id of the DataSet>|<file>`, with the file's outer blanks trimmed and
    /// without a final `.zip`.
    pub data_id: String,
    /// The DataSet's UID.
    pub dataset_uid: String,
    /// The file's `@id`, sent as `FileID`.
    pub file_id: String,
    /// The file's name as in the data id.
    pub name: String,
}

impl Catalogue {
    /// The project's own fixture: 37 data sets with 258 prepackaged files.
    #[must_use]
    pub fn fixture() -> Self {
        fixture::catalogue()
    }

    /// A catalogue without any content.
    #[must_use]
    pub fn empty() -> Self {
        Self::default()
    }

    /// Adds a published object (`DataSet`, `Product`, ...) as the portal
    /// serves it with `fullobjects`, from a portal at `portal_url`.
    #[must_use]
    pub fn with_object(self, object: Value, portal_url: &str) -> Self {
        self.with(object, portal_url, true)
    }

    /// Adds an object that is not published: unknown to requests, 401 by its path.
    #[must_use]
    pub fn with_private_object(self, object: Value, portal_url: &str) -> Self {
        self.with(object, portal_url, false)
    }

    fn with(mut self, mut object: Value, portal_url: &str, published: bool) -> Self {
        replace_prefix(&mut object, portal_url, PORTAL);
        self.entries.push(Stored { object, published });
        self
    }

    /// All prepackaged files that can be had, in order.
    #[must_use]
    pub fn files(&self) -> Vec<PrepackagedFile> {
        self.published()
            .flat_map(|entry| {
                let with_path = entry.files().filter(|file| !text(&file["path"]).is_empty());
                with_path
                    .map(move |file| entry.prepackaged(file))
                    .collect::<Vec<_>>()
            })
            .collect()
    }

    /// The published objects in the catalogue's order.
    pub(crate) fn published(&self) -> impl Iterator<Item = Entry<'_>> {
        self.entries
            .iter()
            .filter(|stored| stored.published)
            .map(|stored| Entry(&stored.object))
    }

    /// The published object with this UID.
    pub(crate) fn by_uid(&self, uid: &str) -> Option<Entry<'_>> {
        self.published().find(|entry| entry.uid() == uid)
    }

    /// The unpublished object with this UID.
    pub(crate) fn private_by_uid(&self, uid: &str) -> Option<Entry<'_>> {
        self.private().find(|entry| entry.uid() == uid)
    }

    /// The object at this path below the portal, and whether it is published.
    pub(crate) fn by_path(&self, path: &str) -> Option<(Entry<'_>, bool)> {
        let found = |stored: &&Stored| Entry(&stored.object).path() == path;
        self.entries
            .iter()
            .find(found)
            .map(|stored| (Entry(&stored.object), stored.published))
    }

    fn private(&self) -> impl Iterator<Item = Entry<'_>> {
        self.entries
            .iter()
            .filter(|stored| !stored.published)
            .map(|stored| Entry(&stored.object))
    }
}

/// Puts `to` in place of `from` wherever a string begins with it.
fn replace_prefix(value: &mut Value, from: &str, to: &str) {
    match value {
        Value::String(string) => {
            if let Some(rest) = string
                .strip_prefix(from)
                .filter(|rest| rest.starts_with('/'))
            {
                *string = format!("{to}{rest}");
            }
        }
        Value::Array(items) => items
            .iter_mut()
            .for_each(|item| replace_prefix(item, from, to)),
        Value::Object(map) => map
            .values_mut()
            .for_each(|item| replace_prefix(item, from, to)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The object as served by a portal that is called `portal_url`.
pub(crate) fn served(object: &Value, portal_url: &str) -> Value {
    let mut object = object.clone();
    replace_prefix(&mut object, PORTAL, portal_url);
    object
}
