//! Products that are delivered as vectors only: a city of the Urban Atlas, and a part of the Coastal Zones.

use crate::package::PackageSpec;
use crate::vector::{VectorLayer, VectorShape, VectorSpec};

pub(super) fn package(file: &str) -> Option<PackageSpec> {
    urban_atlas(file).or_else(|| coastal_zones(file))
}

/// Such as `FR010L2_MONTPELLIER_UA2018_v013`: land cover, the boundary of the city and that of its core.
fn urban_atlas(file: &str) -> Option<PackageSpec> {
    let (city, _) = file.split_once("_UA2018_v")?;
    let layers = [
        VectorLayer::new(format!("{city}_UA2018")).features(40),
        VectorLayer::new(format!("{city}_UA2018_Boundary")).features(1),
        VectorLayer::new(format!("{city}_UA2018_UrbanCore")).features(1),
    ];
    let spec = PackageSpec::new(file)
        .data_folder("Data")
        .document("Legend/Urban_Atlas_2018_Legend.qml", "<qgis/>\r\n");
    Some(spec.vector(VectorSpec::of(format!("{file}.gpkg"), layers)))
}

/// Such as `CZ_2018_DU004_3035_V010_fgdb`.
fn coastal_zones(file: &str) -> Option<PackageSpec> {
    let title = file.strip_prefix("CZ_")?;
    let (name, ending) = match (title.strip_suffix("_fgdb"), title.strip_suffix("_gpkg")) {
        (Some(name), _) => (name, "gdb"),
        (_, Some(name)) => (name, "gpkg"),
        _ => return None,
    };
    let layer = VectorLayer::new(format!("CZ_{name}"))
        .features(25)
        .shape(VectorShape::Pairs);
    Some(PackageSpec::new(file).vector(VectorSpec::of(format!("CZ_{name}.{ending}"), [layer])))
}
