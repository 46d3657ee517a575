//! Where data come from: a module for each source.

pub(crate) mod cdse;
pub(crate) mod eea;
