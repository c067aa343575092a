//! A dataset of a server, read in boxes.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::ops::Range;

use super::address::Address;
use super::constraint::{Parts, expression};
use super::das::Das;
use super::data::{self, Data, MOST_BEFORE, Wanted};
use super::dds::Dds;
use super::failure::message;
use super::layout::{Layout, Refused, Served, TEXT};
use crate::convert::{narrow, wide};
use crate::error::Error;
use crate::limits::{Limits, check};
use crate::reference::ReferenceSet;
use crate::source::{Coming, Counters, Patience, RemoteOptions, Web};
use crate::store::{Origin, Values};
use crate::window::Window;
use crate::zarr::Dtype;

/// How a server is asked.
#[derive(Debug, Clone)]
pub struct DapOptions {
    /// Most bytes of the elements that one request asks for, as they are sent: integers of 16 bits as 32 (default 100 MB; THREDDS and Hyrax
    /// refuse more than 500 MB, as they come).
    pub request_bytes: u64,
    /// Requests on their way at once (default 4). A read holds the answers of as many in memory.
    pub connections: usize,
    /// How long is waited, and how often it is asked again.
    pub patience: Patience,
    /// Whether brackets are sent as they are, for servers that do not take `%5B`.
    pub bare_brackets: bool,
    /// What the dataset may cost.
    pub limits: Limits,
}

impl Default for DapOptions {
    fn default() -> Self {
        Self {
            request_bytes: 100_000_000,
            connections: 4,
            patience: Patience::default(),
            bare_brackets: false,
            limits: Limits::default(),
        }
    }
}

/// A dataset of a server of DAP2: its groups and arrays, which are read from there.
///
/// A URL begins with `dap2://` (which is asked by `https`), `dap2+http://`, `https://` or `http://`; names of variables may stand behind a
/// question mark, with commas between. Arrays of Grids are arrays, their Maps coordinates beside them, Structures groups. Elements are
/// little-endian. Sequences and arrays of Structures are refused.
///
/// A server is asked for boxes of at most [`DapOptions::request_bytes`], with patience. What it answers is what it was asked for, or an error.
pub struct DapDataset {
    address: Address,
    options: DapOptions,
    web: Web,
    layout: Layout,
}

impl DapDataset {
    /// Asks a server what a dataset has.
    ///
    /// # Errors
    /// What the server answers, [`Error::Server`] with its words, [`Error::Format`] where that is no DDS or DAS, [`Error::NotFound`] for
    /// variables of the URL that are not there, and [`Error::Limit`].
    pub fn open(url: &str, options: DapOptions) -> Result<Self, Error> {
        let address = Address::new(url)?;
        let remote = RemoteOptions {
            patience: options.patience.clone(),
            connections: options.connections.max(1),
            ..RemoteOptions::default()
        };
        let web = Web::new(&remote)?;
        let ask = |kind: &str| web.ask(&address.answer(kind, ""), options.limits.metadata_bytes, message);
        let (dds, das) = (ask("dds")?, ask("das")?);
        let dds = Dds::read(&answer(dds, &address)?, &options.limits)?;
        let das = Das::read(&answer(das, &address)?, &options.limits)?;
        let layout = Layout::new(&dds, &das, &address.variables, &options.limits)?;
        Ok(Self { address, options, web, layout })
    }

    /// Variables and attributes that are not there, or not as they were sent.
    pub fn refused(&self) -> &[Refused] {
        &self.layout.refused
    }

    /// Writes dimensions, variables and attributes as CDL, the text form of netCDF; `name` is what the dataset is called.
    ///
    /// # Errors
    /// What `out` answers.
    pub fn write_cdl(&self, name: &str, out: impl io::Write) -> io::Result<()> {
        super::cdl::write(&self.layout, name, out)
    }

    /// What the server was asked so far.
    pub fn counters(&self) -> Counters {
        self.web.counters()
    }

    /// Asks for a part of an array.
    fn ask(&self, served: &Served, ranges: &[Range<u64>]) -> Result<Coming, Error> {
        let constraint = expression(&served.path, ranges, self.options.bare_brackets);
        // Texts have the length that they have.
        let data =
            served.kind.sent().map_or(self.options.limits.read_bytes, |size| elements(ranges).saturating_mul(size));
        let most = data.saturating_mul(2).saturating_add(MOST_BEFORE.saturating_mul(2));
        self.web.ask(&self.address.answer("dods", &constraint), most, message)
    }

    /// The elements of a part.
    fn part(&self, served: &Served, ranges: &[Range<u64>], coming: Coming) -> Result<Data, Error> {
        let answer = answer(coming, &self.address)?;
        let path: Vec<&str> = served.path.iter().map(|name| &*name.meant).collect();
        let shape: Vec<u64> = ranges.iter().map(|range| range.end.saturating_sub(range.start)).collect();
        data::read(&answer, &Wanted { path: &path, kind: served.kind, shape: &shape }, &self.options.limits)
    }
}

/// An answer that is no error.
fn answer(coming: Coming, address: &Address) -> Result<bytes::Bytes, Error> {
    let answer = coming.wait()?;
    match message(&answer) {
        Some(message) => Err(Error::Server { url: address.told(), message }),
        None => Ok(answer),
    }
}

/// An error of an answer, with the array that was asked for: URLs are told without queries.
fn of_array(path: &str, error: Error) -> Error {
    match error {
        Error::Format(_) | Error::Unsupported(_) => Error::Chunk { key: path.to_owned(), problem: error.to_string() },
        Error::Server { url, message } => Error::Server { url: format!("{path} of {url}"), message },
        Error::Io { what, error } => Error::Io { what: format!("{path} of {what}"), error },
        error => error,
    }
}

fn elements(ranges: &[Range<u64>]) -> u64 {
    ranges.iter().fold(1_u64, |n, range| n.saturating_mul(range.end.saturating_sub(range.start)))
}

impl Origin for DapDataset {
    fn set(&self) -> &ReferenceSet {
        &self.layout.set
    }

    fn read(&self, path: &str, ranges: &[Range<u64>]) -> Result<Values, Error> {
        let served = self.layout.served.get(path).ok_or_else(|| Error::NotFound { path: path.to_owned() })?;
        let wrong = |problem: String| Error::Chunk { key: path.to_owned(), problem };
        let window = Window::of(ranges, &served.shape).map_err(|problem| wrong(problem.to_string()))?;
        let count = window.elements().unwrap_or(u64::MAX);
        // A text takes the room of its own bytes, and of what says where they are.
        let bytes = count.saturating_mul(served.kind.size().unwrap_or(24));
        check("read_bytes", bytes, self.options.limits.read_bytes)?;
        let mut held = bytes;
        let most = self.options.request_bytes.checked_div(served.kind.sent().unwrap_or(TEXT)).unwrap_or(1);
        let parts = Parts::new(&window, most);
        let (mut bytes, mut texts) =
            (Vec::with_capacity(narrow(if served.kind.is_text() { 0 } else { bytes })), Vec::new());
        let (mut next, mut waiting) = (0, VecDeque::new());
        let end = if count == 0 { 0 } else { parts.len() };
        loop {
            while next < end && waiting.len() < self.options.connections.max(1) {
                let ranges = parts.part(next);
                waiting.push_back((self.ask(served, &ranges)?, ranges));
                next = next.saturating_add(1);
            }
            let Some((coming, ranges)) = waiting.pop_front() else { break };
            let data = self.part(served, &ranges, coming).map_err(|error| of_array(path, error))?;
            match data {
                Data::Bytes(part) => bytes.extend_from_slice(&part),
                Data::Texts(part) => {
                    let more = part.iter().fold(0, |sum: u64, text| sum.saturating_add(wide(text.len())));
                    held = held.saturating_add(more);
                    check("read_bytes", held, self.options.limits.read_bytes)?;
                    texts.extend(part);
                }
            }
        }
        let dtype = Dtype::Simple(served.kind.dtype().to_owned());
        Ok(if served.kind.is_text() {
            Values::of_texts(window.count, dtype, texts)
        } else {
            Values::of_bytes(window.count, dtype, bytes)
        })
    }
}

impl fmt::Debug for DapDataset {
    /// The URL as it may be told, and the paths of the arrays.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let arrays: Vec<&String> = self.layout.served.keys().collect();
        f.debug_struct("DapDataset").field("url", &self.address.told()).field("arrays", &arrays).finish_non_exhaustive()
    }
}
