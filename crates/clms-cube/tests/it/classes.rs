//! Names and colours from side-cars, good and bad ones.

use clms_cube::{BuildOptions, Class};
use clms_factory::{ClassTable, ClrKey, DType, Package as Product, RasterSpec, Scale, Sidecar};

use crate::fixture::{add, build, build_dir, plan, write};

fn class(value: i64, name: &str, colour: [u8; 3]) -> Class {
    Class {
        value,
        name: Some(name.to_owned()),
        colour: Some(colour),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn corine_has_its_names_and_colours() {
    let product = Product::corine_2018(Scale::Demo);
    let dir = write(product.rasters());
    for document in &product.spec().documents {
        add(&dir, &document.path, &document.bytes);
    }
    let built = build_dir(dir, &BuildOptions::default()).await.unwrap();
    let classes = built.cube.variable("", "CLC").unwrap().classes();
    let values: Vec<_> = classes.iter().map(|class| class.value).collect();
    assert_eq!(values[..44], (1..=44).collect::<Vec<_>>());
    assert_eq!(classes[0].colour, Some([230, 0, 77]));
    let urban = classes[0].name.as_deref().unwrap();
    assert!(
        urban.eq_ignore_ascii_case("continuous urban fabric"),
        "{urban}"
    );
    let department = built.cube.variable("FR_GLP_MTQ", "CLC").unwrap().classes();
    assert!(
        department.iter().any(|class| class.name == classes[0].name),
        "{department:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn clcplus_has_a_table_for_all_pieces() {
    let product = Product::clcplus_2021(Scale::Pixels(300, 200));
    let built = build(product.rasters()).await;
    let classes = built.cube.variable("", "CLCplus").unwrap().classes();
    let sealed = classes.iter().find(|class| class.value == 1).unwrap();
    assert_eq!(sealed.colour, Some([255, 0, 0]));
    assert_eq!(sealed.name.as_deref(), Some("Sealed"));
}

#[tokio::test(flavor = "multi_thread")]
async fn palette_and_clr_give_colours_to_the_known_names() {
    let table = ClassTable::new(&[
        (0, "", [240, 240, 240]),
        (1, "", [0, 128, 0]),
        (2, "", [0, 64, 0]),
    ]);
    let plain = RasterSpec::new("FTY_x.tif", 40, 30).classes(table);
    for raster in [
        plain.clone().palette(),
        plain.sidecar(Sidecar::Clr(ClrKey::Value)),
    ] {
        let built = build(&[raster]).await;
        let classes = built.cube.variable("", "FTY").unwrap().classes();
        assert_eq!(classes[1], class(1, "broadleaved forest", [0, 128, 0]));
        assert_eq!(classes[0], class(0, "non-forest areas", [240, 240, 240]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_side_cars_give_notes() {
    let raster = RasterSpec::new("FTY_x.tif", 40, 30);
    let names = [
        "FTY_x.tif.vat.dbf",
        "FTY_x.TIF.AUX.XML",
        "FTY_x.tif.clr",
        "legend/fty_x_QGIS.txt",
    ];
    let mut entities = String::from("<!DOCTYPE x [<!ENTITY a \"aaaaaaaaaaaaaaaa\">");
    for level in 0..30 {
        entities.push_str(&format!("<!ENTITY b{level} \"&a;&a;&a;&a;&a;&a;&a;&a;\">"));
    }
    entities.push_str("]><PAMDataset><GDALRasterAttributeTable><Row><F>&b29;</F>");
    let contents: [Vec<u8>; 5] = [
        Vec::new(),
        vec![0xff; 100_000],
        entities.into_bytes(),
        b"1,2,3\r\n\0\0\0,,,,,,,\n999999999999999999999 1 2 3\n".to_vec(),
        vec![0; 17 << 20],
    ];
    for content in contents {
        let dir = write(std::slice::from_ref(&raster));
        for name in names {
            add(&dir, &format!("DATA/{name}"), &content);
        }
        let built = build_dir(dir, &BuildOptions::default()).await.unwrap();
        built
            .assert_mosaic("", "FTY", std::slice::from_ref(&raster), 0, 255.0)
            .await;
        // The product's own table.
        assert_eq!(built.cube.variable("", "FTY").unwrap().classes().len(), 6);
        let notes = &built.report.notes;
        assert!(
            notes
                .iter()
                .any(|note| note.message.starts_with("side-car")),
            "{notes:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn odd_labels_survive_the_way_through_the_cube() {
    let labels = [
        "0: unchanged areas with no trees",
        "4+:",
        "–",
        "10,0000",
        "two, with comma (and %)",
    ];
    let rows: Vec<_> = labels
        .iter()
        .enumerate()
        .map(|(value, label)| (value as i64, *label, [value as u8, 2, 3]))
        .collect();
    let raster = RasterSpec::new("TCCM_x.tif", 40, 30).classes(ClassTable::new(&rows));
    let table = raster
        .classes
        .0
        .iter()
        .map(|class| format!("<Row><F>{}</F><F>{}</F></Row>", class.value, class.name));
    let columns =
        "<FieldDefn><Name>Value</Name></FieldDefn><FieldDefn><Name>Class_Name</Name></FieldDefn>";
    let table: String = table.collect();
    let xml = format!(
        "<PAMDataset><GDALRasterAttributeTable>{columns}{table}</GDALRasterAttributeTable></PAMDataset>"
    );
    let dir = write(&[raster]);
    add(&dir, "DATA/TCCM_x.tif.aux.xml", xml.as_bytes());
    let built = build_dir(dir, &BuildOptions::default()).await.unwrap();
    let found: Vec<_> = built
        .cube
        .variable("", "TCCM")
        .unwrap()
        .classes()
        .into_iter()
        .map(|c| c.name.unwrap())
        .collect();
    assert_eq!(found, labels);
}

#[tokio::test]
async fn legends_of_qgis_and_map_servers() {
    let raster = || RasterSpec::new("SOMETHING_2018_a.tif", 20, 20);
    let qml = r##"<qgis><paletteEntry value="1" label="one" color="#010203"/></qgis>"##;
    let sld = r##"<sld:ColorMapEntry quantity="1" label="ein" color="#040506"/>"##;
    for (names, expected) in [
        (vec!["Legend/a.qml"], "one"),
        (vec!["Legend/a.sld"], "ein"),
        (
            vec!["Symbology/SOMETHING_2018_a.sld", "Symbology/other.qml"],
            "ein",
        ),
        (vec!["DATA/SOMETHING_2018_a.qml", "Legend/a.sld"], "one"),
    ] {
        let dir = write(&[raster()]);
        for name in names {
            let bytes = if name.ends_with("qml") { qml } else { sld };
            add(&dir, name, bytes.as_bytes());
        }
        let plan = plan(dir.path(), &BuildOptions::default()).unwrap();
        let group = &plan.groups()[0];
        let classes = group.classes(group.variable_names()[0]);
        assert_eq!(classes.len(), 1);
        assert_eq!(classes[0].name.as_deref(), Some(expected));
    }
}

#[tokio::test]
async fn known_products_without_any_table() {
    for (name, value, label, colour) in [
        (
            "CLMS_HRLVLCC_CTY_S2021_R10m_E44N36_03035_V01_R00.tif",
            1110,
            "wheat",
            Some([0xee, 0x6e, 0x32]),
        ),
        (
            "DLTC_1518_020m_eu_03035_V1_0.tif",
            4,
            "loss of coniferous cover",
            Some([0xff, 0x80, 0]),
        ),
        (
            "IBU_2018_010m_E50N21_03035_v010.tif",
            1,
            "built-up areas",
            Some([255, 178, 0]),
        ),
    ] {
        let raster = RasterSpec::new(name, 20, 20).dtype(DType::U16);
        let plan = plan(write(&[raster]).path(), &BuildOptions::default()).unwrap();
        let group = &plan.groups()[0];
        let classes = group.classes(group.variable_names()[0]);
        let class = classes.iter().find(|class| class.value == value).unwrap();
        assert_eq!((class.name.as_deref(), class.colour), (Some(label), colour));
    }
}

#[tokio::test]
async fn the_period_is_in_the_attributes() {
    let built = build(&[RasterSpec::new("IMC_1518_020m_eu_03035_V1_0.tif", 20, 20)]).await;
    let attributes = &built.cube.structure().attributes;
    assert_eq!(attributes["time_coverage_start"], "2015-01-01");
    assert_eq!(attributes["time_coverage_end"], "2018-12-31");
    assert_eq!(attributes["time_coverage_duration"], "P4Y");
}
