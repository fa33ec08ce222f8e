//! Random edits of a folder, as editors, build tools and version control make them.

use std::fs::Permissions;
use std::io;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

/// Names of files; the last folders and endings are what the rules leave out.
const NAMES: [&str; 14] = [
    "main.py",
    "a",
    "b",
    "c.txt",
    "übung.md",
    "日本.py",
    "with space",
    "-dash",
    "quote'\"",
    "naïve.rs",
    "x",
    "y.json",
    "noise.log",
    "#odd$name",
];
/// Names of folders.
const FOLDERS: [&str; 8] = ["lib", "src", "tests", "ordner ä", "данные", "deep", "cache", "empty"];
/// How deep folders go.
const DEPTH: usize = 4;
/// From how many paths on more is deleted than made.
const FULL: usize = 400;

/// Numbers that are the same for the same seed. <https://www.jstatsoft.org/article/view/v008i14>
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed | 1)
    }

    /// From 0 up to `count`, without it.
    pub fn below(&mut self, count: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        let count = u64::try_from(count.max(1)).unwrap_or(1);
        usize::try_from((self.0 >> 16) % count).unwrap_or(0)
    }

    pub fn one<'a, T: ?Sized>(&mut self, of: &[&'a T]) -> &'a T {
        of[self.below(of.len())]
    }
}

/// A folder that is edited.
pub struct Edited {
    root: PathBuf,
    /// What was there when it was last looked at: folders and all else.
    folders: Vec<PathBuf>,
    others: Vec<PathBuf>,
    edits: usize,
}

impl Edited {
    pub fn new(root: PathBuf) -> Self {
        std::fs::create_dir_all(&root).expect("a folder");
        Self { root, folders: Vec::new(), others: Vec::new(), edits: 0 }
    }

    /// Makes one edit; one that cannot be made is replaced by another.
    pub fn edit(&mut self, dice: &mut Dice) {
        self.look();
        while self.try_edit(dice).is_err() {}
        self.edits += 1;
    }

    fn look(&mut self) {
        self.folders = vec![self.root.clone()];
        self.others.clear();
        let mut next = 0;
        while let Some(folder) = self.folders.get(next).cloned() {
            for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
                let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
                if is_folder { &mut self.folders } else { &mut self.others }.push(entry.path());
            }
            next += 1;
        }
    }

    fn try_edit(&self, dice: &mut Dice) -> io::Result<()> {
        let text = format!("{} {}\n", self.edits, "x".repeat(dice.below(3000)));
        let deletes = self.folders.len() + self.others.len() > FULL;
        match dice.below(if deletes { 130 } else { 100 }) {
            0..30 => std::fs::write(self.file(dice), text),
            30..45 => {
                // As editors save: beside it, then over it.
                let file = self.file(dice);
                let beside = file.with_file_name(".saving.tmp");
                std::fs::write(&beside, text)?;
                std::fs::rename(beside, file)
            }
            45..50 => {
                // With a backup that goes again.
                let file = self.other(dice)?;
                let backup = file.with_file_name("backup~");
                std::fs::rename(file, &backup)?;
                std::fs::write(file, text)?;
                std::fs::remove_file(backup)
            }
            50..58 => std::fs::rename(self.other(dice)?, self.file(dice)),
            58..63 => std::fs::rename(self.folder(dice)?, self.new_folder(dice)?),
            63..70 => {
                // What is in it comes at once, before anybody can have begun to follow it.
                let folder = self.new_folder(dice)?;
                std::fs::create_dir_all(folder.join("inner/most"))?;
                std::fs::write(folder.join("inner/most/first"), text)
            }
            70..74 => std::fs::create_dir(self.new_folder(dice)?),
            74..80 => {
                let mode = [0o600, 0o644, 0o755, 0o444, 0o640][dice.below(5)];
                let file = self.other(dice)?;
                if file.is_symlink() {
                    return Err(io::ErrorKind::Other.into());
                }
                std::fs::set_permissions(file, Permissions::from_mode(mode))
            }
            80..82 => {
                let mode = [0o755, 0o700, 0o775][dice.below(3)];
                std::fs::set_permissions(self.folder(dice)?, Permissions::from_mode(mode))
            }
            82..87 => symlink(dice.one(&["main.py", "../a", "/etc/hostname", "nowhere"]), self.file(dice)),
            87..90 => {
                // A file where a folder was.
                let folder = self.folder(dice)?;
                std::fs::remove_dir_all(folder)?;
                std::fs::write(folder, text)
            }
            90..93 => {
                // A folder where a file was.
                let file = self.other(dice)?;
                std::fs::remove_file(file)?;
                std::fs::create_dir(file)?;
                std::fs::write(file.join("inside"), text)
            }
            93..97 => std::fs::remove_file(self.other(dice)?),
            97..99 => std::fs::remove_dir_all(self.folder(dice)?),
            99 => std::fs::File::options()
                .append(true)
                .open(self.other(dice)?)
                .and_then(|mut file| io::Write::write_all(&mut file, text.as_bytes())),
            _ => {
                std::fs::remove_file(self.other(dice)?)?;
                std::fs::remove_file(self.other(dice)?)
            }
        }
    }

    /// A place for a file, where one may be already.
    fn file(&self, dice: &mut Dice) -> PathBuf {
        self.folders[dice.below(self.folders.len())].join(dice.one(&NAMES))
    }

    /// A place for a folder, where nothing is.
    fn new_folder(&self, dice: &mut Dice) -> io::Result<PathBuf> {
        let above = &self.folders[dice.below(self.folders.len())];
        let depth = above.strip_prefix(&self.root).map_or(0, |path| path.components().count());
        let path = above.join(dice.one(&FOLDERS));
        if depth >= DEPTH || path.symlink_metadata().is_ok() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        Ok(path)
    }

    fn folder(&self, dice: &mut Dice) -> io::Result<&Path> {
        // Not the first, which is the root.
        self.folders
            .get(1 + dice.below(self.folders.len()))
            .map(PathBuf::as_path)
            .ok_or(io::ErrorKind::NotFound.into())
    }

    fn other(&self, dice: &mut Dice) -> io::Result<&Path> {
        self.others
            .get(dice.below(self.others.len()))
            .map(PathBuf::as_path)
            .ok_or(io::ErrorKind::NotFound.into())
    }
}
