//! Object headers: all messages of all blocks, wherever they are stored ([IV.A]).

use super::{Block, File, length_of};
use crate::error::{Error, Problem, Structure, Unsupported};
use crate::field::convert::narrow;
use crate::field::{Address, Parsed, Span};
use crate::limits::check;
use crate::source::{Halt, join};
use crate::structure;
use crate::structure::message::continuation::Continuation;
use crate::structure::message::shared::{Shared, Stored};
use crate::structure::message::types;
use crate::structure::object_header::{Flags, Frame, Prefix};

use super::visited::Visited;

/// Bytes read of a header before its length is known: most headers fit.
const GUESS: u64 = 512;

/// An object header.
#[derive(Debug)]
pub(crate) struct Header {
    pub(crate) address: Address,
    messages: Vec<Message>,
}

/// One header message.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    pub(crate) kind: u16,
    flags: Flags,
    pub(crate) creation_index: Option<u16>,
    pub(crate) body: Block,
}

impl Message {
    pub(crate) fn is_shared(&self) -> bool {
        self.flags.is_shared()
    }

    /// Runs the message's parser on its body.
    pub(crate) fn parse<'a, T>(
        &'a self,
        structure: Structure,
        parser: impl FnOnce(Span<'a>) -> Parsed<'a, T>,
    ) -> Result<T, Error> {
        self.body.parse(structure, parser)
    }
}

impl Header {
    /// The first message of a type.
    pub(crate) fn find(&self, message_type: u16) -> Option<&Message> {
        self.all(message_type).next()
    }

    /// Every message of a type.
    pub(crate) fn all(&self, message_type: u16) -> impl Iterator<Item = &Message> {
        self.messages.iter().filter(move |message| message.kind == message_type)
    }

    /// Refuses an object with a message that is unknown and must not be.
    fn refuse_unknown(&self) -> Result<(), Unsupported> {
        let is_known = |kind| kind <= types::CACHE_IMAGE && kind != types::BOGUS;
        let unknown = |message: &&Message| !is_known(message.kind) && message.flags.must_be_understood();
        match self.messages.iter().find(unknown) {
            Some(message) => Err(Unsupported::Message(message.kind)),
            None => Ok(()),
        }
    }

    /// The only message of a type.
    fn only(&self, file: &File<'_>, message_type: u16, name: &'static str) -> Result<Option<&Message>, Error> {
        let mut all = self.all(message_type);
        match (all.next(), all.next()) {
            (first, None) => Ok(first),
            _ => Err(file.problem_at(Structure::ObjectHeader, self.address, Problem::Duplicate(name))),
        }
    }
}

impl File<'_> {
    /// The object header at an address.
    pub(crate) fn header(&self, address: Address) -> Result<Header, Halt> {
        let structure = Structure::ObjectHeader;
        let guess = self.block_up_to(structure, address, GUESS)?;
        let prefix = guess.parse(structure, Prefix::parse)?;
        let size = prefix
            .block_size()
            .ok_or_else(|| Error::format(structure, guess.at, Problem::Overflow("size of chunk 0")))?;
        check("header_bytes", size, self.limits().header_bytes)?;
        let block = if size <= length_of(&guess) {
            Block { at: guess.at, bytes: guess.bytes.slice(..narrow(size)) }
        } else {
            self.block(structure, address, size)?
        };
        let frames = block.parse(structure, |i| prefix.messages(i))?;
        let mut header = Header { address, messages: messages(&block, &frames) };
        self.continue_header(prefix, &mut header)?;
        header.refuse_unknown()?;
        Ok(header)
    }

    /// Reads the continuation blocks, those of one level together.
    fn continue_header(&self, prefix: Prefix, header: &mut Header) -> Result<(), Halt> {
        let (mut visited, mut blocks, mut bytes) = (Visited::default(), 0_u64, prefix.messages_size);
        let mut unread = header.messages.clone();
        while !unread.is_empty() {
            let places = self.continuations(&unread)?;
            for (address, length) in &places {
                visited
                    .arrive("continuation block", *address)
                    .map_err(|problem| self.problem_at(Structure::ObjectHeader, *address, problem))?;
                (blocks, bytes) = (blocks.saturating_add(1), bytes.saturating_add(*length));
            }
            check("continuations", blocks, self.limits().continuations)?;
            check("header_bytes", bytes, self.limits().header_bytes)?;
            unread.clear();
            for block in self.blocks(Structure::ObjectHeader, &places)? {
                let frames = block.parse(Structure::ObjectHeader, |i| prefix.version.continuation(i))?;
                unread.extend(messages(&block, &frames));
            }
            header.messages.extend_from_slice(&unread);
        }
        header.messages.retain(|message| !matches!(message.kind, types::NIL | types::CONTINUATION));
        Ok(())
    }

    fn continuations(&self, messages: &[Message]) -> Result<Vec<(Address, u64)>, Error> {
        let continuations = messages.iter().filter(|message| message.kind == types::CONTINUATION);
        let place = |message: &Message| {
            let parse = |i| Continuation::parse(self.sizes(), i);
            message.parse(Structure::Continuation, parse).map(|found| (found.address, found.length))
        };
        continuations.map(place).collect()
    }

    /// The only message of a type, fetched from where it is stored if it is shared.
    pub(crate) fn message(
        &self,
        header: &Header,
        message_type: u16,
        name: &'static str,
    ) -> Result<Option<Message>, Halt> {
        match header.only(self, message_type, name)? {
            Some(message) => Ok(Some(self.unshared(message)?)),
            None => Ok(None),
        }
    }

    /// A message as it is stored, here or elsewhere.
    pub(crate) fn unshared(&self, message: &Message) -> Result<Message, Halt> {
        if !message.is_shared() {
            return Ok(message.clone());
        }
        let place = message.parse(Structure::SharedMessage, |i| Shared::parse(self.sizes(), i))?;
        let body = self.shared(place, message.kind)?;
        Ok(Message { body, flags: Flags(0), ..message.clone() })
    }

    /// The body of a shared message.
    pub(crate) fn shared(&self, place: Shared, message_type: u16) -> Result<Block, Halt> {
        match place {
            Shared::ObjectHeader(address) => {
                let header = self.header(address)?;
                // A committed message is stored in full: one that is shared again would be a chain.
                let message = header.find(message_type).filter(|message| !message.is_shared());
                let missing =
                    || self.problem_at(Structure::SharedMessage, address, Problem::Missing("the shared message"));
                Ok(message.ok_or_else(missing)?.body.clone())
            }
            Shared::Heap(id) => self.shared_in_heap(id, message_type),
        }
    }

    /// A value that a message holds, or a shared message for it.
    pub(crate) fn stored<T>(
        &self,
        stored: Stored<T>,
        message_type: u16,
        structure: Structure,
        parser: impl FnOnce(Span<'_>) -> Parsed<'_, T>,
    ) -> Result<T, Halt> {
        match stored {
            Stored::Here(value) => Ok(value),
            Stored::Elsewhere(place) => {
                let body = self.shared(place, message_type)?;
                Ok(structure::parse(structure, body.span(), parser)?)
            }
        }
    }

    /// All messages of a type, each as it is stored.
    pub(crate) fn all_unshared(&self, header: &Header, message_type: u16) -> Result<Vec<Message>, Halt> {
        join(header.all(message_type), |message| self.unshared(message))
    }
}

/// The messages that a block's frames describe.
fn messages(block: &Block, frames: &[Frame]) -> Vec<Message> {
    let body = |frame: &Frame| {
        let start = narrow(frame.at.saturating_sub(block.at));
        Block { at: frame.at, bytes: block.bytes.slice(start..start.saturating_add(narrow(frame.size))) }
    };
    let message = |frame: &Frame| Message {
        kind: frame.message_type,
        flags: frame.flags,
        creation_index: frame.creation_index,
        body: body(frame),
    };
    frames.iter().map(message).collect()
}

#[cfg(test)]
mod tests {
    use crate::file::proofs::{exceeded, object, refusals, tree_of};
    use crate::limits::Limits;
    use crate::structure::proofs::with;

    /// A dataset at 0x320 with one attribute, in a version 1 header without checksum.
    const V1: &[u8] = include_bytes!("../../testdata/object_header/v1.h5");
    /// The same with seven more in six continuation blocks, and a group of seven datasets.
    const CONTINUED: &[u8] = include_bytes!("../../testdata/object_header/v1_continuation.h5");
    const V2: &[u8] = include_bytes!("../../testdata/object_header/v2.h5");

    fn told(bytes: &[u8]) -> Vec<String> {
        refusals(bytes, Limits::default())
    }

    #[test]
    fn continuation_blocks_hold_messages_like_the_first() {
        let later = (0..7).map(|n| format!("later_{n}"));
        let expected: Vec<_> = std::iter::once("first".to_owned()).chain(later).collect();
        for file in [CONTINUED, include_bytes!("../../testdata/object_header/v2_continuation.h5")] {
            let tree = tree_of(file);
            let mut names: Vec<_> = object(&tree, "/d").attributes().iter().map(|one| one.name.clone()).collect();
            names.sort();
            assert_eq!(names, expected);
        }
    }

    #[test]
    fn a_continuation_block_that_is_reached_twice_is_refused() {
        let itself = with(CONTINUED, 0xdf4 + 8, &[0xf4, 0x0d]);
        let expected = "/d: object header at 0xdf4: continuation block reached a second time (at 0xdf4)";
        assert_eq!(told(&itself), [expected]);
    }

    #[test]
    fn a_continuation_outside_the_file_is_refused() {
        let far = with(CONTINUED, 0x35a, &[0xff]);
        let size = CONTINUED.len();
        assert_eq!(
            told(&far),
            [format!(
                "/d: object header at 0xff0df4: 152 bytes at 0xff0df4 are not inside the file of {size} bytes (at 0xff0df4)"
            )]
        );
    }

    #[test]
    fn too_many_continuations_are_refused() {
        assert_eq!(
            refusals(CONTINUED, Limits { continuations: 5, ..Limits::default() }),
            [format!("/d: {}", exceeded("continuations", 5, 6))]
        );
        assert_eq!(refusals(CONTINUED, Limits { continuations: 6, ..Limits::default() }), [""; 0]);
    }

    #[test]
    fn headers_that_are_too_long_are_refused() {
        let limits = |header_bytes| Limits { header_bytes, ..Limits::default() };
        assert_eq!(refusals(V1, limits(271)), [format!("/d: {}", exceeded("header_bytes", 271, 272))]);
        assert_eq!(refusals(V1, limits(272)), [""; 0]);
        // The first block has 256 bytes of messages, the blocks of the first level of continuations 720.
        assert_eq!(refusals(CONTINUED, limits(975)), [format!("/d: {}", exceeded("header_bytes", 975, 976))]);
    }

    #[test]
    fn messages_that_must_be_alone_are_refused_where_they_are_two() {
        // NIL as a second fill value message.
        let two = with(V1, 0x3d0, &[0x05]);
        assert_eq!(told(&two), ["/d: object header at 0x320: duplicate fill value message (at 0x320)"]);
    }

    #[test]
    fn messages_that_a_dataset_needs_are_refused_where_they_are_missing() {
        let without = |at| with(V1, at, &[0x00]);
        let missing = |name| format!("/d: object header at 0x320: {name} is missing (at 0x320)");
        assert_eq!(told(&without(0x330)), [missing("dataspace message")]);
        assert_eq!(told(&without(0x350)), [missing("datatype message")]);
        assert_eq!(told(&without(0x378)), [missing("data layout message")]);
    }

    #[test]
    fn an_unknown_message_is_refused_only_where_it_must_be_understood() {
        let unknown = |flags| with(&with(V1, 0x3d0, &[0x2a, 0]), 0x3d4, &[flags]);
        assert_eq!(told(&unknown(0)), [""; 0]);
        assert_eq!(told(&unknown(0x80)), ["/d: object header message of type 0x002a must be understood and is not"]);
    }

    #[test]
    fn a_header_that_is_damaged_costs_its_object_only() {
        let tree = tree_of(&with(V2, 0xb3, b"X"));
        assert_eq!(tree.objects.len(), 2);
        assert!(tree.objects[0].node.content.is_ok());
        let error = object(&tree, "/d").node.content.as_ref().unwrap_err();
        assert_eq!(error.to_string(), "object header at 0xb3: signature is not \"OHDR\" (at 0xb3)");
    }

    /// "first" names the committed datatype at 0x320; the root group at 0x60 has none, and that of "second" is shared itself.
    #[test]
    fn a_message_shared_from_a_header_that_lacks_it_is_refused() {
        let file = include_bytes!("../../testdata/datatype/committed.h5");
        assert_eq!(told(file), [""; 0]);
        let missing = "the shared message is missing";
        let root = with(file, 0x532, &[0x60, 0]);
        assert_eq!(told(&root), [format!("/first: shared message at 0x60: {missing} (at 0x60)")]);
        let chain = with(file, 0x532, &[0x08, 0x06]);
        assert_eq!(told(&chain), [format!("/first: shared message at 0x608: {missing} (at 0x608)")]);
    }
}
