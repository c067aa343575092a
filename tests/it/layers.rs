//! The layers of `src/`: each may use those above it, and none below.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// The layers, from the top; `cdl`, `error`, `convert` and `limits` are one, as are `field`, `codec` and `window`. `fuzzing` is last,
/// because it gives the fuzz targets ways into any of them and is not there for anyone else.
const LAYERS: [&[&str]; 22] = [
    &["cdl", "error", "convert", "limits"],
    &["field", "codec", "window"],
    &["structure"],
    &["source"],
    &["file"],
    &["netcdf"],
    &["dmrpp"],
    &["zarr"],
    &["reference"],
    &["translate"],
    &["output"],
    &["lint"],
    &["store"],
    &["dap"],
    &["combine"],
    &["edit"],
    &["verify"],
    &["plan"],
    &["batch"],
    &["copy"],
    &["fuzzing"],
    &["bin"],
];

/// Layers that know no HDF5, and those that they must not use.
const FREE_OF_HDF5: [&str; 5] = ["zarr", "reference", "combine", "output", "lint"];
const HDF5: [&str; 6] = ["field", "structure", "source", "file", "netcdf", "dmrpp"];

/// What one layer uses: the other layer, and the files that do.
type Uses = BTreeMap<String, BTreeMap<String, BTreeSet<String>>>;

#[test]
fn no_layer_uses_one_below_it() {
    let below = |layer: &str, used: &str| position(used) > position(layer);
    assert_eq!(wrong(below), Vec::<String>::new());
}

#[test]
fn references_know_no_hdf5() {
    assert_eq!(wrong(|layer, used| FREE_OF_HDF5.contains(&layer) && HDF5.contains(&used)), Vec::<String>::new());
}

#[test]
fn servers_of_dap2_know_no_hdf5() {
    let known = ["structure", "file", "netcdf", "translate"];
    assert_eq!(wrong(|layer, used| layer == "dap" && known.contains(&used)), Vec::<String>::new());
}

#[test]
fn only_translate_and_its_judge_know_both_hdf5_and_zarr() {
    let both: Vec<String> = uses()
        .into_iter()
        .filter(|(_, used)| used.contains_key("file") && used.contains_key("zarr"))
        .map(|(layer, _)| layer)
        .collect();
    assert_eq!(both, ["translate", "verify"]);
}

#[test]
fn the_table_of_contents_lists_the_layers_in_order() {
    let lib = std::fs::read_to_string(src().join("lib.rs")).unwrap();
    let modules =
        lib.lines().filter_map(|line| line.trim_start_matches("pub ").strip_prefix("mod ")?.strip_suffix(';'));
    let positions: Vec<usize> = modules.map(position).collect();
    assert!(positions.is_sorted() && positions.len() > 8, "{positions:?}");
}

#[test]
fn the_search_finds_every_form_of_import() {
    let code = "use crate::error::Error;\n//! crate::output::Json\nuse crate::{file::{Tree, walk}, limits};\n\
        fn f() -> crate::netcdf::Name { super::super::zarr::f(super::g()) }\n\
        #[cfg(test)]\nmod tests {\n    use crate::store::read;\n}\n#[cfg(test)]\nuse crate::batch::Job;\nconst URL: &str = \"https://x\"; use crate::combine::check;\n";
    let expected = ["combine", "error", "file", "limits", "netcdf", "zarr"];
    assert_eq!(used(code, 2), expected.map(str::to_owned).into());
}

pub(crate) fn src() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// The position of a layer from the top.
fn position(layer: &str) -> usize {
    let position = LAYERS.iter().position(|layers| layers.contains(&layer));
    position.unwrap_or_else(|| panic!("{layer} is no layer: import a name from where it is defined"))
}

/// The uses that a rule forbids.
fn wrong(forbidden: impl Fn(&str, &str) -> bool) -> Vec<String> {
    let mut wrong = Vec::new();
    for (layer, used) in uses() {
        for (used, files) in used.into_iter().filter(|(used, _)| forbidden(&layer, used)) {
            wrong.push(format!("{layer} uses {used} in {files:?}"));
        }
    }
    wrong
}

fn uses() -> Uses {
    let mut uses = Uses::new();
    for file in sources(&src()) {
        let relative = file.strip_prefix(src()).unwrap();
        let parts: Vec<&str> = relative.iter().map(|part| part.to_str().unwrap()).collect();
        let layer = parts[0].trim_end_matches(".rs");
        // The program uses the library by its name, as any other would.
        if layer == "lib" || layer == "bin" {
            continue;
        }
        // Tests use what they like, in files of their own as beside the code.
        if relative.ends_with("tests.rs") {
            continue;
        }
        let depth = parts.len() - usize::from(relative.ends_with("mod.rs"));
        let code = std::fs::read_to_string(&file).unwrap();
        for used in used(&code, depth).into_iter().filter(|used| used != layer) {
            let files = uses.entry(layer.to_owned()).or_default().entry(used).or_default();
            files.insert(relative.display().to_string());
        }
    }
    uses
}

/// Every file of Rust below a folder.
pub(crate) fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let files = entries.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] });
    files.filter(|path| path.extension().is_some_and(|extension| extension == "rs")).collect()
}

/// The first names after `crate::`, or after as many `super::` as lead there from a module of this depth.
fn used(code: &str, depth: usize) -> BTreeSet<String> {
    let code = without_tests(&without_comments(code));
    let root = "super::".repeat(depth);
    let after = |prefix: &str| -> Vec<String> {
        code.match_indices(prefix).flat_map(|(at, _)| first_names(&code[at + prefix.len()..])).collect()
    };
    after("crate::").into_iter().chain(after(&root)).collect()
}

/// The name that a path begins with, or the names of the paths in braces.
fn first_names(path: &str) -> Vec<String> {
    let name = |text: &str| text.trim().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let Some(group) = path.strip_prefix('{') else { return vec![name(path)] };
    let (mut depth, mut names, mut start) = (0_usize, Vec::new(), 0);
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' | ',' if depth == 0 => {
                names.push(name(&group[start..at]));
                start = at + 1;
                if c == '}' {
                    break;
                }
            }
            '}' => depth -= 1,
            _ => {}
        }
    }
    names.retain(|name| !name.is_empty());
    names
}

/// Comments begin with two slashes that stand at the start of a line or after a space.
fn without_comments(code: &str) -> String {
    let before_comment = |line: &str| {
        let starts = |at: &usize| *at == 0 || line[..*at].ends_with(' ');
        let end = line.match_indices("//").map(|(at, _)| at).find(starts).unwrap_or(line.len());
        format!("{}\n", &line[..end])
    };
    code.lines().map(before_comment).collect()
}

/// Without the items that only tests have: up to the brace that closes them, or the semicolon.
fn without_tests(code: &str) -> String {
    let (mut kept, mut rest) = (String::new(), code);
    while let Some((before, item)) = rest.split_once("#[cfg(test)]") {
        kept.push_str(before);
        rest = &item[end_of_item(item)..];
    }
    kept + rest
}

fn end_of_item(item: &str) -> usize {
    let mut depth = 0_usize;
    for (at, c) in item.char_indices() {
        match c {
            ';' if depth == 0 => return at + 1,
            '{' => depth += 1,
            '}' if depth == 1 => return at + 1,
            '}' => depth -= 1,
            _ => {}
        }
    }
    item.len()
}
