//! What netCDF reads where nothing was ever written (`NC_FILL_*` of netcdf.h).

use crate::file::{ByteOrder, Class, Datatype};

/// An element of netCDF's default fill value, in the type's byte order; `None` where netCDF has no such type.
pub(crate) fn default_fill(datatype: &Datatype) -> Option<Vec<u8>> {
    let little = match (&datatype.class, datatype.size) {
        (Class::FixedPoint { signed: true, .. }, 1) => (-127_i8).to_le_bytes().to_vec(),
        (Class::FixedPoint { signed: true, .. }, 2) => (-32_767_i16).to_le_bytes().to_vec(),
        (Class::FixedPoint { signed: true, .. }, 4) => (-2_147_483_647_i32).to_le_bytes().to_vec(),
        (Class::FixedPoint { signed: true, .. }, 8) => (-9_223_372_036_854_775_806_i64).to_le_bytes().to_vec(),
        (Class::FixedPoint { .. }, 1) => vec![255],
        (Class::FixedPoint { .. }, 2) => 65_535_u16.to_le_bytes().to_vec(),
        (Class::FixedPoint { .. }, 4) => 4_294_967_295_u32.to_le_bytes().to_vec(),
        (Class::FixedPoint { .. }, 8) => 18_446_744_073_709_551_614_u64.to_le_bytes().to_vec(),
        (Class::FloatingPoint { format, .. }, 4) if format.is_ieee(4) => 9.969_21e36_f32.to_le_bytes().to_vec(),
        (Class::FloatingPoint { format, .. }, 8) if format.is_ieee(8) => {
            9.969_209_968_386_869e36_f64.to_le_bytes().to_vec()
        }
        (Class::String(_), 1) => vec![0],
        _ => return None,
    };
    let order = match &datatype.class {
        Class::FixedPoint { order, .. } | Class::FloatingPoint { order, .. } => *order,
        _ => ByteOrder::Little,
    };
    Some(if order == ByteOrder::Big { little.into_iter().rev().collect() } else { little })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file::Bits;

    #[test]
    fn the_values_are_those_of_netcdf_h() {
        let short = |order| Datatype {
            size: 2,
            class: Class::FixedPoint { order, signed: true, bits: Bits { offset: 0, precision: 16 } },
        };
        assert_eq!(default_fill(&short(ByteOrder::Little)), Some(vec![0x01, 0x80]));
        assert_eq!(default_fill(&short(ByteOrder::Big)), Some(vec![0x80, 0x01]));
        // NC_FILL_FLOAT is 9.9692099683868690e+36f: the same number, rounded to single precision.
        assert_eq!(9.969_21e36_f32.to_bits(), 0x7cf0_0000);
        assert_eq!(9.969_209_968_386_869e36_f64.to_bits(), 0x479e_0000_0000_0000);
        assert_eq!(default_fill(&Datatype { size: 3, class: Class::Opaque { tag: String::new() } }), None);
    }
}
