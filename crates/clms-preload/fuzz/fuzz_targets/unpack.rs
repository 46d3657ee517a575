//! Any bytes are unpacked or refused, without a panic, and nothing is written outside the folder that is meant for it.
#![no_main]

use std::{fs, path::Path, sync::Arc};

use clms_preload::{
    ContentKey, EntrySource, JobId, Meter, NoProgress, StageName, UnpackLimits, ZipUnpacker,
};
use libfuzzer_sys::fuzz_target;
use tokio_util::sync::CancellationToken;

fuzz_target!(|bytes: &[u8]| {
    let root = std::env::temp_dir().join(format!("clms-fuzz-{}", std::process::id()));
    let (archive, into) = (root.join("package.zip"), root.join("unpacked"));
    fs::create_dir_all(&root).expect("a folder for temporary files");
    fs::write(&archive, bytes).expect("room for temporary files");
    let limits = UnpackLimits {
        entries: 1000,
        total_bytes: 1 << 20,
        in_place_bytes: 100,
        ..UnpackLimits::default()
    };
    let job = JobId::of("fuzz", &ContentKey::other("fuzz"));
    let meter = Meter::new(job, StageName::Unpacking, Arc::new(NoProgress));
    let unpacked = ZipUnpacker::new(|_| true)
        .leaving_deflated(|name| name.ends_with('f'))
        .with_limits(limits)
        .unpack_blocking(&archive, &into, &meter, &CancellationToken::new());
    if let Ok(package) = unpacked {
        for entry in &package.entries {
            let is_inside = |path: &Path| path.starts_with(&root);
            match &entry.source {
                EntrySource::File(path) => {
                    assert!(path.starts_with(&into), "{}", path.display());
                    assert_eq!(fs::metadata(path).expect("what was unpacked").len(), entry.len);
                }
                EntrySource::Range { path, offset, len } => {
                    assert!(is_inside(path), "{}", path.display());
                    let end = offset.checked_add(*len).expect("no overflow");
                    assert!(end <= fs::metadata(path).expect("the archive").len());
                }
                EntrySource::Deflated {
                    path,
                    offset,
                    compressed_len,
                    len,
                    ..
                } => {
                    assert!(is_inside(path), "{}", path.display());
                    let end = offset.checked_add(*compressed_len).expect("no overflow");
                    assert!(end <= fs::metadata(path).expect("the archive").len());
                    assert!(*len <= limits.total_bytes);
                }
            }
        }
    }
    let beside = fs::read_dir(&root).expect("the folder").count();
    assert!(beside <= 2, "something lies beside the archive and the folder");
});
