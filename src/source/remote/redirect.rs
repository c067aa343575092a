//! Where an answer may send a request to.

use std::io::ErrorKind;

use reqwest::Url;

use super::address::{is_inside, is_same_host};
use crate::source::object_store::failure::Fault;
use crate::source::secrets::without_secrets;

/// Redirects of one request that are followed.
pub(super) const MOST: usize = 5;

/// The next place of a request that began at `origin`, came to `from`, and is sent to `location`.
pub(super) fn next(origin: &Url, from: &Url, location: &str) -> Result<Url, Fault> {
    let refuse = |why: &str, to: &str| {
        let to: String = without_secrets(to).chars().take(200).collect();
        Fault::lasting(ErrorKind::PermissionDenied, format!("redirected to {to}, {why}"))
    };
    let to = from.join(location).map_err(|_| refuse("which is no URL", location))?;
    match (from.scheme(), to.scheme()) {
        (_, "https") | ("http", "http") => {}
        ("https", "http") => return Err(refuse("which is not encrypted", to.as_str())),
        _ => return Err(refuse("which is not http or https", to.as_str())),
    }
    if !to.username().is_empty() || to.password().is_some() {
        return Err(refuse("which has a name or password before its host", to.as_str()));
    }
    if is_inside(&to) && !is_same_host(origin, &to) {
        return Err(refuse("which is an address of this machine or its network", to.as_str()));
    }
    Ok(to)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(origin: &str, location: &str) -> Result<String, String> {
        let origin = Url::parse(origin).unwrap();
        next(&origin, &origin, location).map(String::from).map_err(|fault| fault.text)
    }

    #[test]
    fn a_redirect_leads_to_public_places_by_http_and_never_to_less_encryption() {
        assert_eq!(from("https://a.org/x/y", "z").unwrap(), "https://a.org/x/z");
        assert_eq!(from("http://a.org/x", "https://b.org/y?sig=1").unwrap(), "https://b.org/y?sig=1");
        assert_eq!(from("http://127.0.0.1:1/x", "http://127.0.0.1:1/y").unwrap(), "http://127.0.0.1:1/y");
        let table = [
            ("http://a.org", "file:///etc/passwd", "redirected to file:///etc/passwd, which is not http or https"),
            ("https://a.org", "http://a.org/", "redirected to http://a.org/, which is not encrypted"),
            (
                "http://a.org",
                "https://u:p@b.org/?sig=s",
                "redirected to https://..@b.org/?.., which has a name or password before its host",
            ),
        ];
        for (origin, location, why) in table {
            assert_eq!(from(origin, location).unwrap_err(), why);
        }
    }

    #[test]
    fn a_redirect_does_not_lead_inside() {
        let inside = [
            "http://169.254.169.254/latest/",
            "http://localhost:80/",
            "http://x.localhost/",
            "http://[::1]/",
            "http://[::ffff:10.0.0.1]/",
            "http://[fe80::1]/",
            "http://[fd00::1]/",
            "http://0x7f000001/",
            "http://2130706433/",
            "http://10.1.2.3/",
            "http://172.16.0.1/",
            "http://192.168.1.1/",
            "http://100.64.0.1/",
            "http://0.0.0.0/",
        ];
        for location in inside {
            for origin in ["http://a.org/", "http://127.0.0.1:8000/"] {
                let told = from(origin, location).unwrap_err();
                assert!(told.ends_with("which is an address of this machine or its network"), "{told}");
            }
        }
    }
}
