//! `scan` of sidecars, and `--where`: which of many inputs are worked on.

use std::fs;

use tempfile::tempdir;

use crate::cli::run;

const CF: &str = "netcdf/cf.nc";
const GROUPS: &str = "netcdf/groups.nc";
const SIDECAR: &str = "dmrpp/netcdf.cf.nc.dmrpp";

#[test]
fn a_sidecar_leads_to_the_file_of_its_url_its_name_or_the_option() {
    let folder = tempdir().unwrap();
    let named = folder.path().join("cf.nc.dmrpp");
    fs::copy(crate::files::folder().join(SIDECAR), &named).unwrap();
    let urls = |arguments: &[&str]| {
        let mut given: Vec<&dyn AsRef<std::ffi::OsStr>> = vec![&"scan"];
        given.extend(arguments.iter().map(|argument| argument as &dyn AsRef<std::ffi::OsStr>));
        let run = run(&given);
        assert_eq!((run.code, run.err.as_str()), (0, ""), "{arguments:?}");
        let references: serde_json::Value = serde_json::from_str(&run.out).unwrap();
        references["refs"]["sst/0.0.0"][0].as_str().unwrap().to_owned()
    };
    let path = named.to_str().unwrap();
    let beside = folder.path().join("cf.nc");
    assert_eq!(urls(&[path]), beside.to_str().unwrap());
    assert_eq!(urls(&[path, "--url", "s3://bucket/cf.nc"]), "s3://bucket/cf.nc");
    let renamed = format!("{}=s3://bucket", folder.path().to_str().unwrap());
    assert_eq!(urls(&[path, "--rename", &renamed]), "s3://bucket/cf.nc");
    let text = String::from_utf8_lossy(&fs::read(&named).unwrap())
        .replace("OPeNDAP_DMRpp_DATA_ACCESS_URL", "https://host/cf.nc");
    // What is no character of ISO 8859-1 any more is one of no other encoding.
    fs::write(&named, text.replace("ISO-8859-1", "UTF-8")).unwrap();
    assert_eq!(urls(&[path]), "https://host/cf.nc");
    assert_eq!(urls(&[path, "--rename", "https://host=/data"]), "/data/cf.nc");
    assert_eq!(urls(&[path, "--url", "/data/x.nc"]), "/data/x.nc");
    let other = folder.path().join("other.xml");
    fs::copy(crate::files::folder().join(SIDECAR), &other).unwrap();
    let told = run(&[&"scan", &other]);
    assert!(told.failure().ends_with("its name does not end in .dmrpp: --url says where its file lies"));
}

#[test]
fn references_of_a_sidecar_are_verified_by_the_file_that_it_tells_of() {
    let folder = tempdir().unwrap();
    let [file, sidecar, set] = ["cf.nc", "cf.nc.dmrpp", "set.json"].map(|name| folder.path().join(name));
    fs::copy(crate::files::folder().join(CF), &file).unwrap();
    fs::copy(crate::files::folder().join(SIDECAR), &sidecar).unwrap();
    assert_eq!(run(&[&"scan", &sidecar, &"-o", &set]).code, 0);
    let verified = run(&[&"verify", &set]);
    assert_eq!(verified.code, 0, "{}", verified.err);
    assert!(
        !verified.err.contains(" 0 elements compared") && verified.err.contains(": 0 wrong, 0 unchecked"),
        "{}",
        verified.err
    );
    // A sidecar that has changed is told, too.
    fs::write(&sidecar, "").unwrap();
    assert_eq!(run(&[&"verify", &set]).code, 4);
}

#[test]
fn what_a_sidecar_does_not_tell_is_a_refusal() {
    let sidecar = "dmrpp/netcdf.cf.nc.without_order.dmrpp";
    let without = run(&[&"scan", &sidecar, &"--url", &"f"]);
    assert_eq!((without.code, without.err.lines().count()), (3, 6), "{}", without.err);
    assert!(
        without.err.contains("/sst: the sidecar does not tell the byte order of its elements (--byte-order says it)")
    );
    let with = run(&[&"scan", &sidecar, &"--url", &"f", &"--byte-order", &"little"]);
    assert_eq!((with.code, with.err.as_str()), (0, ""));
    let served = run(&[&"scan", &sidecar, &"--url", &"f", &"--as-served"]);
    assert_eq!((served.code, served.err.lines().count()), (0, 6), "{}", served.err);
    let said = "/sst: as it is served, since the sidecar does not tell the byte order of its elements";
    assert!(served.err.contains(said), "{}", served.err);
}

#[test]
fn inputs_that_do_not_satisfy_a_condition_are_left_out_and_counted() {
    let folder = tempdir().unwrap();
    let (out, report) = (folder.path().join("out"), folder.path().join("report.json"));
    let scan = |condition: &str| {
        run(&[
            &"scan",
            &CF,
            &SIDECAR,
            &GROUPS,
            &"--where",
            &condition,
            &"-o",
            &out,
            &"--report",
            &report,
            &"--resume",
            &"-v",
        ])
    };
    let told = scan("dim:station=3");
    assert_eq!(told.code, 0, "{told:?}");
    assert!(told.err.contains("2 done, 1 left out of 3 files"), "{}", told.err);
    assert!(told.err.contains("groups.nc: left out: it has no dimension station"), "{}", told.err);
    let names = |folder: &std::path::Path| {
        let mut names: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    assert_eq!(names(&out), ["cf.nc.json", "netcdf.cf.nc.dmrpp.json"]);
    let report: serde_json::Value = serde_json::from_slice(&fs::read(&report).unwrap()).unwrap();
    assert_eq!(report["files"][2]["left_out"], "it has no dimension station");
    assert!(scan("dim:station=3").err.contains("2 existing, 1 left out"));
    let none = scan("dim:station!=3");
    assert_eq!(none.code, 0);
    assert!(none.err.contains("0 done, 3 left out of 3 files"), "{}", none.err);
    assert!(none.err.contains("cf.nc: left out: dimension station is 3"));
}

#[test]
fn all_conditions_must_hold() {
    let scan = |conditions: &[&str]| {
        let mut given: Vec<&dyn AsRef<std::ffi::OsStr>> = vec![&"scan", &CF, &"--json", &"-o", &"-"];
        for condition in conditions {
            given.push(&"--where");
            given.push(condition);
        }
        let run = run(&given);
        let end: serde_json::Value = serde_json::from_str(run.err.lines().last().unwrap()).unwrap();
        (run.code, end["done"].as_u64().unwrap(), end["left_out"].as_u64())
    };
    assert_eq!(scan(&["dim:station=3", "attr:Conventions=CF-1.8"]), (0, 1, None));
    assert_eq!(scan(&["dim:station=3", "attr:Conventions=CF-1.7"]), (0, 0, Some(1)));
    assert_eq!(run(&[&"scan", &CF, &"--where", &"station=3"]).code, 2);
}

#[test]
fn inputs_that_fit_are_listed_and_not_translated() {
    let list = |condition: &str, inputs: &[&str]| {
        let mut given: Vec<&dyn AsRef<std::ffi::OsStr>> = vec![&"scan", &"--list-only", &"--where", &condition];
        given.extend(inputs.iter().map(|input| input as &dyn AsRef<std::ffi::OsStr>));
        run(&given)
    };
    let told = list("dim:station>=3", &[CF, GROUPS, SIDECAR]);
    assert_eq!((told.code, told.out.as_str()), (0, "netcdf/cf.nc\ndmrpp/netcdf.cf.nc.dmrpp\n"));
    assert_eq!(told.err, "h5refs: 2 of 3 files fit\n");
    let told = list("dim:station=3", &[CF, "README.md"]);
    assert_eq!((told.code, told.out.as_str()), (3, "netcdf/cf.nc\n"));
    assert!(told.err.contains("README.md: "));
    assert_eq!(list("dim:station=3", &["README.md"]).code, 1);
    assert_eq!(run(&[&"scan", &"--list-only", &CF]).code, 2);
}
