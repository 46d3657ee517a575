//! Builds the cube of a folder of rasters: `cargo run -p clms-cube --example build -- FOLDER CUBE.zarr`.

use std::error::Error;
use std::io::Write;
use std::sync::Arc;

use clms_cube::{BuildOptions, CancellationToken, Package};
use object_store::local::LocalFileSystem;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1);
    let (Some(folder), Some(cube)) = (arguments.next(), arguments.next()) else {
        return Err("expected a folder of rasters and the folder of the cube to be made".into());
    };
    let package = Package::from_dir(folder.as_ref())?;
    let plan =
        tokio::task::spawn_blocking(move || clms_cube::plan(&package, &BuildOptions::default()))
            .await??;
    std::fs::create_dir_all(&cube)?;
    let store = Arc::new(LocalFileSystem::new_with_prefix(cube)?);
    let report = clms_cube::build(plan, store, &(), &CancellationToken::new()).await?;
    for note in &report.notes {
        writeln!(std::io::stderr(), "{note}")?;
    }
    let (written, all) = (report.chunks_written, report.chunks);
    writeln!(
        std::io::stdout(),
        "{written} of {all} chunks, {} objects, {} bytes",
        report.objects,
        report.bytes_written
    )?;
    Ok(())
}
