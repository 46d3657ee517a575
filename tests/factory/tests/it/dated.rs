//! Files of one date, as GDAL reads them.

use clms_factory::DatedRaster;
use gdal::{Dataset, Metadata};
use jiff::civil::date;

fn read(path: &std::path::Path) -> (Dataset, Vec<u8>) {
    let dataset = Dataset::open(path).unwrap();
    let (width, height) = dataset.raster_size();
    let band = dataset.rasterband(1).unwrap();
    let pixels = band.read_as::<u8>((0, 0), (width, height), (width, height), None);
    let pixels = pixels.unwrap().data().to_vec();
    (dataset, pixels)
}

#[test]
fn each_date_has_its_own_values_in_both_formats() {
    let dir = tempfile::tempdir().unwrap();
    let day = |day| DatedRaster::soil_moisture(date(2020, 2, day), 300, 200);
    assert_eq!(day(20).day(), 18_312);
    assert_ne!(day(20).pixels(), day(21).pixels());
    for raster in [day(20), day(21)] {
        let cog = dir.path().join(raster.cog_name());
        raster.write_cog_with(&cog, &["COMPRESS=LZW"]).unwrap();
        let (dataset, pixels) = read(&cog);
        assert_eq!(pixels, raster.pixels());
        assert_eq!(dataset.rasterband(1).unwrap().scale(), Some(0.5));
        let structure = dataset.metadata_item("COMPRESSION", "IMAGE_STRUCTURE");
        assert_eq!(structure.as_deref(), Some("LZW"));
        if !DatedRaster::can_write_netcdf() {
            continue;
        }
        let netcdf = dir.path().join(raster.netcdf_name());
        raster.write_netcdf(&netcdf).unwrap();
        let (dataset, pixels) = read(&netcdf);
        let time = dataset.metadata_item("NETCDF_DIM_time_VALUES", "");
        assert_eq!(time, Some(raster.day().to_string()));
        // GDAL puts the fill value in place of what is beyond the valid range.
        let valid = raster.pixels().into_iter();
        let valid: Vec<u8> = valid.map(|v| if v > 200 { 255 } else { v }).collect();
        assert!(pixels == valid);
    }
}
