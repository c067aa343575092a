//! Files that a driver of libhdf5 spread over several ([II.B], [IV.A.2.u]).

use super::File;
use crate::error::{Error, Problem, Structure, Unsupported};
use crate::field::Address;
use crate::source::{Halt, Members, attempt};
use crate::structure::driver_information::{self, Driver};

impl File<'_> {
    /// Where the bytes lie of a file that is spread over the members of a family.
    pub(crate) fn family(&self) -> Option<Members> {
        self.source.members()
    }

    /// Version 0 and 1 superblocks name a driver that spreads the file over several in a block of its own.
    pub(super) fn read_driver_information(&mut self) -> Result<(), Halt> {
        let Some(address) = self.superblock.driver_information else { return Ok(()) };
        let structure = Structure::DriverInformation;
        let block = self.block_up_to(structure, address, driver_information::LENGTH)?;
        Ok(self.accept(structure, block.at, block.parse(structure, Driver::parse)?)?)
    }

    /// Accepts the family driver of a source that is such a family, and no other.
    pub(super) fn accept(&mut self, structure: Structure, at: u64, driver: Driver) -> Result<(), Error> {
        let member_size = match driver {
            Driver::Family { member_size } => member_size,
            Driver::Multi => return Err(Unsupported::Feature("multi file driver (one file of several)").into()),
            Driver::Subfiling => return Err(Unsupported::Subfiling.into()),
            Driver::Other => return Err(Unsupported::Feature("file driver information").into()),
        };
        let members = self.source.members().ok_or(Unsupported::FamilyMember)?;
        if !members.fit(member_size) {
            let (field, found, expected) = ("size of member file", member_size, members.each);
            return Err(Error::format(structure, at, Problem::Mismatch { field, found, expected }));
        }
        self.driven = true;
        Ok(())
    }

    /// Refuses members of a family whose file does not say that it is one: any files might be called so.
    pub(super) fn refuse_undriven(&self) -> Result<(), Error> {
        if self.driven || self.source.members().is_none() {
            return Ok(());
        }
        Err(self.problem_at(Structure::Superblock, Address(0), Problem::Missing("driver information of a family")))
    }

    /// A file that ends too early may be one of several; that is told then.
    pub(super) fn one_of_several(&mut self) -> Result<Option<Error>, Halt> {
        let told = |read: Result<(), Error>| read.err().filter(|error| matches!(error, Error::Unsupported(_)));
        let block = attempt(self.read_driver_information())?;
        let extension = attempt(self.read_extension())?;
        Ok(told(block).or(told(extension)))
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::field::convert::wide;
    use crate::file::proofs::refusals;
    use crate::file::{CutOff, Memo};
    use crate::limits::Limits;
    use crate::source::Input;
    use crate::structure::proofs::with;

    const V0: &[u8] = include_bytes!("../../testdata/superblock/v0.h5");

    /// Places in a version 0 superblock: end of file address, driver information address.
    const END: usize = 40;
    const DRIVER: usize = 48;

    /// A file with a driver information block after everything else.
    fn driven(name: [u8; 8]) -> Vec<u8> {
        let block = [
            &[0, 0, 0, 0],             // version, reserved
            &[8, 0, 0, 0],             // driver information size
            &name[..],                 // driver identification
            &[0, 4, 0, 0, 0, 0, 0, 0], // driver information
        ];
        let bytes = [V0, &block.concat()].concat();
        let bytes = with(&bytes, DRIVER, &wide(V0.len()).to_le_bytes());
        let end = wide(bytes.len()).to_le_bytes();
        with(&bytes, END, &end)
    }

    #[test]
    fn one_file_of_several_is_refused_by_the_name_of_its_driver() {
        let told = |name: &[u8; 8]| refusals(&driven(*name), Limits::default());
        assert_eq!(told(b"NCSAfami"), [Unsupported::FamilyMember.to_string()]);
        assert_eq!(told(b"NCSAmult"), ["multi file driver (one file of several) is not supported"]);
        // Such a file ends before its superblock says.
        let first = driven(*b"NCSAfami");
        let longer = with(&first, END, &1_000_000_u64.to_le_bytes());
        assert_eq!(refusals(&longer, Limits::default()), [Unsupported::FamilyMember.to_string()]);
        assert_eq!(told(b"Subfilin"), [Unsupported::Subfiling.to_string()]);
        assert_eq!(told(b"somebody"), ["file driver information is not supported"]);
    }

    #[test]
    fn a_family_is_read_where_its_members_have_the_size_that_it_says() {
        let family = driven(*b"NCSAfami");
        let told = |bytes: &[u8], each: usize| {
            let members = bytes.chunks(each).map(|member| Input::from(Bytes::copy_from_slice(member)));
            let read = Input::family(members)
                .unwrap()
                .run(|source| Ok(File::open(source, Limits::default(), CutOff::Refuse, &Memo::once())?.family()));
            read.map_err(|error| error.to_string())
        };
        let (count, total) = (family.len().div_ceil(1024), wide(family.len()));
        assert_eq!(told(&family, 1024), Ok(Some(Members { each: 1024, count, total })));
        let at = V0.len();
        let mismatch =
            format!("driver information block at {at:#x}: size of member file is 1024, not 512 (at {at:#x})");
        assert_eq!(told(&family, 512), Err(mismatch));
        let unsaid = "superblock at 0x0: driver information of a family is missing (at 0x0)";
        assert_eq!(told(V0, 1024), Err(unsaid.to_owned()));
    }
}
