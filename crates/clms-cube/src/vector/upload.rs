//! Files on their way into a store, in bounded memory.

use std::path::PathBuf;
use std::sync::Arc;

use bytes::BytesMut;
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use object_store::buffered::BufWriter;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutPayload};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_util::sync::CancellationToken;

use crate::CubeError;

/// Files stored at the same time.
const FILES: usize = 4;

/// Bytes that are read at a time, between two looks at the cancellation.
const STEP: usize = 1 << 20;

/// A file and where it goes.
#[derive(Debug)]
pub(super) struct Upload {
    pub(super) from: PathBuf,
    pub(super) to: Path,
}

/// Where a file of that name goes: as it is spelled, unless the store can't have such a name.
pub(super) fn place(name: &str) -> Path {
    // What ends so is a file in progress for object_store's folders.
    let looks_unfinished = name.split('/').any(|part| {
        part.rsplit_once('#')
            .is_some_and(|(_, number)| number.bytes().all(|byte| byte.is_ascii_digit()))
    });
    match Path::parse(name) {
        Ok(path) if !looks_unfinished => path,
        _ => Path::from(name),
    }
}

/// Stores files, a few at a time; returns how many bytes they have. After an error nothing goes on being stored.
pub(super) async fn upload(
    files: Vec<Upload>,
    sink: &Arc<dyn ObjectStore>,
    cancel: &CancellationToken,
) -> Result<u64, CubeError> {
    let mut waiting = files.into_iter();
    let mut running = FuturesUnordered::new();
    let mut bytes = 0;
    loop {
        while running.len() < FILES
            && let Some(file) = waiting.next()
        {
            running.push(upload_one(file, Arc::clone(sink), cancel.clone()));
        }
        match running.next().await {
            Some(stored) => bytes += stored?,
            None => return Ok(bytes),
        }
    }
}

async fn upload_one(
    file: Upload,
    sink: Arc<dyn ObjectStore>,
    cancel: CancellationToken,
) -> Result<u64, CubeError> {
    let mut writer = BufWriter::new(sink, file.to.clone());
    let stored = stream(&file, &mut writer, &cancel).await;
    if stored.is_err() {
        // The first failure is the one to tell; a writer that has begun no upload has nothing to abort.
        let _ = writer.abort().await;
    }
    stored
}

async fn stream(
    file: &Upload,
    writer: &mut BufWriter,
    cancel: &CancellationToken,
) -> Result<u64, CubeError> {
    let key = file.to.as_ref();
    let reading = |error: std::io::Error| {
        CubeError::internal("reading a file of the package", format!("{key}: {error}"))
    };
    let mut source = tokio::fs::File::open(&file.from).await.map_err(reading)?;
    let mut bytes = 0;
    loop {
        if cancel.is_cancelled() {
            return Err(CubeError::Cancelled);
        }
        let mut buffer = BytesMut::with_capacity(STEP);
        if source.read_buf(&mut buffer).await.map_err(reading)? == 0 {
            break;
        }
        bytes += buffer.len() as u64;
        writer
            .put(buffer.freeze())
            .await
            .map_err(|error| CubeError::store("write", key, error))?;
    }
    writer.shutdown().await.map_err(|error| {
        let error = object_store::Error::Generic {
            store: "upload",
            source: error.into(),
        };
        CubeError::store("write", key, error)
    })?;
    Ok(bytes)
}

/// Stores a small document.
pub(super) async fn put(
    sink: &Arc<dyn ObjectStore>,
    key: &str,
    bytes: Vec<u8>,
) -> Result<u64, CubeError> {
    let path = Path::parse(key).map_err(|error| CubeError::internal("naming an object", error))?;
    let size = bytes.len() as u64;
    sink.put(&path, PutPayload::from(bytes))
        .await
        .map_err(|error| CubeError::store("write", key, error))?;
    Ok(size)
}

#[cfg(test)]
mod tests {
    use super::place;

    #[test]
    fn names_are_kept_wherever_a_store_can_have_them() {
        for name in ["a b/Ünits 100%.gdb/a0001.gdbtable", "x#y.txt", "a&b=c.shp"] {
            assert_eq!(place(name).as_ref(), name);
        }
        assert_eq!(place("a.txt#12").as_ref(), "a.txt%2312");
    }
}
