//! clms-preload.
