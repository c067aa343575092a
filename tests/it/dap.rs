//! Datasets of servers of DAP2: what testdata has of them, and what servers may do wrong.

mod server;

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use h5refs::reference::Node;
use h5refs::store::Origin;
use h5refs::zarr::Dtype;
use h5refs::{DapDataset, DapOptions, Error, Limits, Patience};
use serde_json::{Value as Json, json};

use crate::files;
use server::{Asked, Reply, serve};

const CASES: [&str; 3] = ["thredds", "hyrax", "pydap"];

fn quick() -> DapOptions {
    let patience = Patience { attempts: 3, backoff: Duration::from_millis(1), ..Patience::default() };
    DapOptions { patience, ..DapOptions::default() }
}

/// The answers of a case of testdata: `/d.dds`, `/d.das`, and `/d.dods?EXPRESSION` for whole arrays.
fn answers(case: &str) -> BTreeMap<String, Vec<u8>> {
    let folder = files::folder().join("dap").join(case);
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let target = |path: std::path::PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap().replace("%2F", "/");
        let target = match name.strip_suffix(".dods") {
            Some(expression) => format!("/d.dods?{expression}"),
            None => format!("/{}", name.replace("dataset", "d")),
        };
        (target, std::fs::read(path).unwrap())
    };
    entries.map(target).collect()
}

/// A server of a case, which gives arrays whole whatever box is asked for.
fn served(case: &str) -> (String, Asked) {
    let answers = answers(case);
    let (address, asked) = serve(move |target, _| {
        let name = target.split("%5B").next().unwrap();
        answers.get(name).map_or_else(|| Reply::new("404 Not Found", ""), |body| Reply::new("200 OK", body.clone()))
    });
    (format!("{address}/d"), asked)
}

fn whole(dataset: &DapDataset, path: &str) -> Vec<Range<u64>> {
    let Some(Node::Array(array)) = dataset.set().node(path) else { panic!("{path}") };
    array.metadata.shape.iter().map(|size| 0..*size).collect()
}

/// An array as `expected.json` tells it.
fn told(dataset: &DapDataset, path: &str) -> Json {
    let Some(Node::Array(array)) = dataset.set().node(path) else { panic!("{path}") };
    let values = dataset.read(path, &whole(dataset, path)).unwrap();
    let mut attributes = serde_json::to_value(&array.attributes).unwrap();
    let dims = attributes.as_object_mut().unwrap().remove("_ARRAY_DIMENSIONS").unwrap();
    let fill = &array.metadata.fill_value;
    let mut told = json!({"shape": values.shape, "dims": dims, "attributes": attributes, "fill": fill});
    match (values.bytes(), &values.dtype) {
        (Some(bytes), Dtype::Simple(dtype)) => {
            told["dtype"] = json!(dtype);
            told["bytes"] = json!(STANDARD.encode(bytes));
        }
        _ => told["texts"] = json!(values.texts()),
    }
    told
}

#[test]
fn what_servers_answer_is_what_numpy_wrote() {
    for case in CASES {
        let expected = std::fs::read(files::folder().join("dap").join(case).join("expected.json")).unwrap();
        let expected: Json = serde_json::from_slice(&expected).unwrap();
        let dataset = DapDataset::open(&served(case).0, quick()).unwrap();
        let paths: Vec<&str> = dataset.set().arrays().map(|(path, _)| path).collect();
        let arrays: BTreeMap<&str, Json> = paths.iter().map(|path| (*path, told(&dataset, path))).collect();
        assert_eq!(json!(arrays), expected["arrays"], "{case}");
        let Some(Node::Group(root)) = dataset.set().node("") else { panic!("{case}") };
        assert_eq!(serde_json::to_value(root).unwrap(), expected["root"], "{case}");
        let mut refused: Vec<String> =
            dataset.refused().iter().map(|refused| format!("{}: {}", refused.path, refused.reason)).collect();
        refused.sort();
        assert_eq!(json!(refused), expected["refused"], "{case}");
    }
}

/// What a server does to an answer.
type Change = fn(Vec<u8>) -> Vec<u8>;

/// A dataset of 6 x 4 integers, whose box is what the query says, as long as `change` changes nothing.
fn integers(change: impl Fn(&str, usize, Reply) -> Reply + Send + Sync + 'static) -> (String, Asked) {
    let (address, asked) = serve(move |target, before| {
        let reply = match target.split_once('?') {
            Some((_, query)) => Reply::new("200 OK", part(query)),
            None if target == "/d.dds" => Reply::new("200 OK", "Dataset { Int32 a[y = 6][x = 4]; } d;\n"),
            None => Reply::new("200 OK", "Attributes { }\n"),
        };
        change(target, before, reply)
    });
    (format!("{address}/d"), asked)
}

/// The answer to `a[y0:1:y1][x0:1:x1]`: each element is ten times its row and its column.
fn part(query: &str) -> Vec<u8> {
    let query = query.replace("%5B", "[").replace("%5D", "]");
    let slabs: Vec<(u32, u32)> = query
        .split(['[', ']'])
        .filter_map(|slab| slab.split_once(":1:"))
        .map(|(first, last)| (first.parse().unwrap(), last.parse().unwrap()))
        .collect();
    let [(y0, y1), (x0, x1)] = slabs[..] else { panic!("{query}") };
    let (rows, columns) = (y1 - y0 + 1, x1 - x0 + 1);
    let mut body = format!("Dataset {{\n    Int32 a[y = {rows}][x = {columns}];\n}} d;\nData:\n").into_bytes();
    body.extend([rows * columns; 2].iter().flat_map(|count| count.to_be_bytes()));
    body.extend((y0..=y1).flat_map(|y| (x0..=x1).flat_map(move |x| (10 * y + x).to_be_bytes())));
    body
}

fn elements(dataset: &DapDataset, ranges: &[Range<u64>]) -> Result<Vec<u32>, Error> {
    let values = dataset.read("a", ranges)?;
    Ok(values.bytes().unwrap().as_chunks::<4>().0.iter().map(|bytes| u32::from_le_bytes(*bytes)).collect())
}

#[test]
fn a_box_is_cut_into_requests_and_put_together() {
    let (url, asked) = integers(|_, _, reply| reply);
    let box_of = |request_bytes, connections| {
        let dataset = DapDataset::open(&url, DapOptions { request_bytes, connections, ..quick() }).unwrap();
        asked.lock().unwrap().clear();
        let elements = elements(&dataset, &[1..5, 1..4]).unwrap();
        let mut queries = asked.lock().unwrap().clone();
        queries.sort();
        (elements, queries)
    };
    let all: Vec<u32> = (1..5).flat_map(|y| (1..4).map(move |x| 10 * y + x)).collect();
    assert_eq!(box_of(1000, 4), (all.clone(), vec!["/d.dods?a%5B1:1:4%5D%5B1:1:3%5D".to_owned()]));
    let rows = ["/d.dods?a%5B1:1:2%5D%5B1:1:3%5D", "/d.dods?a%5B3:1:4%5D%5B1:1:3%5D"];
    assert_eq!(box_of(24, 1), (all.clone(), rows.map(str::to_owned).to_vec()));
    let (elements, queries) = box_of(1, 3);
    assert_eq!((elements, queries.len()), (all, 12));
    let dataset = DapDataset::open(&url, DapOptions { bare_brackets: true, ..quick() }).unwrap();
    assert_eq!(self::elements(&dataset, &[0..1, 0..1]).unwrap(), [0]);
    assert_eq!(asked.lock().unwrap().last().unwrap(), "/d.dods?a[0:1:0][0:1:0]");
    asked.lock().unwrap().clear();
    assert_eq!(self::elements(&dataset, &[0..0, 0..4]).unwrap(), [0; 0]);
    assert!(self::elements(&dataset, &[0..7, 0..4]).unwrap_err().to_string().starts_with("a: "));
    assert!(matches!(dataset.read("b", &[]), Err(Error::NotFound { .. })));
    assert_eq!(asked.lock().unwrap().len(), 0);
}

#[test]
fn what_passes_is_asked_again() {
    let (url, asked) = integers(|_, before, reply| match before {
        0 => Reply::new("500 Internal Server Error", "Error { code = 500; message = \"busy\"; };"),
        1 => Reply { headers: "content-length: 9999\r\n".to_owned(), ..reply },
        _ => reply,
    });
    let dataset = DapDataset::open(&url, quick()).unwrap();
    assert_eq!(elements(&dataset, &[5..6, 3..4]).unwrap(), [53]);
    assert_eq!((asked.lock().unwrap().len(), dataset.counters().retries), (9, 6));
}

#[test]
fn a_server_that_says_why_is_told() {
    let says = |status: &'static str| {
        let body = "Error {\n    code = 403;\n    message = \"Request too big=600 Mbytes, max=500\";\n};\n";
        let (url, _) =
            integers(move |target, _, reply| if target.contains('?') { Reply::new(status, body) } else { reply });
        elements(&DapDataset::open(&url, quick()).unwrap(), &[0..1, 0..1]).unwrap_err().to_string()
    };
    for (status, attempts) in
        [("200 OK", ""), ("403 Forbidden", ""), ("500 Internal Server Error", ", after 3 attempts")]
    {
        let error = says(status);
        let end = format!("the server says: Request too big=600 Mbytes, max=500{attempts}");
        assert!(error.starts_with("a of http://127.0.0.1:") && error.ends_with(&end), "{status}: {error}");
    }
}

#[test]
fn wrong_answers_are_refused_by_name() {
    let refused = |change: Change| {
        let (url, _) = integers(
            move |target, _, reply| {
                if target.contains('?') { Reply::without_length(change(reply.body)) } else { reply }
            },
        );
        let error = elements(&DapDataset::open(&url, quick()).unwrap(), &[0..2, 0..4]).unwrap_err();
        assert!(matches!(error, Error::Chunk { .. }), "{error:?}");
        error.to_string()
    };
    let table: [(Change, &str); 6] = [
        (
            |mut body| {
                body.pop();
                body
            },
            "a: data answer at 0x0: the bytes end inside the structure (at 0x38)",
        ),
        (
            |mut body| {
                body.push(0);
                body
            },
            "a: data answer at 0x0: number of bytes behind the data is 1 (at 0x58)",
        ),
        (
            |mut body| {
                body[0x30] = 0xff;
                body
            },
            "a: data answer at 0x0: number of elements is 4278190088, not 8 (at 0x30)",
        ),
        (
            |body| String::from_utf8_lossy(&body).replace("Int32", "Byte").into_bytes(),
            "a: an answer of DAP2 with elements of another type than the DDS says is not supported",
        ),
        (
            |body| String::from_utf8_lossy(&body).replace("y = 2", "y = 9").into_bytes(),
            "a: data answer at 0x0: dimension size is 9, not 2 (at 0x30)",
        ),
        (|_| b"<html>no</html>".to_vec(), "a: data answer at 0x0: Data: is missing (at 0x0)"),
    ];
    for (change, error) in table {
        assert_eq!(refused(change), error);
    }
}

#[test]
fn huge_answers_are_given_up() {
    let (url, _) = integers(
        |target, _, reply| {
            if target.contains('?') { Reply::without_length(vec![b'x'; 4 << 20]) } else { reply }
        },
    );
    let error = elements(&DapDataset::open(&url, quick()).unwrap(), &[0..1, 0..1]).unwrap_err().to_string();
    assert!(error.contains("the answer has more than 2097160 bytes"), "{error}");
    let mut limits = Limits::default();
    limits.read_bytes = 95;
    let dataset = DapDataset::open(&url, DapOptions { limits, ..quick() }).unwrap();
    let error = elements(&dataset, &[0..6, 0..4]).unwrap_err().to_string();
    assert!(error.starts_with("96 exceeds Limits::read_bytes = 95"), "{error}");
    let mut limits = Limits::default();
    limits.metadata_bytes = 10;
    let error = DapDataset::open(&url, DapOptions { limits, ..quick() }).unwrap_err().to_string();
    assert!(error.contains("the answer has more than 10 bytes"), "{error}");
}

#[test]
fn texts_have_a_limit_together() {
    let (address, _) = serve(|target, _| match target {
        "/d.dds" => Reply::new("200 OK", "Dataset { String a[4]; } d;"),
        "/d.das" => Reply::new("200 OK", "Attributes { }"),
        _ => {
            let counts = [1_u32, 100].map(u32::to_be_bytes).concat();
            Reply::new("200 OK", [b"Dataset {\nString a[1];\n} d;\nData:\n", &counts[..], &[b'x'; 100]].concat())
        }
    });
    let read = |read_bytes| {
        let mut limits = Limits::default();
        limits.read_bytes = read_bytes;
        let options = DapOptions { request_bytes: 1, limits, ..quick() };
        DapDataset::open(&format!("{address}/d"), options).unwrap().read("a", std::slice::from_ref(&(0..4)))
    };
    let texts = read(496).unwrap();
    assert_eq!(texts.texts().unwrap(), vec!["x".repeat(100); 4]);
    let error = read(495).unwrap_err().to_string();
    assert!(error.starts_with("496 exceeds Limits::read_bytes = 495"), "{error}");
}

#[test]
fn what_is_no_dataset_is_refused() {
    let (address, _) = serve(|target, _| match target {
        "/gzip.dds" | "/gzip.das" => {
            let reply = Reply::new("200 OK", "Dataset { } d;");
            Reply { headers: format!("content-encoding: gzip\r\n{}", reply.headers), ..reply }
        }
        "/page.dds" | "/page.das" => Reply::new("200 OK", "<html></html>"),
        _ => Reply::new("404 Not Found", "Error { code = 404; message = \"no such dataset\"; };"),
    });
    let error = |url: String| DapDataset::open(&url, quick()).unwrap_err().to_string();
    assert!(error(format!("{address}/gzip")).contains("the answer is compressed, which was not asked for"));
    assert_eq!(error(format!("{address}/page")), "DDS at 0x0: Dataset is missing (at 0x0)");
    let missing = error(format!("{address}/none"));
    assert!(missing.ends_with("/none.dds: 404 Not Found: the server says: no such dataset"), "{missing}");
    let secret = error(address.replace("http://", "http://user:canary@") + "/d");
    assert!(secret.ends_with("it has a name or password before its host") && !secret.contains("canary"), "{secret}");
}

#[cfg(feature = "cli")]
#[test]
fn commands_list_a_dataset_and_tell_what_is_refused() {
    use crate::cli::run;

    let url = served("thredds").0.replace("http://", "dap2+http://");
    let ls = run(&[&"ls", &url]);
    assert_eq!((ls.code, ls.err.as_str()), (0, ""));
    let expected = "/                Group
/time            Dataset {3} float64, served by DAP2, chunks {512} in the server's file
/sst             Dataset {3, 2} int16, served by DAP2, chunks {1, 2} in the server's file
/names           Dataset {4} variable-length string, served by DAP2
/flag            Dataset SCALAR uint8, served by DAP2
/lat             Dataset {2} float32, served by DAP2
";
    assert_eq!(ls.out, expected);
    let dump = run(&[&"dump", &url]);
    assert_eq!(dump.code, 0, "{}", dump.err);
    for line in [
        "netcdf d {",
        "\ttime = UNLIMITED ; // (3 currently)",
        "\tshort sst(time, lat) ;",
        "\t\tsst:_FillValue = -99s ;",
    ] {
        assert!(dump.out.lines().any(|found| found == line), "{line}: {}", dump.out);
    }
    let hyrax = served("hyrax").0;
    let ls = run(&[&"ls", &"--dap", &hyrax]);
    assert_eq!(ls.code, 3, "{}", ls.err);
    assert!(ls.err.contains("/table: a Sequence, a table of DAP2, is not supported\n"), "{}", ls.err);
    let none = run(&[&"dump", &url.replace("/d", "/e")]);
    assert!(none.failure().contains("404 Not Found"), "{}", none.err);
    let scan = run(&[&"scan", &url, &"-o", &"-"]);
    assert!(scan.failure().contains("it is none of s3, gs, az, abfs, http and https"), "{}", scan.err);
}
