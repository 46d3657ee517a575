//! Measures what nobody who makes a cube of a package can avoid, each stage alone on one thread: `stages PACKAGE.zip FOLDER`.
//!
//! Prints seconds: sha256, inflating the outer archive, inflating the inner one, decoding by GDAL, encoding as zstd level 1.
#![expect(clippy::print_stdout, reason = "a program for the terminal")]

use std::error::Error;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Instant;

use gdal::Dataset;
use sha2::{Digest, Sha256};
use zip::ZipArchive;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Edge of what is read and encoded at a time.
const WINDOW: usize = 1024;

fn main() -> Result<()> {
    let paths: Vec<PathBuf> = std::env::args().skip(1).map(PathBuf::from).collect();
    let [zip, folder] = &paths[..] else {
        return Err("two paths are needed: a package and a folder".into());
    };
    gdal::config::set_config_option("GDAL_CACHEMAX", "64")?;
    std::fs::create_dir_all(folder)?;
    let mut seconds = vec![timed(|| sha256(zip))?.0];
    let (outer, inner) = timed(|| inflate(zip, folder, ".zip"))?;
    let mut rasters = Vec::new();
    let mut in_inner = 0.0;
    for zip in &inner {
        let (time, found) = timed(|| inflate(zip, folder, ".tif"))?;
        in_inner += time;
        rasters.extend(found);
    }
    seconds.extend([outer, in_inner]);
    let (mut decode, mut encode) = (0.0, 0.0);
    for raster in &rasters {
        let times = decode_and_encode(raster)?;
        decode += times.0;
        encode += times.1;
    }
    seconds.extend([decode, encode]);
    for (name, time) in ["sha256", "outer", "inner", "decode", "zstd"]
        .iter()
        .zip(&seconds)
    {
        println!("{name} {time:.3}");
    }
    Ok(())
}

fn timed<T>(work: impl FnOnce() -> Result<T>) -> Result<(f64, T)> {
    let begin = Instant::now();
    let done = work()?;
    Ok((begin.elapsed().as_secs_f64(), done))
}

fn sha256(path: &Path) -> Result<()> {
    let (mut hasher, mut file) = (Sha256::new(), File::open(path)?);
    let mut buffer = vec![0; 256 << 10];
    loop {
        match file.read(&mut buffer)? {
            0 => break,
            read => hasher.update(&buffer[..read]),
        }
    }
    std::hint::black_box(hasher.finalize());
    Ok(())
}

/// Inflates the entries with an ending into files.
fn inflate(archive: &Path, folder: &Path, ending: &str) -> Result<Vec<PathBuf>> {
    let mut archive = ZipArchive::new(File::open(archive)?)?;
    let mut files = Vec::new();
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index)?;
        if entry.name()?.ends_with(ending) {
            let place = folder.join(format!("{index}{ending}"));
            std::io::copy(&mut entry, &mut File::create(&place)?)?;
            files.push(place);
        }
    }
    Ok(files)
}

/// Seconds of reading all windows of a raster, and of encoding them.
fn decode_and_encode(raster: &Path) -> Result<(f64, f64)> {
    let dataset = Dataset::open(raster)?;
    let band = dataset.rasterband(1)?;
    let (width, height) = dataset.raster_size();
    let mut encoder = zstd::bulk::Compressor::new(1)?;
    let (mut decode, mut encode) = (0.0, 0.0);
    for top in (0..height).step_by(WINDOW) {
        for left in (0..width).step_by(WINDOW) {
            let size = (WINDOW.min(width - left), WINDOW.min(height - top));
            let mut pixels = vec![0_u8; size.0 * size.1];
            let begin = Instant::now();
            band.read_into_slice((left as isize, top as isize), size, size, &mut pixels, None)?;
            decode += begin.elapsed().as_secs_f64();
            let begin = Instant::now();
            std::hint::black_box(encoder.compress(&pixels)?);
            encode += begin.elapsed().as_secs_f64();
        }
    }
    Ok((decode, encode))
}
