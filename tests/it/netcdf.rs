//! Variables and their dimensions as netCDF-C has them.

use crate::files;

/// File, variable, dimensions: in the order in which netCDF-C (4.10.1, through netCDF4-python) lists them.
const VARIABLES: &[(&str, &str, &[&str])] = &[
    ("kerchunk/char_fill.nc", "letters", &["x"]),
    ("netcdf/cf.nc", "time", &["time"]),
    ("netcdf/cf.nc", "lat", &["lat"]),
    ("netcdf/cf.nc", "lon", &["lon"]),
    ("netcdf/cf.nc", "time_bnds", &["time", "bnds"]),
    ("netcdf/cf.nc", "sst", &["time", "lat", "lon"]),
    ("netcdf/cf.nc", "crs", &[]),
    ("netcdf/cf.nc", "station_name", &["station"]),
    ("netcdf/cf.nc", "station_code", &["station", "name_len"]),
    ("netcdf/classic_model.nc", "x", &["x"]),
    ("netcdf/classic_model.nc", "d", &["time", "x"]),
    ("netcdf/contiguous_big_endian.nc", "d", &["x"]),
    ("netcdf/contiguous_big_endian.nc", "unsigned", &["x"]),
    ("netcdf/coordinates_2d.nc", "lat", &["y", "x"]),
    ("netcdf/coordinates_2d.nc", "lon", &["y", "x"]),
    ("netcdf/coordinates_2d.nc", "t", &["y", "x"]),
    ("netcdf/coordinates_2d.nc", "z", &["z", "x"]),
    ("netcdf/creation_order.nc", "zz", &["zulu", "alpha"]),
    ("netcdf/creation_order.nc", "aa", &["zulu", "alpha"]),
    ("netcdf/default_fill.nc", "v_i1", &["time", "x"]),
    ("netcdf/default_fill.nc", "v_u1", &["time", "x"]),
    ("netcdf/default_fill.nc", "v_i2", &["time", "x"]),
    ("netcdf/default_fill.nc", "v_i4", &["time", "x"]),
    ("netcdf/default_fill.nc", "v_i8", &["time", "x"]),
    ("netcdf/default_fill.nc", "v_f4", &["time", "x"]),
    ("netcdf/default_fill.nc", "v_f8", &["time", "x"]),
    ("netcdf/default_fill.nc", "never_written", &["x"]),
    ("netcdf/default_fill.nc", "no_fill", &["x"]),
    ("netcdf/fletcher32.nc", "d", &["x"]),
    ("netcdf/groups.nc", "x", &["x"]),
    ("netcdf/groups.nc", "g/y", &["y"]),
    ("netcdf/groups.nc", "g/inherited", &["y", "x"]),
    ("netcdf/groups.nc", "g/h/shadowed", &["y", "x"]),
    ("netcdf/groups.nc", "g/h/records", &["time"]),
    ("netcdf/missing_values.nc", "mixed", &["x"]),
    ("netcdf/missing_values.nc", "nan", &["x"]),
    ("netcdf/missing_values.nc", "number", &["x"]),
    ("netcdf/name_of_other_dimension.nc", "x", &["y"]),
    ("netcdf/name_of_other_dimension.nc", "d", &["y", "x"]),
    ("netcdf/no_coordinates.nc", "d", &["y", "x"]),
    ("netcdf/no_coordinates.nc", "square", &["x", "x"]),
    ("netcdf/quantized.nc", "bitgroom", &["x"]),
    ("netcdf/quantized.nc", "granularbitround", &["x"]),
    ("netcdf/quantized.nc", "bitround", &["x"]),
    ("netcdf/scalars.nc", "number", &[]),
    ("netcdf/scalars.nc", "never_written", &[]),
    ("netcdf/scalars.nc", "char", &[]),
    ("netcdf/scalars.nc", "text", &[]),
    ("netcdf/short_records.nc", "time", &["time"]),
    ("netcdf/short_records.nc", "short", &["time", "x"]),
    ("netcdf/short_records.nc", "full", &["time"]),
    ("netcdf/string_attributes.nc", "x", &["x"]),
    ("netcdf/user_types.nc", "cloud", &["x"]),
    ("netcdf/user_types.nc", "pair", &["x"]),
];

#[test]
fn variables_have_the_names_order_and_dimensions_that_netcdf_gives_them() {
    let mut found = Vec::new();
    for file in files::with_extension(&["nc"]) {
        let (set, _) = files::references(files::bytes(&file)).unwrap();
        for (path, array) in set.arrays() {
            let names = array.attributes.get("_ARRAY_DIMENSIONS").unwrap().as_array().unwrap();
            let names: Vec<String> = names.iter().map(|name| name.as_str().unwrap().to_owned()).collect();
            found.push((file.clone(), path.to_owned(), names));
        }
    }
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let expected = VARIABLES.iter().map(|(file, path, names)| ((*file).to_owned(), (*path).to_owned(), owned(names)));
    assert_eq!(found, expected.collect::<Vec<(String, String, Vec<String>)>>());
}
