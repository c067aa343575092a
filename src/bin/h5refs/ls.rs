//! `h5refs ls`: what a file holds.

use std::io::{self, Write};

use clap::Args;
use h5refs::file::{Content, Dataset, Link, LinkKind, Object, Storage};

use crate::opening::OneFile;
use crate::{Ending, print, say};

/// List groups, datasets and links with shapes, types, chunks and filters, like "h5ls -r".
#[derive(Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    input: OneFile,
}

pub(crate) fn run(arguments: &Arguments) -> Ending {
    let name = arguments.input.file.to_string();
    let mut unreadable = false;
    let ending = print(&name, |out| {
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
