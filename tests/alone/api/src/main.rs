//! clms-api alone.
fn main() {}
