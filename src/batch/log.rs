//! Records in a file, each whole or not there.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read, Seek, SeekFrom, Write};

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Longest record, with its checksum: what is longer in a file was not written here.
const LONGEST: u64 = 1 << 30;

/// Records that are only ever added: lines of a CRC-32 in eight hexadecimal digits, a space, and JSON. What a killed program left of
/// a last record is cut off.
#[derive(Debug)]
pub struct Log {
    store: Store,
    /// Where the next record goes.
    end: u64,
}

/// Where a record stands in its log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place(u64);

#[derive(Debug)]
enum Store {
    File(File),
    Memory(Cursor<Vec<u8>>),
}

impl Log {
    /// A log that is gone with this value.
    pub fn in_memory() -> Self {
        Self { store: Store::Memory(Cursor::default()), end: 0 }
    }

    /// The log in a file, which nobody else may write to meanwhile. Tells `found` of each record, and where it stands; records that are
    /// not what was written are passed over.
    ///
    /// # Errors
    /// What the file answers.
    pub fn open<T: DeserializeOwned>(mut file: File, mut found: impl FnMut(Place, T)) -> io::Result<Self> {
        let length = file.seek(SeekFrom::End(0))?;
        file.rewind()?;
        let mut lines = BufReader::new(&file);
        let (mut end, mut line) = (0_u64, Vec::new());
        loop {
            line.clear();
            let bytes = lines.by_ref().take(LONGEST).read_until(b'\n', &mut line)?;
            if line.pop() != Some(b'\n') {
                break;
            }
            if let Some(record) = record(&line) {
                found(Place(end), record);
            }
            end = end.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
        }
        if end < length {
            file.set_len(end)?;
        }
        Ok(Self { store: Store::File(file), end })
    }

    /// Adds a record. It is with the operating system when this returns: the end of the program does not lose it.
    ///
    /// # Errors
    /// What the file answers; nothing is added then.
    pub fn add(&mut self, record: &impl Serialize) -> io::Result<Place> {
        let json = serde_json::to_vec(record)?;
        let mut line = format!("{:08x} ", checksum(&json)).into_bytes();
        line.extend_from_slice(&json);
        line.push(b'\n');
        let place = Place(self.end);
        if let Err(error) = self.store.write(self.end, &line) {
            // A piece that cannot be cut off is passed over by whoever reads it.
            let _cut = self.store.cut(self.end);
            return Err(error);
        }
        self.end = self.end.saturating_add(u64::try_from(line.len()).unwrap_or(u64::MAX));
        Ok(place)
    }

    /// The record that stands there.
    ///
    /// # Errors
    /// What the file answers; a record that is not what was written, or of another type.
    pub fn get<T: DeserializeOwned>(&mut self, place: Place) -> io::Result<T> {
        let line = self.store.line(place.0)?;
        record(&line).ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "a record is not what was written"))
    }
}

impl Store {
    fn write(&mut self, at: u64, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::File(file) => file.seek(SeekFrom::Start(at)).and_then(|_| file.write_all(bytes)),
            Self::Memory(memory) => memory.seek(SeekFrom::Start(at)).and_then(|_| memory.write_all(bytes)),
        }
    }

    fn cut(&mut self, end: u64) -> io::Result<()> {
        match self {
            Self::File(file) => file.set_len(end),
            Self::Memory(_) => Ok(()),
        }
    }

    /// Up to the end of the line.
    fn line(&mut self, at: u64) -> io::Result<Vec<u8>> {
        let mut line = Vec::new();
        match self {
            Self::File(file) => {
                file.seek(SeekFrom::Start(at))?;
                BufReader::new(file).take(LONGEST).read_until(b'\n', &mut line)?;
            }
            Self::Memory(memory) => {
                memory.seek(SeekFrom::Start(at))?;
                memory.read_until(b'\n', &mut line)?;
            }
        }
        line.pop();
        Ok(line)
    }
}

fn checksum(bytes: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    crc.sum()
}

/// What a line holds, if it is what was written.
fn record<T: DeserializeOwned>(line: &[u8]) -> Option<T> {
    let (stored, rest) = line.split_at_checked(8)?;
    let json = rest.strip_prefix(b" ")?;
    let stored = u32::from_str_radix(std::str::from_utf8(stored).ok()?, 16).ok()?;
    if stored == checksum(json) { serde_json::from_slice(json).ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What stands in a file of these bytes, and the file then.
    fn found(bytes: &[u8]) -> (Vec<String>, Vec<u8>) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        std::fs::write(&path, bytes).unwrap();
        let mut found = Vec::new();
        let file = File::options().read(true).write(true).open(&path).unwrap();
        let mut log = Log::open(file, |place, text: String| found.push((place, text))).unwrap();
        for (place, text) in &found {
            assert_eq!(log.get::<String>(*place).unwrap(), *text);
        }
        let new = log.add(&"new").unwrap();
        assert_eq!(log.get::<String>(new).unwrap(), "new");
        (found.into_iter().map(|(_, text)| text).collect(), std::fs::read(path).unwrap())
    }

    #[test]
    fn records_are_lines_with_a_checksum() {
        let line = b"2e5a7dd1 \"abc\"\n";
        assert_eq!(format!("{:08x}", checksum(b"\"abc\"")), "2e5a7dd1");
        let (texts, bytes) = found(line);
        assert_eq!(texts, ["abc"]);
        assert_eq!(bytes, [&line[..], format!("{:08x} \"new\"\n", checksum(b"\"new\"")).as_bytes()].concat());
    }

    #[test]
    fn a_torn_last_record_is_cut_off() {
        let mut log = Log::in_memory();
        log.add(&"one\ntwo").unwrap();
        log.add(&"three").unwrap();
        let Store::Memory(memory) = &log.store else { panic!() };
        let whole = memory.get_ref().clone();
        let first = whole.iter().position(|byte| *byte == b'\n').unwrap() + 1;
        assert_eq!(found(&whole).0, ["one\ntwo", "three"]);
        for end in first..whole.len() {
            let (texts, bytes) = found(&whole[..end]);
            assert_eq!((texts.as_slice(), &bytes[..first]), (&["one\ntwo".to_owned()][..], &whole[..first]), "{end}");
            assert_eq!(found(&bytes).0, ["one\ntwo", "new"], "{end}");
        }
    }

    #[test]
    fn a_record_that_was_changed_is_passed_over() {
        let mut log = Log::in_memory();
        let first = log.add(&"one").unwrap();
        log.add(&"two").unwrap();
        assert_eq!(log.get::<String>(first).unwrap(), "one");
        assert!(log.get::<u64>(first).is_err());
        let Store::Memory(memory) = &log.store else { panic!() };
        let whole = memory.get_ref().clone();
        for at in (0..12).filter(|at| *at != 8) {
            let mut bytes = whole.clone();
            bytes[at] ^= 1;
            assert_eq!(found(&bytes).0, ["two"], "{at}");
        }
        assert_eq!(found(b"").0, Vec::<String>::new());
        assert_eq!(found(b"\n\nnonsense\n").0, Vec::<String>::new());
    }
}
