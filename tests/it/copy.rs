//! Stores that are written: they read as what they were copied from, whole or not at all, also after a run that was killed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use h5refs::copy::{Compressor, Copier, CopyOptions, Folder, Progress, Target};
use h5refs::plan::ChunkPlan;
use h5refs::{Limits, LocalSources, ReferenceSet, Store};
use serde_json::{Value as Json, json};
use tempfile::tempdir;

use crate::cli::run;
use crate::files;

/// The store in a folder, by references to its files.
fn reopened(folder: &Path) -> Store<LocalSources> {
    let mut refs = serde_json::Map::new();
    for (key, path) in contents(folder) {
        let is_document = key.rsplit('/').next().unwrap().starts_with(".z");
        let text = || Json::from(std::fs::read_to_string(&path).unwrap());
        if key != ".zmetadata" {
            refs.insert(key, if is_document { text() } else { json!([path.to_str().unwrap()]) });
        }
    }
    let text = json!({"version": 1, "refs": refs}).to_string();
    let file = tempfile::Builder::new().suffix(".json").tempfile().unwrap();
    std::fs::write(file.path(), text).unwrap();
    let (set, stray) = h5refs::open_references(file.path(), &Limits::default()).unwrap();
    assert_eq!(stray, [""; 0]);
    Store::new(set, LocalSources::new().allow(folder).unwrap())
}

/// Keys and files.
fn contents(folder: &Path) -> BTreeMap<String, PathBuf> {
    let (mut found, mut folders) = (BTreeMap::new(), vec![folder.to_owned()]);
    while let Some(one) = folders.pop() {
        for entry in std::fs::read_dir(one).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.insert(path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned(), path);
            }
        }
    }
    found
}

fn bytes(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    contents(folder).into_iter().map(|(key, path)| (key, std::fs::read(path).unwrap())).collect()
}

/// A folder that need not outlast a failure of power.
struct Quick(Folder);

impl Target for Quick {
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, h5refs::Error> {
        self.0.get(key)
    }

    fn put(&self, key: &str, bytes: &[u8]) -> Result<(), h5refs::Error> {
        self.0.put(key, bytes)
    }

    fn sync(&self, _keys: &[String]) -> Result<(), h5refs::Error> {
        Ok(())
    }
}

fn origin(name: &str) -> Option<Store<LocalSources>> {
    let path = files::folder().join(name);
    let input = h5refs::Input::open(&path).ok()?;
    let (set, _) = h5refs::references(&input, &h5refs::Options::new(path.to_str().unwrap())).ok()?;
    Some(Store::new(set, LocalSources::new().allow(files::folder()).unwrap()))
}

/// Chunks that begin where no others do.
fn odd(set: &ReferenceSet) -> ChunkPlan {
    let chunks = |(path, array): (&str, &h5refs::reference::Array)| {
        let chunks: Vec<u64> = array.metadata.chunks.iter().map(|chunk| (chunk * 2 / 3 + 1).min(1 << 16)).collect();
        (path.to_owned(), json!(chunks))
    };
    let plan: serde_json::Map<String, Json> = set.arrays().map(chunks).collect();
    ChunkPlan::parse(&Json::from(plan).to_string()).unwrap()
}

#[test]
fn files_are_copied_in_other_chunks_and_read_as_they_did() {
    let mut arrays = 0;
    for name in files::names() {
        let Some(origin) = origin(&name) else { continue };
        let readable = |path: &str| origin.array(path).and_then(|array| array.read_all());
        let unreadable: Vec<String> = origin
            .set()
            .arrays()
            .filter(|(path, _)| readable(path).is_err())
            .map(|(path, _)| format!("/{path}"))
            .collect();
        let chunks = |(_, array): (&str, &h5refs::reference::Array)| array.chunks.grid.iter().product::<u64>();
        if origin.set().arrays().map(chunks).sum::<u64>() > 300 {
            continue;
        }
        let folder = tempdir().unwrap();
        let mut options = CopyOptions::default();
        (options.plan, options.jobs, options.shuffle) = (odd(origin.set()), 2, arrays % 2 == 0);
        options.compressor = if arrays % 3 == 0 { Compressor::None } else { Compressor::Zlib(1) };
        options.select = h5refs::Select::new(move |path| !unreadable.iter().any(|known| known == path));
        let copier = match Copier::new(&origin, &name, options) {
            Ok(copier) => copier,
            // Names that no key can have, and codecs that are not undone here.
            Err(error) => {
                let text = error.to_string();
                assert!(text.starts_with("reference ") || text.contains("decoded"), "{name}: {text}");
                continue;
            }
        };
        let target = Quick(Folder::new(folder.path()));
        match copier.write(&target, &mut Progress::none(), &|_| {}) {
            // Names that are longer than those of files.
            Err(h5refs::Error::Io { .. }) if name.starts_with("group/dense_") => continue,
            written => _ = written.unwrap_or_else(|error| panic!("{name}: {error}")),
        }
        assert!(copier.compare(&target, None, 0).unwrap().is_same(), "{name}");
        let copied = reopened(folder.path());
        for (path, array) in copied.set().arrays() {
            let (one, other) = (origin.array(path).unwrap(), copied.array(path).unwrap());
            // NaN differs from itself: bits are compared.
            let (one, other) = (one.read_all().unwrap(), other.read_all().unwrap());
            assert_eq!((one.bytes(), one.texts()), (other.bytes(), other.texts()), "{name} {path}");
            let known = origin.array(path).unwrap().array();
            let of = |array: &h5refs::reference::Array| {
                let attributes = serde_json::to_string(&array.attributes).unwrap();
                format!("{attributes} {:?}", (&array.metadata.dtype, &array.metadata.fill_value))
            };
            assert_eq!(of(known), of(array), "{name} {path}");
            arrays += 1;
        }
    }
    assert!(arrays > 900, "{arrays}");
}

/// References of an array as PRISM's, of which nothing is there.
fn prism(folder: &Path) -> PathBuf {
    let array = json!({"zarr_format": 2, "shape": [1512, 621, 1405], "chunks": [1, 23, 44], "dtype": "<f4", "compressor": null,
        "filters": null, "fill_value": -9999.0, "order": "C"});
    let refs = json!({".zgroup": "{\"zarr_format\":2}", "tmn/.zarray": array.to_string(),
        "tmn/.zattrs": "{\"_ARRAY_DIMENSIONS\":[\"time\",\"lat\",\"lon\"]}"});
    let path = folder.join("prism.json");
    std::fs::write(&path, json!({"version": 1, "refs": refs}).to_string()).unwrap();
    path
}

#[test]
fn a_plan_is_told_and_written() {
    let folder = tempdir().unwrap();
    let (prism, plan) = (prism(folder.path()), folder.path().join("plan.json"));
    let told = run(&[&"plan", &prism, &"--json"]);
    assert_eq!((told.code, told.err.as_str()), (0, ""));
    let told: Json = serde_json::from_str(&told.out).unwrap();
    let candidates = told["arrays"][0]["candidates"].as_array().unwrap();
    let answer = candidates.iter().position(|one| one["chunks"] == json!([72, 354, 354])).unwrap();
    assert_eq!(candidates[answer]["bytes"], 36_091_008);
    assert_eq!(told["arrays"][0]["today"]["bytes"], 4_048);
    let choice = format!("tmn={}", answer + 1);
    let table = run(&[&"plan", &prism, &"--choose", &choice, &"-o", &plan, &"--candidates", &"3"]);
    assert_eq!((table.code, table.err.as_str()), (0, ""));
    let lines: Vec<&str> = table.out.lines().collect();
    assert_eq!(lines[0], "tmn (time 1512, lat 621, lon 1405) 5.2 GB");
    assert!(lines[2].trim_start().starts_with("today      1x23x44   4.0 kB  1306368"), "{}", table.out);
    assert_eq!(lines.len(), 8, "{}", table.out);
    let written: Json = serde_json::from_slice(&std::fs::read(&plan).unwrap()).unwrap();
    assert_eq!(written, json!({"tmn": {"time": 72, "lat": 354, "lon": 354}}));
    assert!(run(&[&"plan", &prism, &"--choose", &"tmn=999999"]).failure().contains(" candidates"));
    assert!(run(&[&"plan", &prism, &"--least", &"300MB"]).failure().starts_with("h5refs: plan: the least bytes"));
}

#[test]
fn names_that_are_not_there_are_told_before_anything_is_written() {
    let folder = tempdir().unwrap();
    let (prism, plan, out) = (prism(folder.path()), folder.path().join("plan.json"), folder.path().join("out.zarr"));
    std::fs::write(&plan, r#"{"tnm": {"time": 72}, "tmn": {"tim": 72}}"#).unwrap();
    let run = run(&[&"copy", &prism, &"-o", &out, &"--plan", &plan]);
    assert_eq!(
        run.failure(),
        "h5refs: plan: tmn: no dimension is called tim: there are time, lat, lon; no variable is called tnm: there are tmn"
    );
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
}

#[test]
fn a_url_is_written_to_only_where_that_can_be() {
    let said = |url: &str| run(&[&"copy", &"netcdf/cf.nc", &"-o", &url]).failure().to_owned();
    let table = [
        ("https://host/out.zarr", "https://host/out.zarr: stores are written to s3, gs and az, and not to web servers"),
        ("http://u:canary@host/out.zarr?sig=canary", "http://..@host/out.zarr?..: it has a query or a fragment"),
        ("s3://bucket/", "s3://bucket/: it is a whole bucket: name a folder in it"),
    ];
    for (url, why) in table {
        let said = said(url);
        let why = if cfg!(feature = "remote") { why } else { "built with the feature \"remote\"" };
        assert!(said.contains(why) && !said.contains("canary"), "{said}");
    }
}

#[test]
fn a_store_is_there_once_and_is_replaced_only_where_that_is_asked_for() {
    let folder = tempdir().unwrap();
    let out = folder.path().join("out.zarr");
    let copy = |more: &[&str]| {
        let mut all: Vec<&dyn AsRef<std::ffi::OsStr>> = vec![&"copy", &"netcdf/cf.nc", &"-o", &out];
        all.extend(more.iter().map(|one| one as &dyn AsRef<std::ffi::OsStr>));
        run(&all)
    };
    let first = copy(&["--verify", "all"]);
    assert_eq!(first.code, 0, "{}", first.err);
    assert!(first.err.contains(" 0 differences"), "{}", first.err);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    let written = bytes(&out);
    assert!(copy(&[]).failure().ends_with("is there already: --overwrite replaces it"));
    assert!(copy(&["--resume", "--level", "9"]).failure().contains("with other options or of another input"));
    assert_eq!(copy(&["--resume"]).code, 0);
    assert_eq!(bytes(&out), written);
    assert_eq!(copy(&["--overwrite", "--compressor", "none", "-q"]).err, "");
    let plain = bytes(&out);
    assert_ne!(plain, written);
    // A chunk that changed is found, also later.
    let (key, chunk) = plain.iter().find(|(key, _)| !key.contains(".z")).unwrap();
    let other: Vec<u8> = chunk.iter().map(|byte| byte ^ 1).collect();
    std::fs::write(out.join(key), other).unwrap();
    let wrong = copy(&["--resume", "--compressor", "none", "--verify", "all"]);
    assert_eq!(wrong.code, 4, "{}", wrong.err);
    assert!(wrong.err.contains("of it is another than in the source"), "{}", wrong.err);
    let photos = folder.path().join("photos");
    std::fs::create_dir(&photos).unwrap();
    std::fs::write(photos.join("cat.jpg"), "").unwrap();
    let refused = run(&[&"copy", &"netcdf/cf.nc", &"-o", &photos, &"--overwrite"]);
    assert!(refused.failure().ends_with("is no Zarr store: it is not replaced"), "{}", refused.err);
}

#[test]
fn a_copy_of_references_is_gone_on_with_if_the_files_are_what_they_were() {
    let folder = tempdir().unwrap();
    let of = |name: &str| folder.path().join(name);
    let (data, references, out) = (of("a.bin"), of("a.json"), of("a.zarr"));
    let array = json!({"zarr_format": 2, "shape": [4], "chunks": [4], "dtype": "|u1", "compressor": null, "filters": null,
        "fill_value": null, "order": "C"});
    let refs = json!({".zgroup": "{\"zarr_format\":2}", "a/.zarray": array.to_string(), "a/0": [data]});
    std::fs::write(&references, refs.to_string()).unwrap();
    std::fs::write(&data, [1, 2, 3, 4]).unwrap();
    let copy = |references: &Path, out: &Path| run(&[&"copy", &references, &"-o", &out, &"--resume", &"-q"]);
    assert_eq!((copy(&references, &out).code, copy(&references, &out).code), (0, 0));
    std::fs::write(&data, [5, 6, 7, 8]).unwrap();
    let refused = copy(&references, &out);
    assert!(refused.failure().contains("with other options or of another input"), "{refused:?}");
    // What is recorded of a file has to hold for a first copy, too.
    let (file, scanned) = (of("b.nc"), of("b.json"));
    std::fs::copy(files::folder().join("netcdf/cf.nc"), &file).unwrap();
    assert_eq!(run(&[&"scan", &file, &"-o", &scanned]).code, 0);
    std::fs::write(&file, [std::fs::read(&file).unwrap(), vec![0]].concat()).unwrap();
    let refused = copy(&scanned, &of("b.zarr"));
    assert!(refused.failure().contains("b.nc has changed since it was first read: it has "), "{refused:?}");
    assert!(!of("b.zarr").exists());
}

#[test]
fn what_of_a_file_has_no_form_is_told_and_the_rest_is_copied() {
    let folder = tempdir().unwrap();
    let out = folder.path().join("out.zarr");
    let name = "datatype/refused.h5";
    let refused = files::names().into_iter().find(|name| {
        let path = files::folder().join(name);
        let found = h5refs::Input::open(&path).and_then(|i| h5refs::references(&i, &h5refs::Options::new("f")));
        found.is_ok_and(|(set, report)| report.refused().count() > 0 && set.arrays().count() > 0)
    });
    let name = refused.unwrap_or_else(|| name.to_owned());
    let run = run(&[&"copy", &name, &"-o", &out]);
    assert_eq!(run.code, 3, "{name}: {}", run.err);
    assert!(out.join(".zmetadata").is_file());
}

#[test]
fn a_copy_that_is_killed_is_gone_on_with_and_is_the_same() {
    let folder = tempdir().unwrap();
    let (whole, out) = (folder.path().join("whole.zarr"), folder.path().join("out.zarr"));
    let arguments = ["--memory", "6MB", "--chunks", "data=13x11", "--level", "9"];
    let source = folder.path().join("source.json");
    std::fs::write(&source, many_chunks()).unwrap();
    let mut all: Vec<&dyn AsRef<std::ffi::OsStr>> = vec![&"copy", &source, &"-o", &whole];
    all.extend(arguments.iter().map(|one| one as &dyn AsRef<std::ffi::OsStr>));
    let begun = std::time::Instant::now();
    let first = run(&all);
    assert_eq!(first.code, 0, "{}", first.err);
    let takes = begun.elapsed();
    let mut killed = 0;
    for n in 1..8 {
        let mut child = Command::new(env!("CARGO_BIN_EXE_h5refs"))
            .args(["copy", source.to_str().unwrap(), "-o", out.to_str().unwrap(), "--resume"])
            .args(arguments)
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(takes.mul_f64(0.1 * f64::from(n)).min(Duration::from_secs(5)));
        child.kill().unwrap();
        killed += u32::from(!child.wait().unwrap().success());
        if out.exists() {
            break;
        }
    }
    assert!(killed > 0);
    all[3] = &out;
    all.push(&"--resume");
    let last = run(&all);
    assert_eq!(last.code, 0, "{}", last.err);
    assert_eq!(bytes(&out), bytes(&whole));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 3);
}

/// References of 400 x 400 numbers, held inline, a row each.
fn many_chunks() -> String {
    let array = json!({"zarr_format": 2, "shape": [400, 400], "chunks": [1, 400], "dtype": "<i4", "compressor": null,
        "filters": null, "fill_value": null, "order": "C"});
    let mut refs = serde_json::Map::from_iter([
        (".zgroup".to_owned(), json!("{\"zarr_format\":2}")),
        ("data/.zarray".to_owned(), array.to_string().into()),
    ]);
    for row in 0..400_u32 {
        // Any texts of 1600 bytes.
        let text: String =
            (0..1600).map(|n| char::from(b'a' + u8::try_from((n * row + n / 7) % 26).unwrap())).collect();
        refs.insert(format!("data/{row}.0"), text.into());
    }
    json!({"version": 1, "refs": refs}).to_string()
}
