//! Spatial indexes of a GeoPackage, made in steps, because GDAL makes one in a single statement that nothing can stop.
//!
//! What an index consists of (an R-tree, triggers that keep it true, a line in the list of extensions) is taken from an empty table of the same
//! name that GDAL makes in a template. Only the filling is done here.

use std::path::Path;

use gdal::errors::{GdalError, Result};
use gdal::vector::sql::{Dialect, ResultSet};
use gdal::vector::{LayerAccess, LayerOptions, OGRwkbGeometryType};
use gdal::{Dataset, DatasetOptions, DriverManager, GdalOpenFlags};

use super::VectorFormat;
use super::translate::Watch;

/// Features that are indexed at a time: some tens of milliseconds.
const STEP: usize = 10_000;

/// Gives the geometries of these tables of a GeoPackage their indexes. Looks at the watch's token after each [`STEP`] features, and returns early
/// without an error when it is cancelled.
///
/// # Errors
/// What GDAL or SQLite says.
pub(super) fn create(geopackage: &Path, tables: &[&str], watch: &Watch<'_>) -> Result<()> {
    if tables.is_empty() {
        return Ok(());
    }
    let database = Database::open(geopackage, GdalOpenFlags::GDAL_OF_UPDATE)?;
    let columns = tables
        .iter()
        .map(|table| Columns::of(&database, table))
        .collect::<Result<Vec<_>>>()?;
    let path = geopackage.with_extension("template.gpkg");
    write_template(&path, &columns)?;
    let template = Database::open(&path, GdalOpenFlags::GDAL_OF_READONLY)?;
    for statement in template.texts(
        "SELECT sql FROM sqlite_master WHERE type = 'table' AND sql LIKE 'CREATE VIRTUAL TABLE%'",
    )? {
        database.run(&statement)?;
    }
    for columns in &columns {
        columns.fill(&database, watch)?;
    }
    for statement in template
        .texts("SELECT sql FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'rtree_%'")?
    {
        database.run(&statement)?;
    }
    let known = database.texts("SELECT name FROM sqlite_master WHERE name = 'gpkg_extensions'")?;
    if known.is_empty() {
        for statement in
            template.texts("SELECT sql FROM sqlite_master WHERE name = 'gpkg_extensions'")?
        {
            database.run(&statement)?;
        }
    }
    for row in template.rows::<5>(
        "SELECT table_name, column_name, extension_name, definition, scope FROM gpkg_extensions WHERE extension_name = 'gpkg_rtree_index'",
    )? {
        let values = row.map(|value| quoted(&value, '\'')).join(", ");
        database.run(&format!("INSERT INTO gpkg_extensions VALUES ({values})"))?;
    }
    database.0.close()
}

/// Empty tables with indexes.
fn write_template(path: &Path, tables: &[Columns]) -> Result<()> {
    let mut template = DriverManager::get_driver_by_name(VectorFormat::GeoPackage.driver())?
        .create_vector_only(path)?;
    for columns in tables {
        let options = [
            format!("FID={}", columns.id),
            format!("GEOMETRY_NAME={}", columns.geometry),
            "SPATIAL_INDEX=YES".to_owned(),
        ];
        template.create_layer(LayerOptions {
            name: &columns.table,
            srs: None,
            ty: OGRwkbGeometryType::wkbUnknown,
            options: Some(&options.each_ref().map(String::as_str)),
        })?;
    }
    template.close()
}

/// The names that an index speaks of.
struct Columns {
    table: String,
    id: String,
    geometry: String,
}

impl Columns {
    fn of(database: &Database, table: &str) -> Result<Self> {
        let name = quoted(table, '\'');
        let geometry = database.texts(&format!(
            "SELECT column_name FROM gpkg_geometry_columns WHERE lower(table_name) = lower({name})"
        ))?;
        let id = database.texts(&format!(
            "SELECT name FROM pragma_table_info({name}) WHERE pk = 1"
        ))?;
        match (id.into_iter().next(), geometry.into_iter().next()) {
            (Some(id), Some(geometry)) => Ok(Self {
                table: table.to_owned(),
                id,
                geometry,
            }),
            _ => Err(GdalError::BadArgument(format!(
                "table {table} has no geometries or no ids"
            ))),
        }
    }

    fn fill(&self, database: &Database, watch: &Watch<'_>) -> Result<()> {
        let (table, id) = (quoted(&self.table, '"'), quoted(&self.id, '"'));
        let geometry = quoted(&self.geometry, '"');
        let tree = quoted(&format!("rtree_{}_{}", self.table, self.geometry), '"');
        let mut after = i64::MIN.to_string();
        while !watch.cancel.is_cancelled() {
            let step = format!("FROM {table} WHERE {id} > {after} ORDER BY {id} LIMIT {STEP}");
            let last = database.texts(&format!(
                "SELECT max(last) FROM (SELECT {id} AS last {step})"
            ))?;
            let Some(last) = last.into_iter().find(|last| !last.is_empty()) else {
                break;
            };
            database.run(&format!(
                "INSERT INTO {tree} SELECT {id}, ST_MinX({geometry}), ST_MaxX({geometry}), ST_MinY({geometry}), ST_MaxY({geometry}) \
                 FROM {table} WHERE {id} > {after} AND {id} <= {last} AND {geometry} NOT NULL AND NOT ST_IsEmpty({geometry})"
            ))?;
            after = last;
        }
        Ok(())
    }
}

/// A GeoPackage as the database that it is.
struct Database(Dataset);

impl Database {
    fn open(path: &Path, access: GdalOpenFlags) -> Result<Self> {
        let options = DatasetOptions {
            open_flags: access
                | GdalOpenFlags::GDAL_OF_VECTOR
                | GdalOpenFlags::GDAL_OF_VERBOSE_ERROR,
            allowed_drivers: Some(&[VectorFormat::GeoPackage.driver()]),
            ..DatasetOptions::default()
        };
        Ok(Self(Dataset::open_ex(path, options)?))
    }

    fn ask(&self, statement: &str) -> Result<Option<ResultSet<'_>>> {
        self.0.execute_sql(statement, None, Dialect::DEFAULT)
    }

    fn run(&self, statement: &str) -> Result<()> {
        self.ask(statement).map(drop)
    }

    /// Rows of texts; what is null is empty.
    fn rows<const N: usize>(&self, query: &str) -> Result<Vec<[String; N]>> {
        let Some(mut found) = self.ask(query)? else {
            return Ok(Vec::new());
        };
        let rows = found.features().map(|row| {
            std::array::from_fn(|column| {
                let value = row.field_as_string(column);
                value.ok().flatten().unwrap_or_default()
            })
        });
        Ok(rows.collect())
    }

    fn texts(&self, query: &str) -> Result<Vec<String>> {
        let rows = self.rows::<1>(query)?;
        Ok(rows.into_iter().map(|[text]| text).collect())
    }
}

/// A name or text as SQL wants it.
fn quoted(text: &str, mark: char) -> String {
    let doubled = text.replace(mark, &format!("{mark}{mark}"));
    format!("{mark}{doubled}{mark}")
}

#[cfg(test)]
mod tests {
    use clms_factory::{VectorLayer, VectorSpec};
    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::vector::copy;
    use crate::vector::source::Source;

    #[test]
    fn stops_where_it_is_told_to() {
        let dir = tempfile::tempdir().unwrap();
        let layer = VectorLayer::new("many").features(STEP + 1);
        VectorSpec::of("many.fgb", [layer])
            .write(dir.path())
            .unwrap();
        let source = Source {
            name: "many.fgb".to_owned(),
            format: VectorFormat::FlatGeobuf,
            path: dir.path().join("many.fgb"),
        };
        let target = dir.path().join("copy.gpkg");
        let cancel = CancellationToken::new();
        let watch = Watch {
            copied: &|_| {},
            cancel: &cancel,
        };
        copy::copy(&[source], &target, &Default::default(), |_| {}, &watch).unwrap();
        let indexed = || {
            let database = Database::open(&target, GdalOpenFlags::GDAL_OF_READONLY).unwrap();
            database
                .texts("SELECT count(*) FROM rtree_many_geom")
                .unwrap()
        };
        assert_eq!(indexed(), [(STEP + 1).to_string()]);
        let database = Database::open(&target, GdalOpenFlags::GDAL_OF_UPDATE).unwrap();
        database.run("DELETE FROM rtree_many_geom").unwrap();
        let columns = Columns::of(&database, "many").unwrap();
        cancel.cancel();
        columns.fill(&database, &watch).unwrap();
        database.0.close().unwrap();
        assert_eq!(indexed(), ["0"]);
    }
}
