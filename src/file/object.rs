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
        let unknown = |message: &&Message| message.kind > types::CACHE_IMAGE && message.flags.must_be_understood();
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
        let (mut visited, mut blocks, mut bytes) = (Visited::default(), 0_u64, 0_u64);
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
