//! Makes a cube of a downloaded package: `zip_to_cube [--unpack] [--workers N] [--levels N] [--zarr-format 2] PACKAGE.zip CUBE.zarr`.
//!
//! Inflates the inner archive beside the package, and hands the entries in it over as they are, so that they are decoded while they are
//! being inflated. With `--unpack`, every entry is inflated into a file first.
#![expect(clippy::print_stdout, reason = "a program for the terminal")]

use std::error::Error;
use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use clms_cube::{BuildOptions, CancellationToken, EntrySource, Package, PackageEntry};
use object_store::local::LocalFileSystem;
use sha2::{Digest, Sha256};
use zip::{CompressionMethod, ZipArchive};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

#[tokio::main]
async fn main() -> Result<()> {
    let mut unpack = false;
    let mut options = BuildOptions::default();
    let mut paths = Vec::new();
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--unpack" => unpack = true,
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
    std::fs::create_dir_all(&scratch)?;
    // A download is hashed as it arrives.
    let hash = std::thread::spawn({
        let zip = zip.clone();
        move || sha256(&zip).map_err(|error| error.to_string())
    });
    let package = open(zip, &scratch, unpack)?;
    let unpacked_in = begin.elapsed();
    let plan = clms_cube::plan(&package, &options)?;
    let planned_in = begin.elapsed();
    std::fs::create_dir_all(cube)?;
    let store = Arc::new(LocalFileSystem::new_with_prefix(cube)?);
    let report = clms_cube::build(plan, store, &(), &CancellationToken::new()).await?;
    let hash = hash.join().map_err(|_| "the hash broke off")??;
    std::fs::remove_dir_all(&scratch)?;
    println!(
        "{} bytes in {} objects; opened after {:.2} s, planned after {:.2} s, built after {:.2} s; sha256 {hash}",
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
    let mut buffer = vec![0; 1 << 20];
    loop {
        match file.read(&mut buffer)? {
            0 => break,
            read => hasher.update(&buffer[..read]),
        }
    }
    Ok(hasher
        .finalize()
        .iter()
        .take(4)
        .map(|byte| format!("{byte:02x}"))
        .collect())
}

/// The entries of the archives in an archive, where they are; an inner archive that is deflated is inflated into a file.
fn open(zip: &Path, scratch: &Path, unpack: bool) -> Result<Package> {
    let mut outer = ZipArchive::new(File::open(zip)?)?;
    let mut entries = Vec::new();
    for index in 0..outer.len() {
        let name = outer.by_index(index)?.name()?.into_owned();
        if !name.ends_with(".zip") {
            continue;
        }
        let inner = scratch.join(format!("{index}.zip"));
        inflate(&mut outer.by_index(index)?, &inner)?;
        let mut archive = ZipArchive::new(File::open(&inner)?)?;
        for index in 0..archive.len() {
            let entry = archive.by_index_raw(index)?;
            if !entry.is_file() {
                continue;
            }
            let name = entry.name()?.into_owned();
            let (offset, len) = (entry.data_start().ok_or("no place")?, entry.size());
            let source = match entry.compression() {
                CompressionMethod::Stored => EntrySource::Range {
                    path: inner.clone(),
                    offset,
                    len,
                },
                CompressionMethod::Deflated if !unpack => EntrySource::Deflated {
                    path: inner.clone(),
                    offset,
                    compressed_len: entry.compressed_size(),
                    len,
                    crc32: entry.crc32(),
                },
                _ => {
                    drop(entry);
                    let place = scratch.join(index.to_string());
                    inflate(&mut archive.by_index(index)?, &place)?;
                    EntrySource::File(place)
                }
            };
            entries.push(PackageEntry { name, source });
        }
    }
    Ok(Package::new(entries))
}

fn inflate(entry: &mut impl Read, place: &Path) -> Result<()> {
    let mut file = File::create(place)?;
    let mut buffer = vec![0; 256 << 10];
    loop {
        match entry.read(&mut buffer)? {
            0 => return Ok(()),
            read => file.write_all(&buffer[..read])?,
        }
    }
}
