//! Makes a cube of a downloaded package as a preload does, without the portal and the cache:
//! `zip_to_cube [--unpack] [--workers N] [--levels N] [--zarr-format 2] PACKAGE.zip CUBE.zarr`.
//!
//! Opens the package with the unpacker of a preload, which leaves rasters deflated, so that they are decoded while they are being inflated.
//! With `--unpack`, every file is inflated first. `cargo xtask bench` measures it.
#![expect(clippy::print_stdout, reason = "a program for the terminal")]

use std::error::Error;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use clms_cube::{BuildOptions, CancellationToken};
use clms_preload::{Meter, NoProgress, StageName, ZipUnpacker};
use clms_store::packages;
use object_store::local::LocalFileSystem;
use sha2::{Digest, Sha256};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

#[tokio::main]
async fn main() -> Result<()> {
    let mut unpacker = packages::unpacker();
    let mut options = BuildOptions::default();
    let mut paths = Vec::new();
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--unpack" => unpacker = ZipUnpacker::new(packages::is_wanted),
            "--zarr-format" => options.zarr_format = args.next().unwrap_or_default().parse()?,
            "--levels" => options.levels = args.next().unwrap_or_default().parse()?,
            "--workers" => options.workers = args.next().unwrap_or_default().parse().ok(),
            path => paths.push(PathBuf::from(path)),
        }
    }
    let [zip, cube] = &paths[..] else {
        return Err("two paths are needed: a package and a place for its cube".into());
    };
    let begin = Instant::now();
    let scratch = cube.with_extension("scratch");
    // A download is hashed as it arrives.
    let hash = std::thread::spawn({
        let zip = zip.clone();
        move || sha256(&zip).map_err(|error| error.to_string())
    });
    let cancel = CancellationToken::new();
    let meter = Meter::new("bench".parse()?, StageName::Unpacking, Arc::new(NoProgress));
    let unpacked = unpacker.unpack_blocking(zip, &scratch, &meter, &cancel)?;
    let unpacked_in = begin.elapsed();
    let plan = clms_cube::plan(&packages::package(&unpacked), &options)?;
    let planned_in = begin.elapsed();
    std::fs::create_dir_all(cube)?;
    let store = Arc::new(LocalFileSystem::new_with_prefix(cube)?);
    let report = clms_cube::build(plan, store, &(), &cancel).await?;
    let hash = hash.join().map_err(|_| "the hash broke off")??;
    std::fs::remove_dir_all(&scratch)?;
    println!(
        "{} bytes in {} objects; unpacked after {:.2} s, planned after {:.2} s, built after {:.2} s; sha256 {hash}",
        report.bytes_written,
        report.objects,
        unpacked_in.as_secs_f64(),
        planned_in.as_secs_f64(),
        begin.elapsed().as_secs_f64()
    );
    Ok(())
}

fn sha256(path: &Path) -> Result<String> {
    let mut hasher = Sha256::new();
    let mut file = File::open(path)?;
    // What is read stays in the processor's cache.
    let mut buffer = vec![0; 128 << 10];
    loop {
        match file.read(&mut buffer)? {
            0 => break,
            read => hasher.update(&buffer[..read]),
        }
    }
    let digest = hasher.finalize();
    Ok(digest[..4]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect())
}
