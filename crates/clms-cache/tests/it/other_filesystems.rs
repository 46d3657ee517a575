//! The filesystem backend on file systems that are not like those of Linux: a real exFAT as on a disk for any computer, which
//! refuses `|` and some others in names, takes `a` and `A` for the same, and cannot exchange two folders; and a cache whose
//! hidden folder is on another file system.

use std::{fs, io, path::PathBuf, sync::Arc};

use clms_cache::{CacheError, CacheStore, CubeName, FilesystemCache, conformance};
use futures::StreamExt;
use tokio::runtime::Runtime;

use crate::{
    child::{PRIVATE_MOUNTS, PRIVATE_MOUNTS_OF_ROOT, childs_cache, in_namespace},
    sample::{commit, entries, name, write},
};

/// Mounts an exFAT of its own at `$cache`, by a program and not by the kernel, which may not know it.
const MOUNT_EXFAT: &str = r#"
    disk=$(mktemp -p /dev/shm)
    truncate -s 64M "$disk" && mkfs.exfat "$disk" >&2 || { rm "$disk"; exit 1; }
    device=$(losetup --find --show "$disk") || { rm "$disk"; exit 1; }
    rm "$disk"
    mount.exfat-fuse "$device" "$cache" >&2 || { losetup -d "$device"; exit 1; }
    # As soon as nobody uses it any more.
    losetup -d "$device"
"#;

/// What has to do with names, renames and locks. (That program replaces a file in two steps, so that a reader may find none:
/// that each put of a record is atomic cannot be kept there.)
const PROMISES: [&str; 9] = [
    "a committed cube is whole and visible",
    "a commit replaces the whole cube",
    "what a writer abandons is invisible and in nobody's way",
    "unfinished writes are not part of a cube",
    "a removed cube is gone, and no other",
    "commits at once end in one whole cube",
    "every valid name works",
    "names that resemble each other are different",
    "a lease excludes others until it is dropped",
];

fn root(cache: &FilesystemCache) -> PathBuf {
    cache.location().into()
}

#[test]
fn a_disk_for_any_computer_keeps_the_promises() {
    let root = tempfile::tempdir().unwrap();
    let mounted = root.path().join("mounted");
    fs::create_dir(&mounted).unwrap();
    in_namespace(
        "other_filesystems::child_keeps_every_promise",
        &mounted,
        PRIVATE_MOUNTS_OF_ROOT,
        MOUNT_EXFAT,
    );
}

#[test]
#[ignore = "runs in a mount namespace of its own, for a_disk_for_any_computer_keeps_the_promises"]
fn child_keeps_every_promise() {
    let Some(cache) = childs_cache() else { return };
    Runtime::new().unwrap().block_on(async {
        let refused = fs::create_dir(root(&cache).join("a|b")).unwrap_err();
        for (number, text) in PROMISES.iter().enumerate() {
            let folder = root(&cache).join("suite").join(number.to_string());
            let empty = Arc::new(FilesystemCache::open(folder).unwrap());
            let mut promises = conformance::PROMISES.iter();
            let promise = promises.find(|promise| promise.text() == *text).unwrap();
            let kept = promise.check(empty).await;
            kept.unwrap_or_else(|broken| panic!("{broken}"));
        }
        commit(&cache, &name(), "content").await;
        let cubes = || {
            let mut entries = entries(root(&cache));
            entries.retain(|entry| entry.ends_with(".zarr"));
            entries
        };
        assert_eq!(cubes(), ["clc2018%7Craster.zarr"], "{refused}");

        // One that this file system takes for the same is another one.
        let other = CubeName::new("CLC2018|Raster").unwrap();
        assert_eq!(cache.look_up(&other).await.unwrap(), None);
        assert!(!cache.remove(&other).await.unwrap());
        let staged = cache.stage(&other).await.unwrap();
        write(&*staged.store(), "other").await;
        let error = cache.commit(staged).await.unwrap_err();
        assert!(matches!(error, CacheError::InTheWay { .. }), "{error}");
        assert_eq!(cubes(), ["clc2018%7Craster.zarr"]);
        assert_eq!(cache.list().count().await, 1);
        assert!(cache.remove(&name()).await.unwrap());
        commit(&cache, &other, "other").await;
        assert_eq!(cubes(), ["CLC2018%7CRaster.zarr"]);
        println!("seen");
    });
}

#[test]
fn a_hidden_folder_on_another_file_system_is_named() {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir(root.path().join(".clms")).unwrap();
    in_namespace(
        "other_filesystems::child_crosses_devices",
        root.path(),
        PRIVATE_MOUNTS,
        "mount -t tmpfs tmpfs \"$cache/.clms\"",
    );
}

#[test]
#[ignore = "runs in a mount namespace of its own, for a_hidden_folder_on_another_file_system_is_named"]
fn child_crosses_devices() {
    let Some(cache) = childs_cache() else { return };
    Runtime::new().unwrap().block_on(async {
        let staged = cache.stage(&name()).await.unwrap();
        write(&*staged.store(), "content").await;
        let error = cache.commit(staged).await.unwrap_err();
        let CacheError::Io { source, .. } = &error else {
            panic!("{error}");
        };
        assert_eq!(source.kind(), io::ErrorKind::CrossesDevices);
        assert!(error.hint().unwrap().contains(".clms"), "{error}");
        assert_eq!(cache.look_up(&name()).await.unwrap(), None);
        assert_eq!(entries(root(&cache)), [".clms"], "nothing half is left");
        println!("seen");
    });
}
