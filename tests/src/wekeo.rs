//! WEkEO, as far as the program needs it: a broker that has one tile of snow.

use std::path::Path;

use clms_factory::{PackageSpec, Pattern, RasterSpec};
use clms_sim::hda::{HdaDataset, HdaHabits, HdaProduct, HdaSim};

/// The broker's name of the dataset that it has.
pub const FSC: &str = "EO:CRYO:DAT:HRSI:FSC";

/// A broker that has one tile of 5 January 2018 in the north of Italy, and keeps its file in this folder.
#[must_use]
pub fn broker(folder: &Path, habits: HdaHabits) -> HdaSim {
    let tile = RasterSpec::new("CLMS_WSI_FSC_020m_T32TNS_20180105_V100.tif", 120, 80)
        .epsg(32632)
        .corner(500_000.0, 5_200_000.0, 20.0)
        .nodata("255")
        .pattern(Pattern::plane(20.0));
    let zip = PackageSpec::new("FSC_T32TNS")
        .raster(tile)
        .write(folder)
        .unwrap();
    let product = HdaProduct::of_file(FSC, "FSC_20180105_T32TNS", &zip)
        .unwrap()
        .filter("productType", "FSC")
        .bbox([9.0, 46.0, 10.0, 47.0])
        .on("2018-01-05");
    HdaSim::builder()
        .dataset(HdaDataset::new(FSC))
        .product(product)
        .habits(habits)
        .start()
        .unwrap()
}

/// What leads the program to a broker, and its user's account.
#[must_use]
pub fn environment(broker: &HdaSim) -> [(&'static str, &str); 3] {
    [
        ("WEKEO_URL", broker.url()),
        ("WEKEO_USERNAME", HdaSim::USERNAME),
        ("WEKEO_PASSWORD", HdaSim::PASSWORD),
    ]
}
