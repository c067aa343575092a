//! What references made of DMR++ sidecars read, compared with what references made of their files read.

use std::collections::{BTreeMap, BTreeSet};

use h5refs::file::ByteOrder;
use h5refs::{Input, LocalSources, Options, ReferenceSet, Report, Store};

use serde_json::Value as Json;

use crate::files;

/// What sidecars do not tell, as `sidecar path: reason`.
const NOT_TOLD: &str = include_str!("dmrpp_refused.txt");

/// The sidecars, each with its file: `<structure>.<case>.<extension>[.<variation>].dmrpp`.
fn sidecars() -> Vec<(String, String)> {
    let of = |name: String| {
        let parts: Vec<&str> = name.strip_prefix("dmrpp/").unwrap().split('.').collect();
        let file = format!("{}/{}.{}", parts[0], parts[1], parts[2]);
        (name, file)
    };
    files::with_extension(&["dmrpp"]).into_iter().map(of).collect()
}

fn options(file: &str, threshold: u64) -> Options {
    let mut options = Options::new(files::folder().join(file).to_str().unwrap());
    options.inline_threshold = threshold;
    options
}

fn of_file(file: &str) -> ReferenceSet {
    h5refs::references(&Input::from(files::bytes(file)), &options(file, 0)).unwrap().0
}

fn of_sidecar(sidecar: &str, file: &str) -> (ReferenceSet, Report) {
    h5refs::dmrpp_references(&files::bytes(sidecar), &options(file, 0)).unwrap()
}

fn store(mut set: ReferenceSet) -> Store<LocalSources> {
    // The copy of the file is the file.
    let file = set.urls[0].clone();
    set.urls.iter_mut().skip(1).for_each(|url| url.clone_from(&file));
    Store::new(set, LocalSources::new().allow(files::folder()).unwrap())
}

/// What the arrays of a sidecar were found to be beside those of its file.
#[derive(Default)]
struct Found {
    /// Arrays that are not there, and why.
    missing: BTreeSet<String>,
    /// What is taken for what is not told.
    assumed: BTreeSet<String>,
    arrays: usize,
    chunks: usize,
}

impl Found {
    fn compare(&mut self, sidecar: &str, file: &str, (set, report): (ReferenceSet, Report)) {
        let expected = store(of_file(file));
        let refused: BTreeMap<&str, String> = report.refused().collect();
        self.missing.extend(refused.iter().map(|(path, reason)| format!("{sidecar} {path}: {reason}")));
        self.assumed.extend(report.assumed().map(|(path, what)| format!("{sidecar} {path}: {what}")));
        let found = store(set);
        for (path, array) in expected.set().arrays() {
            if found.array(path).is_ok() {
                self.compare_array(&format!("{sidecar} {path}"), (&found, &expected), (path, array));
            } else if !refused.contains_key(format!("/{path}").as_str()) {
                self.missing.insert(format!("{sidecar} /{path}: not in it"));
            }
        }
    }

    fn compare_array(
        &mut self,
        what: &str,
        (found, expected): (&Store<LocalSources>, &Store<LocalSources>),
        (path, array): (&str, &h5refs::reference::Array),
    ) {
        let here = found.array(path).unwrap();
        let (metadata, like) = (&here.array().metadata, &array.metadata);
        assert_eq!((&metadata.shape, &metadata.dtype), (&like.shape, &like.dtype), "{what}");
        assert_eq!(metadata.fill_value, like.fill_value, "{what}");
        let read = here.read_all().unwrap_or_else(|error| panic!("{what}: {error}"));
        let like = expected.array(path).unwrap().read_all().unwrap();
        assert_eq!((read.bytes(), read.texts()), (like.bytes(), like.texts()), "{what}");
        let names = |set: &h5refs::reference::Array| {
            set.attributes.iter().find(|(name, _)| *name == "_ARRAY_DIMENSIONS").map(|(_, names)| names.clone())
        };
        // Which dimensions without a name are one, depends on whether they are unlimited, which is not told.
        let (told_names, expected_names) = (names(here.array()).unwrap(), names(array).unwrap());
        let pairs = told_names.as_array().unwrap().iter().zip(expected_names.as_array().unwrap());
        let is_phony = |name: &Json| name.as_str().unwrap().starts_with("phony_dim_");
        let same = |(one, other): (&Json, &Json)| one == other || (is_phony(one) && is_phony(other));
        assert!(pairs.into_iter().all(same), "{what}: {told_names} {expected_names}");
        self.arrays += 1;
        self.chunks += here.array().chunks.number.len();
    }
}

#[test]
fn sidecars_read_what_their_files_read_or_say_what_they_do_not_tell() {
    let mut found = Found::default();
    for (sidecar, file) in sidecars() {
        found.compare(&sidecar, &file, of_sidecar(&sidecar, &file));
    }
    let expected: BTreeSet<String> = NOT_TOLD.lines().map(str::to_owned).collect();
    assert_eq!(found.missing, expected);
    assert_eq!(found.assumed, BTreeSet::new());
    assert!(found.arrays > 105 && found.chunks > 150, "{} arrays, {} chunks", found.arrays, found.chunks);
}

#[test]
fn what_is_taken_as_it_is_served_reads_as_the_files_and_is_said() {
    let mut found = Found::default();
    for (sidecar, file) in sidecars() {
        let mut options = options(&file, 0);
        options.dmrpp_as_served = true;
        found.compare(&sidecar, &file, h5refs::dmrpp_references(&files::bytes(&sidecar), &options).unwrap());
    }
    let given = |text: &&str| {
        ["byte order", "of chunks that were never written", "futureFilter", "behind the first NUL"]
            .iter()
            .any(|word| text.contains(word))
    };
    let (given, missing): (BTreeSet<&str>, BTreeSet<&str>) = NOT_TOLD.lines().partition(given);
    assert_eq!(found.missing.iter().map(String::as_str).collect::<BTreeSet<_>>(), missing);
    let place = |text: &str| text.split(": ").next().map(str::to_owned);
    let places: BTreeSet<_> = found.assumed.iter().map(|text| place(text)).collect();
    assert_eq!(places, given.iter().map(|text| place(text)).collect());
    let what = "as it is served, since the sidecar does not tell the byte order of its elements";
    assert!(found.assumed.contains(&format!("dmrpp/netcdf.cf.nc.without_order.dmrpp /sst: {what}")));
}

/// What a sidecar of variables becomes with `--as-served --fill declare`, and what is said to be taken or refused.
fn served(variables: &str) -> (ReferenceSet, BTreeSet<String>) {
    let text = format!(
        "<Dataset xmlns='http://xml.opendap.org/ns/DAP/4.0#' xmlns:dmrpp='http://xml.opendap.org/dap/dmrpp/1.0.0#' \
         name='f' dmrpp:href='f.h5' dmrpp:version='3.21'>{variables}</Dataset>"
    );
    let mut options = Options::new("s3://bucket/f.h5");
    (options.dmrpp_as_served, options.fill) = (true, h5refs::FillPolicy::Declare);
    let (set, report) = h5refs::dmrpp_references(text.as_bytes(), &options).unwrap();
    let assumed = report.assumed().map(|(path, reason)| format!("{path}: {reason}"));
    let said = assumed.chain(report.refused().map(|(path, reason)| format!("{path}: {reason}"))).collect();
    (set, said)
}

#[test]
fn a_value_that_is_not_told_is_not_declared_where_no_chunk_is_missing() {
    let chunk = "<dmrpp:chunk offset='96' nBytes='8'/>";
    let chunks = |chunk| format!("<dmrpp:chunks byteOrder='LE' fillValue='-1000'>{chunk}</dmrpp:chunks>");
    let (set, said) = served(&format!("<Float32 name='v'><Dim size='2'/>{}</Float32>", chunks(chunk)));
    let declared = |set: &ReferenceSet| set.arrays().next().map(|(_, array)| array.metadata.fill_value.clone());
    assert_eq!((declared(&set), said), (Some(None), BTreeSet::new()));
    let (set, said) = served(&format!("<Float32 name='v'><Dim size='2'/>{}</Float32>", chunks("")));
    assert!(declared(&set).flatten().is_some() && said.len() == 1, "{said:?}");
}

#[test]
fn what_is_taken_is_said_of_texts_too_and_not_of_what_is_refused() {
    let (set, said) = served("<String name='s'><Dim size='3'/><dmrpp:chunks fillValue='x' foo='1'/></String>");
    assert_eq!(set.arrays().count(), 1);
    assert!(said.iter().any(|text| text.contains("foo")) && said.iter().any(|text| text.contains("NUL")), "{said:?}");
    let missing = "<Dim size='4000000'/><dmrpp:chunks byteOrder='LE' fillValue='-9999.9'><dmrpp:chunkDimensionSizes>1\
                   </dmrpp:chunkDimensionSizes></dmrpp:chunks>";
    let (set, said) = served(&format!(
        "<Float32 name='v'>{missing}<Attribute name='_FillValue' type='Float32'><Value>1</Value></Attribute></Float32>"
    ));
    assert_eq!(set.arrays().count(), 0);
    assert!(said.len() == 1 && !said.first().unwrap().contains("as it is served"), "{said:?}");
}

#[test]
fn the_order_of_elements_means_nothing() {
    for file in ["netcdf/cf.nc", "netcdf/groups.nc"] {
        let name = file.replace('/', ".");
        let sorted = |sidecar: &str| {
            let mut nodes = of_sidecar(sidecar, file).0.nodes;
            nodes.sort_by(|one, other| one.0.cmp(&other.0));
            nodes.into_iter().map(|(key, node)| (key, format!("{node:?}").len())).collect::<Vec<_>>()
        };
        assert_eq!(sorted(&format!("dmrpp/{name}.reversed_elements.dmrpp")), sorted(&format!("dmrpp/{name}.dmrpp")));
    }
}

#[test]
fn the_order_of_bytes_may_be_said_where_the_sidecar_does_not_tell_it() {
    let (sidecar, file) = ("dmrpp/netcdf.cf.nc.without_order.dmrpp", "netcdf/cf.nc");
    let mut options = options(file, 0);
    let of = |options: &Options| h5refs::dmrpp_references(&files::bytes(sidecar), options).unwrap();
    let (without, report) = of(&options);
    assert!(report.refused().any(|(_, reason)| reason.contains("byte order")));
    options.dmrpp_order = Some(ByteOrder::Little);
    let (set, report) = of(&options);
    assert!(set.arrays().count() > without.arrays().count());
    assert_eq!(report.refused().filter(|(_, reason)| reason.contains("byte order")).count(), 0);
    let (told, expected) = (store(set), store(of_file(file)));
    for path in ["sst", "time"].iter().filter(|path| expected.array(path).is_ok()) {
        let read = |store: &Store<LocalSources>| store.array(path).unwrap().read_all().unwrap();
        assert_eq!(read(&told), read(&expected), "{path}");
    }
}

#[test]
fn chunks_may_lie_in_several_files() {
    let (set, _) = of_sidecar("dmrpp/filter.gzip.h5.two_files.dmrpp", "filter/gzip.h5");
    assert_eq!(set.urls.len(), 2);
    assert_eq!(set.urls[1], "https://example.com/copy");
    let lists: Vec<usize> = set.arrays().map(|(_, array)| array.chunks.files().len()).collect();
    assert!(lists.contains(&2) || lists.len() > 1, "{lists:?}");
}
