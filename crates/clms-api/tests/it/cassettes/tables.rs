//! The portal's tables and direct links, as they were recorded.

use clms_api::{
    ApiError, BBox, Days, DirectLinks, DirectLinksRequest, Format, FormatTable, NutsCode,
};
use jiff::civil::date;

use super::{Playback, TREES, dataset};

const LEGACY: &str = "6f003249551e49f28ac2806f2ad01d47";
const WEKEO: &str = "cf34534843b144b9bb3d9da26a617946";
const LAND_COVER: &str = "d3b9ca87106e4507b03b6e128d99c32f";

#[tokio::test]
async fn formats_are_asked_for_once() {
    let portal = Playback::of(&["tables/format_conversion_table"]);
    for _ in 0..2 {
        let table = portal.client.format_table().await.unwrap();
        assert_eq!(table.formats().count(), 8);
        assert_eq!(table.targets(&Format::Geotiff), [Format::Geotiff]);
        assert!(table.targets(&Format::Gdb).contains(&Format::Gpkg));
        assert_eq!(table, FormatTable::known());
    }
    portal.finish();
}

#[tokio::test]
async fn projections() {
    let portal = Playback::of(&[
        "tables/projections: no uid",
        "tables/projections: uid of a dataset with two projections",
        "tables/projections: unknown uid",
    ]);
    assert_eq!(
        portal
            .client
            .projections(None)
            .await
            .unwrap()
            .unwrap()
            .len(),
        4
    );
    let own = portal
        .client
        .projections(Some(&TREES.into()))
        .await
        .unwrap()
        .unwrap();
    assert!(own.contains(&"EPSG:32628".to_owned()));
    assert_eq!(own, dataset(TREES).projections, "known without asking");
    let unknown = "00000000000000000000000000000000".into();
    assert_eq!(
        portal.client.projections(Some(&unknown)).await.unwrap(),
        None
    );
    portal.finish();
}

#[tokio::test]
async fn names_of_regions() {
    let portal = Playback::of(&["tables/nuts_name: comma list"]);
    let codes: Vec<NutsCode> = ["ITC11", "LU", "BR"]
        .map(|code| code.parse().unwrap())
        .to_vec();
    let names = portal.client.nuts_names(&codes).await.unwrap();
    assert_eq!(names[&codes[0]].as_deref(), Some("Torino"));
    assert!(portal.client.nuts_names(&[]).await.unwrap().is_empty());
    portal.finish();
    // The portal calls what it does not know by its own name, as here LU.
    let portal = Playback::by_path(&["tables/nuts_name: unknown code"]);
    let names = portal.client.nuts_names(&codes[1..2]).await.unwrap();
    assert_eq!(names[&codes[1]], None);
}

#[tokio::test]
async fn time_series() {
    let portal = Playback::of(&["time-series/time series metadata of a dataset without a service"]);
    let metadata = portal
        .client
        .time_series_metadata(&TREES.into())
        .await
        .unwrap()
        .unwrap();
    assert_eq!((metadata.is_time_series, metadata.max_days), (false, None));
    portal.finish();
}

async fn links(
    portal: &Playback,
    request: Result<DirectLinksRequest, clms_api::InvalidRequest>,
) -> DirectLinks {
    portal.client.direct_links(&request.unwrap()).await.unwrap()
}

#[tokio::test]
async fn direct_links() {
    let days = |first, last| Days::new(first, last).unwrap();
    let of = |uid: &str| (dataset(uid), dataset(uid).download_information[0].clone());
    let bbox = BBox::new(6.0, 49.0, 7.0, 50.0).unwrap();

    let portal = Playback::of(&[
        "direct-links/aux: LEGACY ok",
        "direct-links/aux: LEGACY nothing between the dates",
        "direct-links/aux: WEKEO without dates and box",
        "direct-links/aux: WEKEO dates and box",
        "direct-links/aux: LANDCOVER no box",
        "direct-links/aux: LANDCOVER box",
    ]);
    let (legacy, collection) = of(LEGACY);
    let some = days(date(2021, 1, 1), date(2021, 3, 31));
    match links(
        &portal,
        DirectLinksRequest::legacy(&legacy, &collection, some),
    )
    .await
    {
        DirectLinks::Files(files) => assert_eq!(files.len(), 3),
        other => panic!("{other:?}"),
    }
    let none = days(date(1999, 1, 1), date(1999, 3, 31));
    match links(
        &portal,
        DirectLinksRequest::legacy(&legacy, &collection, none),
    )
    .await
    {
        DirectLinks::Nothing(words) => assert!(words.contains("no content"), "{words}"),
        other => panic!("{other:?}"),
    }
    let (wekeo, collection) = of(WEKEO);
    let short = days(date(2021, 1, 1), date(2021, 1, 5));
    for request in [
        DirectLinksRequest::wekeo(&wekeo, &collection, None, None),
        DirectLinksRequest::wekeo(&wekeo, &collection, Some(short), Some(bbox)),
    ] {
        match links(&portal, request).await {
            DirectLinks::WekeoQuery(query) => {
                assert_eq!(query["datasetId"], "EO:EEA:DAT:CLMS_HRVPP_VI");
            }
            other => panic!("{other:?}"),
        }
    }
    let (land_cover, collection) = of(LAND_COVER);
    for (bbox, count) in [(None, 9), (Some(bbox), 1)] {
        match links(
            &portal,
            DirectLinksRequest::land_cover(&land_cover, &collection, bbox),
        )
        .await
        {
            DirectLinks::Files(files) => {
                assert_eq!(files.len(), count);
            }
            other => panic!("{other:?}"),
        }
    }
    portal.finish();
    let error = DirectLinksRequest::legacy(&land_cover, &collection, short).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("its source is LANDCOVER, not LEGACY"),
        "{error}"
    );
}

#[tokio::test]
async fn links_of_what_is_not_published() {
    let portal = Playback::start(
        clms_sim::cassette::CassetteServer::play(super::exchanges(&[
            "direct-links/aux: private dataset",
        ]))
        .match_on(clms_sim::cassette::MatchOn {
            query: false,
            ..Default::default()
        })
        .repeating(),
    );
    let land_cover = dataset(LAND_COVER);
    let request =
        DirectLinksRequest::land_cover(&land_cover, &land_cover.download_information[0], None);
    match portal
        .client
        .direct_links(&request.unwrap())
        .await
        .unwrap_err()
    {
        ApiError::Unauthorized { message, .. } => assert!(message.text.contains("private-ds")),
        other => panic!("{other}"),
    }
}
