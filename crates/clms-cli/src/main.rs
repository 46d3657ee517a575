//! clms.
fn main() {}
