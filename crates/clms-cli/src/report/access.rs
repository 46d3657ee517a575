//! How to open the cube in other software.

use maud::{Markup, html};

use super::Report;

/// The section, with lines to copy. A click on one selects all of it.
pub(super) fn section(report: &Report<'_>) -> Markup {
    let (path, variable) = (report.location, report.variable);
    let connection = format!("ZARR:\"{}\"", gdal_path(path));
    let inner = [report.group, variable]
        .iter()
        .filter(|part| !part.is_empty())
        .fold(String::new(), |inner, part| format!("{inner}/{part}"));
    let group = match report.group {
        "" => String::new(),
        group => format!("\n    group={},", quoted(group)),
    };
    let python = format!(
        "import xarray as xr, rioxarray\n\nds = xr.open_dataset(\n    {},\n    engine=\"zarr\",\n    chunks={{}},\n    decode_coords=\"all\",{group}\n)\nds[{}]",
        quoted(path),
        quoted(variable)
    );
    let r = format!(
        "library(terra)\n\nr <- rast({})\nplot(r)",
        quoted(&format!("{connection}:{inner}"))
    );
    let gdal = format!("gdalinfo {}", in_shell(&format!("{connection}:{inner}")));
    let export = format!("clms export {} --out window.tif", in_shell(report.data_id));
    let older = format!(
        "clms preload {} --force --zarr-format 2",
        in_shell(report.data_id)
    );
    html! {
        section {
            h2 { "How to open it" }
            p { "The cube lies at " code { (path) } }
            h3 { "Python" }
            pre { code { (python) } }
            h3 { "R" }
            pre { code { (r) } }
            h3 { "QGIS" }
            p { "Layer, Add Layer, Add Raster Layer; as the raster dataset paste" }
            pre { code { (connection) ":" (inner) } }
            h3 { "GDAL" }
            pre { code { (gdal) } }
            h3 { "As a file of another format" }
            pre { code { (export) } }
            p.note {
                "GDAL, and QGIS and R with it, read sharded Zarr of version 3 from GDAL 3.13 on. For an older one, build the cube in version 2: "
                code { (older) }
            }
        }
    }
}

/// As a string of Python and R, which have JSON's escapes.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// As a word of a shell.
fn in_shell(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// As GDAL names what lies in object storage.
fn gdal_path(location: &str) -> String {
    let prefixes = [
        ("s3://", "/vsis3/"),
        ("gs://", "/vsigs/"),
        ("az://", "/vsiaz/"),
    ];
    let renamed = prefixes.iter().find_map(|(scheme, prefix)| {
        let path = location.strip_prefix(scheme)?;
        Some(format!("{prefix}{path}"))
    });
    renamed.unwrap_or_else(|| location.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted_for_whom_they_are() {
        assert_eq!(quoted("a\"b|c"), r#""a\"b|c""#);
        assert_eq!(in_shell("it's"), r"'it'\''s'");
        assert_eq!(gdal_path("s3://bucket/a.zarr"), "/vsis3/bucket/a.zarr");
        assert_eq!(gdal_path("/data/a.zarr"), "/data/a.zarr");
    }
}
