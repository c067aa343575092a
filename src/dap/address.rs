//! URLs of datasets.

use super::name::unescaped;
use crate::error::Error;
use crate::source::without_secrets;

/// Where a dataset is served, and which of its variables are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    /// The URL, behind which `.dds` and the like stand.
    base: String,
    /// Names of variables; all where none is named.
    pub(crate) variables: Vec<String>,
}

/// What stands in place of `https` and `http` in a URL that is said to be one of DAP2.
const SCHEMES: [(&str, &str); 5] =
    [("dap2", "https"), ("dap2+https", "https"), ("dap2+http", "http"), ("https", "https"), ("http", "http")];

impl Address {
    pub(crate) fn new(url: &str) -> Result<Self, Error> {
        let refuse = |why: &str| Error::NotAllowed { url: without_secrets(url), why: why.to_owned() };
        let (scheme, rest) = url.split_once("://").ok_or_else(|| refuse("it is no URL"))?;
        let known = SCHEMES.iter().find(|(known, _)| *known == scheme);
        let (_, scheme) = known.ok_or_else(|| refuse("it is none of dap2, dap2+http, http and https"))?;
        if rest.contains('#') {
            return Err(refuse("what stands behind # is for other clients"));
        }
        let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
        let query = unescaped(query).ok_or_else(|| refuse("its constraint is no UTF-8"))?;
        if query.contains(['[', '(', '&', '<', '>', '=']) {
            let why = "of a constraint only names of variables are taken, with commas between: boxes are asked for here, and \
                       selections and functions change what there is";
            return Err(refuse(why));
        }
        let variables = query.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect();
        Ok(Self { base: format!("{scheme}://{place}"), variables })
    }

    /// The URL of a kind of answer, and of a part of it.
    pub(crate) fn answer(&self, kind: &str, constraint: &str) -> String {
        let mark = if constraint.is_empty() { "" } else { "?" };
        format!("{}.{kind}{mark}{constraint}", self.base)
    }

    /// The URL as it may be told.
    pub(crate) fn told(&self) -> String {
        without_secrets(&self.base)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_of_dap2_is_encrypted_unless_it_says_otherwise() {
        let dds = |url: &str| Address::new(url).unwrap().answer("dds", "");
        assert_eq!(dds("dap2://h/a/b.nc"), "https://h/a/b.nc.dds");
        assert_eq!(dds("dap2+http://h:8080/b"), "http://h:8080/b.dds");
        assert_eq!(dds("http://h/b"), "http://h/b.dds");
        let address = Address::new("dap2://h/b?sst,lat%2Ename").unwrap();
        assert_eq!(address.variables, ["sst", "lat.name"]);
        assert_eq!(address.answer("dods", "sst%5B0%5D"), "https://h/b.dods?sst%5B0%5D");
    }

    #[test]
    fn what_would_change_what_there_is_is_refused_by_name() {
        for url in [
            "s3://b/k",
            "h/b",
            "dap2://h/b#mode=dap2",
            "dap2://h/b?sst[0:1]",
            "dap2://h/b?sst%5B0:1%5D",
            "dap2://h/b?t&t.x>1",
            "dap2://h/b?mean(x)",
        ] {
            assert!(matches!(Address::new(url), Err(Error::NotAllowed { .. })), "{url}");
        }
    }
}
