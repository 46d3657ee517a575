//! clms-cache alone: says where a cube is and how much room it takes.
//!
//! `alone-cache CACHE NAME` ends with 1 if there is no such cube.

use std::{env, error::Error, io::Write, process::ExitCode};

use clms_cache::{CubeName, StorageOptions, open_cache};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<ExitCode, Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let (Some(cache), Some(name)) = (arguments.next(), arguments.next()) else {
        return Err("usage: alone-cache CACHE NAME".into());
    };
    let cache = open_cache(&cache, &StorageOptions::new())?;
    let name = CubeName::new(name)?;
    let Some(cube) = cache.look_up(&name).await? else {
        return Ok(ExitCode::FAILURE);
    };
    let usage = cache.usage(&name).await?;
    writeln!(
        std::io::stdout(),
        "{}: {} bytes in {} objects, since {}",
        cube.location,
        usage.bytes,
        usage.objects,
        cube.committed_at
    )?;
    Ok(ExitCode::SUCCESS)
}
