//! clms-preload alone.
fn main() {}
