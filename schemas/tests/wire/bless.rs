//! Files that the tests hold: compared byte for byte, or written anew when that is asked for by
//! `TIMEDEAL_BLESS=1 cargo test -p schemas`.

use std::path::PathBuf;

/// A file or directory of this crate.
pub(crate) fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// Whether files are to be written rather than compared.
pub(crate) fn asked() -> bool {
    std::env::var_os("TIMEDEAL_BLESS").is_some_and(|value| value == "1")
}

/// Writes a file that was asked for.
pub(crate) fn write(name: &str, content: &str) {
    let path = path(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, content).unwrap();
}

/// The content of a file that must exist.
#[track_caller]
pub(crate) fn read(name: &str) -> String {
    std::fs::read_to_string(path(name)).unwrap_or_else(|fault| {
        panic!("{name}: {fault}; TIMEDEAL_BLESS=1 cargo test -p schemas writes it")
    })
}

/// The names of the files in a directory, sorted.
pub(crate) fn list(directory: &str) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(path(directory))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}
