//! Header messages ([IV.A.2]), one file per message.

pub(crate) mod attribute;
pub(crate) mod attribute_info;
pub(crate) mod btree_k;
pub(crate) mod cache_image;
pub(crate) mod continuation;
pub(crate) mod data_layout;
pub(crate) mod dataspace;
pub(crate) mod datatype;
pub(crate) mod driver_information;
pub(crate) mod external_files;
pub(crate) mod file_space_info;
pub(crate) mod fill_value;
pub(crate) mod filter_pipeline;
pub(crate) mod group_info;
pub(crate) mod link;
pub(crate) mod link_info;
pub(crate) mod shared;
pub(crate) mod shared_message_table;
pub(crate) mod symbol_table;

/// Message types ([IV.A.2]).
pub(crate) mod types {
    pub(crate) const NIL: u16 = 0x0000;
    pub(crate) const DATASPACE: u16 = 0x0001;
    pub(crate) const LINK_INFO: u16 = 0x0002;
    pub(crate) const DATATYPE: u16 = 0x0003;
    pub(crate) const FILL_VALUE_OLD: u16 = 0x0004;
    pub(crate) const FILL_VALUE: u16 = 0x0005;
    pub(crate) const LINK: u16 = 0x0006;
    pub(crate) const EXTERNAL_FILES: u16 = 0x0007;
    pub(crate) const DATA_LAYOUT: u16 = 0x0008;
    /// Written by libhdf5's own tests, for readers that do not know it.
    pub(crate) const BOGUS: u16 = 0x0009;
    pub(crate) const GROUP_INFO: u16 = 0x000a;
    pub(crate) const FILTER_PIPELINE: u16 = 0x000b;
    pub(crate) const ATTRIBUTE: u16 = 0x000c;
    pub(crate) const SHARED_MESSAGE_TABLE: u16 = 0x000f;
    pub(crate) const CONTINUATION: u16 = 0x0010;
    pub(crate) const SYMBOL_TABLE: u16 = 0x0011;
    pub(crate) const BTREE_K: u16 = 0x0013;
    pub(crate) const DRIVER_INFORMATION: u16 = 0x0014;
    pub(crate) const ATTRIBUTE_INFO: u16 = 0x0015;
    pub(crate) const FILE_SPACE_INFO: u16 = 0x0017;
    /// The highest type that libhdf5 2.2 knows: the metadata cache image.
    pub(crate) const CACHE_IMAGE: u16 = 0x0018;
}
