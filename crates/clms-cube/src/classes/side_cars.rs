//! Which side-car files belong to a raster, and what they say.

use std::collections::HashMap;

use super::{Class, SideCarFormat, clc, decode_text};
use crate::aux_xml::{AuxXml, world_file};
use crate::crs::SourceCrs;
use crate::metadata::node_path;
use crate::package::{PackageEntry, folder, stem};
use crate::plan::Note;
use crate::products::Product;
use crate::raster_header::RasterHeader;
use crate::{DataType, Package};

/// Side-cars are small; a larger file is passed over with a note.
const MAX_BYTES: u64 = 16 << 20;
const MAX_WORLD_FILE_BYTES: u64 = 4096;

/// Folders that hold rasters and whose neighbour `Legend` speaks of them.
const DATA_FOLDERS: [&str; 6] = ["data", "dataset", "datasets", "raster", "rasters", "tiles"];
/// Among equally similar names, the first kind is taken.
const LEGEND_ENDINGS: [&str; 4] = [".txt", ".clr", ".qml", ".sld"];
const LEGEND_FOLDERS: [&str; 3] = ["legend", "legends", "symbology"];

/// The side-cars of a package, found by name in any case.
pub(crate) struct SideCars<'a> {
    by_name: HashMap<String, &'a PackageEntry>,
    /// Legends in legend folders, by the folder's name in lower case.
    legends: HashMap<String, Vec<&'a PackageEntry>>,
}

/// What the side-cars of one raster say, best source first.
#[derive(Debug, Default)]
pub(crate) struct SideCarClasses {
    /// Of the attribute table, the table in aux.xml, and the legend text.
    pub(crate) sources: [Vec<Class>; 3],
    /// The files that classes came from.
    pub(crate) used: Vec<String>,
    pub(crate) notes: Vec<Note>,
}

/// What side-cars have added to the header of a raster.
#[derive(Debug, Default)]
pub(crate) struct Completed {
    /// The files that it came from.
    pub(crate) used: Vec<String>,
    pub(crate) notes: Vec<Note>,
}

impl<'a> SideCars<'a> {
    pub(crate) fn new(package: &'a Package) -> Self {
        let mut by_name = HashMap::new();
        let mut legends: HashMap<String, Vec<_>> = HashMap::new();
        for entry in &package.entries {
            let lower = entry.name.to_lowercase();
            let in_legend = folder(&lower)
                .rsplit('/')
                .next()
                .is_some_and(|last| LEGEND_FOLDERS.contains(&last));
            if in_legend && LEGEND_ENDINGS.iter().any(|ending| lower.ends_with(ending)) {
                legends
                    .entry(folder(&lower).to_owned())
                    .or_default()
                    .push(entry);
            }
            by_name.insert(lower, entry);
        }
        Self { by_name, legends }
    }

    /// The classes that the side-cars of a raster give. What can't be read gives a note.
    pub(crate) fn classes_of(
        &self,
        raster: &str,
        product: Option<&Product>,
        dtype: DataType,
    ) -> SideCarClasses {
        let mut found = SideCarClasses::default();
        let lower = raster.to_lowercase();
        let beside = |ending: &str| self.beside(raster, ending);
        found.sources[0] = found.first(beside(".vat.dbf"), SideCarFormat::Dbf);
        found.sources[1] = found.first(beside(".aux.xml"), SideCarFormat::AuxXml);
        let legends = LEGEND_ENDINGS[1..]
            .iter()
            .flat_map(|ending| beside(ending))
            .chain(self.legend_texts(&lower))
            .collect();
        found.sources[2] = found.first(legends, SideCarFormat::Legend);
        if product.is_some_and(|product| product.variable == "CLC")
            && (dtype.itemsize() == 1 || clc::is_counted(&found.sources[0]))
        {
            found.sources[2] = clc::count_codes(std::mem::take(&mut found.sources[2]));
        }
        found
    }

    /// Files named like a raster with this behind its name, or in place of its ending.
    fn beside(&self, raster: &str, ending: &str) -> Vec<&'a PackageEntry> {
        let lower = raster.to_lowercase();
        let folder = folder(&lower);
        let bare = node_path(folder, stem(&lower));
        let names = [format!("{lower}{ending}"), format!("{bare}{ending}")];
        let entries = names.iter().filter_map(|name| self.by_name.get(name));
        entries.copied().collect()
    }

    /// Adds to the header of a raster what its `.aux.xml` and its world file say.
    pub(crate) fn complete(&self, header: &mut RasterHeader) -> Completed {
        let mut completed = Completed::default();
        let raster = header.source.name.clone();
        for entry in self.beside(&raster, ".aux.xml") {
            let read = entry.read(MAX_BYTES);
            match read.and_then(|bytes| AuxXml::parse(&decode_text(&bytes))) {
                Ok(aux) if aux.is_empty() => {}
                Ok(aux) => {
                    if header.crs.is_none() {
                        header.crs = aux.srs.as_deref().and_then(SourceCrs::of_text);
                    }
                    aux.apply(header);
                    completed.used.push(entry.name.clone());
                    break;
                }
                Err(reason) => completed.notes.push(not_understood(entry, &reason)),
            }
        }
        if header.geotransform.is_none() {
            let endings = [".tfw", ".tifw", ".tiffw", ".j2w", ".jp2w", ".wld"];
            for entry in endings
                .iter()
                .flat_map(|ending| self.beside(&raster, ending))
            {
                let found = entry.read(MAX_WORLD_FILE_BYTES).ok();
                header.geotransform = found.and_then(|bytes| world_file(&decode_text(&bytes)));
                if header.geotransform.is_some() {
                    completed.used.push(entry.name.clone());
                    break;
                }
            }
        }
        completed
    }

    /// Legend texts for a raster (lower case), the one with the most similar name first.
    fn legend_texts(&self, raster: &str) -> Vec<&'a PackageEntry> {
        let own = folder(raster);
        let mut parents = vec![own];
        if own
            .rsplit('/')
            .next()
            .is_some_and(|last| DATA_FOLDERS.contains(&last))
        {
            parents.push(folder(own));
        }
        let name = stem(raster);
        let mut texts = Vec::new();
        for parent in parents {
            for legend in LEGEND_FOLDERS {
                let path = if parent.is_empty() {
                    legend.to_owned()
                } else {
                    format!("{parent}/{legend}")
                };
                texts.extend(self.legends.get(&path).into_iter().flatten().copied());
            }
        }
        let similarity = |entry: &PackageEntry| {
            let other = entry
                .name
                .rsplit('/')
                .next()
                .unwrap_or_default()
                .to_lowercase();
            name.bytes()
                .zip(other.bytes())
                .take_while(|(a, b)| a == b)
                .count()
        };
        let rank = |entry: &PackageEntry| {
            let name = entry.name.to_lowercase();
            LEGEND_ENDINGS
                .iter()
                .position(|ending| name.ends_with(ending))
        };
        texts.sort_by_key(|entry| {
            (
                std::cmp::Reverse(similarity(entry)),
                rank(entry),
                &entry.name,
            )
        });
        texts
    }
}

fn not_understood(entry: &PackageEntry, reason: &str) -> Note {
    Note::on(&entry.name, format!("side-car not understood: {reason}"))
}

impl SideCarClasses {
    /// The classes of the first entry that gives any.
    fn first(&mut self, entries: Vec<&PackageEntry>, format: SideCarFormat) -> Vec<Class> {
        for entry in entries {
            match entry
                .read(MAX_BYTES)
                .and_then(|bytes| format.classes(&bytes))
            {
                Ok(classes) if classes.is_empty() => {}
                Ok(classes) => {
                    self.used.push(entry.name.clone());
                    return classes;
                }
                Err(reason) => self.notes.push(not_understood(entry, &reason)),
            }
        }
        Vec::new()
    }
}
