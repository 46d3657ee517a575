//! clms-store.
