//! clms-factory.
fn main() {}
