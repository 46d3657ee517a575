//! Any bytes are the side-car of a raster, of any kind, or an error: no panic, no endless work, no more classes than there may be.
#![no_main]

use clms_cube::fuzzing::SideCarKind;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    // The first byte says what the others are.
    let Some((kind, content)) = bytes.split_first() else {
        return;
    };
    let kinds = SideCarKind::ALL;
    let classes = kinds[usize::from(*kind) % kinds.len()].classes(content);
    assert!(classes.len() <= 4096);
    let mut values: Vec<i64> = classes.iter().map(|class| class.value).collect();
    values.dedup();
    assert_eq!(values.len(), classes.len(), "each value once, in order");
    for word in clms_cube::fuzzing::flag_meanings(&classes) {
        let is_cf = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.+@".contains(&byte);
        assert!(!word.is_empty() && word.bytes().all(is_cf), "{word:?}");
    }
});
