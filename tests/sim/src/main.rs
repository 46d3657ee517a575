//! clms-sim.
fn main() {}
