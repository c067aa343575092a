//! `h5refs ls`: what a file holds.

use std::io::{self, Write};

use clap::Args;
use h5refs::file::{Content, Dataset, Link, LinkKind, Object, Storage};

use crate::opening::OneFile;
use crate::{Ending, dap, print, say};

/// List groups, datasets and links with shapes, types, chunks and filters, like "h5ls -r".
#[derive(Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    input: OneFile,
    #[command(flatten)]
    dap: dap::Asking,
}

pub(crate) fn run(arguments: &Arguments) -> Ending {
    let name = arguments.input.file.to_string();
    let mut unreadable = false;
    let ending = print(&name, |out| {
        if let Some(url) = arguments.dap.url(&arguments.input.file)? {
            unreadable = dataset(arguments, url, out)? != Ending::Well;
            return Ok(());
        }
        let tree = h5refs::tree(&arguments.input.open()?, arguments.input.limits())?;
        let width = tree.objects.iter().map(|object| object.path.len()).max().unwrap_or(0).clamp(16, 48);
        for object in &tree.objects {
            if let Some(error) = error(object) {
                unreadable = true;
                say(&format!("{}: {error}", object.path));
            }
            if object.node.content.is_ok() {
                writeln!(out, "{:width$} {}", object.path.escape_default().to_string(), describe(object))?;
            }
        }
        tree.links.iter().try_for_each(|link| describe_link(link, width, out))?;
        Ok(())
    });
    if unreadable && ending == Ending::Well { Ending::Refused } else { ending }
}

/// Lists the groups and arrays of a server's dataset.
#[cfg(feature = "dap")]
fn dataset(arguments: &Arguments, url: &str, out: &mut dyn Write) -> Result<Ending, Box<dyn std::error::Error>> {
    use h5refs::reference::Node;
    use h5refs::store::Origin;

    let options = arguments.dap.options(arguments.input.reading(), arguments.input.limits())?;
    let dataset = dap::dap_origin(url, options)?;
    let told = dap::tell(&dataset);
    let nodes = &dataset.set().nodes;
    let width = nodes.iter().map(|(path, _)| path.len().saturating_add(1)).max().unwrap_or(0).clamp(16, 48);
    for (path, node) in nodes {
        let what = match node {
            Node::Group(_) => "Group".to_owned(),
            Node::Array(array) => describe_array(array),
        };
        writeln!(out, "{:width$} {what}", format!("/{path}").escape_default().to_string())?;
    }
    Ok(told)
}

#[cfg(not(feature = "dap"))]
fn dataset(_: &Arguments, _: &str, _: &mut dyn Write) -> Result<Ending, Box<dyn std::error::Error>> {
    Err(dap::refused().into())
}

/// An array of a server: its shape and type, and the chunks that the server says the file has behind it (`_ChunkSizes`).
#[cfg(feature = "dap")]
fn describe_array(array: &h5refs::reference::Array) -> String {
    use h5refs::zarr::Kind;

    let list = |sizes: Vec<String>| format!("{{{}}}", sizes.join(", "));
    let shape: Vec<String> = array.metadata.shape.iter().map(u64::to_string).collect();
    let shape = if shape.is_empty() { "SCALAR".to_owned() } else { list(shape) };
    let scalar = array.metadata.dtype.scalar();
    let bits = scalar.map_or(0, |scalar| scalar.size.saturating_mul(8));
    let name = match scalar.map(|scalar| scalar.kind) {
        Some(Kind::Signed) => format!("int{bits}"),
        Some(Kind::Unsigned) => format!("uint{bits}"),
        Some(Kind::Float) => format!("float{bits}"),
        _ => "variable-length string".to_owned(),
    };
    let chunks = array.attributes.get("_ChunkSizes").map(|sizes| match sizes.as_array() {
        Some(sizes) => sizes.iter().map(ToString::to_string).collect(),
        None => vec![sizes.to_string()],
    });
    let chunks = chunks.map(|sizes| format!(", chunks {} in the server's file", list(sizes))).unwrap_or_default();
    format!("Dataset {shape} {name}, served by DAP2{chunks}")
}

/// What cannot be read of an object.
fn error(object: &Object) -> Option<&h5refs::Error> {
    match &object.node.content {
        Err(error) => Some(error),
        Ok(Content::Dataset(dataset)) => match &dataset.storage {
            Storage::Chunked { chunks: Some(Err(error)), .. } => Some(error),
            _ => object.node.attributes.as_ref().err(),
        },
        Ok(_) => object.node.attributes.as_ref().err(),
    }
}

fn describe(object: &Object) -> String {
    match &object.node.content {
        Ok(Content::Dataset(dataset)) => describe_dataset(dataset),
        Ok(Content::Datatype(datatype)) => format!("Type {}", datatype.name()),
        Ok(_) => "Group".to_owned(),
        Err(error) => error.to_string(),
    }
}

fn describe_dataset(dataset: &Dataset) -> String {
    let sizes = dataset.dataspace.dimensions.iter().zip(&dataset.dataspace.maximum);
    let sizes: Vec<String> = sizes
        .map(|(size, most)| match most {
            None => format!("{size}/Inf"),
            Some(most) if most == size => size.to_string(),
            Some(most) => format!("{size}/{most}"),
        })
        .collect();
    let shape = match dataset.dataspace.extent {
        h5refs::file::Extent::Null => "NULL".to_owned(),
        h5refs::file::Extent::Scalar => "SCALAR".to_owned(),
        h5refs::file::Extent::Simple => format!("{{{}}}", sizes.join(", ")),
    };
    format!(
        "Dataset {shape} {}, {}{}",
        dataset.datatype.name(),
        describe_storage(&dataset.storage),
        describe_filters(dataset)
    )
}

fn describe_storage(storage: &Storage) -> String {
    match storage {
        Storage::Chunked { chunk, index, chunks, .. } => {
            let chunk: Vec<String> = chunk.iter().map(u64::to_string).collect();
            let written = match chunks {
                Some(Ok(table)) => format!("{} written", table.len()),
                Some(Err(_)) | None => "not read".to_owned(),
            };
            format!("chunks {{{}}} by {index}, {written}", chunk.join(", "))
        }
        Storage::Contiguous { offset: Some(offset), length } => format!("contiguous, {length} bytes at {offset:#x}"),
        Storage::Contiguous { offset: None, .. } => "contiguous, never written".to_owned(),
        Storage::Compact { offset, elements } => format!("compact, {} bytes at {offset:#x}", elements.len()),
        Storage::Virtual(mappings) => match mappings.len() {
            1 => "virtual, 1 mapping".to_owned(),
            n => format!("virtual, {n} mappings"),
        },
        other => other.name().to_owned(),
    }
}

fn describe_filters(dataset: &Dataset) -> String {
    let filter = |filter: &h5refs::file::Filter| {
        let name = match filter.id {
            1 => "deflate".to_owned(),
            2 => "shuffle".to_owned(),
            3 => "fletcher32".to_owned(),
            id => filter.name.clone().unwrap_or_else(|| format!("filter {id}")),
        };
        match filter.client_data.as_slice() {
            [] => format!(", {name}"),
            values => format!(", {name}{values:?}"),
        }
    };
    dataset.filters.filters.iter().map(filter).collect()
}

fn describe_link(link: &Link, width: usize, out: &mut dyn Write) -> io::Result<()> {
    let kind = match &link.kind {
        LinkKind::Soft { target, object: Some(_) } => format!("Soft Link {{{target}}}"),
        LinkKind::Soft { target, object: None } => format!("Soft Link {{{target}}}, which is not there"),
        LinkKind::External { file, path } => format!("External Link {{{file}//{path}}}"),
        LinkKind::UserDefined(kind) => format!("User-defined Link of type {kind}"),
        LinkKind::Loop { .. } => "Group that it lies in".to_owned(),
        LinkKind::Unnameable(reason) => format!("Object with a name that no path can have: {reason}"),
        _ => "Link".to_owned(),
    };
    writeln!(out, "{:width$} {}", link.path.escape_default().to_string(), kind.escape_default())
}
