//! What a cache of blocks reads, byte by byte.
#![expect(
    clippy::single_range_in_vec_init,
    reason = "a list of ranges may have one"
)]

use std::ops::Range;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use clms_cube::{
    CacheOptions, CachedReader, FileVersion, MeteredReader, Part, RangeError, RangeReader,
};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

/// A file in memory that remembers what was read of it.
#[derive(Debug)]
struct Memory {
    bytes: Vec<u8>,
    read: Mutex<Vec<Range<u64>>>,
}

#[async_trait]
impl RangeReader for Memory {
    fn name(&self) -> &str {
        "memory"
    }

    async fn read(&self, range: Range<u64>) -> Result<Part, RangeError> {
        let end = range.end.min(self.bytes.len() as u64);
        self.read.lock().unwrap().push(range.start..end);
        Ok(Part {
            bytes: self.bytes[range.start as usize..end as usize]
                .to_vec()
                .into(),
            version: FileVersion {
                size: self.bytes.len() as u64,
                e_tag: None,
                modified: None,
            },
        })
    }
}

fn memory(size: usize) -> Arc<Memory> {
    Arc::new(Memory {
        bytes: (0..size)
            .map(|index| (index * 7 + index / 251) as u8)
            .collect(),
        read: Mutex::default(),
    })
}

const SMALL: CacheOptions = CacheOptions {
    block: 10,
    head: 30,
    capacity: 100,
    read_ahead: 40,
};

#[tokio::test]
async fn neighbours_are_one_request_and_what_is_known_is_none() {
    let memory = memory(1005);
    let metered = Arc::new(MeteredReader::new(Arc::clone(&memory) as _));
    let cached = CachedReader::new(Arc::clone(&metered) as _, SMALL);
    let taken = || std::mem::take(&mut *memory.read.lock().unwrap());
    cached.read(0..25).await.unwrap();
    assert_eq!(taken(), [0..30]);
    cached.read(5..30).await.unwrap();
    assert!(taken().is_empty());
    cached.read(28..42).await.unwrap();
    assert_eq!(taken(), [30..50]);
    // One block between two is read with them, two are not.
    cached
        .read_ranges(&[100..101, 120..121, 150..151])
        .await
        .unwrap();
    let mut read = taken();
    read.sort_by_key(|range| range.start);
    assert_eq!(read, [100..130, 150..160]);
    let part = cached.read(995..2000).await.unwrap();
    assert_eq!(part.bytes, memory.bytes[995..]);
    assert_eq!(taken(), [990..1005]);
    assert!(matches!(
        cached.read_ranges(&[1000..1006]).await,
        Err(RangeError::Truncated { .. })
    ));
    assert_eq!(metered.traffic().requests, 5);
    assert_eq!(metered.traffic().bytes, 30 + 20 + 40 + 15);
}

#[tokio::test]
async fn reads_that_follow_one_another_are_read_ahead() {
    let memory = memory(1000);
    let cached = CachedReader::new(Arc::clone(&memory) as _, SMALL);
    cached.read(500..505).await.unwrap();
    for start in (510..700).step_by(10) {
        let part = cached.read(start..start + 10).await.unwrap();
        assert_eq!(
            part.bytes,
            memory.bytes[start as usize..start as usize + 10]
        );
    }
    let read = std::mem::take(&mut *memory.read.lock().unwrap());
    assert_eq!(
        read,
        [
            0..30,
            500..510,
            510..530,
            530..560,
            560..610,
            610..660,
            660..710
        ]
    );
}

#[test]
fn random_ranges_are_the_bytes_of_the_file() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let memory = memory(777);
    let ranges = prop::collection::vec((0_u64..777, 0_u64..300), 1..6);
    let mut runner = TestRunner::new(Config {
        cases: 300,
        failure_persistence: None,
        ..Config::default()
    });
    let cached = CachedReader::new(Arc::clone(&memory) as _, SMALL);
    runner
        .run(&ranges, |ranges| {
            let ranges: Vec<Range<u64>> = ranges
                .into_iter()
                .map(|(start, len)| start..(start + len).min(777))
                .collect();
            let parts = runtime.block_on(cached.read_ranges(&ranges)).unwrap();
            for (part, range) in parts.iter().zip(&ranges) {
                prop_assert_eq!(
                    &part[..],
                    &memory.bytes[range.start as usize..range.end as usize]
                );
            }
            Ok(())
        })
        .unwrap();
}
