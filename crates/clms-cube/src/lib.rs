//! clms-cube.
