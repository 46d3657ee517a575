//! clms-api.
