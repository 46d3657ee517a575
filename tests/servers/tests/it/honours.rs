//! What each server honours, asked through the crate that our own code uses.

use std::collections::BTreeSet;

use clms_servers::{Server, proof};
use futures::{StreamExt, TryStreamExt, stream};
use object_store::{ObjectStore, ObjectStoreExt, PutMode, PutOptions, path::Path};

/// More than S3 puts on one page.
const MANY: usize = 1_100;

/// The smallest part of a multipart upload that S3 takes, unless it is the last.
const PART: usize = 5 << 20;

const NAMES: [&str; 6] = [
    "forest-type-2015|FTY_2015_100m_eu_03035_d02_Full.zarr/zarr.json",
    "with spaces/ and more",
    "Überwachung/土地.zarr/ñ",
    "percent%20encoded/%7C",
    "plus+and&question?=#hash",
    "~tilde'quote(brackets)[square]{curly}*",
];

fn key(text: &str) -> Path {
    // As the cache does it: the name stays as it is.
    Path::parse(text).unwrap()
}

/// What all of them do, the one that ignores conditions too.
async fn does_the_plain_things(server: &Server) {
    let store = server.store();
    reads_ranges(&*store).await;
    keeps_names(&*store).await;
    lists_many(&*store).await;
    completes_uploads(&*store).await;
}

async fn reads_ranges(store: &dyn ObjectStore) {
    let digits = key("ranges");
    store.put(&digits, "0123456789".into()).await.unwrap();
    assert_eq!(store.get_range(&digits, 2..5).await.unwrap(), "234");
    let several = store.get_ranges(&digits, &[0..1, 8..10]).await.unwrap();
    assert_eq!(several, ["0", "89"]);
    assert_eq!(store.head(&digits).await.unwrap().size, 10);
    store.delete(&digits).await.unwrap();
    let gone = store.get(&digits).await;
    assert!(
        matches!(gone, Err(object_store::Error::NotFound { .. })),
        "{gone:?}"
    );
}

async fn keeps_names(store: &dyn ObjectStore) {
    let prefix = key("names");
    let names = NAMES.map(|name| key(&format!("names/{name}")));
    for name in &names {
        store
            .put(name, name.to_string().into_bytes().into())
            .await
            .unwrap();
        let found = store.get(name).await.unwrap().bytes().await.unwrap();
        assert_eq!(found, name.to_string());
    }
    let listed: BTreeSet<Path> = store
        .list(Some(&prefix))
        .map_ok(|object| object.location)
        .try_collect()
        .await
        .unwrap();
    assert_eq!(listed, BTreeSet::from(names.clone()));
    let copy = key("copies/a|b ü.zarr/c");
    store.copy(&names[0], &copy).await.unwrap();
    let copied = store.get(&copy).await.unwrap().bytes().await.unwrap();
    assert_eq!(copied, names[0].to_string());
}

async fn lists_many(store: &dyn ObjectStore) {
    let numbered = |number: usize| key(&format!("many/{}/{number:05}", number % 3));
    stream::iter(0..MANY)
        .map(|number| async move { store.put(&numbered(number), "x".into()).await })
        .buffer_unordered(16)
        .try_for_each(async |_| Ok(()))
        .await
        .unwrap();
    let prefix = key("many");
    let listed: BTreeSet<Path> = store
        .list(Some(&prefix))
        .map_ok(|object| object.location)
        .try_collect()
        .await
        .unwrap();
    assert_eq!(listed, (0..MANY).map(numbered).collect());
    let page = store.list_with_delimiter(Some(&prefix)).await.unwrap();
    assert_eq!(
        page.common_prefixes,
        ["many/0", "many/1", "many/2"].map(key)
    );
    assert!(page.objects.is_empty(), "{page:?}");
}

async fn completes_uploads(store: &dyn ObjectStore) {
    let large = key("large/a|b.zarr/c/0/0");
    let mut upload = store.put_multipart(&large).await.unwrap();
    let parts = [
        upload.put_part(vec![1; PART].into()),
        upload.put_part(vec![2; 7].into()),
    ];
    futures::future::try_join_all(parts).await.unwrap();
    upload.complete().await.unwrap();
    assert_eq!(store.head(&large).await.unwrap().size, PART as u64 + 7);
    let seam = store.get_range(&large, PART as u64 - 1..PART as u64 + 1);
    assert_eq!(seam.await.unwrap(), [1, 2].as_slice());
}

async fn aborts_uploads(server: &Server) {
    let store = server.store();
    let large = key("never/a|b.zarr/c/0/0");
    let mut upload = store.put_multipart(&large).await.unwrap();
    upload.put_part(vec![1; PART].into()).await.unwrap();
    assert_eq!(server.uploads_in_progress(), [large.to_string()]);
    upload.abort().await.unwrap();
    assert_eq!(server.uploads_in_progress(), [""; 0]);
    assert!(store.head(&large).await.is_err());
}

/// Of many who create the same object at the same time, one does.
async fn lets_one_of_many_create(store: &dyn ObjectStore) {
    let wanted = key("wanted by many");
    let winners = stream::iter(0..32)
        .map(|number: u32| {
            let wanted = &wanted;
            async move {
                let mode = PutOptions::from(PutMode::Create);
                let text = number.to_string().into_bytes();
                store.put_opts(wanted, text.into(), mode).await.is_ok()
            }
        })
        .buffer_unordered(32)
        .filter(|won| std::future::ready(*won))
        .count()
        .await;
    assert_eq!(winners, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn s3() {
    let server = Server::s3();
    proof::conditional_writes(&*server.store()).await.unwrap();
    lets_one_of_many_create(&*server.store()).await;
    does_the_plain_things(&server).await;
    aborts_uploads(&server).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn google() {
    let server = Server::google();
    proof::conditional_writes(&*server.store()).await.unwrap();
    lets_one_of_many_create(&*server.store()).await;
    does_the_plain_things(&server).await;
    aborts_uploads(&server).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn azure() {
    let server = Server::azure();
    proof::conditional_writes(&*server.store()).await.unwrap();
    lets_one_of_many_create(&*server.store()).await;
    does_the_plain_things(&server).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn plain_s3_does_all_but_conditions() {
    let server = Server::plain_s3();
    let refused = proof::conditional_writes(&*server.store()).await;
    assert!(
        refused
            .as_ref()
            .is_err_and(|why| why.starts_with("creating what is there")),
        "{refused:?}"
    );
    does_the_plain_things(&server).await;
}

/// Whoever has no key may read and nothing else; whoever has a wrong one may not even read.
#[tokio::test]
async fn s3_looks_at_keys() {
    let server = Server::s3();
    let with = |more: &[(&str, &str)]| {
        let url = url::Url::parse(&server.url("")).unwrap();
        let more = more
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_string()));
        let endpoint = server.endpoint().into_iter();
        let options = endpoint.map(|(name, value)| (name.to_ascii_lowercase(), value));
        object_store::parse_url_opts(&url, options.chain(more))
            .unwrap()
            .0
    };
    let there = key("there");
    server.store().put(&there, "text".into()).await.unwrap();

    let anonymous = with(&[("skip_signature", "true")]);
    assert_eq!(
        anonymous.get(&there).await.unwrap().bytes().await.unwrap(),
        "text"
    );
    let refused = anonymous.put(&there, "else".into()).await;
    assert!(
        matches!(refused, Err(object_store::Error::PermissionDenied { .. })),
        "{refused:?}"
    );

    let id = server
        .environment()
        .into_iter()
        .find(|(name, _)| *name == "AWS_ACCESS_KEY_ID")
        .unwrap()
        .1;
    for (id, secret) in [(id.as_str(), "wrong"), ("AKIANOBODYNOBODYNOBO", "wrong")] {
        let wrong = with(&[("access_key_id", id), ("secret_access_key", secret)]);
        let refused = wrong.get(&there).await;
        assert!(
            matches!(refused, Err(object_store::Error::PermissionDenied { .. })),
            "{id}: {refused:?}"
        );
    }
}
