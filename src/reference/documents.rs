//! The documents of a set by their keys, and the arrays whose chunks other keys name.

use std::collections::HashMap;

use super::key::{chunk_number, split};
use super::{Builder, KnownDocuments};
use crate::error::Error;
use crate::zarr::{Attributes, Consolidated, Invalid, Separator, check_group, is_same};

/// The documents of groups and arrays, in the order in which their paths came.
#[derive(Debug, Default)]
pub(crate) struct Documents {
    paths: HashMap<String, usize>,
    nodes: Vec<(String, Texts)>,
}

/// The documents of one group or array.
#[derive(Debug, Default)]
struct Texts {
    group: Option<String>,
    array: Option<String>,
    attributes: Option<String>,
}

/// The arrays of a set, by their paths.
#[derive(Debug, Default)]
pub(crate) struct Arrays {
    places: HashMap<String, usize>,
    all: Vec<(String, Keys)>,
}

/// How the chunks of an array are named.
#[derive(Debug)]
struct Keys {
    handle: usize,
    separator: Separator,
    grid: Vec<u64>,
}

impl Documents {
    /// Whether a key is that of a document.
    pub(crate) fn is_one(key: &str) -> bool {
        matches!(split(key).1, ".zgroup" | ".zarray" | ".zattrs")
    }

    /// Adds a document.
    pub(crate) fn add(&mut self, key: &str, text: String) -> Result<(), Error> {
        let (path, name) = split(key);
        let at = *self.paths.entry(path.to_owned()).or_insert(self.nodes.len());
        if at == self.nodes.len() {
            self.nodes.push((path.to_owned(), Texts::default()));
        }
        let Some((_, texts)) = self.nodes.get_mut(at) else { return Ok(()) };
        let place = match name {
            ".zgroup" => &mut texts.group,
            ".zarray" => &mut texts.array,
            _ => &mut texts.attributes,
        };
        match place.replace(text) {
            None => Ok(()),
            Some(_) => Err(wrong(key, "is there twice")),
        }
    }

    /// Whether a `.zmetadata` has the same documents.
    pub(crate) fn are(&self, consolidated: &str) -> bool {
        let Ok(Consolidated { documents, .. }) = Consolidated::parse(consolidated) else { return false };
        let own = self.nodes.iter().flat_map(|(path, texts)| {
            let Texts { group, array, attributes } = texts;
            let named = [(".zgroup", group), (".zarray", array), (".zattrs", attributes)];
            named.into_iter().filter_map(|(name, text)| Some((super::key::joined(path, name), text.as_deref()?)))
        });
        let mut own: HashMap<String, &str> = own.collect();
        documents.iter().all(|(key, text)| own.remove(key).is_some_and(|known| is_same(known, text))) && own.is_empty()
    }

    /// The nodes without chunks; the arrays; the paths that have attributes and are neither group nor array.
    pub(crate) fn build(self, known: &KnownDocuments) -> Result<(Builder, Arrays, Vec<String>), Error> {
        let (mut builder, mut arrays, mut stray) = (Builder::default(), Arrays::default(), Vec::new());
        for (path, Texts { group, array, attributes }) in self.nodes {
            let key = |name: &str| super::key::joined(&path, name);
            let invalid = |name: &str, what: Invalid| wrong(&key(name), &what.to_string());
            let attributes = attributes.as_deref().map_or(Ok(Attributes::default()), |text| known.attributes(text));
            let attributes = attributes.map_err(|what| invalid(".zattrs", what))?;
            match (group, array) {
                (Some(_), Some(_)) => return Err(wrong(&path, "is a group and an array")),
                (Some(group), None) => {
                    check_group(&group).map_err(|what| invalid(".zgroup", what))?;
                    builder.group(&path, attributes);
                }
                (None, Some(array)) => {
                    let (metadata, separator) = known.array(&array).map_err(|what| invalid(".zarray", what))?;
                    let grid = super::grid::grid(&metadata.shape, &metadata.chunks);
                    let handle = builder.array(&path, metadata, attributes);
                    arrays.places.insert(path.clone(), arrays.all.len());
                    arrays.all.push((path, Keys { handle, separator, grid }));
                }
                (None, None) => stray.push(key(".zattrs")),
            }
        }
        let inside = self.paths.keys().find_map(|path| arrays.around(path).map(|array| (path, array)));
        match inside {
            Some((path, array)) => Err(wrong(path, &format!("lies inside the array {array}"))),
            None => Ok((builder, arrays, stray)),
        }
    }
}

impl Arrays {
    /// The array that a path lies in, if it lies in one.
    fn around<'a>(&self, path: &'a str) -> Option<&'a str> {
        ancestors(path).find(|ancestor| self.places.contains_key(*ancestor))
    }

    /// The handle and the grid of an array.
    pub(crate) fn get(&self, path: &str) -> Option<(usize, &[u64])> {
        let (_, keys) = self.all.get(*self.places.get(path)?)?;
        Some((keys.handle, keys.grid.as_slice()))
    }

    /// The array and the number of the chunk that a key names; `None` where it lies in no array. `last` is where it is looked for
    /// first, and then where it was found.
    ///
    /// # Errors
    /// [`Error::Reference`] where it lies in an array and is none of its chunks.
    pub(crate) fn chunk(&self, key: &str, last: &mut usize) -> Result<Option<(usize, u64)>, Error> {
        let Some((keys, name)) = self.inside(key, *last).or_else(|| {
            *last = *self.places.get(self.around(key)?)?;
            self.inside(key, *last)
        }) else {
            return Ok(None);
        };
        let number = chunk_number(name, keys.separator, &keys.grid);
        let number = number.ok_or_else(|| wrong(key, "lies inside an array, and is none of its chunks"))?;
        Ok(Some((keys.handle, number)))
    }

    /// The array at a place, if a key lies in it, and the rest of the key.
    fn inside<'k>(&self, key: &'k str, place: usize) -> Option<(&Keys, &'k str)> {
        let (path, keys) = self.all.get(place)?;
        let name = if path.is_empty() { key } else { key.strip_prefix(path.as_str())?.strip_prefix('/')? };
        Some((keys, name))
    }
}

/// The paths that a path lies in, the nearest first; the last is the root's.
fn ancestors(path: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(path).filter(|path| !path.is_empty()).map(|path| split(path).0), |path| {
        (!path.is_empty()).then(|| split(path).0)
    })
}

fn wrong(key: &str, problem: &str) -> Error {
    Error::Reference { key: key.to_owned(), problem: problem.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::zarr::GROUP;

    const ARRAY: &str = r#"{"zarr_format":2,"shape":[4,4],"chunks":[2,2],"dtype":"<i4","compressor":null,"filters":null,"fill_value":0,"order":"C"}"#;

    fn built(documents: &[(&str, &str)]) -> Result<(Builder, Arrays, Vec<String>), Error> {
        let mut all = Documents::default();
        for (key, text) in documents {
            all.add(key, (*text).to_owned())?;
        }
        all.build(&KnownDocuments::default())
    }

    #[test]
    fn a_key_is_a_chunk_of_the_array_that_it_lies_in() {
        let slashes = ARRAY.replace("\"order\"", "\"dimension_separator\":\"/\",\"order\"");
        let (_, arrays, stray) =
            built(&[("g/.zgroup", GROUP), ("g/a/.zarray", ARRAY), ("b/.zarray", &slashes), ("x/.zattrs", "{}")])
                .unwrap();
        assert_eq!(stray, ["x/.zattrs"]);
        let (a, b) = (arrays.get("g/a").unwrap().0, arrays.get("b").unwrap().0);
        assert_eq!(arrays.chunk("g/a/1.0", &mut 0).unwrap(), Some((a, 2)));
        assert_eq!(arrays.chunk("b/1/1", &mut 0).unwrap(), Some((b, 3)));
        assert_eq!((arrays.chunk("g/0.0", &mut 0).unwrap(), arrays.chunk("c", &mut 0).unwrap()), (None, None));
        for wrong in ["g/a/2.0", "g/a/1/0", "g/a/x", "b/1.1", "g/a/0.0/x", "b/0/0/0"] {
            assert!(arrays.chunk(wrong, &mut 0).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_array_at_the_root_has_all_keys() {
        let (_, arrays, _) = built(&[(".zarray", ARRAY)]).unwrap();
        assert_eq!(arrays.chunk("1.1", &mut 0).unwrap(), Some((0, 3)));
        assert!(arrays.chunk("x/0.0", &mut 0).is_err());
    }

    #[test]
    fn consolidated_documents_are_the_same_or_not() {
        let mut documents = Documents::default();
        documents.add(".zgroup", GROUP.to_owned()).unwrap();
        documents.add("a/.zattrs", "{\"x\": NaN, \"y\": 1}".to_owned()).unwrap();
        let with = |text: &str| documents.are(&format!("{{\"metadata\": {{\".zgroup\": {GROUP}{text}}}}}"));
        assert!(with(",\"a/.zattrs\":{\"y\":1,\"x\":NaN}"));
        for other in
            ["", ",\"a/.zattrs\":{\"y\":1,\"x\":\"NaN\"}", ",\"a/.zattrs\":{\"y\":1,\"x\":NaN},\"b/.zattrs\":{}", "]"]
        {
            assert!(!with(other), "{other}");
        }
    }

    #[test]
    fn documents_that_contradict_each_other_are_refused() {
        let told = |documents: &[(&str, &str)]| built(documents).map(|_| ()).unwrap_err().to_string();
        assert_eq!(told(&[("a/.zarray", ARRAY), ("a/.zarray", ARRAY)]), "reference a/.zarray: is there twice");
        assert_eq!(told(&[("a/.zarray", ARRAY), ("a/.zgroup", GROUP)]), "reference a: is a group and an array");
        assert_eq!(told(&[("a/.zarray", ARRAY), ("a/b/.zgroup", GROUP)]), "reference a/b: lies inside the array a");
        assert!(told(&[(".zgroup", "{\"zarr_format\":3}")]).starts_with("reference .zgroup: zarr_format 3"));
        assert!(told(&[("a/.zattrs", "[]")]).starts_with("reference a/.zattrs: attributes"));
    }
}
