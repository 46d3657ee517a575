//! What to search the catalogue for.

use std::num::NonZeroU32;

use url::Url;

use crate::model::{DatasetUid, Source};

/// The real catalogue has about 250 datasets, so this makes three requests of it.
const BATCH_SIZE: u32 = 100;

/// Which datasets to list, and in which order; all of them unless said otherwise.
///
/// ```
/// use clms_api::{DatasetQuery, Source};
/// let query = DatasetQuery::new().text("soil moisture").source(Source::Cdse).sort_by("sortable_title");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatasetQuery {
    portal_type: Option<String>,
    uid: Option<DatasetUid>,
    id: Option<String>,
    text: Option<String>,
    sort_on: Option<String>,
    descending: bool,
    start: u32,
    batch_size: Option<NonZeroU32>,
    parameters: Vec<(String, String)>,
    /// The portal can't search for it.
    pub(super) source: Option<Source>,
}

impl Default for DatasetQuery {
    fn default() -> Self {
        Self {
            portal_type: Some("DataSet".to_owned()),
            uid: None,
            id: None,
            text: None,
            sort_on: None,
            descending: false,
            start: 0,
            batch_size: None,
            parameters: Vec::new(),
            source: None,
        }
    }
}

/// What of the objects that are found is to be told.
#[derive(Debug, Clone, Copy)]
pub(super) enum Told<'a> {
    /// Everything.
    All,
    /// A summary with these further fields.
    Summary(&'a [&'a str]),
}

impl DatasetQuery {
    /// All datasets.
    pub fn new() -> Self {
        Self::default()
    }

    /// Only the one with this UID.
    pub fn uid(mut self, uid: DatasetUid) -> Self {
        self.uid = Some(uid);
        self
    }

    /// Only those with this id, the last part of their address, such as `clc2018`.
    pub fn id(mut self, id: impl Into<String>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// Only those in which the portal's text search finds these words.
    pub fn text(mut self, words: impl Into<String>) -> Self {
        self.text = Some(words.into());
        self
    }

    /// Only those of which the portal takes data from this source, be it files or a collection.
    /// The portal can't search for it: the others come too and are dropped here. Of no effect on
    /// summaries.
    pub fn source(mut self, source: Source) -> Self {
        self.source = Some(source);
        self
    }

    /// Objects of another kind than `DataSet`, such as `Product`; for
    /// [`Client::search`](crate::Client::search).
    pub fn portal_type(mut self, portal_type: impl Into<String>) -> Self {
        self.portal_type = Some(portal_type.into());
        self
    }

    /// Objects of all kinds; for [`Client::search`](crate::Client::search).
    pub fn any_portal_type(mut self) -> Self {
        self.portal_type = None;
        self
    }

    /// Sorts by an index of the portal, such as `sortable_title` or `modified`.
    pub fn sort_by(mut self, index: impl Into<String>) -> Self {
        self.sort_on = Some(index.into());
        self
    }

    /// Sorts the other way round.
    pub fn descending(mut self) -> Self {
        self.descending = true;
        self
    }

    /// Leaves out so many at the beginning.
    pub fn start(mut self, start: u32) -> Self {
        self.start = start;
        self
    }

    /// How many objects to ask for at a time (100). A whole dataset is about 40 kB of JSON. The
    /// portal takes 0 and then has endless pages without objects, hence the type.
    pub fn batch_size(mut self, objects: NonZeroU32) -> Self {
        self.batch_size = Some(objects);
        self
    }

    /// Any other parameter of the portal's search.
    pub fn parameter(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.parameters.push((name.into(), value.into()));
        self
    }

    pub(super) fn url(&self, mut search: Url, told: Told<'_>) -> Url {
        {
            let mut query = search.query_pairs_mut();
            let mut append = |name, value: &Option<String>| {
                if let Some(value) = value {
                    query.append_pair(name, value);
                }
            };
            append("portal_type", &self.portal_type);
            match told {
                // Any value would do, even "0". It is the only way to boxes, dates, CRSs and
                // files: metadata_fields=_all leaves them out.
                Told::All => append("fullobjects", &Some("1".to_owned())),
                Told::Summary(fields) => {
                    for field in fields {
                        append("metadata_fields", &Some((*field).to_owned()));
                    }
                }
            }
            append("UID", &self.uid.as_ref().map(ToString::to_string));
            append("id", &self.id);
            append("SearchableText", &self.text);
            append("sort_on", &self.sort_on);
            if self.descending {
                append("sort_order", &Some("descending".to_owned()));
            }
            let batch_size = self.batch_size.map_or(BATCH_SIZE, NonZeroU32::get);
            append("b_size", &Some(batch_size.to_string()));
            if self.start > 0 {
                append("b_start", &Some(self.start.to_string()));
            }
            for (name, value) in &self.parameters {
                append(name.as_str(), &Some(value.clone()));
            }
        }
        search
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(query: &DatasetQuery, told: Told<'_>) -> String {
        let search = Url::parse("http://h/api/@search").unwrap();
        query.url(search, told).query().unwrap().to_owned()
    }

    #[test]
    fn parameters() {
        let all = DatasetQuery::new();
        assert_eq!(
            query(&all, Told::All),
            "portal_type=DataSet&fullobjects=1&b_size=100"
        );
        let much = DatasetQuery::new()
            .any_portal_type()
            .uid("u".into())
            .id("i")
            .text("a b")
            .source(Source::Eea)
            .sort_by("sortable_title")
            .descending()
            .batch_size(NonZeroU32::MIN)
            .start(3)
            .parameter("review_state", "published");
        assert_eq!(
            query(&much, Told::Summary(&["UID", "modified"])),
            "metadata_fields=UID&metadata_fields=modified&UID=u&id=i&SearchableText=a+b&sort_on=sortable_title\
             &sort_order=descending&b_size=1&b_start=3&review_state=published"
        );
    }
}
