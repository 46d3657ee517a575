//! Files of one product stacked along `time`.

use std::collections::HashSet;
use std::num::NonZeroUsize;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use lru::LruCache;

use super::file::{FileOptions, file_bytes, open_blocking};
use super::selection::TIME;
use super::source::{Request, Source};
use super::{ArrayStructure, Dataset, DatasetStructure, Decoding, Dimension, GroupStructure};
use crate::metadata::time_attributes;
use crate::range::{Bridge, Meter, RangeReader, blocking, on_threads};
use crate::reference::StoredArray;
use crate::{CubeError, DataType, Pixels};

/// Files that are kept open: their metadata, and some of their bytes.
const KEPT_OPEN: NonZeroUsize = NonZeroUsize::MIN.saturating_add(7);

/// Files that are read at the same time.
pub(crate) const READ_AT_ONCE: usize = 4;

/// One file of a stack.
#[derive(Debug, Clone)]
pub struct StackFile {
    /// What time its data is of.
    pub time: Timestamp,
    /// The file. Not read before its data, or it is the first or last one, is wanted.
    pub reader: Arc<dyn RangeReader>,
}

/// Which file wins when several are of the same time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Duplicates {
    /// None: it is an error.
    #[default]
    Refuse,
    /// The one that stands first in the list.
    KeepFirst,
    /// The one that stands last in the list.
    KeepLast,
}

impl Dataset {
    /// Opens files of the same variables, type and grid as one dataset with a sorted dimension `time`. The metadata of the first and the
    /// last one is read; that of each other when its pixels are. Each file is one step; a dimension `time` of its own must have one index.
    ///
    /// # Errors
    /// [`CubeError::Stack`] if there are no files, if several are of one time and none may win, or if they differ, which for those between
    /// the first and the last one is found when they are read; else as [`Dataset::open_file`].
    pub async fn open_stack(
        files: Vec<StackFile>,
        duplicates: Duplicates,
        options: &FileOptions,
    ) -> Result<Self, CubeError> {
        let files = sorted(files, duplicates)?;
        let meter: Arc<Meter> = Arc::default();
        let source = Stack {
            slots: files.iter().map(|_| Mutex::default()).collect(),
            files,
            options: options.clone(),
            bridge: Bridge::here(),
            meter: Arc::clone(&meter),
            open: Mutex::new(LruCache::new(KEPT_OPEN)),
            template: Vec::new(),
        };
        let (structure, source) = blocking(move || source.open()).await?;
        Ok(Self {
            structure: Arc::new(structure),
            source: Arc::new(source),
            meter,
        })
    }
}

/// Sorts by time; of one time, one file is left.
fn sorted(mut files: Vec<StackFile>, duplicates: Duplicates) -> Result<Vec<StackFile>, CubeError> {
    let refused = |file: &str, reason: &str| {
        Err(CubeError::Stack {
            file: file.to_owned(),
            reason: reason.to_owned(),
        })
    };
    if files.is_empty() {
        return refused("nothing", "there are no files");
    }
    if duplicates == Duplicates::KeepLast {
        files.reverse();
    }
    // Stable: of one time, the one that wins stands first.
    files.sort_by_key(|file| file.time);
    let mut times = HashSet::new();
    if duplicates == Duplicates::Refuse
        && let Some(double) = files.iter().find(|file| !times.insert(file.time))
    {
        let reason = format!("there is another file of {}", double.time);
        return refused(double.reader.name(), &reason);
    }
    files.dedup_by_key(|file| file.time);
    Ok(files)
}

/// Files along `time` as a source of pixels.
#[derive(Debug)]
struct Stack {
    files: Vec<StackFile>,
    /// What is open of each file. Locked while it is being opened, so that nobody does it twice.
    slots: Vec<Mutex<Option<Arc<dyn Source>>>>,
    /// The open files, the last used first.
    open: Mutex<LruCache<usize, ()>>,
    options: FileOptions,
    bridge: Bridge,
    meter: Arc<Meter>,
    /// The groups of the first file, which all others must have.
    template: Vec<GroupStructure>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Stack {
    /// Reads the metadata of the first and last file. Blocks.
    fn open(mut self) -> Result<(DatasetStructure, Self), CubeError> {
        let (mut structure, first) = self.open_file(0)?;
        self.template = all_groups(&structure.groups).cloned().collect();
        self.keep(0, first);
        if self.files.len() > 1 {
            self.file(self.files.len() - 1)?;
        }
        let steps = self.files.len() as u64;
        let name = self.files[0].reader.name();
        for group in &mut structure.groups {
            stack_group(group, steps, name)?;
            for overview in &mut group.overviews {
                stack_group(overview, steps, name)?;
            }
        }
        Ok((structure, self))
    }

    /// An open file.
    fn file(&self, number: usize) -> Result<Arc<dyn Source>, CubeError> {
        let mut slot = lock(&self.slots[number]);
        if let Some(source) = slot.as_ref() {
            lock(&self.open).promote(&number);
            return Ok(Arc::clone(source));
        }
        let (structure, source) = self.open_file(number)?;
        self.compare(number, &structure)?;
        *slot = Some(Arc::clone(&source));
        drop(slot);
        self.keep(number, Arc::clone(&source));
        Ok(source)
    }

    /// Remembers an open file and closes the one that was not used for longest.
    fn keep(&self, number: usize, source: Arc<dyn Source>) {
        lock(&self.slots[number]).get_or_insert(source);
        let pushed_out = lock(&self.open).push(number, ());
        if let Some((other, ())) = pushed_out.filter(|(other, ())| *other != number)
            // One that is in use now may stay.
            && let Ok(mut slot) = self.slots[other].try_lock()
        {
            *slot = None;
        }
    }

    fn open_file(&self, number: usize) -> Result<(DatasetStructure, Arc<dyn Source>), CubeError> {
        let reader = Arc::clone(&self.files[number].reader);
        let (options, meter) = (self.options.clone(), Arc::clone(&self.meter));
        let file = self
            .bridge
            .wait(async move { file_bytes(reader, &options, &meter).await })
            .ok_or(CubeError::Cancelled)??;
        open_blocking(file, self.options.variable.as_deref())
    }

    /// That a file has what the first one has, and means the same by it.
    fn compare(&self, number: usize, structure: &DatasetStructure) -> Result<(), CubeError> {
        let name = self.files[number].reader.name();
        for expected in &self.template {
            let found = all_groups(&structure.groups).find(|group| group.path == expected.path);
            let found =
                found.ok_or_else(|| differs(name, format!("no group {:?}", expected.path)))?;
            if found.grid != expected.grid {
                return Err(differs(name, "another grid".to_owned()));
            }
            for array in &expected.variables {
                let same = |known: &&ArrayStructure| {
                    known.name == array.name
                        && known.dtype == array.dtype
                        && known.dims == array.dims
                        && known.shape == array.shape
                };
                let twin = found.variables.iter().find(same);
                let decoding = twin.map(Decoding::of);
                if decoding != Some(Decoding::of(array)) {
                    let reason = match twin {
                        Some(_) => "another scale, offset, fill value or valid range",
                        None => "another type or shape, or none",
                    };
                    return Err(differs(name, format!("{} has {reason}", array.name)));
                }
            }
        }
        Ok(())
    }

    /// The array as a file has it.
    fn in_file(&self, group: &str, array: &ArrayStructure) -> Result<&ArrayStructure, CubeError> {
        let group = self.template.iter().find(|known| known.path == group);
        let arrays = group.map(|group| group.coordinates.iter().chain(&group.variables));
        let found = arrays
            .into_iter()
            .flatten()
            .find(|known| known.name == array.name);
        found.ok_or_else(|| CubeError::internal("finding an array in a file", &array.name))
    }
}

fn differs(file: &str, reason: String) -> CubeError {
    CubeError::Stack {
        file: file.to_owned(),
        reason: format!("it differs from the first file: {reason}"),
    }
}

fn all_groups(groups: &[GroupStructure]) -> impl Iterator<Item = &GroupStructure> {
    groups
        .iter()
        .flat_map(|group| std::iter::once(group).chain(&group.overviews))
}

/// Gives a group of one file the dimension of the stack.
fn stack_group(group: &mut GroupStructure, steps: u64, file: &str) -> Result<(), CubeError> {
    for array in &mut group.variables {
        match array.dims.iter().position(|dim| dim == TIME) {
            Some(0) if array.shape[0] == 1 => array.shape[0] = steps,
            Some(_) => {
                return Err(CubeError::Stack {
                    file: file.to_owned(),
                    reason: format!("{} has several times", array.name),
                });
            }
            None => {
                array.dims.insert(0, TIME.to_owned());
                array.shape.insert(0, steps);
                array.chunks.insert(0, 1);
            }
        }
    }
    group.dims.retain(|dim| dim.name != TIME);
    let time = Dimension {
        name: TIME.to_owned(),
        size: steps,
    };
    group.dims.insert(0, time);
    group.coordinates.retain(|known| known.name != TIME);
    group.coordinates.insert(0, time_coordinate(steps));
    Ok(())
}

pub(super) fn time_coordinate(steps: u64) -> ArrayStructure {
    ArrayStructure {
        name: TIME.to_owned(),
        dtype: DataType::Float64,
        dims: vec![TIME.to_owned()],
        shape: vec![steps],
        chunks: vec![steps],
        shards: None,
        fill_value: None,
        attributes: time_attributes("seconds since 1970-01-01 00:00:00"),
    }
}

impl Source for Stack {
    fn read(&self, request: Request<'_>) -> Result<Pixels, CubeError> {
        let is_stacked = request.array.dims.first().is_some_and(|dim| dim == TIME);
        if !is_stacked {
            return self.file(0)?.read(request);
        }
        let Some((steps, rest)) = request.ranges.split_first() else {
            return Err(CubeError::internal("reading a stack", "no dimension"));
        };
        let steps = steps.start as usize..steps.end as usize;
        if request.array.name == TIME {
            let seconds = |file: &StackFile| file.time.as_nanosecond() as f64 / 1e9;
            return Ok(Pixels::Float64(
                self.files[steps].iter().map(seconds).collect(),
            ));
        }
        let array = self.in_file(request.group, request.array)?;
        let mut ranges: Vec<Range<u64>> = rest.to_vec();
        if array.dims.len() == request.array.dims.len() {
            ranges.insert(0, 0..1);
        }
        let parts = on_threads(READ_AT_ONCE, steps.len(), |step| {
            self.file(steps.start + step)?.read(Request {
                group: request.group,
                array,
                ranges: &ranges,
            })
        })?;
        Ok(Pixels::concatenated(request.array.dtype, &parts))
    }
    fn files(&self) -> Vec<&str> {
        self.files.iter().map(|file| file.reader.name()).collect()
    }

    fn steps(&self) -> usize {
        self.files.len()
    }

    fn file_of(&self, step: usize, _: &str, _: &ArrayStructure) -> Option<&str> {
        Some(self.files.get(step)?.reader.name())
    }

    fn stored(
        &self,
        file: usize,
        group: &str,
        array: &ArrayStructure,
    ) -> Result<StoredArray, CubeError> {
        let in_file = self.in_file(group, array)?;
        self.file(file)?.stored(0, group, in_file)
    }
}
