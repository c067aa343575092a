//! Buckets of a server that is asked as S3.

use std::collections::BTreeMap;

use super::*;

fn options(server: &Server, words: &[(&str, &str)]) -> RemoteOptions {
    let storage: BTreeMap<String, String> =
        words.iter().map(|(word, value)| ((*word).to_owned(), (*value).to_owned())).collect();
    RemoteOptions { anonymous: false, endpoint: Some(server.address.clone()), storage, ..quick() }
}

fn bucket(options: RemoteOptions) -> RemoteSources {
    RemoteSources::new(options).unwrap().allow("s3://bucket").unwrap()
}

const KEY: [(&str, &str); 3] = [("key", "CANARYID"), ("secret", "canary-secret"), ("token", "canary-token")];

#[test]
fn requests_are_signed_unless_they_are_anonymous() {
    let server = Server::new(|request, _| Reply::Send(file(request, &bytes())));
    let signed =
        bucket(RemoteOptions { requester_pays: true, region: Some("eu-west-3".to_owned()), ..options(&server, &KEY) });
    assert_eq!(signed.first("s3://bucket/a b/k", 3).unwrap().1, &bytes()[..3]);
    let asked = server.last();
    assert_eq!(asked.target, "/bucket/a%20b/k");
    let authorization = &asked.headers["authorization"];
    assert!(authorization.starts_with("AWS4-HMAC-SHA256 Credential=CANARYID/"), "{authorization}");
    assert!(authorization.contains("/eu-west-3/s3/aws4_request"), "{authorization}");
    assert_eq!(
        (&*asked.headers["x-amz-security-token"], &*asked.headers["x-amz-request-payer"]),
        ("canary-token", "requester")
    );
    let anonymous = bucket(RemoteOptions { anonymous: true, ..options(&server, &[]) });
    anonymous.state("s3://bucket/k").unwrap();
    assert!(!server.last().headers.contains_key("authorization"));
}

#[test]
fn errors_of_a_store_say_what_to_do_and_nothing_of_credentials() {
    let error = |code: &str| {
        format!(
            "<Error><Code>{code}</Code><Message>canary</Message><AWSAccessKeyId>CANARYID</AWSAccessKeyId><Region>eu-west-1</Region></Error>"
        )
    };
    let denied = "access is denied; look at the credentials, or --anon for public data, or whether the requester pays";
    let region = "the bucket lies in the region eu-west-1; say --storage-option region=eu-west-1";
    let table = [
        ("403 Forbidden", "InvalidAccessKeyId", format!("403 Forbidden (InvalidAccessKeyId): {denied}")),
        (
            "400 Bad Request",
            "AuthorizationHeaderMalformed",
            format!("400 Bad Request (AuthorizationHeaderMalformed): {region}"),
        ),
        ("301 Moved Permanently", "PermanentRedirect", format!("301 Moved Permanently (PermanentRedirect): {region}")),
        ("400 Bad Request", "ExpiredToken", "400 Bad Request (ExpiredToken): the credentials have expired".to_owned()),
        ("404 Not Found", "NoSuchBucket", "404 Not Found (NoSuchBucket): there is no such bucket".to_owned()),
        ("403 Forbidden", "<canary>", format!("403 Forbidden: {denied}")),
    ];
    for (status, code, told) in table {
        let body = error(code);
        // Signed requests do not follow.
        let server = Server::new(move |_, _| {
            Reply::Send(answer(status, &["Location: http://127.0.0.1:1/canary"], body.as_bytes()))
        });
        let sources = bucket(options(&server, &KEY));
        let error = sources.state("s3://bucket/k").unwrap_err();
        assert_eq!(error.to_string(), format!("s3://bucket/k: {told}"));
        assert!(!format!("{error:?}{sources:?}").to_ascii_lowercase().contains("canary"), "{error:?}");
    }
}

#[test]
fn credentials_of_a_command_are_renewed_when_they_expire() {
    let folder = tempfile::tempdir().unwrap();
    let (script, runs) = (folder.path().join("print it.sh"), folder.path().join("runs"));
    let text = format!(
        "echo run >> '{0}'\nn=$(wc -l < '{0}')\necho '{{\"Version\": 1, \"AccessKeyId\": \"ID'$n'\", \"SecretAccessKey\": \"canary\", \
         \"Expiration\": \"2099-01-01T00:00:00Z\"}}'\n",
        runs.display()
    );
    std::fs::write(&script, text).unwrap();
    let server = Server::new(|request, before| {
        let is_old = before > 1 && request.headers["authorization"].contains("Credential=ID1/");
        let expired = answer("403 Forbidden", &[], b"<Error><Code>ExpiredToken</Code></Error>");
        Reply::Send(if is_old { expired } else { file(request, &bytes()) })
    });
    let command = format!("sh '{}'", script.display());
    let sources = bucket(RemoteOptions { credentials_command: Some(command), ..options(&server, &[]) });
    let ran = || std::fs::read_to_string(&runs).unwrap().lines().count();
    sources.read("s3://bucket/k", &[0..1]).unwrap();
    assert_eq!((server.count(), ran()), (2, 1));
    assert_eq!(sources.read("s3://bucket/k", &[1..2]).unwrap(), [&[1][..]]);
    assert_eq!((server.count(), ran()), (4, 2));
    sources.read("s3://bucket/k", &[2..3]).unwrap();
    assert_eq!((server.count(), ran()), (5, 2));
}

#[test]
fn a_command_that_gives_no_credentials_is_an_error_that_tells_nothing_of_it() {
    let server = Server::new(|request, _| Reply::Send(file(request, &bytes())));
    let table = [
        ("sh -c 'echo canary; exit 3'", "exit status: 3"),
        ("echo canary", "it prints no JSON with Version, AccessKeyId and SecretAccessKey"),
        (
            r#"echo '{"Version": 2, "AccessKeyId": "canary", "SecretAccessKey": "canary"}'"#,
            "it prints credentials of version 2, known is 1",
        ),
        (
            r#"echo '{"Version": 1, "AccessKeyId": "canary", "SecretAccessKey": "canary", "Expiration": "x"}'"#,
            "the Expiration that it prints is no time of RFC 3339",
        ),
        ("echo 'canary", "a quotation mark in it has no end"),
        ("/canary/not/there", "it does not start: entity not found"),
        ("", "it is empty"),
    ];
    for (command, why) in table {
        let sources = bucket(RemoteOptions { credentials_command: Some(command.to_owned()), ..options(&server, &[]) });
        let told = format!("s3://bucket/k: Generic S3 error: the command for credentials gives none: {why}");
        assert_eq!(sources.state("s3://bucket/k").unwrap_err().to_string(), told);
    }
    assert_eq!(server.count(), 0);
}

#[test]
fn a_folder_lists_what_lies_in_it() {
    let page =
        |inner: &str| format!("<?xml version=\"1.0\"?><ListBucketResult>{inner}</ListBucketResult>").into_bytes();
    let file_of = |key: &str, size: u32| {
        format!(
            "<Contents><Key>{key}</Key><Size>{size}</Size><LastModified>2026-01-01T00:00:00.000Z</LastModified><ETag>\"e\"</ETag></Contents>"
        )
    };
    let folder_of = |name: &str| format!("<CommonPrefixes><Prefix>{name}</Prefix></CommonPrefixes>");
    let first = page(&format!(
        "{}{}<NextContinuationToken>next</NextContinuationToken>",
        file_of("d/b.nc", 5),
        folder_of("d/y/")
    ));
    let second = page(&format!("{}{}{}", file_of("d/", 0), file_of("d/a.nc", 6), folder_of("d/x/")));
    let deep = page(&format!("{}{}{}", file_of("d/x/c.nc", 7), file_of("d/x/", 0), file_of("d/empty", 0)));
    let server = Server::new(move |request, _| {
        let body = match () {
            () if !request.target.contains("delimiter=") => &deep,
            () if request.target.contains("continuation-token=next") => &second,
            () => &first,
        };
        Reply::Send(answer("200 OK", &[], body))
    });
    let sources = bucket(RemoteOptions { anonymous: true, ..options(&server, &[]) });
    let told = |listed: Listed| {
        (listed.folders, listed.files.into_iter().map(|(url, state)| (url, state.size)).collect::<Vec<_>>())
    };
    let url = |path: &str| format!("s3://bucket/{path}");
    for folder in ["s3://bucket/d", "s3://bucket/d/"] {
        let listed = sources.list(folder).unwrap();
        assert_eq!(listed.files[0].1.etag.as_deref(), Some("\"e\""));
        let expected = (vec![url("d/x/"), url("d/y/")], vec![(url("d/a.nc"), 6), (url("d/b.nc"), 5)]);
        assert_eq!(told(listed), expected);
        let query = server.last().target;
        assert!(query.contains("prefix=d%2F") && query.contains("delimiter=%2F"), "{query}");
    }
    assert_eq!(
        told(sources.list_all("s3://bucket/d").unwrap()),
        (vec![], vec![(url("d/empty"), 0), (url("d/x/c.nc"), 7)])
    );
    assert!(sources.list("s3://bucket/").is_ok());
    assert!(matches!(sources.list("s3://other/"), Err(Error::NotAllowed { .. })));
    assert!(matches!(sources.list("s3://bucket/../x/"), Err(Error::NotAllowed { .. })));
}

#[test]
fn a_listing_that_is_not_whole_is_an_error() {
    let listed = |inner: &'static str| {
        let server = Server::new(move |_, _| {
            let page = format!("<?xml version=\"1.0\"?><ListBucketResult>{inner}</ListBucketResult>");
            Reply::Send(answer("200 OK", &[], page.as_bytes()))
        });
        let sources = bucket(RemoteOptions { anonymous: true, ..options(&server, &[]) });
        (sources.list("s3://bucket/").map_err(|error| error.to_string()), server.count())
    };
    let (cut_off, asked) = listed("<IsTruncated>true</IsTruncated>");
    assert!(cut_off.unwrap_err().contains("the listing is cut off"));
    assert_eq!(asked, 1);
    let (endless, asked) = listed("<IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken>");
    assert_eq!(endless.unwrap_err(), "s3://bucket/: Generic listing error: the store gives the same page again");
    assert_eq!(asked, 2);
    let (slash, _) = listed("<CommonPrefixes><Prefix>/</Prefix></CommonPrefixes>");
    assert_eq!(slash.unwrap_err(), "s3://bucket/: a name in it begins with a slash, and no URL leads there");
    assert_eq!(listed("<IsTruncated>false</IsTruncated>").0.unwrap(), Listed::default());
}

#[test]
fn a_listing_that_fails_says_why() {
    let body = "<Error><Code>NoSuchBucket</Code></Error>";
    let server = Server::new(move |_, _| Reply::Send(answer("404 Not Found", &[], body.as_bytes())));
    let sources = bucket(RemoteOptions { anonymous: true, ..options(&server, &[]) });
    for error in [sources.list("s3://bucket/d").unwrap_err(), sources.list_all("s3://bucket/d").unwrap_err()] {
        assert_eq!(error.to_string(), "s3://bucket/d: 404 Not Found (NoSuchBucket): there is no such bucket");
    }
    assert_eq!(server.count(), 2);
}

#[test]
fn without_credentials_nothing_is_asked() {
    let sources = RemoteSources::new(RemoteOptions { anonymous: false, ..quick() }).unwrap();
    let sources =
        sources.allow("gs://b").unwrap().allow("abfs://c@a.dfs.core.windows.net").unwrap().allow("az://c").unwrap();
    for (url, told) in [
        ("gs://b/k", "gs://b: there are no credentials; say --anon for public data, or give them: "),
        ("abfs://c@a.dfs.core.windows.net/k", "abfs://c@a.dfs.core.windows.net: there are no credentials; say --anon "),
        ("az://c/k", "az://c: no account is named; give account_name"),
    ] {
        let error = sources.state(url).unwrap_err().to_string();
        assert!(error.starts_with(told), "{error}");
    }
    assert_eq!(sources.counters(), Counters::default());
}

#[test]
fn a_bucket_says_where_it_lies_whatever_else_it_says() {
    let server =
        Server::new(|_, _| Reply::Send(answer("301 Moved Permanently", &["x-amz-bucket-region: eu-west-2"], b"")));
    let sources = RemoteSources::new(quick()).unwrap();
    let (transport, url) = (Arc::clone(&sources.objects.find.transport), format!("{}/bucket", server.address));
    let region = sources.objects.runtime.run(async move { transport.header(&url, "x-amz-bucket-region").await });
    assert_eq!(region.flatten().as_deref(), Some("eu-west-2"));
    let asked = server.last();
    assert_eq!((asked.method.as_str(), asked.target.as_str(), server.count()), ("HEAD", "/bucket", 1));
}
