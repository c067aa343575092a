//! The atomic types of DAP2, and what they are here.

/// An atomic type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Byte,
    Int16,
    UInt16,
    Int32,
    UInt32,
    Float32,
    Float64,
    String,
    Url,
}

impl Kind {
    pub(crate) const ALL: [Self; 9] = [
        Self::Byte,
        Self::Int16,
        Self::UInt16,
        Self::Int32,
        Self::UInt32,
        Self::Float32,
        Self::Float64,
        Self::String,
        Self::Url,
    ];

    /// The type of a name, in capitals or not.
    pub(crate) fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name().eq_ignore_ascii_case(name))
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Byte => "Byte",
            Self::Int16 => "Int16",
            Self::UInt16 => "UInt16",
            Self::Int32 => "Int32",
            Self::UInt32 => "UInt32",
            Self::Float32 => "Float32",
            Self::Float64 => "Float64",
            Self::String => "String",
            Self::Url => "Url",
        }
    }

    pub(crate) fn is_text(self) -> bool {
        matches!(self, Self::String | Self::Url)
    }

    pub(crate) fn is_float(self) -> bool {
        matches!(self, Self::Float32 | Self::Float64)
    }

    /// Bytes of an element in an answer, without the padding of an array of bytes; `None` for texts.
    pub(crate) fn sent(self) -> Option<u64> {
        match self {
            Self::Byte => Some(1),
            Self::Int16 | Self::UInt16 | Self::Int32 | Self::UInt32 | Self::Float32 => Some(4),
            Self::Float64 => Some(8),
            Self::String | Self::Url => None,
        }
    }

    /// The type in Zarr. Little-endian: integers of 16 bits are sent as 32, so that elements are made anew anyway, and not all readers
    /// of Zarr take the other byte order.
    pub(crate) fn dtype(self) -> &'static str {
        match self {
            Self::Byte => "|u1",
            Self::Int16 => "<i2",
            Self::UInt16 => "<u2",
            Self::Int32 => "<i4",
            Self::UInt32 => "<u4",
            Self::Float32 => "<f4",
            Self::Float64 => "<f8",
            Self::String | Self::Url => "|O",
        }
    }

    /// Bytes of an element in Zarr; `None` for texts.
    pub(crate) fn size(self) -> Option<u64> {
        match self {
            Self::Int16 | Self::UInt16 => Some(2),
            _ => self.sent(),
        }
    }

    /// The type in CDL.
    pub(crate) fn cdl(self) -> &'static str {
        match self {
            Self::Byte => "ubyte",
            Self::Int16 => "short",
            Self::UInt16 => "ushort",
            Self::Int32 => "int",
            Self::UInt32 => "uint",
            Self::Float32 => "float",
            Self::Float64 => "double",
            Self::String | Self::Url => "string",
        }
    }

    /// The integers that it has.
    pub(crate) fn integers(self) -> Option<std::ops::RangeInclusive<i128>> {
        match self {
            Self::Byte => Some(0..=0xff),
            Self::Int16 => Some(i16::MIN.into()..=i16::MAX.into()),
            Self::UInt16 => Some(0..=u16::MAX.into()),
            Self::Int32 => Some(i32::MIN.into()..=i32::MAX.into()),
            Self::UInt32 => Some(0..=u32::MAX.into()),
            _ => None,
        }
    }
}
