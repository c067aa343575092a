#![expect(clippy::single_range_in_vec_init, reason = "one range is asked for")]

use std::fmt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use ::object_store::memory::InMemory;
use ::object_store::path::Path;
use ::object_store::{
    CopyOptions, GetOptions, GetRange, GetResult, GetResultPayload, ListResult, MultipartUpload, ObjectMeta,
    ObjectStoreExt, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result as StoreResult,
};
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};

use super::*;
use crate::store::Store;

/// A store that notes what it is asked for, and may answer wrongly.
#[derive(Debug, Default)]
struct Noted {
    inner: InMemory,
    requests: Mutex<Vec<Range<u64>>>,
    heads: AtomicUsize,
    running: AtomicUsize,
    most_running: AtomicUsize,
    /// Answers with this instead.
    lie: Option<&'static [u8]>,
    /// Does not heed `if_match`.
    ignores_conditions: bool,
}

impl fmt::Display for Noted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Noted")
    }
}

#[async_trait::async_trait]
impl ObjectStore for Noted {
    async fn put_opts(&self, path: &Path, payload: PutPayload, options: PutOptions) -> StoreResult<PutResult> {
        self.inner.put_opts(path, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        path: &Path,
        options: PutMultipartOptions,
    ) -> StoreResult<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(path, options).await
    }

    async fn get_opts(&self, path: &Path, mut options: GetOptions) -> StoreResult<GetResult> {
        self.most_running.fetch_max(self.running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(5)).await;
        self.running.fetch_sub(1, Ordering::SeqCst);
        if options.head {
            self.heads.fetch_add(1, Ordering::SeqCst);
        }
        if let Some(GetRange::Bounded(range)) = &options.range {
            self.requests.lock().unwrap().push(range.clone());
        }
        if self.ignores_conditions {
            options.if_match = None;
        }
        let is_head = options.head;
        let mut result = self.inner.get_opts(path, options).await?;
        if let (Some(lie), false) = (self.lie, is_head) {
            result.payload = GetResultPayload::Stream(stream::iter([Ok(Bytes::from_static(lie))]).boxed());
        }
        Ok(result)
    }

    fn delete_stream(&self, paths: BoxStream<'static, StoreResult<Path>>) -> BoxStream<'static, StoreResult<Path>> {
        self.inner.delete_stream(paths)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, StoreResult<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> StoreResult<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> StoreResult<()> {
        self.inner.copy_opts(from, to, options).await
    }
}

/// A store with an object `k` and others, and sources that read it under `s3://b`.
fn noted(store: Noted) -> (Arc<Noted>, ObjectStoreSources) {
    let store = Arc::new(store);
    let sources = ObjectStoreSources::new().unwrap().allow("s3://b/", Arc::clone(&store) as _).unwrap();
    put(&sources, &store, "k", &(0..=255).collect::<Vec<u8>>());
    (store, sources)
}

fn put(sources: &ObjectStoreSources, store: &Arc<Noted>, path: &str, bytes: &[u8]) {
    let (store, path, bytes) = (Arc::clone(store), Path::from(path), Bytes::copy_from_slice(bytes));
    sources.objects.runtime.run(async move { store.put(&path, bytes.into()).await.unwrap() }).unwrap();
}

#[test]
fn near_ranges_are_one_request_and_an_object_is_looked_at_once() {
    let (store, sources) = noted(Noted::default());
    let sources = sources.with_gap(8);
    let read = sources.read("s3://b/k", &[200..202, 0..2, 10..11, 5..5, 1..4]).unwrap();
    assert_eq!(read, [&[200, 201][..], &[0, 1], &[10], &[], &[1, 2, 3]]);
    assert_eq!(sources.state("s3://b/k").unwrap().size, 256);
    assert!(sources.read("s3://b/k", &[]).unwrap().is_empty());
    assert_eq!((store.heads.load(Ordering::SeqCst), store.requests.lock().unwrap().len()), (1, 2));
    let mut requests = store.requests.lock().unwrap().clone();
    requests.sort_by_key(|range| range.start);
    assert_eq!(requests, [0..11, 200..202]);
}

#[test]
fn the_first_bytes_tell_what_an_object_is_in_one_request() {
    let (store, sources) = noted(Noted::default());
    put(&sources, &store, "empty", b"");
    let (state, first) = sources.first("s3://b/k", 3).unwrap();
    assert_eq!((state.size, &first[..]), (256, &[0, 1, 2][..]));
    assert!(state.etag.is_some());
    assert_eq!((store.heads.load(Ordering::SeqCst), store.requests.lock().unwrap().len()), (0, 1));
    // It is pinned: neither its state nor its bytes are asked for as those of another.
    assert_eq!(sources.state("s3://b/k").unwrap(), state);
    assert_eq!(sources.first("s3://b/k", 999).unwrap().1.len(), 256);
    assert_eq!(store.heads.load(Ordering::SeqCst), 0);
    put(&sources, &store, "k", &[7; 256]);
    assert!(matches!(sources.first("s3://b/k", 3), Err(Error::Changed { .. })));
    let (state, first) = sources.first("s3://b/empty", 3).unwrap();
    assert_eq!((state.size, first.len()), (0, 0));
    assert!(matches!(sources.first("s3://b/none", 3), Err(Error::Io { .. })));
    assert!(matches!(sources.first("s3://c/k", 3), Err(Error::NotAllowed { .. })));
    let (_, sources) = noted(Noted { lie: Some(b"ab"), ..Noted::default() });
    assert!(matches!(sources.first("s3://b/k", 3), Err(Error::Io { .. })));
}

#[test]
fn requests_for_several_files_run_at_once_and_no_more_than_allowed() {
    let (store, sources) = noted(Noted::default());
    let sources = sources.with_concurrency(3).with_gap(0);
    let names = ["x", "y", "z", "v", "w"];
    for name in names {
        put(&sources, &store, name, name.as_bytes());
    }
    let urls: Vec<String> = names.iter().map(|name| format!("s3://b/{name}")).collect();
    let wanted: Vec<(&str, &[Range<u64>])> = urls.iter().map(|url| (url.as_str(), [0_u64..1].as_slice())).collect();
    let read: Vec<Vec<Bytes>> = sources.read_many(&wanted).into_iter().map(Result::unwrap).collect();
    assert_eq!(read, names.map(|name| vec![Bytes::from(name)]));
    assert_eq!(store.heads.load(Ordering::SeqCst), 5);
    assert_eq!(store.most_running.load(Ordering::SeqCst), 3);
}

#[test]
fn what_may_not_be_read_is_refused_before_a_store_is_asked() {
    let (store, sources) = noted(Noted::default());
    let refused = |url: &str| sources.read(url, &[]).unwrap_err().to_string();
    assert_eq!(refused("s3://c/k"), "s3://c/k is not read: it lies under no prefix that may be read");
    assert_eq!(refused("/etc/passwd"), "/etc/passwd is not read: it lies under no prefix that may be read");
    assert_eq!(
        refused("https://u:p@h/k?sig=s"),
        "https://..@h/k?.. is not read: it lies under no prefix that may be read"
    );
    assert_eq!(refused("s3://b/k?sig=s"), "s3://b/k?.. is not read: it has a query or a fragment");
    for url in ["s3://b/../k", "s3://b", "s3://b/", "s3://b/a//k", "s3://b/\n"] {
        assert!(matches!(sources.state(url), Err(Error::NotAllowed { .. })), "{url}");
    }
    assert_eq!(store.heads.load(Ordering::SeqCst), 0);
    let bad = ObjectStoreSources::new().unwrap().allow("https://u:p@h", Arc::new(InMemory::new())).unwrap_err();
    assert_eq!(bad.to_string(), "https://..@h is not read: it has a name or password before its host");
    assert_eq!(format!("{sources:?}"), r#"["s3://b"]"#);
}

#[test]
fn the_longest_prefix_counts() {
    let (inner, sources) = noted(Noted::default());
    let (outer, _) = noted(Noted::default());
    let sources = sources.allow("s3://b/in/", Arc::clone(&inner) as _).unwrap();
    put(&sources, &inner, "k", b"inner");
    let sources = sources.allow("s3://b", Arc::clone(&outer) as _).unwrap();
    assert_eq!(sources.state("s3://b/in/k").unwrap().size, 5);
    assert_eq!(sources.state("s3://b/k").unwrap().size, 256);
    assert!(matches!(sources.state("s3://b/inner"), Err(Error::Io { .. })));
}

#[test]
fn an_object_that_changed_is_not_read() {
    for ignores_conditions in [false, true] {
        let (store, sources) = noted(Noted { ignores_conditions, ..Noted::default() });
        assert_eq!(sources.state("s3://b/k").unwrap().size, 256);
        put(&sources, &store, "k", &[7; 256]);
        let error = sources.read("s3://b/k", &[0..1]).unwrap_err();
        assert!(matches!(error, Error::Changed { .. }), "{error}");
        assert!(error.to_string().starts_with("s3://b/k has changed since it was first read: its ETag is "), "{error}");
    }
}

#[test]
fn an_answer_of_another_length_is_an_error() {
    let read = |lie: &'static [u8]| {
        let (_, sources) = noted(Noted { lie: Some(lie), ..Noted::default() });
        sources.read("s3://b/k", &[4..7])
    };
    assert_eq!(read(b"abc").unwrap(), [Bytes::from_static(b"abc")]);
    for lie in [&b"ab"[..], b"abcd", b""] {
        assert_eq!(read(lie).unwrap_err().to_string(), "s3://b/k: bytes 0x4..0x7: the store answers with other bytes");
    }
}

#[test]
fn an_error_of_one_file_is_not_that_of_another() {
    let (store, sources) = noted(Noted::default());
    let range = [0..1];
    let wanted: [(&str, &[Range<u64>]); 4] =
        [("s3://b/none", &range), ("s3://b/k", &range), ("s3://c/k", &range), ("s3://b/k", &[255..257])];
    let told: Vec<String> = (sources.read_many(&wanted).into_iter())
        .map(|answer| answer.map_or_else(|error| error.to_string(), |bytes| format!("{bytes:?}")))
        .collect();
    let expected = [
        "s3://b/none: entity not found",
        r#"[b"\0"]"#,
        "s3://c/k is not read: it lies under no prefix that may be read",
        "bytes 0xff..0x101 of a file of 256 bytes: unexpected end of file",
    ];
    assert_eq!(told, expected);
    assert_eq!(store.requests.lock().unwrap().len(), 1);
}

#[test]
fn a_store_reads_whole_files_at_once() {
    use crate::reference::{Builder, Reference};
    use crate::zarr::{ArrayMetadata, Attributes, Dtype};

    let (store, sources) = noted(Noted::default());
    let mut builder = Builder::default();
    builder.group("", Attributes::default());
    let metadata = ArrayMetadata::new(vec![4], vec![1], Dtype::Simple("|u1".to_owned()), None, Vec::new());
    let array = builder.array("a", metadata, Attributes::default());
    for chunk in 0..4_u8 {
        put(&sources, &store, &chunk.to_string(), &[chunk + 10]);
        let url = builder.url(&format!("s3://b/{chunk}")).unwrap();
        builder.chunk(array, chunk.into(), Reference::Whole { url });
    }
    let refs = Store::new(builder.finish().unwrap(), sources);
    assert_eq!(refs.array("a").unwrap().read_all().unwrap().bytes().unwrap(), [10, 11, 12, 13]);
    assert_eq!(store.most_running.load(Ordering::SeqCst), 4);
}

#[test]
fn a_runtime_of_the_caller_is_used() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let store = Arc::new(InMemory::new());
    runtime.block_on(store.put(&Path::from("k"), "abc".into())).unwrap();
    let sources = ObjectStoreSources::on(runtime.handle().clone()).allow("s3://b", store).unwrap();
    assert_eq!(sources.read("s3://b/k", &[1..3]).unwrap(), [Bytes::from_static(b"bc")]);
    runtime.shutdown_background();
    assert_eq!(sources.read("s3://b/k", &[1..3]).unwrap_err().to_string(), "s3://b/k: a request for it was given up");
}
