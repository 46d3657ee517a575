//! The source WEkEO: from the portal's stored query to a cube, whatever the broker does.

mod client;
mod kills;
mod scene;
mod troubles;
mod way;
