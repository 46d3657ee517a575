//! clms-cache alone.
fn main() {}
