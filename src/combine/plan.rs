//! What a combination will be: planned and checked, and then merged without reading anything.

use std::collections::BTreeMap;

use super::along::Along;
use super::axis::Axis;
use super::bounds::Bounds;
use super::cells::Cells;
use super::combined::{Chunks, Combined};
use super::compare::is_held_inline;
use super::conflicts::lies_in_no_array;
use super::coordinate::MOST_COORDINATES;
use super::evaluate::{array_in, evaluate};
use super::findings::{Findings, Weight};
use super::held::Held;
use super::inputs::{Inputs, Member};
use super::merge::merged;
use super::overlap::Overlap;
use super::roles::{Role, Roles};
use super::{Check, CombineOptions, Finding, Selector, Supply, attributes, coordinate_array};
use crate::error::Error;
use crate::reference::key::joined;
use crate::reference::{Array, Node, ReferenceSet};
use crate::zarr::Attributes;

/// Sets that are to be combined.
#[derive(Debug)]
pub struct Combine {
    options: CombineOptions,
    inputs: Inputs,
    findings: Findings,
    given: usize,
}

impl Combine {
    /// No sets yet.
    pub fn new(options: CombineOptions) -> Self {
        Self { options, inputs: Inputs::default(), findings: Findings::default(), given: 0 }
    }

    /// Adds a set under a name, which messages and selectors by name see. Its columns are kept, and of its documents those that no
    /// other set has.
    ///
    /// # Errors
    /// What [`CombineOptions::preprocess`] and closures of selectors answer.
    pub fn add(&mut self, name: impl Into<String>, set: ReferenceSet) -> Result<(), Error> {
        self.add_as(name.into(), set, false)
    }

    fn add_as(&mut self, name: String, mut set: ReferenceSet, is_combined: bool) -> Result<(), Error> {
        let index = self.given;
        self.given += usize::from(!is_combined);
        if let Some(change) = &self.options.preprocess {
            change.apply(&mut set)?;
        }
        let mut chosen = BTreeMap::new();
        for dimension in &self.options.concat_dims {
            if let Selector::Closure(closure) = self.options.selector(dimension)
                && !is_combined
            {
                let values = (closure.0)(index, &name, &set);
                let problem = |problem| Error::Combine { input: name.clone(), problem };
                chosen.insert(dimension.clone(), values.map_err(problem)?);
            }
        }
        let set = super::chosen::chosen(set, &self.options);
        self.inputs.add(name, index, set)?;
        let Some(input) = self.inputs.sets.last_mut() else { return Ok(()) };
        (input.chosen, input.is_combined) = (chosen, is_combined);
        self.leave_out_of_other_sizes();
        Ok(())
    }

    /// Leaves the last set out if a dimension has another length than is wanted.
    fn leave_out_of_other_sizes(&mut self) {
        let Some(input) = self.inputs.sets.last() else { return };
        let mut wanted = self.options.sizes.iter().map(|(name, length)| (name, length, self.inputs.size(input, name)));
        let Some((dimension, length, found)) = wanted.find(|(_, length, found)| *found != Some(**length)) else {
            return;
        };
        let found = found.map_or("absent".to_owned(), |found| found.to_string());
        let what = || format!("left out: the length of {dimension} is {found} and not {length}");
        self.findings.add(Weight::Decided, Check::Input, "", Some(&input.name), what);
        self.inputs.sets.pop();
    }

    /// Adds a set that was combined before: along each dimension it has its coordinates in an array of the dimension's name, wherever
    /// other sets have theirs from.
    ///
    /// # Errors
    /// As [`add`](Self::add).
    pub fn add_combined(&mut self, name: impl Into<String>, set: ReferenceSet) -> Result<(), Error> {
        self.add_as(name.into(), set, true)
    }

    /// Plans the combination. What has to be read, and is not inline, `supply` is asked for; without one it is refused.
    ///
    /// # Errors
    /// [`Error::Combine`] where there is nothing that could be combined: no sets, a set without the coordinates, coordinates without an
    /// order; what `supply` answers, and [`Error::Limit`]. All else is a finding.
    pub fn plan(self, supply: Option<&dyn Supply>) -> Result<Plan, Error> {
        let Self { options, mut inputs, mut findings, given } = self;
        let nothing = |problem: &str| Err(Error::Combine { input: String::new(), problem: problem.to_owned() });
        if inputs.sets.is_empty() {
            return nothing("there are no sets to combine");
        }
        options
            .concat_dims
            .iter()
            .try_for_each(|dimension| fits_list(&options.selector(dimension), dimension, given))?;
        changed_sources(&inputs, &options, &mut findings);
        if options.concat_dims.is_empty() {
            lengths(&inputs, &options, &mut findings);
        }
        let mut held = Held::new(supply, options.limits);
        let axes = axes(&options, &inputs, &mut held)?;
        let mut cells = Cells::of(&inputs, &axes, &options, &mut findings)?;
        let order = order(&inputs, &axes, &cells);
        let mut bounds = Bounds::of(&inputs);
        for axis in &axes {
            if let (Some(source), Some((units, calendar))) = (axis.source, axis.time.clone()) {
                bounds.change(source, &Some((units, Some(calendar))));
            }
        }
        let roles =
            Roles { inputs: &inputs, axes: &axes, options: &options, order: &order, held: &mut held, bounds: &bounds }
                .decide(&mut findings)?;
        let mut nodes = Vec::new();
        // Bounds come after the arrays whose units they have.
        let owners = bounds.all_owners();
        let (first, others): (Vec<usize>, Vec<usize>) = (0..inputs.paths.len()).partition(|path| owners.contains(path));
        for path in first.into_iter().chain(others) {
            let role = roles.get(path).copied().unwrap_or(Role::Out);
            let mut planning = Along {
                inputs: &inputs,
                axes: &axes,
                options: &options,
                order: &order,
                cells: &cells,
                held: &mut held,
                bounds: &mut bounds,
            };
            let node = match role {
                Role::Out => None,
                Role::Group => Some(Planned::Group(group(&inputs, &order, path, &options, &mut findings))),
                Role::Same => same(&inputs, &order, path, &options, &held, &mut findings),
                Role::Along => planning.array(path, &mut findings)?.map(|array| Planned::Array(Box::new(array))),
                Role::Coordinate(axis) => match axes.get(axis) {
                    Some(axis) => {
                        let array = coordinate_array::existing(&inputs, &order, path, axis, &options, &mut findings)?;
                        Some(Planned::Array(Box::new(array)))
                    }
                    None => None,
                },
            };
            nodes.extend(node.map(|node| (path, node)));
        }
        nodes.sort_by(|(a, _), (b, _)| by_parts(&inputs, *a).cmp(by_parts(&inputs, *b)));
        let new = coordinate_array::new(&inputs, &axes, &order)?;
        let planned = nodes
            .iter()
            .filter_map(|(path, node)| Some((inputs.paths.get(*path)?.as_str(), matches!(node, Planned::Array(_)))));
        lies_in_no_array(&planned.chain(new.iter().map(|(path, _)| (path.as_str(), true))).collect::<Vec<_>>())?;
        cells.left_out.clear();
        inputs.sets.iter_mut().for_each(|input| input.chosen.clear());
        Ok(Plan { options, inputs, axes, cells, nodes, new, findings: findings.into_vec() })
    }
}

/// A combination that was planned and checked.
#[derive(Debug)]
pub struct Plan {
    options: CombineOptions,
    inputs: Inputs,
    axes: Vec<Axis>,
    cells: Cells,
    nodes: Vec<(usize, Planned)>,
    /// Coordinates that no set has an array of, by path.
    new: Vec<(String, Combined)>,
    findings: Vec<Finding>,
}

/// A node of the combined set.
#[derive(Debug)]
enum Planned {
    Group(Attributes),
    Array(Box<Combined>),
}

/// One array of a plan, in words.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct PlannedArray {
    /// Its path.
    pub path: String,
    /// The names of its dimensions.
    pub dimensions: Vec<String>,
    /// Its shape.
    pub shape: Vec<u64>,
    /// The shape of its chunks.
    pub chunks: Vec<u64>,
    /// Where its chunks come from: `same` (one set has them for all), `inline` (stored anew), `chunks` (each is taken as it is) or
    /// `tiles` (chunks are cut).
    pub from: &'static str,
}

impl Plan {
    /// What the checks found, ordered by path.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// Whether a finding forbids the combination.
    pub fn is_refused(&self) -> bool {
        self.findings.iter().any(|finding| finding.weight == Weight::Error)
    }

    /// The dimensions along which sets are combined, and their lengths.
    pub fn dimensions(&self) -> impl Iterator<Item = (&str, u64)> {
        self.axes.iter().map(|axis| (axis.name.as_str(), axis.length()))
    }

    /// How many sets there are.
    pub fn sets(&self) -> usize {
        self.inputs.sets.len()
    }

    /// The arrays of the combined set.
    pub fn arrays(&self) -> impl Iterator<Item = PlannedArray> {
        let arrays = self.nodes.iter().filter_map(|(path, node)| match node {
            Planned::Array(array) => Some((self.inputs.paths.get(*path)?.clone(), &**array)),
            Planned::Group(_) => None,
        });
        let new = self.new.iter().map(|(path, array)| (path.clone(), array));
        arrays.chain(new).map(|(path, array)| PlannedArray {
            path,
            dimensions: array.attributes.dimensions().map(str::to_owned).collect(),
            shape: array.metadata.shape.clone(),
            chunks: array.metadata.chunks.clone(),
            from: match &array.chunks {
                Chunks::Of(_) => "same",
                Chunks::Held(_) => "inline",
                Chunks::Parts(parts) if parts.iter().any(|part| part.tile_bytes > 0) => "tiles",
                Chunks::Parts(_) => "chunks",
            },
        })
    }

    /// The combined set. Reads nothing.
    ///
    /// # Errors
    /// [`Error::Combine`] where a finding forbids it, or where sets have different chunks at the same coordinates.
    pub fn merge(mut self) -> Result<ReferenceSet, Error> {
        if let Some(finding) = self.findings.iter().find(|finding| finding.weight == Weight::Error) {
            return Err(Error::Combine { input: String::new(), problem: finding.to_string() });
        }
        let twice = self.cells.any_twice();
        // Rows are sorted by their numbers of 32 bits.
        let most = self.options.limits.chunks.min(u32::MAX.into());
        let mut nodes = Vec::with_capacity(self.nodes.len());
        for (path, node) in std::mem::take(&mut self.nodes) {
            let name = self.inputs.paths.get(path).cloned().unwrap_or_default();
            let node = match node {
                Planned::Group(attributes) => Node::Group(attributes),
                Planned::Array(array) => {
                    let Combined { metadata, attributes, chunks } = *array;
                    let chunks = match chunks {
                        Chunks::Held(chunks) => chunks,
                        Chunks::Of(set) => self.inputs.manifest(set, path).unwrap_or_default(),
                        Chunks::Parts(parts) => {
                            let dimensions = attributes.dimensions().zip(metadata.chunks.iter().copied());
                            let overlap = twice.then(|| Overlap::of(&self.inputs, &self.cells, &self.axes, dimensions));
                            merged(path, &metadata, &parts, &mut self.inputs, overlap.as_ref(), most)?
                        }
                    };
                    Node::Array(Box::new(Array { metadata, attributes, chunks }))
                }
            };
            nodes.push((name, node));
        }
        for (path, Combined { metadata, attributes, chunks }) in self.new {
            let Chunks::Held(chunks) = chunks else { continue };
            nodes.push((path, Node::Array(Box::new(Array { metadata, attributes, chunks }))));
        }
        nodes.sort_by(|(a, _), (b, _)| a.split('/').cmp(b.split('/')));
        let mut set = ReferenceSet { urls: self.inputs.urls.into_urls(), nodes, recorded: self.inputs.recorded };
        super::used::only_used(&mut set);
        if let Some(change) = &self.options.postprocess {
            change.apply(&mut set)?;
        }
        Ok(set)
    }
}

/// Whether a list has no more values than sets were given: one that has is of other sets, or in another order.
fn fits_list(selector: &Selector, dimension: &str, given: usize) -> Result<(), Error> {
    match selector {
        Selector::List(values) if values.len() > given => {
            let problem = format!("coordinates {dimension}: the list has {} values for {given} sets", values.len());
            Err(Error::Combine { input: String::new(), problem })
        }
        _ => Ok(()),
    }
}

/// The dimensions, with the coordinates of all sets.
fn axes(options: &CombineOptions, inputs: &Inputs, held: &mut Held<'_>) -> Result<Vec<Axis>, Error> {
    let mut wanted = Vec::new();
    for dimension in &options.concat_dims {
        let selector = options.selector(dimension);
        let mut total = 0_u64;
        for (set, input) in inputs.sets.iter().enumerate() {
            let Some(path) = array_in(input, dimension, &selector, inputs) else { continue };
            let length = input.member(path).and_then(Member::array).map_or(0, |(metadata, _)| {
                metadata.shape.iter().fold(1_u64, |count, length| count.saturating_mul(*length))
            });
            total = total.saturating_add(length);
            if total > MOST_COORDINATES {
                let problem = format!(
                    "the sets up to it have {total} coordinates along {dimension}, and {MOST_COORDINATES} are held"
                );
                return Err(Error::Combine { input: input.name.clone(), problem });
            }
            wanted.push((set, path));
        }
    }
    held.fetch(inputs, &wanted)?;
    let axis = |dimension: &String| {
        let evaluated = evaluate(dimension, options, inputs, held)?;
        Axis::of(dimension, evaluated).map_err(|(set, problem)| Error::Combine {
            input: inputs.sets.get(set).map(|input| input.name.clone()).unwrap_or_default(),
            problem,
        })
    };
    options.concat_dims.iter().map(axis).collect()
}

/// The sets, the smallest coordinates first; sets without any come last.
fn order(inputs: &Inputs, axes: &[Axis], cells: &Cells) -> Vec<usize> {
    let mut order: Vec<usize> =
        (0..inputs.sets.len()).filter(|set| cells.left_out.binary_search(set).is_err()).collect();
    let smallest = |set: usize| -> Vec<u64> {
        let least = |axis: &Axis| axis.positions.get(set).and_then(|own| own.iter().min()).copied().unwrap_or(u64::MAX);
        axes.iter().map(least).collect()
    };
    order.sort_by_cached_key(|set| (smallest(*set), inputs.sets.get(*set).map(|input| input.name.clone()), *set));
    order
}

fn by_parts(inputs: &Inputs, path: usize) -> std::str::Split<'_, char> {
    inputs.paths.get(path).map(String::as_str).unwrap_or_default().split('/')
}

/// Dimensions that have other lengths in another set, where nothing is put along them.
fn lengths(inputs: &Inputs, options: &CombineOptions, findings: &mut Findings) {
    let weight = options.policies.weight(Check::Shape);
    let mut known: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    for input in &inputs.sets {
        for ((group, name), length) in inputs.sizes(input) {
            let first = *known.entry((group, name)).or_insert(length);
            if first != length {
                let what = || format!("the dimension has length {length} instead of {first}");
                findings.add(weight, Check::Shape, &joined(group, name), Some(&input.name), what);
            }
        }
    }
}

/// Files that changed between the scans of two sets.
fn changed_sources(inputs: &Inputs, options: &CombineOptions, findings: &mut Findings) {
    let weight = options.policies.weight(Check::Source);
    for (url, input) in &inputs.changed {
        findings.add(weight, Check::Source, url, Some(input), || {
            "another set was made when it had another size or time".to_owned()
        });
    }
}

/// The attributes of a path in the sets that have it.
fn all_attributes<'a>(inputs: &'a Inputs, order: &[usize], path: usize) -> Vec<(&'a str, &'a Attributes)> {
    let of = |set: &usize| {
        let input = inputs.sets.get(*set)?;
        Some((input.name.as_str(), input.member(path)?.documents.attributes()))
    };
    order.iter().filter_map(of).collect()
}

fn group(
    inputs: &Inputs,
    order: &[usize],
    path: usize,
    options: &CombineOptions,
    findings: &mut Findings,
) -> Attributes {
    let name = inputs.paths.get(path).map(String::as_str).unwrap_or_default();
    attributes::merged(name, &all_attributes(inputs, order, path), &options.policies, false, findings).0
}

/// An array that is the same in all sets.
fn same(
    inputs: &Inputs,
    order: &[usize],
    path: usize,
    options: &CombineOptions,
    held: &Held<'_>,
    findings: &mut Findings,
) -> Option<Planned> {
    let name = inputs.paths.get(path)?;
    let (merged, is_left_out) =
        attributes::merged(name, &all_attributes(inputs, order, path), &options.policies, false, findings);
    let has = |set: &&usize| {
        inputs.sets.get(**set).and_then(|input| input.member(path)).is_some_and(|member| member.array().is_some())
    };
    let set = *order.iter().find(has)?;
    // Variables that are put side by side are each in some of the sets only.
    for lacking in order.iter().filter(|set| !has(set) && !options.concat_dims.is_empty()) {
        let input = inputs.sets.get(*lacking).map(|input| input.name.as_str());
        findings
            .add(Weight::Note, Check::Missing, name, input, || "is not there, and the same in the others".to_owned());
    }
    let (metadata, _) = inputs.sets.get(set)?.member(path)?.array()?;
    let is_fetched = held.fetched(set, path).filter(|_| is_held_inline(metadata));
    let chunks = is_fetched.map_or(Chunks::Of(set), |chunks| Chunks::Held(chunks.clone()));
    (!is_left_out)
        .then(|| Planned::Array(Box::new(Combined { metadata: metadata.clone(), attributes: merged, chunks })))
}
