//! Locks of the operating system on files: they end with the process that holds them, however it ends.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{self, Read, Seek, Write},
    path::Path,
    thread,
    time::Duration,
};

use crate::{CacheError, error::Doing};

/// More than any holder says about itself.
const MAX_TEXT: u64 = 1000;

/// A file that this process has locked for itself, with a text that tells others who it is.
#[derive(Debug)]
pub(crate) struct LockFile {
    file: File,
}

/// What came of the attempt to lock.
#[derive(Debug)]
pub(crate) enum Attempt {
    Locked(LockFile),
    /// Another one has it, who left this text.
    Held(String),
}

/// So often, so far apart, is a lock tried whose holder should have left a text: he is about to write it, about to leave, or [only looks](is_held).
const LOOKS_AT_THE_NAMELESS: u32 = 50;
const BETWEEN_LOOKS: Duration = Duration::from_millis(5);

impl LockFile {
    /// Locks the file at `path`, which is created if need be, and leaves `text` in it for others to read.
    pub(crate) fn attempt(path: &Path, text: &str) -> Result<Attempt, CacheError> {
        let file = open(path)?;
        match file.try_lock() {
            Ok(()) => {
                let mut lock = Self { file };
                lock.write(text).doing("write", path)?;
                Ok(Attempt::Locked(lock))
            }
            Err(TryLockError::WouldBlock) => Ok(Attempt::Held(text_in(&file))),
            Err(TryLockError::Error(error)) => Err(error).doing("lock", path),
        }
    }

    /// The same for a lock whose holders all leave a text. Blocks for a moment where there is none.
    pub(crate) fn attempt_among_named(path: &Path, text: &str) -> Result<Attempt, CacheError> {
        for _ in 0..LOOKS_AT_THE_NAMELESS {
            match Self::attempt(path, text)? {
                Attempt::Held(holder) if holder.is_empty() => thread::sleep(BETWEEN_LOOKS),
                known => return Ok(known),
            }
        }
        Self::attempt(path, text)
    }

    /// Locks a file of its own that it creates at `path`.
    ///
    /// Waits for those who only look whether it is [held](is_held): they lock it for an instant.
    pub(crate) fn create(path: &Path) -> Result<Self, CacheError> {
        let file = open(path)?;
        file.lock().doing("lock", path)?;
        Ok(Self { file })
    }

    fn write(&mut self, text: &str) -> io::Result<()> {
        self.file.set_len(0)?;
        self.file.rewind()?;
        self.file.write_all(text.as_bytes())
    }
}

impl Drop for LockFile {
    fn drop(&mut self) {
        // The next who is refused shall not read our name; the lock itself ends as the file is closed.
        self.file.set_len(0).ok();
    }
}

/// True if a living process has locked the file at `path`.
pub(crate) fn is_held(path: &Path) -> bool {
    holder(path).is_some()
}

/// The text of the living process that has locked the file at `path`, if one has. Creates nothing.
pub(crate) fn holder(path: &Path) -> Option<String> {
    match OpenOptions::new().read(true).write(true).open(path) {
        Ok(file) => file.try_lock().is_err().then(|| text_in(&file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        // Somebody else's, who must clean up behind himself.
        Err(_) => Some(String::new()),
    }
}

/// What a holder left in the file for others. Where locks are mandatory it cannot be read; that it is held is what matters.
fn text_in(file: &File) -> String {
    let mut text = Vec::new();
    file.take(MAX_TEXT).read_to_end(&mut text).ok();
    String::from_utf8_lossy(&text).trim().to_owned()
}

/// Waits until nobody locks the file at `path` for himself, and keeps it so until the returned file is dropped.
pub(crate) fn share(path: &Path) -> Result<File, CacheError> {
    let file = open(path)?;
    file.lock_shared().doing("lock", path)?;
    Ok(file)
}

/// Waits until nobody locks the file at `path` in any way, and keeps it so until the returned file is dropped.
pub(crate) fn exclude(path: &Path) -> Result<File, CacheError> {
    let file = open(path)?;
    file.lock().doing("lock", path)?;
    Ok(file)
}

fn open(path: &Path) -> Result<File, CacheError> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
        .doing("open the lock", path)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::{Attempt, LockFile, is_held, open};

    #[test]
    fn who_only_looks_does_not_keep_the_creator_from_his_lock() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new.lock");
        // What `is_held` does, held still in the middle.
        let looking = open(&path).unwrap();
        looking.try_lock().unwrap();
        let (sender, receiver) = mpsc::channel();
        let creator = {
            let path = path.clone();
            std::thread::spawn(move || {
                sender.send(()).unwrap();
                LockFile::create(&path)
            })
        };
        receiver.recv().unwrap();
        drop(looking);
        let lock = creator.join().unwrap().unwrap();
        assert!(is_held(&path));
        assert!(matches!(
            LockFile::attempt(&path, "").unwrap(),
            Attempt::Held(_)
        ));
        drop(lock);
        assert!(!is_held(&path));
    }
}
