//! The servers, and how their users reach them.

use std::{
    io::{Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};

use object_store::ObjectStore;
use tempfile::TempDir;
use url::Url;

use crate::{
    installed::{self, MOTO},
    process::Process,
};

/// The bucket that a server has unless another one is named, empty at first. Its objects can be read by everybody.
const BUCKET: &str = "cubes";

const KEY_ID: &str = "AKIATESTTESTTESTTEST";
const SECRET: &str = "a-secret-of-the-tests";

/// The account that every Azurite has, and its key, as Azurite's documentation gives them.
const AZURE_ACCOUNT: &str = "devstoreaccount1";
const AZURE_KEY: &str =
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

/// Whose protocol a server speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Provider {
    /// Amazon S3.
    S3,
    /// Azure Blob Storage.
    Azure,
    /// Google Cloud Storage, by its XML API.
    Google,
}

/// A running server with one empty bucket. It ends when this is dropped, or when the process ends in whichever way.
#[derive(Debug)]
pub struct Server {
    provider: Provider,
    address: String,
    /// An S3's key and its secret.
    credentials: (&'static str, &'static str),
    bucket: &'static str,
    process: Process,
    /// Where it keeps its objects, if not in memory; removed after the process has ended.
    folder: Option<TempDir>,
}

impl Server {
    /// An S3 server that honours conditional writes: moto.
    #[must_use]
    pub fn s3() -> Self {
        Self::s3_with_bucket(BUCKET)
    }

    /// The same with a bucket of this name.
    #[must_use]
    pub fn s3_with_bucket(bucket: &'static str) -> Self {
        Self::moto(Provider::S3, "s3", bucket)
    }

    /// Google Cloud Storage, as far as this can be had without Google.
    #[must_use]
    pub fn google() -> Self {
        Self::moto(Provider::Google, "google", BUCKET)
    }

    fn moto(provider: Provider, dialect: &str, bucket: &'static str) -> Self {
        let mut command = Command::new(MOTO.programs().join("python"));
        command
            .arg(launcher("s3_and_google.py"))
            .args([dialect, bucket, KEY_ID, SECRET])
            // moto must not look for anything of the machine's owner.
            .env("AWS_EC2_METADATA_DISABLED", "true");
        let mut server = Self::start(provider, &command);
        server.bucket = bucket;
        server
    }

    /// An S3 server of other authors that ignores conditions: s3rver. It can't abort uploads either.
    #[must_use]
    pub fn plain_s3() -> Self {
        let folder = TempDir::new().unwrap();
        let mut command = Command::new("node");
        command
            // Its tokens for the next page are encrypted with what OpenSSL 3 calls legacy.
            .arg("--openssl-legacy-provider")
            .arg(launcher("s3rver.js"))
            .arg(installed::node_modules())
            .arg(BUCKET)
            .arg(folder.path());
        let mut server = Self::start(Provider::S3, &command);
        server.credentials = ("S3RVER", "S3RVER");
        server.folder = Some(folder);
        server
    }

    /// Azure Blob Storage: Azurite.
    #[must_use]
    pub fn azure() -> Self {
        let mut command = Command::new("node");
        command
            .arg(launcher("azurite.js"))
            .arg(installed::node_modules())
            .args([BUCKET, AZURE_ACCOUNT, AZURE_KEY]);
        Self::start(Provider::Azure, &command)
    }

    fn start(provider: Provider, command: &Command) -> Self {
        let (process, address) = Process::start(command);
        Self {
            provider,
            address,
            credentials: (KEY_ID, SECRET),
            bucket: BUCKET,
            process,
            folder: None,
        }
    }

    /// Whose protocol it speaks.
    #[must_use]
    pub fn provider(&self) -> Provider {
        self.provider
    }

    /// Where it listens, such as `http://127.0.0.1:4711`.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The name of its bucket.
    #[must_use]
    pub fn bucket(&self) -> &'static str {
        self.bucket
    }

    /// The URL by which the users of such stores name a place in its bucket.
    #[must_use]
    pub fn url(&self, prefix: &str) -> String {
        let scheme = match self.provider {
            Provider::S3 => "s3",
            Provider::Azure => "az",
            Provider::Google => "gs",
        };
        format!("{scheme}://{}/{prefix}", self.bucket)
    }

    /// What has to be in the environment of a program that shall reach it and may write.
    #[must_use]
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        let mut variables = self.endpoint();
        let credentials: &[(&str, &str)] = match self.provider {
            Provider::S3 => &[
                ("AWS_ACCESS_KEY_ID", self.credentials.0),
                ("AWS_SECRET_ACCESS_KEY", self.credentials.1),
            ],
            Provider::Azure => &[("AZURE_STORAGE_ACCOUNT_KEY", AZURE_KEY)],
            Provider::Google => &[("GOOGLE_BEARER_TOKEN", SECRET)],
        };
        variables.extend(
            credentials
                .iter()
                .map(|(name, value)| (*name, (*value).to_owned())),
        );
        variables
    }

    /// The same without credentials.
    #[must_use]
    pub fn endpoint(&self) -> Vec<(&'static str, String)> {
        match self.provider {
            Provider::S3 => vec![
                ("AWS_ENDPOINT_URL", self.address.clone()),
                ("AWS_REGION", "us-east-1".to_owned()),
                ("AWS_ALLOW_HTTP", "true".to_owned()),
            ],
            Provider::Azure => vec![
                ("AZURE_STORAGE_ACCOUNT_NAME", AZURE_ACCOUNT.to_owned()),
                (
                    "AZURE_STORAGE_ENDPOINT",
                    format!("{}/{AZURE_ACCOUNT}", self.address),
                ),
                ("AZURE_ALLOW_HTTP", "true".to_owned()),
            ],
            Provider::Google => vec![
                ("GOOGLE_BASE_URL", self.address.clone()),
                ("GOOGLE_ALLOW_HTTP", "true".to_owned()),
            ],
        }
    }

    /// Its bucket through the crate `object_store`.
    #[must_use]
    pub fn store(&self) -> Arc<dyn ObjectStore> {
        let url = Url::parse(&self.url("")).unwrap();
        let options = self
            .environment()
            .into_iter()
            .map(|(name, value)| (name.to_ascii_lowercase(), value));
        let (store, _) = object_store::parse_url_opts(&url, options).unwrap();
        Arc::from(store)
    }

    /// The keys of multipart uploads that are neither complete nor aborted. Only [`Server::s3`] and [`Server::google`] can tell.
    #[must_use]
    pub fn uploads_in_progress(&self) -> Vec<String> {
        let answer = self.get(&format!("/{}?uploads", self.bucket));
        assert!(answer.contains("ListMultipartUploadsResult"), "{answer}");
        let keys = answer.split("<Key>").skip(1);
        keys.map(|rest| rest.split("</Key>").next().unwrap().to_owned())
            .collect()
    }

    /// All that it has said until now: for most, a line for each request.
    #[must_use]
    pub fn said(&self) -> String {
        self.process.said()
    }

    /// Waits until it has said something that `is_it`, such as a line for a request that shall not be the last.
    pub fn wait_until_said(&self, is_it: impl Fn(&str) -> bool) {
        self.process.wait_until_said(is_it);
    }

    /// The whole answer to a request without a signature.
    fn get(&self, path: &str) -> String {
        let host = self.address.strip_prefix("http://").unwrap();
        let mut connection = TcpStream::connect(host).unwrap();
        write!(
            connection,
            "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
        )
        .unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).unwrap();
        answer
    }
}

fn launcher(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("launchers")
        .join(name)
}
