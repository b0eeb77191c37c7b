//! A disk as a program leaves it, and as it may stand after a loss of power.
//!
//! Certain is what was synced with success: bytes and length of a file by a sync of the file, names
//! by a sync of their directory. Of everything later, this may be lost in any combination:
//!
//! - each sector of a write by itself, 512 or 4,096 bytes; a file whose end was lost is shorter, or
//!   has zeros there;
//! - each change of a file's length, whatever was written after it;
//! - the last changes of a name, files and directories alike: then a new file has no name, and a
//!   removed one is there again.
//!
//! What a failed sync should have brought to the disk stays uncertain for good, even if the next
//! sync succeeds: an operating system may take such pages for clean.
//!
//! That is more than ext4 or XFS lose. Not modelled are disks that forget what they were synced,
//! sectors that are torn in themselves, and bytes that nobody wrote.

use std::collections::BTreeMap;
use std::path::Path;

use crate::chance::Chance;
use crate::trace::Step;

#[derive(Clone, Debug)]
enum Change {
    Write { offset: usize, bytes: Vec<u8> },
    Resize { bytes: usize },
}

#[derive(Debug, Default)]
struct File {
    certain: Vec<u8>,
    /// A sync of these has failed.
    doubtful: Vec<Change>,
    /// No sync has been asked for.
    pending: Vec<Change>,
}

/// What a name stands for; a file by its index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Thing {
    File(usize),
    Directory,
    Nothing,
}

/// Everything below one directory, which itself is certain.
#[derive(Debug, Default)]
pub(crate) struct Disk {
    files: Vec<File>,
    /// As the program sees them.
    names: BTreeMap<String, Thing>,
    certain_names: BTreeMap<String, Thing>,
    pending_names: Vec<(String, Thing)>,
}

/// How much of what is not certain is lost.
#[derive(Clone, Copy, Debug)]
struct Loss {
    kept_percent: usize,
    sector_bytes: usize,
    /// Where the end of a file is lost, whether there are zeros.
    zeros: bool,
}

impl Loss {
    fn draw(chance: &mut Chance) -> Self {
        Self {
            kept_percent: [0, 0, 10, 50, 50, 90, 90, 100][chance.below(8)],
            sector_bytes: [512, 4_096][chance.below(2)],
            zeros: chance.percent(50),
        }
    }
}

impl Disk {
    pub(crate) fn take(&mut self, step: &Step) {
        match step {
            Step::Create { path } => {
                if self.thing(path) == Thing::Nothing {
                    self.files.push(File::default());
                    self.name(path, Thing::File(self.files.len() - 1));
                }
            }
            Step::CreateDirectory { path } => self.name(path, Thing::Directory),
            Step::Write { path, offset, bytes } => {
                let change = Change::Write { offset: *offset, bytes: bytes.clone() };
                self.file(path).pending.push(change);
            }
            Step::Resize { path, bytes } => {
                self.file(path).pending.push(Change::Resize { bytes: *bytes });
            }
            Step::Remove { path } => self.name(path, Thing::Nothing),
            Step::Rename { from, to } => {
                let thing = self.thing(from);
                self.name(from, Thing::Nothing);
                self.name(to, thing);
            }
            Step::Sync { path, failed } => self.sync(path, *failed),
            Step::Answer(_) => {}
        }
    }

    fn thing(&self, path: &str) -> Thing {
        self.names.get(path).copied().unwrap_or(Thing::Nothing)
    }

    #[track_caller]
    fn file(&mut self, path: &str) -> &mut File {
        let Thing::File(index) = self.thing(path) else { panic!("no file {path}") };
        &mut self.files[index]
    }

    fn name(&mut self, path: &str, thing: Thing) {
        self.names.insert(path.to_owned(), thing);
        self.pending_names.push((path.to_owned(), thing));
    }

    fn sync(&mut self, path: &str, failed: bool) {
        if path.is_empty() || self.thing(path) == Thing::Directory {
            assert!(!failed, "not modelled: a failed sync of a directory");
            for (name, thing) in self.pending_names.extract_if(.., |(name, _)| parent(name) == path)
            {
                self.certain_names.insert(name, thing);
            }
        } else if failed {
            let file = self.file(path);
            file.doubtful.append(&mut file.pending);
        } else {
            self.file(path).settle();
        }
    }

    /// Writes into `directory` what may be left now.
    pub(crate) fn lose_power(&self, chance: &mut Chance, directory: &Path) {
        let loss = Loss::draw(chance);
        let mut names = self.certain_names.clone();
        let mut lost = Vec::new();
        for (name, thing) in &self.pending_names {
            // Of one name, what comes after a lost change is lost with it.
            if lost.contains(&name) || !chance.percent(loss.kept_percent) {
                lost.push(name);
            } else {
                names.insert(name.clone(), *thing);
            }
        }
        // In this order, directories stand before what is in them.
        for (name, thing) in names {
            let path = directory.join(&name);
            if !path.parent().is_some_and(Path::is_dir) {
                continue;
            }
            match thing {
                Thing::Directory => std::fs::create_dir(path).unwrap(),
                Thing::File(index) => {
                    std::fs::write(path, self.files[index].left(chance, loss)).unwrap();
                }
                Thing::Nothing => {}
            }
        }
    }
}

impl File {
    fn settle(&mut self) {
        for change in self.pending.drain(..) {
            self.doubtful.retain(|older| !change.replaces(older));
            change.apply(&mut self.certain);
        }
    }

    fn left(&self, chance: &mut Chance, loss: Loss) -> Vec<u8> {
        let mut left = self.certain.clone();
        for change in self.doubtful.iter().chain(&self.pending) {
            change.apply_in_part(&mut left, chance, loss);
        }
        left
    }
}

impl Change {
    /// Whether nothing, or at least nothing certain, is left of an older one.
    fn replaces(&self, older: &Self) -> bool {
        match (self, older) {
            (Self::Write { offset, bytes }, Self::Write { offset: from, bytes: old }) => {
                *offset < from + old.len() && *from < offset + bytes.len()
            }
            (Self::Resize { bytes }, Self::Write { offset, .. }) => offset >= bytes,
            (Self::Resize { .. }, Self::Resize { .. }) => true,
            (Self::Write { .. }, Self::Resize { .. }) => false,
        }
    }

    fn apply(&self, content: &mut Vec<u8>) {
        match self {
            Self::Write { offset, bytes } => put(content, *offset, bytes),
            Self::Resize { bytes } => content.resize(*bytes, 0),
        }
    }

    fn apply_in_part(&self, content: &mut Vec<u8>, chance: &mut Chance, loss: Loss) {
        match self {
            Self::Resize { .. } => {
                if chance.percent(loss.kept_percent) {
                    self.apply(content);
                }
            }
            Self::Write { offset, bytes } => {
                let (mut from, end) = (*offset, offset + bytes.len());
                while from < end {
                    let until = end.min((from / loss.sector_bytes + 1) * loss.sector_bytes);
                    if chance.percent(loss.kept_percent) {
                        put(content, from, &bytes[from - offset..until - offset]);
                    } else if loss.zeros && content.len() < until {
                        content.resize(until, 0);
                    }
                    from = until;
                }
            }
        }
    }
}

fn put(content: &mut Vec<u8>, offset: usize, bytes: &[u8]) {
    let end = offset + bytes.len();
    if content.len() < end {
        content.resize(end, 0);
    }
    content[offset..end].copy_from_slice(bytes);
}

fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(parent, _)| parent)
}
