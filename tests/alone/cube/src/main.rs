//! clms-cube alone.
fn main() {}
