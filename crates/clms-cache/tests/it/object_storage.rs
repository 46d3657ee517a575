//! Object storage: its URLs, its settings, and storages that lack something.

use std::{
    fmt,
    io::{Read, Write},
    net::TcpListener,
    sync::Arc,
};

use async_trait::async_trait;
use clms_cache::{CacheError, CacheStore, ObjectStorageCache, StorageOptions, open_cache};
use futures::stream::BoxStream;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    ObjectStoreExt, PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
    memory::InMemory, path::Path,
};

use crate::sample::{name, write};

fn options<const N: usize>(pairs: [&str; N]) -> StorageOptions {
    StorageOptions::parse(pairs).unwrap()
}

#[test]
fn an_unknown_setting_is_refused_with_those_that_are_known() {
    for (url, known) in [
        ("s3://bucket/cubes", "region"),
        ("gs://bucket/cubes", "service_account_path"),
        ("az://container/cubes", "account_name"),
        ("https://host/cubes", "timeout"),
        ("memory://", "concurrency"),
    ] {
        let error = open_cache(url, &options(["regoin=hush"])).unwrap_err();
        let text = error.to_string();
        assert!(matches!(error, CacheError::InvalidOption { .. }), "{text}");
        assert!(
            text.contains("\"regoin\"") && text.contains(known),
            "{text}"
        );
        assert!(!text.contains("hush"), "{text}");
    }
    for pair in ["concurrency=1", "retry_timeout=soon", "max_retries=-1"] {
        let error = open_cache("s3://bucket", &options([pair])).unwrap_err();
        assert!(matches!(error, CacheError::InvalidOption { .. }), "{error}");
    }
    let error = open_cache("./folder", &options(["region=eu"])).unwrap_err();
    assert!(matches!(error, CacheError::InvalidOption { .. }), "{error}");
}

#[test]
fn no_secret_is_shown() {
    let good = [
        "access_key_id=AKIA-hush",
        "secret_access_key=hush",
        "region=eu-central-1",
        "endpoint=http://127.0.0.1:9",
        "max_retries=0",
    ];
    let cache = open_cache("s3://bucket/my%20cubes/", &options(good)).unwrap();
    assert_eq!(cache.location(), "s3://bucket/my cubes");
    assert_eq!(
        cache.cube_location(&name()),
        "s3://bucket/my cubes/clc2018|raster.zarr"
    );
    assert!(!format!("{cache:?}").contains("hush"), "{cache:?}");
    assert!(!format!("{:?}", options(good)).contains("hush"));

    let bad = ["account_name=me", "access_key=hush, not base64"];
    let error = open_cache("az://container", &options(bad)).unwrap_err();
    assert!(!format!("{error} {error:?}").contains("hush"), "{error:?}");
}

#[tokio::test]
async fn memory_is_a_cache_of_this_process() {
    let cache = open_cache("memory://", &options(["concurrency=2"])).unwrap();
    assert_eq!(cache.location(), "memory://");
    let staged = cache.stage(&name()).await.unwrap();
    write(&*staged.store(), "new").await;
    let cube = cache.commit(staged).await.unwrap();
    assert_eq!(cube.location, "memory:///clc2018|raster.zarr");
    assert!(cube.generation.is_some());
    assert_eq!(cache.usage(&name()).await.unwrap().objects, 4);
    assert!(cache.as_local().is_none());
}

#[tokio::test]
async fn a_web_server_is_a_cache_for_reading() {
    let cache = open_cache("http://127.0.0.1:9/cubes", &StorageOptions::new()).unwrap();
    let errors = [
        cache.stage(&name()).await.map(|_| ()).unwrap_err(),
        cache.lease(&name(), "us").await.map(|_| ()).unwrap_err(),
        cache.remove(&name()).await.map(|_| ()).unwrap_err(),
    ];
    for error in errors {
        assert!(matches!(error, CacheError::ReadOnly { .. }), "{error}");
        assert!(error.hint().is_some() && !error.is_retryable());
    }
    assert!(cache.as_maintain().is_none());
}

#[tokio::test]
async fn a_storage_that_cannot_be_reached_is_said_to_be_so() {
    let nobody_listens = [
        "endpoint=http://127.0.0.1:9",
        "access_key_id=a",
        "secret_access_key=hush",
        "region=eu",
        "max_retries=0",
    ];
    let cache = open_cache("s3://bucket", &options(nobody_listens)).unwrap();
    let error = cache.look_up(&name()).await.unwrap_err();
    assert!(error.is_retryable(), "{error:?}");
    assert!(error.hint().unwrap().contains("endpoint"), "{error}");
    assert!(!format!("{error} {error:?}").contains("hush"), "{error:?}");
}

/// S3 answers so when a bucket is asked for in another region than its own.
#[tokio::test]
async fn a_bucket_in_another_region_is_named() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("endpoint=http://{}", listener.local_addr().unwrap());
    let server = std::thread::spawn(move || {
        let (mut connection, _) = listener.accept().unwrap();
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            connection.read_exact(&mut byte).unwrap();
            request.extend(byte);
        }
        let answer = "HTTP/1.1 301 Moved Permanently\r\nx-amz-bucket-region: eu-west-1\r\n\
            content-length: 0\r\n\r\n";
        connection.write_all(answer.as_bytes()).unwrap();
    });
    let there = [&*endpoint, "region=eu-central-1", "anonymous=true"];
    let cache = open_cache("s3://bucket", &options(there)).unwrap();
    let error = cache.look_up(&name()).await.unwrap_err();
    server.join().unwrap();
    let text = error.to_string();
    assert!(
        text.contains("the bucket is in the region eu-west-1"),
        "{text}"
    );
    assert!(
        error.hint().unwrap().contains("region=eu-west-1"),
        "{error:?}"
    );
    assert!(!error.is_retryable());
}

#[tokio::test]
async fn a_newer_version_in_the_storage_is_refused() {
    let store = Arc::new(InMemory::new());
    let key = Path::from("cubes/.clms/v12/cubes/x.json");
    store.put(&key, "{}".into()).await.unwrap();
    let cache = ObjectStorageCache::new(store, Path::from("cubes"), "test://cubes");
    let error = cache.stage(&name()).await.unwrap_err();
    assert!(
        matches!(error, CacheError::NewerLayout { found: 12, .. }),
        "{error}"
    );
}

#[tokio::test]
async fn a_storage_that_ignores_conditions_is_not_written_to() {
    for ignored in [Ignored::Create, Ignored::Update] {
        let store = Arc::new(Careless(InMemory::new(), ignored));
        let cache = ObjectStorageCache::new(store, Path::default(), "test://cubes");
        let errors = [
            cache.lease(&name(), "us").await.map(|_| ()).unwrap_err(),
            cache.stage(&name()).await.map(|_| ()).unwrap_err(),
        ];
        for error in errors {
            assert!(
                matches!(error, CacheError::NoConditionalPuts { .. }),
                "{error}"
            );
            assert!(error.hint().is_some(), "{error}");
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ignored {
    Create,
    Update,
}

/// A storage that ignores one kind of condition.
#[derive(Debug)]
struct Careless(InMemory, Ignored);

impl fmt::Display for Careless {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Careless")
    }
}

#[async_trait]
impl ObjectStore for Careless {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        mut options: PutOptions,
    ) -> Result<PutResult> {
        let is_ignored = match options.mode {
            PutMode::Create => self.1 == Ignored::Create,
            PutMode::Update(_) => self.1 == Ignored::Update,
            PutMode::Overwrite => false,
        };
        if is_ignored {
            options.mode = PutMode::Overwrite;
        }
        self.0.put_opts(location, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.0.put_multipart_opts(location, options).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.0.get_opts(location, options).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        self.0.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.0.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.0.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.0.copy_opts(from, to, options).await
    }
}
