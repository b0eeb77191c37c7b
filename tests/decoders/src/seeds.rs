//! What a search begins with: good input, whatever once broke a decoder, and pieces to put into it.
//! Must not know how it is changed.

use std::fs;
use std::path::{Path, PathBuf};

use crate::{Target, named};

/// Where libFuzzer is to find what it begins with; `cargo xtask fuzz` sets it.
const FOLDER: &str = "TIMEDEAL_FUZZ_FOLDER";

/// Pieces that mean something to one format or another.
pub const PIECES: [&[u8]; 30] = [
    b"{",
    b"}",
    b"[",
    b"]",
    b"\"",
    b":",
    b",",
    b"\\u0000",
    b"\\ud800",
    b"\\\"",
    b"null",
    b"true",
    b"-1",
    b"0",
    b"1e999",
    b"1.5",
    b"18446744073709551615",
    b"9223372036854775808",
    b"-9223372036854775809",
    b"\x00",
    b"\xff",
    b"\xef\xbb\xbf",
    b"=",
    b".",
    b"\r\n",
    b"%00",
    b"/",
    b"d",
    b"ms",
    b"AAAA",
];

impl Target {
    /// What it makes itself, and what once broke it, or might.
    ///
    /// # Panics
    ///
    /// If its folder of the corpus cannot be read.
    #[must_use]
    pub fn seeds(&self) -> Vec<Vec<u8>> {
        let mut seeds = (self.made)();
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(self.name);
        if folder.is_dir() {
            seeds.extend(files(&folder).iter().map(|path| fs::read(path).unwrap()));
        }
        seeds
    }
}

/// The files of a folder, by name.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap();
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

/// Puts the seeds of a target, a file each, and the pieces, as libFuzzer reads a dictionary, where
/// `TIMEDEAL_FUZZ_FOLDER` says; does nothing without it.
///
/// # Panics
///
/// If they cannot be written, or if there is no such target.
pub fn lay_out(name: &str) {
    let target = named(name);
    let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) else { return };
    let seeds = folder.join("seeds");
    fs::create_dir_all(&seeds).unwrap();
    for (number, seed) in target.seeds().iter().enumerate() {
        fs::write(seeds.join(number.to_string()), seed).unwrap();
    }
    let entry = |piece: &&[u8]| {
        let bytes: String = piece.iter().map(|byte| format!("\\x{byte:02x}")).collect();
        format!("\"{bytes}\"\n")
    };
    fs::write(folder.join("dictionary"), PIECES.iter().map(entry).collect::<String>()).unwrap();
}
