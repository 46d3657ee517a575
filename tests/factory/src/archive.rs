//! Writing one zip file, entry by entry, with memory that does not depend on the entries' sizes.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::error::{AtPath, Result};

/// A zip in the making. Entries carry the format's first date, so that the same input gives the same bytes.
pub(crate) struct Archive {
    writer: ZipWriter<BufWriter<File>>,
    options: SimpleFileOptions,
    path: PathBuf,
}

impl Archive {
    pub(crate) fn create(path: &Path, stored: bool) -> Result<Self> {
        let method = if stored {
            CompressionMethod::Stored
        } else {
            CompressionMethod::Deflated
        };
        let file = File::create(path).at(path)?;
        Ok(Self {
            writer: ZipWriter::new(BufWriter::new(file)),
            options: SimpleFileOptions::default().compression_method(method),
            path: path.to_owned(),
        })
    }

    pub(crate) fn add_bytes(&mut self, name: &str, bytes: &[u8]) -> Result<()> {
        self.writer.start_file(name, self.options).at(&self.path)?;
        self.writer.write_all(bytes).at(&self.path)
    }

    /// Adds a file and removes it, so that no more is on the disk than has to be.
    pub(crate) fn move_in(&mut self, file: &Path, name: &str) -> Result<()> {
        let mut source = File::open(file).at(file)?;
        let size = source.metadata().at(file)?.len();
        let options = self.options.large_file(size >= u64::from(u32::MAX));
        self.writer.start_file(name, options).at(&self.path)?;
        io::copy(&mut source, &mut self.writer).at(&self.path)?;
        fs::remove_file(file).at(file)
    }

    /// Moves the files of a folder in, sorted by name, and removes the folder.
    pub(crate) fn move_in_all(&mut self, dir: &Path, folder: &str) -> Result<()> {
        let entries: io::Result<Vec<_>> = fs::read_dir(dir).at(dir)?.collect();
        let mut files: Vec<PathBuf> = entries.at(dir)?.iter().map(fs::DirEntry::path).collect();
        files.sort();
        for file in files {
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            let name = match folder.trim_end_matches('/') {
                "" => name.into_owned(),
                folder => format!("{folder}/{name}"),
            };
            self.move_in(&file, &name)?;
        }
        fs::remove_dir(dir).at(dir)
    }

    pub(crate) fn finish(self) -> Result<()> {
        let mut file = self.writer.finish().at(&self.path)?;
        file.flush().at(&self.path)
    }
}
