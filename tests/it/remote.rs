//! Files at URLs, as commands read them.

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use serde_json::Value as Json;

use crate::cli::run;
use crate::files;
use crate::http_server::serve;

const FILES: [&str; 3] = ["netcdf/cf.nc", "chunk/btree_v2_levels.h5", "group/dense.h5"];

/// A server of files under `/data/`, and of one elsewhere.
fn served() -> (String, std::sync::Arc<crate::http_server::Asked>) {
    let mut served: HashMap<String, Bytes> =
        FILES.map(|name| (format!("/data/{name}"), files::bytes(name))).into_iter().collect();
    served.insert("/secret/cf.nc".to_owned(), files::bytes("netcdf/cf.nc"));
    serve(served)
}

fn json(path: &Path) -> Json {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

#[test]
fn a_url_is_scanned_in_ranges_as_the_file_is() {
    let (address, asked) = served();
    let folder = tempfile::tempdir().unwrap();
    for name in FILES {
        let (remote, local) = (folder.path().join("remote.json"), folder.path().join("local.json"));
        let url = format!("{address}/data/{name}");
        let scan = run(&[&"scan", &url, &"-o", &remote, &"--stats"]);
        assert_eq!(scan.code, 0, "{}", scan.err);
        assert!(scan.err.contains(" rounds, ") && scan.err.contains(" s reading, "), "{}", scan.err);
        let here = run(&[&"scan", &files::folder().join(name), &"--url", &url, &"-o", &local]);
        assert_eq!(here.code, 0, "{}", here.err);
        assert_eq!(json(&remote)["refs"], json(&local)["refs"], "{name}");
        assert_eq!(json(&remote)["h5refs"]["sources"][&url]["etag"], "\"one\"");
        let [ls, there] =
            [&url as &dyn AsRef<std::ffi::OsStr>, &files::folder().join(name)].map(|file| run(&[&"ls", file]));
        assert_eq!((ls.code, ls.out), (0, there.out), "{name}");
    }
    assert!(asked.ranges.load(Ordering::Relaxed) > FILES.len());
    assert_eq!(asked.wholes.load(Ordering::Relaxed), 0);
    let absent = run(&[&"scan", &format!("{address}/data/none.nc"), &"-o", &"-"]);
    assert!(absent.failure().contains("/data/none.nc: "), "{}", absent.err);
}

#[test]
fn only_what_lies_under_an_allowed_prefix_is_read() {
    let (address, asked) = served();
    let folder = tempfile::tempdir().unwrap();
    let refs = folder.path().join("refs.json");
    let scan = run(&[
        &"scan",
        &files::folder().join("netcdf/cf.nc"),
        &"--url",
        &format!("{address}/secret/cf.nc"),
        &"--inline-threshold",
        &"0",
        &"-o",
        &refs,
    ]);
    assert_eq!(scan.code, 0, "{}", scan.err);
    for elsewhere in ["/data/", "/data", "/secre", "/secret/cf.n"] {
        let verify = run(&[&"verify", &refs, &"--allow", &format!("{address}{elsewhere}")]);
        assert!(verify.err.contains("it lies under no prefix that may be read"), "{elsewhere}: {}", verify.err);
        let combine =
            run(&[&"combine", &refs, &refs, &"--concat-dims", &"time", &"--allow", &format!("{address}{elsewhere}")]);
        assert_ne!(combine.code, 0, "{elsewhere}");
    }
    assert_eq!(asked.ranges.load(Ordering::Relaxed), 0);
    let verify = run(&[&"verify", &refs, &"--allow", &format!("{address}/secret/")]);
    assert!(verify.err.contains("0 wrong, 0 unchecked"), "{}", verify.err);
}

#[test]
fn a_signature_is_written_only_where_that_is_wanted_and_never_told() {
    let (address, _) = served();
    let signed = format!("{address}/data/netcdf/cf.nc?sig=canary");
    let refused = run(&[&"scan", &signed, &"-o", &"-"]);
    assert!(refused.failure().ends_with("--keep-query writes it into references"), "{}", refused.err);
    let mask = format!("{address}/{{year}}.nc?sig=canary");
    let mut told = refused.err.clone();
    for inputs in
        [&[mask.as_str()][..], &[signed.as_str(), mask.as_str()], &[signed.as_str(), "-o", "{year}{doy}.json"]]
    {
        let mut arguments: Vec<&dyn AsRef<std::ffi::OsStr>> = vec![&"combine", &"--concat-dims", &"time"];
        arguments.extend(inputs.iter().map(|input| input as &dyn AsRef<std::ffi::OsStr>));
        told.push_str(&run(&arguments).err);
    }
    assert!(!told.contains("canary") && told.contains("?.."), "{told}");
}
