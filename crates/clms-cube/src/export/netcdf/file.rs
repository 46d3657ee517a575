//! An HDF5 file as NetCDF-4 lays it out: arrays in one group, each dimension with a coordinate.
//!
//! Behind the superblock come the chunks as they arrive, then whatever is known at the end only: the indices of the chunks, small arrays, the headers of all
//! objects and a heap. Nothing is written twice but the superblock, and nothing of the pixels stays in memory.

use std::fs::File;
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::Path;

use super::LEVEL;
use super::attribute::Attribute;
use super::chunk_index::{self, Chunks};
use super::dimensions::Scales;
use super::encoding::{Bytes, UNDEFINED, dataspace, datatype};
use crate::DataType;

const SUPERBLOCK: u64 = 48;

/// Types of messages in the headers of objects.
mod message {
    pub(super) const DATASPACE: u8 = 0x01;
    pub(super) const LINK_INFO: u8 = 0x02;
    pub(super) const DATATYPE: u8 = 0x03;
    pub(super) const FILL_VALUE: u8 = 0x05;
    pub(super) const LINK: u8 = 0x06;
    pub(super) const LAYOUT: u8 = 0x08;
    pub(super) const GROUP_INFO: u8 = 0x0a;
    pub(super) const FILTERS: u8 = 0x0b;
    pub(super) const ATTRIBUTE: u8 = 0x0c;
}

pub(super) struct Dimension {
    pub(super) name: String,
    pub(super) len: u64,
}

pub(super) struct Variable {
    pub(super) name: String,
    pub(super) dtype: DataType,
    /// Numbers of its dimensions; none for a single value.
    pub(super) dims: Vec<usize>,
    /// The bytes of a pixel that is not stored.
    pub(super) fill: Option<Vec<u8>>,
    pub(super) attributes: Vec<Attribute>,
    pub(super) storage: Storage,
}

pub(super) enum Storage {
    /// In one piece, which is written at the end.
    Whole(Vec<u8>),
    /// Shuffled and deflated.
    Chunked { shape: Vec<u64>, chunks: Chunks },
}

impl Storage {
    pub(super) fn chunked(shape: Vec<u64>) -> Self {
        Self::Chunked {
            shape,
            chunks: Chunks::new(),
        }
    }
}

/// A file that is being written.
pub(super) struct NetcdfFile {
    file: BufWriter<File>,
    /// Where the next byte goes.
    position: u64,
    pub(super) dimensions: Vec<Dimension>,
    pub(super) variables: Vec<Variable>,
    pub(super) attributes: Vec<Attribute>,
}

impl NetcdfFile {
    pub(super) fn create(path: &Path) -> io::Result<Self> {
        let mut file = BufWriter::new(File::create(path)?);
        file.write_all(&[0; SUPERBLOCK as usize])?;
        Ok(Self {
            file,
            position: SUPERBLOCK,
            dimensions: Vec::new(),
            variables: Vec::new(),
            attributes: Vec::new(),
        })
    }

    /// Appends a chunk of a chunked variable, given the indices of its first pixel.
    pub(super) fn append_chunk(
        &mut self,
        variable: usize,
        at: Vec<u64>,
        bytes: &[u8],
    ) -> io::Result<()> {
        let address = self.append(bytes)?;
        if let Storage::Chunked { chunks, .. } = &mut self.variables[variable].storage {
            chunks.insert(at, (address, bytes.len() as u32));
        }
        Ok(())
    }

    /// Appends bytes at an address that is a multiple of 8.
    fn append(&mut self, bytes: &[u8]) -> io::Result<u64> {
        let address = self.position.next_multiple_of(8);
        let gap = (address - self.position) as usize;
        self.file.write_all(&[0; 8][..gap])?;
        self.file.write_all(bytes)?;
        self.position = address + bytes.len() as u64;
        Ok(address)
    }

    /// Writes all that is not written yet.
    pub(super) fn finish(mut self) -> io::Result<()> {
        let layouts = self.layouts()?;
        let (dimensions, variables) = (
            std::mem::take(&mut self.dimensions),
            std::mem::take(&mut self.variables),
        );
        let scales = Scales::new(&dimensions, &variables);
        let headers = |addresses: &[u64], heap: u64| -> Vec<Vec<u8>> {
            let of_variable = |(number, variable): (usize, &Variable)| {
                let mut attributes = scales.attributes(number, addresses, heap);
                attributes.extend(variable.attributes.iter().cloned());
                let messages = described(variable, &dimensions, &layouts[number]);
                header(messages, &attributes)
            };
            let mut headers: Vec<Vec<u8>> = variables.iter().enumerate().map(of_variable).collect();
            headers.push(header(linked(&variables, addresses), &self.attributes));
            headers
        };
        // Their sizes don't depend on what their addresses are.
        let unknown = vec![0; variables.len() + 1];
        let mut next = self.position;
        let addresses: Vec<u64> = headers(&unknown, 0)
            .iter()
            .map(|header| {
                let address = next.next_multiple_of(8);
                next = address + header.len() as u64;
                address
            })
            .collect();
        let headers = headers(&addresses, next.next_multiple_of(8));
        let heap = scales.heap(&addresses);
        for header in &headers {
            self.append(header)?;
        }
        self.append(&heap)?;
        let root = addresses.last().copied().unwrap_or(UNDEFINED);
        let mut superblock = Bytes::default();
        let (sizes_of_addresses_and_lengths, flags) = ([8, 8], 0);
        superblock
            .raw(b"\x89HDF\r\n\x1a\n")
            .u8(2)
            .raw(&sizes_of_addresses_and_lengths)
            .u8(flags);
        superblock
            .u64(0)
            .u64(UNDEFINED)
            .u64(self.position)
            .u64(root);
        superblock.checksum();
        self.file.seek(SeekFrom::Start(0))?;
        self.file.write_all(&superblock.0)?;
        self.file.flush()
    }

    /// Writes small arrays and indices of chunks; the layout message of each variable.
    fn layouts(&mut self) -> io::Result<Vec<Vec<u8>>> {
        const VERSION: u8 = 3;
        const CONTIGUOUS: u8 = 1;
        const CHUNKED: u8 = 2;
        let mut layouts = Vec::new();
        for number in 0..self.variables.len() {
            let variable = &self.variables[number];
            let mut layout = Bytes::default();
            layout.u8(VERSION);
            match &variable.storage {
                Storage::Whole(bytes) => {
                    let bytes = bytes.clone();
                    let address = self.append(&bytes)?;
                    layout.u8(CONTIGUOUS).u64(address).u64(bytes.len() as u64);
                }
                Storage::Chunked { shape, chunks } => {
                    let start = self.position.next_multiple_of(8);
                    let nodes = chunk_index::nodes(chunks, shape, start);
                    layout.u8(CHUNKED).u8(shape.len() as u8 + 1);
                    layout.u64(nodes.as_ref().map_or(UNDEFINED, |(_, root)| *root));
                    for size in shape {
                        layout.u32(*size as u32);
                    }
                    layout.u32(variable.dtype.itemsize() as u32);
                    if let Some((nodes, _)) = nodes {
                        self.append(&nodes)?;
                    }
                }
            }
            layouts.push(layout.0);
        }
        Ok(layouts)
    }
}

type Message = (u8, Vec<u8>);

/// The messages of an array but for its attributes.
fn described(variable: &Variable, dimensions: &[Dimension], layout: &[u8]) -> Vec<Message> {
    let shape: Vec<u64> = variable
        .dims
        .iter()
        .map(|dimension| dimensions[*dimension].len)
        .collect();
    let mut messages = vec![
        (message::DATASPACE, dataspace(&shape)),
        (message::DATATYPE, datatype(variable.dtype)),
        (message::FILL_VALUE, fill_value(variable)),
        (message::LAYOUT, layout.to_vec()),
    ];
    if matches!(variable.storage, Storage::Chunked { .. }) {
        messages.push((message::FILTERS, filters(variable.dtype.itemsize())));
    }
    messages
}

fn fill_value(variable: &Variable) -> Vec<u8> {
    let (allocated_as_it_comes, written_if_set) = (3, 2);
    let mut fill = Bytes::default();
    fill.u8(2).u8(allocated_as_it_comes).u8(written_if_set);
    match &variable.fill {
        Some(bytes) => fill.u8(1).u32(bytes.len() as u32).raw(bytes),
        // Zeros.
        None => fill.u8(1).u32(0),
    };
    fill.0
}

fn filters(itemsize: usize) -> Vec<u8> {
    const DEFLATE: u16 = 1;
    const SHUFFLE: u16 = 2;
    const OPTIONAL: u16 = 1;
    let mut chain = vec![(DEFLATE, LEVEL)];
    if itemsize > 1 {
        chain.insert(0, (SHUFFLE, itemsize as u32));
    }
    let mut filters = Bytes::default();
    filters.u8(2).u8(chain.len() as u8);
    for (id, parameter) in chain {
        filters.u16(id).u16(OPTIONAL).u16(1).u32(parameter);
    }
    filters.0
}

/// The messages of the group of all arrays but for its attributes. Readers list them in this order.
fn linked(variables: &[Variable], addresses: &[u64]) -> Vec<Message> {
    let order_is_tracked = 1;
    let mut info = Bytes::default();
    info.u8(0).u8(order_is_tracked).u64(variables.len() as u64);
    info.u64(UNDEFINED).u64(UNDEFINED);
    let mut messages = vec![
        (message::LINK_INFO, info.0),
        (message::GROUP_INFO, vec![0, 0]),
    ];
    for ((order, variable), address) in (0_u64..).zip(variables).zip(addresses) {
        let (name_of_two_bytes_length, has_order, has_charset) = (1, 1 << 2, 1 << 4);
        let utf8 = 1;
        let mut link = Bytes::default();
        link.u8(1)
            .u8(name_of_two_bytes_length | has_order | has_charset);
        link.u64(order).u8(utf8).u16(variable.name.len() as u16);
        link.raw(variable.name.as_bytes()).u64(*address);
        messages.push((message::LINK, link.0));
    }
    messages
}

/// The header of an object.
fn header(mut messages: Vec<Message>, attributes: &[Attribute]) -> Vec<u8> {
    let of_attributes = attributes.iter().map(Attribute::message);
    messages.extend(of_attributes.map(|attribute| (message::ATTRIBUTE, attribute)));
    let mut body = Bytes::default();
    for (kind, message) in messages {
        body.u8(kind).u16(message.len() as u16).u8(0).raw(&message);
    }
    let size_has_four_bytes = 2;
    let mut header = Bytes::default();
    header.raw(b"OHDR").u8(2).u8(size_has_four_bytes);
    header.u32(body.0.len() as u32).raw(&body.0).checksum();
    header.0
}
