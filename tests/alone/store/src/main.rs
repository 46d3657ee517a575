//! clms-store alone.
fn main() {}
