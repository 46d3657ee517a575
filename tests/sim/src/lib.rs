//! clms-sim.
