//! The documents that commands print with `-o json`, and their JSON Schemas: made from the very structs that are printed.

use clms_store::{
    CachedCube, CachedCubeDetails, PlannedPreload,
    catalogue::{Entry, Hit},
    cube::ExportReport,
};
use schemars::{JsonSchema, Schema, generate::SchemaSettings};
use serde_json::{Map, Value};

use super::{
    auth::Identity,
    cache::{Collected, Removal, Verified},
    config::Shown,
    describe::Described,
    jobs::{Cancelled, Detailed, Job},
    open::Opened,
    preload::Outcome,
    preview, report,
};
use crate::{failure::ErrorDocument, progress::ProgressLine};

/// A document.
pub(super) struct Document {
    /// The command, with `-` between its words; also the name of the file with the schema.
    pub(super) name: &'static str,
    /// What it is.
    pub(super) title: &'static str,
    generate: fn() -> Schema,
}

/// All documents. What `clms schema` prints is a schema itself, described by its own `$schema`.
pub(super) const ALL: [Document; 24] = [
    document::<Identity>("auth-check", "clms auth check: who is signed in"),
    document::<Identity>("auth-login", "clms auth login: whose service key was kept"),
    document::<Shown>(
        "config-show",
        "clms config show: the settings that are in force",
    ),
    document::<Vec<Entry>>("list", "clms list: data ids that can be had"),
    document::<Vec<Hit>>("search", "clms search: products that fit, the best first"),
    document::<Described<'static>>("describe", "clms describe: what a data id is"),
    document::<Vec<Outcome<'static>>>("preload", "clms preload: what became of each data id"),
    document::<Vec<PlannedPreload>>(
        "preload-dry-run",
        "clms preload --dry-run: what would be done for each data id",
    ),
    document::<Vec<Job<'static>>>("jobs-list", "clms jobs list: the preload jobs of a cache"),
    document::<Vec<Detailed<'static>>>("jobs-show", "clms jobs show: all that is known of a job"),
    document::<Vec<Outcome<'static>>>("jobs-wait", "clms jobs wait: how each job ended"),
    document::<Vec<Outcome<'static>>>("jobs-resume", "clms jobs resume: how each job ended"),
    document::<Vec<Cancelled<'static>>>(
        "jobs-cancel",
        "clms jobs cancel: what came of giving a job up",
    ),
    document::<Opened<'static>>("open", "clms open: the structure of a dataset"),
    document::<ExportReport>("export", "clms export: what was written"),
    document::<preview::Written>("preview", "clms preview: the map that was written"),
    document::<report::Written>("report", "clms report: the page that was written"),
    document::<Vec<CachedCube>>("cache-list", "clms cache list: the cubes of a cache"),
    document::<Vec<CachedCubeDetails>>(
        "cache-info",
        "clms cache info: all that is known of cubes without reading them",
    ),
    document::<Vec<Verified>>("cache-verify", "clms cache verify: cubes that were read"),
    document::<Vec<Removal>>("cache-remove", "clms cache remove: what became of cubes"),
    document::<Vec<Collected>>("cache-gc", "clms cache gc: what was or would be removed"),
    document::<ErrorDocument<'static>>("error", "any command that fails as a whole"),
    document::<ProgressLine<'static>>("progress", "--progress json: one line on standard error"),
];

const fn document<T: JsonSchema>(name: &'static str, title: &'static str) -> Document {
    Document {
        name,
        title,
        generate: || {
            SchemaSettings::draft2020_12()
                .for_serialize()
                .into_generator()
                .into_root_schema_for::<T>()
        },
    }
}

impl Document {
    /// The document of a command, whose words are divided by blanks or `-`.
    pub(super) fn find(command: &str) -> Option<&'static Self> {
        let name = command.split_whitespace().collect::<Vec<_>>().join("-");
        ALL.iter().find(|document| document.name == name)
    }

    /// Its JSON Schema (draft 2020-12). Properties may be added in later versions.
    pub(super) fn schema(&self) -> Value {
        let mut schema = (self.generate)().to_value();
        without_links(&mut schema);
        schema["title"] = self.title.into();
        schema
    }
}

/// Descriptions are the documentation of the structs, whose links lead nowhere outside of it.
fn without_links(schema: &mut Value) {
    match schema {
        Value::Object(members) => of_members(members),
        Value::Array(items) => items.iter_mut().for_each(without_links),
        _ => {}
    }
}

fn of_members(members: &mut Map<String, Value>) {
    for (name, member) in members {
        match member {
            Value::String(text) if name == "description" => *text = plain(text),
            other => without_links(other),
        }
    }
}

/// A text in which links to Rust items are only their names.
fn plain(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, link)) = rest.split_once('[') {
        out.push_str(before);
        let Some((name, behind)) = link.split_once(']') else {
            out.push('[');
            rest = link;
            continue;
        };
        // `[120, 80]` is no link.
        let target = behind.strip_prefix('(').and_then(|it| it.split_once(')'));
        match target {
            Some((_, behind)) => {
                out.push_str(name);
                rest = behind;
            }
            None if name.starts_with('`') => {
                out.push_str(name);
                rest = behind;
            }
            None => {
                out.push('[');
                rest = link;
            }
        }
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptions_have_no_links() {
        assert_eq!(plain("see the [grammar](self)."), "see the grammar.");
        assert_eq!(
            plain("a [`Stage`], [west, south]"),
            "a `Stage`, [west, south]"
        );
        assert_eq!(plain("[open"), "[open");
    }

    #[test]
    fn every_property_is_described() {
        fn look(at: &str, schema: &Value, missing: &mut Vec<String>) {
            for (name, property) in schema["properties"].as_object().into_iter().flatten() {
                let described = property["description"].is_string()
                    || property["const"].is_string()
                    || property["$ref"].is_string();
                if !described {
                    missing.push(format!("{at}.{name}"));
                }
                look(&format!("{at}.{name}"), property, missing);
            }
            for members in ["oneOf", "anyOf", "allOf"] {
                for member in schema[members].as_array().into_iter().flatten() {
                    look(at, member, missing);
                }
            }
            look_at_items(at, schema, missing);
            for (name, definition) in schema["$defs"].as_object().into_iter().flatten() {
                look(name, definition, missing);
            }
        }
        fn look_at_items(at: &str, schema: &Value, missing: &mut Vec<String>) {
            if schema["items"].is_object() {
                look(at, &schema["items"], missing);
            }
        }
        let mut missing = Vec::new();
        for document in &ALL {
            look(document.name, &document.schema(), &mut missing);
        }
        assert!(missing.is_empty(), "{missing:#?}");
    }
}
