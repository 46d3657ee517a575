//! Small files of which nobody ever reads a part.

use std::{
    io::{self, Write as _},
    path::Path,
};

/// Writes a file beside its place, which it takes when it is whole. Makes the folder.
pub(crate) fn write_whole(file: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = file.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let mut new = tempfile::NamedTempFile::new_in(folder)?;
    new.write_all(bytes)?;
    new.persist(file)?;
    Ok(())
}
