//! clms-factory.
