//! What can go wrong, told by who is to blame: the bytes, this crate's scope, the caller's limits, or the machine.

use std::fmt;
use std::sync::Arc;

/// Why a file, or one object of it, could not be turned into references.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The bytes contradict the HDF5 File Format Specification.
    #[error(transparent)]
    Format(#[from] FormatError),
    /// The bytes are valid, and this crate or Zarr v2 has no form for them.
    #[error(transparent)]
    Unsupported(#[from] Unsupported),
    /// The file asks for more than the caller's [`Limits`](crate::Limits) allow.
    #[error(transparent)]
    Limit(#[from] LimitError),
    /// The operating system refused a read or a write.
    #[error("{what}: {error}")]
    Io {
        /// What was being done, and to which file.
        what: String,
        /// The operating system's answer.
        #[source]
        error: Arc<std::io::Error>,
    },
    /// Bytes were supplied to a [`Scan`](crate::Scan) that do not belong to its file.
    #[error("supplied bytes {at:#x}..{end:#x} do not lie in a file of {size} bytes")]
    Supplied {
        /// First byte of the supplied range.
        at: u64,
        /// First byte after the supplied range.
        end: u64,
        /// Size of the file.
        size: u64,
    },
    /// Members that are not those of one family: all but the last must have one size, and the last no larger one.
    #[error("member {member} of the family has {size} bytes, and the first has {expected}")]
    Member {
        /// Number of the member, from 0.
        member: usize,
        /// Its size in bytes.
        size: u64,
        /// The size of the first.
        expected: u64,
    },
    /// Members of a family that [`Options::members`](crate::Options) has no URL for.
    #[error("the family has {members} members, and URLs are given for {given}")]
    MemberUrls {
        /// How many members hold anything.
        members: usize,
        /// How many URLs there are.
        given: usize,
    },
    /// A set of references that contradicts itself or the formats that it is written in.
    #[error("reference {key}: {problem}")]
    Reference {
        /// The key, or what else of the set is meant.
        key: String,
        /// What is wrong.
        problem: String,
    },
    /// A file that references name and that may not be read.
    #[error("{url} is not read: {why}")]
    NotAllowed {
        /// The file, as the references name it.
        url: String,
        /// Why not.
        why: String,
    },
    /// A file that is no longer what it was when it was first read.
    #[error("{url} has changed since it was first read: {what}")]
    Changed {
        /// The file, as the references name it.
        url: String,
        /// By what it is seen.
        what: String,
    },
    /// An array, or a part of one, that cannot be read through its references.
    #[error("{key}: {problem}")]
    Chunk {
        /// The key of the chunk, or the path of the array.
        key: String,
        /// What is wrong.
        problem: String,
    },
    /// Sets of references that cannot be combined.
    #[error("{input}{}{problem}", if input.is_empty() { "" } else { ": " })]
    Combine {
        /// The set, by its name; empty where it is the fault of no single one.
        input: String,
        /// Why not.
        problem: String,
    },
    /// A pattern of paths, a mask or a date that says nothing.
    #[error("{pattern}: {problem}")]
    Pattern {
        /// The pattern, or what it was compared with.
        pattern: String,
        /// What is wrong.
        problem: String,
    },
    /// What a server says in place of an answer.
    #[error("{url}: {message}")]
    Server {
        /// What it was asked about, without a query.
        url: String,
        /// Its words.
        message: String,
    },
    /// A text that is no set of references.
    #[error("not a set of references: {0}")]
    Document(String),
    /// A plan that names what is not there, or wants what cannot be.
    #[error("plan: {0}")]
    Plan(String),
    /// A store that is not written.
    #[error("{target}: {problem}")]
    Copy {
        /// The store, or what of it is meant.
        target: String,
        /// What is wrong.
        problem: String,
    },
    /// A path names no object of the file.
    #[error("{path}: no such object")]
    NotFound {
        /// The path as it was asked for.
        path: String,
    },
}

impl Error {
    /// An error of a structure that starts at a file offset.
    pub(crate) fn format(structure: Structure, start: u64, problem: Problem) -> Self {
        FormatError { structure, start, at: start, problem }.into()
    }

    /// An error of the operating system, with what was being done.
    pub fn io(what: impl Into<String>, error: std::io::Error) -> Self {
        Self::Io { what: what.into(), error: Arc::new(error) }
    }
}

/// A structure whose bytes contradict the specification.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{structure} at {start:#x}: {problem} (at {at:#x})")]
pub struct FormatError {
    /// The structure that was being read.
    pub structure: Structure,
    /// File offset of the structure's first byte.
    pub start: u64,
    /// File offset of the offending field.
    pub at: u64,
    /// What is wrong there.
    pub problem: Problem,
}

/// What is wrong with a field.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// The structure's signature is missing.
    #[error("signature is not \"{0}\"")]
    Signature(&'static str),
    /// The structure ends before its last field.
    #[error("the bytes end inside the structure")]
    Truncated,
    /// The structure, or what it points to, lies outside the file.
    #[error("{length} bytes at {offset:#x} are not inside the file of {size} bytes")]
    OutsideFile {
        /// File offset of the range.
        offset: u64,
        /// Length of the range.
        length: u64,
        /// Size of the file.
        size: u64,
    },
    /// A field holds a value that the specification does not allow.
    #[error("{field} is {value}")]
    Value {
        /// The specification's name of the field.
        field: &'static str,
        /// The value found.
        value: u64,
    },
    /// A size, count or offset is below zero.
    #[error("{field} is {value}")]
    Negative {
        /// The specification's name of the field.
        field: &'static str,
        /// The value found.
        value: i64,
    },
    /// Two fields that must agree do not.
    #[error("{field} is {found}, not {expected}")]
    Mismatch {
        /// The specification's name of the field.
        field: &'static str,
        /// The value found.
        found: u64,
        /// The value that other fields call for.
        expected: u64,
    },
    /// An address that must be defined is not.
    #[error("{0} is undefined")]
    Undefined(&'static str),
    /// The stored checksum is not that of the bytes.
    #[error("checksum is {stored:#010x}, computed {computed:#010x}")]
    Checksum {
        /// The checksum in the file.
        stored: u32,
        /// The checksum of the bytes in the file.
        computed: u32,
    },
    /// A structure of a tree or chain was reached a second time.
    #[error("{0} reached a second time")]
    Revisited(&'static str),
    /// A name or text that is not what its character set allows.
    #[error("{0} is not valid text")]
    Text(&'static str),
    /// Something the object needs is not there.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// A size computed from the fields does not fit in 64 bits.
    #[error("{0} overflows")]
    Overflow(&'static str),
    /// Two entries that must differ are the same.
    #[error("duplicate {0}")]
    Duplicate(&'static str),
    /// Entries that must ascend do not.
    #[error("{0} out of order")]
    Order(&'static str),
    /// Compressed bytes that do not decode.
    #[error("{0} does not decode")]
    Decode(&'static str),
    /// A text that is no number of its kind.
    #[error("{0} is no number that it may be")]
    Number(&'static str),
    /// XML that is not well formed, or that declares what nobody has to read.
    #[error("XML: {0}")]
    Xml(String),
}

macro_rules! structures {
    ($($(#[$doc:meta])* $variant:ident => $name:literal,)*) => {
        /// A structure of the HDF5 File Format Specification, by the specification's name.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Structure { $($(#[$doc])* $variant,)* }

        impl fmt::Display for Structure {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self { $(Self::$variant => $name,)* })
            }
        }
    };
}

structures! {
    /// The header of a netCDF-3 file.
    Classic => "netCDF classic header",
    /// II: the file as a whole.
    File => "file",
    /// II.A.
    Superblock => "superblock",
    /// II.B.
    DriverInformation => "driver information block",
    /// III.A.1.
    BtreeV1 => "version 1 B-tree node",
    /// III.A.2: the header.
    BtreeV2Header => "version 2 B-tree header",
    /// III.A.2: an internal node.
    BtreeV2Internal => "version 2 B-tree internal node",
    /// III.A.2: a leaf node.
    BtreeV2Leaf => "version 2 B-tree leaf node",
    /// III.B.
    SymbolTableNode => "symbol table node",
    /// III.D.
    LocalHeap => "local heap",
    /// III.E.
    GlobalHeap => "global heap collection",
    /// III.F.
    VirtualMappings => "virtual dataset mappings",
    /// III.G: the header.
    FractalHeap => "fractal heap header",
    /// III.G: a direct block.
    FractalHeapDirect => "fractal heap direct block",
    /// III.G: an indirect block.
    FractalHeapIndirect => "fractal heap indirect block",
    /// III.G: a heap ID.
    FractalHeapId => "fractal heap ID",
    /// III.I.
    SharedMessageTable => "shared object header message table",
    /// IV.A.1.
    ObjectHeader => "object header",
    /// IV.A.2.b.
    Dataspace => "dataspace message",
    /// IV.A.2.c.
    LinkInfo => "link info message",
    /// IV.A.2.d.
    Datatype => "datatype message",
    /// IV.A.2.e and f.
    FillValue => "fill value message",
    /// IV.A.2.g.
    Link => "link message",
    /// IV.A.2.h.
    ExternalFiles => "external data files message",
    /// IV.A.2.i.
    DataLayout => "data layout message",
    /// IV.A.2.k.
    GroupInfo => "group info message",
    /// IV.A.2.l.
    FilterPipeline => "filter pipeline message",
    /// IV.A.2.m.
    Attribute => "attribute message",
    /// IV.A.2.p.
    SharedMessageTableMessage => "shared message table message",
    /// IV.A.2.q.
    Continuation => "object header continuation message",
    /// IV.A.2.r.
    SymbolTable => "symbol table message",
    /// IV.A.2.t.
    BtreeK => "B-tree 'K' values message",
    /// IV.A.2.u.
    DriverInformationMessage => "driver information message",
    /// IV.A.2.v.
    AttributeInfo => "attribute info message",
    /// IV.A.2.x.
    FileSpaceInfo => "file space info message",
    /// Undocumented: header message 0x18.
    CacheImageMessage => "metadata cache image message",
    /// Undocumented: the block that the message points to.
    CacheImage => "metadata cache image",
    /// IV.A.2: a message stored elsewhere.
    SharedMessage => "shared message",
    /// VII.C: the header.
    FixedArray => "fixed array header",
    /// VII.C: the data block.
    FixedArrayBlock => "fixed array data block",
    /// VII.C: a page of the data block.
    FixedArrayPage => "fixed array data block page",
    /// VII.D: the header.
    ExtensibleArray => "extensible array header",
    /// VII.D: the index block.
    ExtensibleArrayIndexBlock => "extensible array index block",
    /// VII.D: a super block.
    ExtensibleArraySuperBlock => "extensible array secondary block",
    /// VII.D: a data block.
    ExtensibleArrayDataBlock => "extensible array data block",
    /// VII.D: a page of a data block.
    ExtensibleArrayPage => "extensible array data block page",
    /// VIII.A.
    Selection => "dataspace selection",
    /// VII: raw data.
    Chunk => "chunk",
    /// A DMR++ document; places are those in its text.
    Dmrpp => "DMR++ sidecar",
    /// Raw data of a contiguous or compact dataset.
    RawData => "raw data",
    /// The value of an attribute or element.
    Value => "value",
    /// DAP2: the variables of a dataset.
    Dds => "DDS",
    /// DAP2: the attributes of a dataset.
    Das => "DAS",
    /// DAP2: an answer with data.
    DataAnswer => "data answer",
}

/// A valid feature that cannot be read, or that Zarr v2 cannot express.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unsupported {
    /// A header message that says it must be understood, and is not.
    #[error("object header message of type {0:#06x} must be understood and is not")]
    Message(u16),
    /// A filter that no Zarr v2 codec of the standard set decodes.
    #[error("filter {id} ({name}) has no Zarr v2 codec")]
    Filter {
        /// Registered filter number.
        id: u16,
        /// The filter's name, from the file or the registry.
        name: String,
    },
    /// A filter that this crate neither undoes nor applies, where it would have to: for values that are held inline, or in a heap.
    #[error("filter {id} ({name}) would have to be undone or applied, which is not done")]
    Coding {
        /// Registered filter number.
        id: u16,
        /// The filter's name, from the file or the registry.
        name: String,
    },
    /// A filter that a feature of this crate undoes, without which it was built.
    #[error(
        "filter {id} ({name}) would have to be undone or applied, which h5refs does only where it is built with the feature \"{feature}\""
    )]
    CodingFeature {
        /// Registered filter number.
        id: u16,
        /// The filter's name in the registry.
        name: String,
        /// The feature's name.
        feature: &'static str,
    },
    /// Chunks of one dataset that skip other filters than most, and are too large to be held inline.
    #[error(
        "{chunks} chunks with another filter mask cannot be expressed in Zarr v2, and are too large to be held inline (Limits::repair_bytes)"
    )]
    FilterMasks {
        /// How many chunks differ.
        chunks: usize,
    },
    /// What would be written to a sidecar file, were there one.
    #[error("{0}; --unsupported sidecar writes the values to a file beside the references")]
    Sidecar(Box<Unsupported>),
    /// A datatype with no Zarr v2 form.
    #[error("datatype {0} has no Zarr v2 form")]
    Datatype(String),
    /// A datatype with no Zarr v2 form, whose values could be held inline decoded, were they fewer.
    #[error(
        "datatype {datatype} has no Zarr v2 form, and its values, {bytes} bytes decoded, are too many to be held inline (Limits::repair_bytes)"
    )]
    Decoded {
        /// The datatype in words.
        datatype: String,
        /// Bytes of the array, decoded.
        bytes: u64,
    },
    /// A fill value of chunks that were never written which Zarr v2 would not give.
    #[error(
        "{missing} chunks were never written and read as the fill value {value}, which readers of Zarr v2 would not give or would mask (--fill declare accepts that)"
    )]
    FillValue {
        /// How many chunks are missing.
        missing: u64,
        /// The value libhdf5 reads there, as JSON.
        value: String,
    },
    /// Raw data in other files, which nobody has allowed to be referenced.
    #[error("raw data lie in external files, referenced only under --external-root")]
    ExternalFiles,
    /// Raw data in another file that cannot be referenced.
    #[error("raw data in the external file \"{name}\": {why}")]
    ExternalFile {
        /// The file's name, as it is stored.
        name: String,
        /// Why not.
        why: String,
    },
    /// An external link that cannot be followed.
    #[error("external link to {path} of the file \"{file}\": {why}")]
    ExternalLink {
        /// The other file's name, as it is stored.
        file: String,
        /// The path in it.
        path: String,
        /// Why not.
        why: String,
    },
    /// Raw data in other files of which no chunk shape makes whole chunks.
    #[error("raw data in external files that do not end between rows of elements")]
    ExternalRows,
    /// One file of a family, which is read as a whole only.
    #[error(
        "family file driver: one file of several, which are read together by the pattern of their names, as fam_%05d.h5"
    )]
    FamilyMember,
    /// A file whose later revisions lie in a file of the onion driver beside it.
    #[error("onion file driver: the later revisions of the file lie in <file>.onion, and are not read")]
    Onion,
    /// A file whose data lie in files of the subfiling driver beside it.
    #[error("subfiling file driver: the data of the file lie in files beside it, and are not read")]
    Subfiling,
    /// Raw data that lie in two members of a family.
    #[error(
        "{chunks} chunks lie in two members of the family, and are too large to be held inline (Limits::repair_bytes)"
    )]
    MemberBorders {
        /// How many chunks do.
        chunks: usize,
    },
    /// A virtual dataset with sources in other files, which nobody has allowed to be referenced.
    #[error("sources of the virtual dataset lie in other files, referenced only under --external-root")]
    VirtualFiles,
    /// A file with sources of a virtual dataset that cannot be referenced.
    #[error("source of the virtual dataset in the file \"{name}\": {why}")]
    VirtualFile {
        /// The file's name, as the virtual dataset has it.
        name: String,
        /// Why not.
        why: String,
    },
    /// A source of a virtual dataset that cannot be referenced.
    #[error("source \"{dataset}\" of the virtual dataset in the file \"{file}\": {why}")]
    VirtualSource {
        /// The name of the source's file; `.` is the virtual dataset's own.
        file: String,
        /// The path of the source.
        dataset: String,
        /// Why not.
        why: String,
    },
    /// A virtual dataset that does not consist of whole chunks of its sources.
    #[error("virtual dataset: {0}")]
    VirtualMapping(&'static str),
    /// A dataset without elements: its dataspace is null.
    #[error("null dataspace holds no elements")]
    NullDataspace,
    /// Names that cannot be keys of a Zarr store.
    #[error("name cannot be a Zarr key: {0}")]
    Name(&'static str),
    /// References in Parquet with a compression that a feature of this crate undoes, without which it was built.
    #[error("Parquet compressed with {name} is read only where h5refs is built with the feature \"{feature}\"")]
    Compression {
        /// The compression.
        name: &'static str,
        /// The feature's name.
        feature: &'static str,
    },
    /// A character encoding of XML.
    #[error("XML in the encoding {0} is not supported")]
    Encoding(String),
    /// What a DMR++ sidecar does not tell of its file, or not exactly.
    #[error("the sidecar does not tell {0}")]
    NotTold(String),
    /// A feature named in plain words.
    #[error("{0} is not supported")]
    Feature(&'static str),
}

/// A limit that the file would exceed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{value} exceeds Limits::{which} = {limit}; raise it if the file is trusted")]
pub struct LimitError {
    /// The field of [`Limits`](crate::Limits).
    pub which: &'static str,
    /// Its value.
    pub limit: u64,
    /// What the file asks for.
    pub value: u64,
}
