//! The source CDSE: lists on a server of this machine, files in a real object storage.

mod catalogue;
mod lists;
mod opening;
mod tiles;
mod world;
