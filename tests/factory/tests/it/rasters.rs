//! Single rasters: GDAL reads what `value_at` says, and the tags say what was asked for.

use clms_factory::{
    ClassTable, Crs, DType, Noise, Pattern, RasterSpec, RatColumns, Sidecar, VatColumns,
};
use gdal::Dataset;
use gdal::raster::GdalDataType;

/// Writes the raster and compares all its bands with what the specification says.
fn check(spec: &RasterSpec) -> (tempfile::TempDir, Dataset) {
    let dir = tempfile::tempdir().unwrap();
    let dataset = Dataset::open(spec.write(dir.path()).unwrap()).unwrap();
    assert_eq!(dataset.raster_size(), (spec.width, spec.height));
    assert_eq!(dataset.raster_count(), spec.bands.len());
    for band in 0..spec.bands.len() {
        let pixels = dataset
            .rasterband(band + 1)
            .unwrap()
            .read_band_as::<f64>()
            .unwrap();
        for (k, found) in pixels.data().iter().enumerate() {
            let (col, row) = (k % spec.width, k / spec.width);
            let (x, y) = spec.centre(col, row);
            let wanted = spec.band_value_at(band, x, y);
            // GDAL before 3.7 reads signed bytes as unsigned.
            let wanted = if spec.dtype == DType::I8 {
                wanted.rem_euclid(256.0)
            } else {
                wanted
            };
            assert_eq!(
                *found, wanted,
                "{} band {band} pixel {col}, {row}",
                spec.name
            );
        }
    }
    (dir, dataset)
}

fn small() -> RasterSpec {
    RasterSpec::new("small.tif", 70, 50)
}

#[test]
fn every_type_holds_what_the_pattern_says() {
    let wave =
        || Pattern::custom(|x, y| ((x / 170.0).sin() * (y / 130.0).cos() * 40_000.7).round() / 2.0);
    let types = [
        (DType::U8, GdalDataType::UInt8),
        (DType::I8, GdalDataType::UInt8),
        (DType::U16, GdalDataType::UInt16),
        (DType::I16, GdalDataType::Int16),
        (DType::U32, GdalDataType::UInt32),
        (DType::I32, GdalDataType::Int32),
        (DType::F32, GdalDataType::Float32),
        (DType::F64, GdalDataType::Float64),
    ];
    for (dtype, gdal) in types {
        let (_dir, dataset) = check(&small().dtype(dtype).pattern(wave()));
        assert_eq!(
            dataset.rasterband(1).unwrap().band_type(),
            gdal,
            "{dtype:?}"
        );
        assert_eq!(dataset.rasterband(1).unwrap().no_data_value(), None);
    }
}

#[test]
fn bands_blocks_codecs_and_transforms() {
    let noise = Noise {
        seed: 1,
        wavelength: 200.0,
        octaves: 3,
    };
    let spec = small()
        .band(Pattern::Constant(9.0))
        .band(Pattern::custom(move |x, y| noise.value_at(x, y) * 200.0))
        .block(Some(16))
        .compress("DEFLATE")
        .option("PREDICTOR=2")
        .option("INTERLEAVE=BAND")
        .scale_offset(0.5, -3.0);
    let (_dir, dataset) = check(&spec);
    let band = dataset.rasterband(2).unwrap();
    assert_eq!(band.block_size(), (16, 16));
    assert_eq!((band.scale(), band.offset()), (Some(0.5), Some(-3.0)));

    let rotated = small()
        .geotransform(Some([500_000.0, 9.0, 2.0, 5_000_000.0, 3.0, -8.0]))
        .epsg(32632);
    let (_dir, dataset) = check(&rotated);
    assert_eq!(
        dataset.geo_transform().unwrap(),
        [500_000.0, 9.0, 2.0, 5_000_000.0, 3.0, -8.0]
    );
    assert_eq!(dataset.spatial_ref().unwrap().auth_code().unwrap(), 32632);

    let bare = small().geotransform(None).crs(None);
    let (_dir, dataset) = check(&bare);
    assert!(dataset.geo_transform().is_err());
    assert!(dataset.spatial_ref().is_err());
}

#[test]
fn a_crs_may_be_any_definition() {
    // LAEA Europe without an authority, and with another datum's name.
    let definition =
        "+proj=laea +lat_0=52 +lon_0=10 +x_0=4321000 +y_0=3210000 +ellps=GRS80 +units=m +no_defs";
    let (_dir, dataset) = check(&small().crs(Some(Crs::Definition(definition.into()))));
    assert!(dataset.spatial_ref().unwrap().auth_code().is_err());
}

#[test]
fn large_rasters_come_in_strips_without_a_seam() {
    // More than one strip of 16 MB.
    let spec = RasterSpec::new("large.tif", 2100, 2300)
        .dtype(DType::F64)
        .pattern(Pattern::custom(|x, y| x * 3.0 + y));
    check(&spec);
}

#[test]
fn nodata_tags_hold_any_text() {
    let tag = |spec: RasterSpec| {
        let (_dir, dataset) = check(&spec);
        dataset.rasterband(1).unwrap().no_data_value()
    };
    assert_eq!(tag(small().nodata("0")), Some(0.0));
    assert_eq!(tag(small().nodata("255 ")), Some(255.0));
    assert_eq!(
        tag(small().dtype(DType::U16).nodata("-32768")),
        Some(-32768.0)
    );
    assert!(
        tag(small().dtype(DType::F32).nodata("nan"))
            .unwrap()
            .is_nan()
    );
    let lowest = tag(small().dtype(DType::F32).nodata("-3.4028234663852886e+38"));
    assert!(lowest.unwrap() < -3.4e38);
    // Longer than GDAL wrote it, also in a BigTIFF.
    assert_eq!(tag(small().nodata("2.550000000000000e+02")), Some(255.0));
    assert_eq!(
        tag(small()
            .nodata("2.550000000000000e+02")
            .option("BIGTIFF=YES")),
        Some(255.0)
    );
    assert_eq!(
        tag(small()
            .nodata("255")
            .dtype(DType::I16)
            .option("BIGTIFF=YES")),
        Some(255.0)
    );

    let dir = tempfile::tempdir().unwrap();
    let odd = small().nodata("none at all").write(dir.path()).unwrap();
    let bytes = std::fs::read(odd).unwrap();
    assert!(bytes.windows(12).any(|window| window == b"none at all\0"));
}

#[test]
fn signed_bytes_are_marked() {
    let spec = small()
        .dtype(DType::I8)
        .nodata("-128")
        .pattern(Pattern::Constant(-128.0));
    let (_dir, dataset) = check(&spec);
    use gdal::Metadata as _;
    let band = dataset.rasterband(1).unwrap();
    assert_eq!(
        band.metadata_item("PIXELTYPE", "IMAGE_STRUCTURE")
            .as_deref(),
        Some("SIGNEDBYTE")
    );
    assert_eq!(band.no_data_value(), Some(-128.0));
    assert_eq!(spec.value_at_pixel(3, 3), -128.0);

    let bands = small()
        .dtype(DType::I8)
        .band(Pattern::Constant(-1.0))
        .band(Pattern::Constant(-2.0))
        .nodata("-128");
    check(&bands);
}

#[test]
fn palettes_and_side_cars_tell_the_classes() {
    let classes = ClassTable::new(&[
        (1, "One & only", [10, 20, 30]),
        (2, "Two", [40, 50, 60]),
        (9, "Never", [1, 2, 3]),
    ]);
    let spec = small()
        .pattern(Pattern::Checker {
            cell: 100.0,
            even: 1.0,
            odd: 2.0,
        })
        .classes(classes)
        .palette()
        .sidecar(Sidecar::Tfw)
        .sidecar(Sidecar::AuxXml(RatColumns::Named))
        .sidecar(Sidecar::VatDbf(VatColumns::high_resolution_layer()))
        .sidecar(Sidecar::Ovr(vec![2]))
        .sidecar(Sidecar::Raw {
            ending: ".odd".into(),
            bytes: b"?".to_vec(),
        });
    let (dir, dataset) = check(&spec);
    let band = dataset.rasterband(1).unwrap();
    let colour = band.color_table().unwrap().entry_as_rgb(2).unwrap();
    assert_eq!((colour.r, colour.g, colour.b), (40, 50, 60));
    assert_eq!(band.overview_count().unwrap(), 1);
    let statistics = band.get_statistics(false, true).unwrap().unwrap();
    assert_eq!((statistics.min, statistics.max), (1.0, 2.0));

    // Half a pixel inside the corner.
    let world = std::fs::read_to_string(dir.path().join("small.tfw")).unwrap();
    let numbers: Vec<f64> = world.lines().map(|line| line.parse().unwrap()).collect();
    assert_eq!(numbers, [10.0, 0.0, 0.0, -10.0, 4_000_005.0, 2_999_995.0]);

    // GDAL itself reads the table: as many records as classes, the counts add up.
    let table = Dataset::open(dir.path().join("small.tif.vat.dbf")).unwrap();
    let mut layer = table.layer(0).unwrap();
    use gdal::vector::LayerAccess as _;
    let rows: Vec<(i32, i32, String, f64)> = layer
        .features()
        .map(|row| {
            let index = |name| row.field_index(name).unwrap();
            (
                row.field_as_integer(index("Value")).unwrap().unwrap(),
                row.field_as_integer64(index("Count")).unwrap().unwrap() as i32,
                row.field_as_string(index("Class_Name")).unwrap().unwrap(),
                row.field_as_double(index("Red")).unwrap().unwrap(),
            )
        })
        .collect();
    assert_eq!(rows.iter().map(|row| row.1).sum::<i32>(), 70 * 50);
    assert_eq!((rows[0].0, rows[0].2.as_str()), (1, "One & only"));
    assert!((rows[0].3 - 10.0 / 255.0).abs() < 1e-10);
    assert_eq!((rows[2].0, rows[2].1), (9, 0));
    assert_eq!(
        std::fs::read(dir.path().join("small.tif.odd")).unwrap(),
        b"?"
    );
}

#[test]
fn what_cannot_be_is_an_error_that_names_the_raster() {
    let dir = tempfile::tempdir().unwrap();
    let empty = RasterSpec::new("empty.tif", 0, 10).write(dir.path());
    assert!(empty.unwrap_err().to_string().contains("empty.tif"));
    let codec = small().compress("NO_SUCH").epsg(1);
    let error = codec.write(dir.path()).unwrap_err();
    assert!(error.to_string().contains("small.tif"), "{error}");
    assert!(error.hint().is_some() && !error.is_retryable());
}
