//! How the plan of a combination, and what its checks found, are told.

use std::collections::BTreeMap;
use std::io::Write;

use h5refs::combine::{Finding, Plan, Weight};

/// A finding as it may be told: what one of files is about is a URL.
fn told(finding: &Finding) -> Finding {
    Finding { path: h5refs::told_url(&finding.path), ..finding.clone() }
}

/// A finding as a line.
pub(crate) fn line(finding: &Finding) -> String {
    let finding = told(finding);
    match finding.weight {
        Weight::Error => format!("error: {finding}"),
        _ => finding.to_string(),
    }
}

/// The attributes that differ, in one line.
pub(crate) fn summary(attributes: &[&Finding]) -> Option<String> {
    const NAMED: usize = 6;
    let named: Vec<&str> = attributes.iter().take(NAMED).map(|finding| finding.path.as_str()).collect();
    let more = attributes.len().saturating_sub(named.len());
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    (!named.is_empty()).then(|| {
        format!("attributes that differ are those of the first: {}{more} (--report FILE has all)", named.join(", "))
    })
}

pub(crate) fn write_json(plan: &Plan, out: &mut dyn Write) -> std::io::Result<()> {
    let dimensions: BTreeMap<&str, u64> = plan.dimensions().collect();
    let document = serde_json::json!({
        "inputs": plan.sets(),
        "dimensions": dimensions,
        "arrays": plan.arrays().collect::<Vec<_>>(),
        "findings": plan.findings().iter().map(told).collect::<Vec<_>>(),
    });
    serde_json::to_writer_pretty(&mut *out, &document)?;
    writeln!(out)
}

/// The plan and its findings for people.
pub(crate) fn write_plan(plan: &Plan, out: &mut dyn Write) -> std::io::Result<()> {
    let dimensions: Vec<String> = plan.dimensions().map(|(name, length)| format!("{name}={length}")).collect();
    writeln!(out, "{} inputs, {}", plan.sets(), dimensions.join(", "))?;
    for array in plan.arrays() {
        let sizes = array.dimensions.iter().zip(&array.shape).map(|(name, length)| format!("{name}={length}"));
        let sizes: Vec<String> = sizes.collect();
        writeln!(out, "{} ({}) chunks {:?}: {}", array.path, sizes.join(", "), array.chunks, array.from)?;
    }
    for finding in plan.findings().iter().map(told) {
        writeln!(out, "{}: {finding}", serde_json::to_value(finding.weight)?.as_str().unwrap_or_default())?;
    }
    Ok(())
}
