//! What a store honours, found out by asking it.

use object_store::{ObjectStore, ObjectStoreExt, PutMode, UpdateVersion, path::Path};

/// Whether it refuses to create what is there, and to replace what has changed since: what leases stand on.
///
/// # Errors
/// What it did instead. A store that ignores conditions lets everybody have everything, and a test of leases on it would pass
/// for the wrong reason.
pub async fn conditional_writes(store: &dyn ObjectStore) -> Result<(), String> {
    let key = Path::from("proof of conditional writes");
    let put = async |text: &'static str, mode: PutMode| {
        store.put_opts(&key, text.into(), mode.into()).await
    };
    let _ = store.delete(&key).await;
    let first = put("first", PutMode::Create)
        .await
        .map_err(|why| format!("what was not there could not be created: {why}"))?;
    match put("again", PutMode::Create).await {
        Err(object_store::Error::AlreadyExists { .. }) => {}
        other => return Err(format!("creating what is there gave {other:?}")),
    }
    let version = |put: &object_store::PutResult| UpdateVersion::from(put.clone());
    let second = put("second", PutMode::Update(version(&first)))
        .await
        .map_err(|why| format!("what had not changed could not be replaced: {why}"))?;
    match put("third", PutMode::Update(version(&first))).await {
        Err(object_store::Error::Precondition { .. }) => {}
        other => return Err(format!("replacing what had changed gave {other:?}")),
    }
    let found = async {
        let found = store.get(&key).await?;
        let e_tag = found.meta.e_tag.clone();
        Ok::<_, object_store::Error>((e_tag, found.bytes().await?))
    };
    match found.await {
        Ok((e_tag, bytes)) if e_tag == second.e_tag && bytes == "second" => {}
        other => return Err(format!("a refused write changed something: {other:?}")),
    }
    store
        .delete(&key)
        .await
        .map_err(|why| format!("could not be removed: {why}"))
}
