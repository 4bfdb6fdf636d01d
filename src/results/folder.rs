//! A result folder that appears under its name only when it is whole: everything is written to a
//! hidden folder beside it, synced, and renamed.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::COVERAGE_FILE;
use crate::coverage::Coverage;
use crate::error::{Error, Result};

/// A folder that is being written.
pub struct OutFolder {
    partial: TempDir,
    parent: PathBuf,
    target: PathBuf,
    overwrite: bool,
}

impl OutFolder {
    /// Starts what will become `target`.
    ///
    /// # Errors
    /// A `target` that is there already, unless it is empty, or `overwrite` is set and signsift
    /// wrote it; a parent folder that cannot be made or written to.
    pub fn create(target: &Path, overwrite: bool) -> Result<OutFolder> {
        check(target, overwrite)?;
        let parent = match target.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
            _ => PathBuf::from("."),
        };
        std::fs::create_dir_all(&parent).map_err(Error::write(&parent))?;
        let name = target.file_name().unwrap_or_default().to_string_lossy();
        let partial = tempfile::Builder::new()
            .prefix(&format!(".{name}.partial-"))
            .tempdir_in(&parent)
            .map_err(Error::write(target))?;
        Ok(OutFolder {
            partial,
            parent,
            target: target.to_owned(),
            overwrite,
        })
    }

    /// Where to write for now.
    pub fn path(&self) -> &Path {
        self.partial.path()
    }

    /// Writes `coverage.json`.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn write_coverage(&self, coverage: &Coverage) -> Result<()> {
        let path = self.path().join(COVERAGE_FILE);
        let text = serde_json::to_vec_pretty(coverage).map_err(|error| Error::Write {
            path: path.clone(),
            source: error.into(),
        })?;
        let mut file = File::create(&path).map_err(Error::write(&path))?;
        file.write_all(&text)
            .and_then(|()| file.write_all(b"\n"))
            .and_then(|()| file.sync_all())
            .map_err(Error::write(&path))
    }

    /// Gives the folder its name.
    ///
    /// # Errors
    /// A `target` that has come to be there meanwhile, or a rename that the system refuses. What
    /// was there before stays in both cases.
    pub fn commit(self) -> Result<()> {
        check(&self.target, self.overwrite)?;
        open_to_others(self.path())?;
        sync_folder(self.path())?;
        let old = self.parent.join(format!(
            ".{}.old-{}",
            self.target
                .file_name()
                .unwrap_or_default()
                .to_string_lossy(),
            std::process::id()
        ));
        let replaces = self.target.exists();
        if replaces {
            std::fs::rename(&self.target, &old).map_err(Error::write(&self.target))?;
        }
        if let Err(error) = std::fs::rename(self.partial.path(), &self.target) {
            if replaces {
                // Put back what was there; if that fails too, it is still there under `old`.
                std::fs::rename(&old, &self.target).map_err(Error::write(&self.target))?;
            }
            return Err(Error::write(&self.target)(error));
        }
        // The folder has its name now; nothing is left to be removed.
        let _ = self.partial.keep();
        sync_folder(&self.parent)?;
        if replaces {
            std::fs::remove_dir_all(&old).map_err(Error::write(&old))?;
        }
        Ok(())
    }
}

fn check(target: &Path, overwrite: bool) -> Result<()> {
    if !target.exists() {
        return Ok(());
    }
    let exists = || Error::OutputExists {
        path: target.to_owned(),
    };
    let mut entries = target.read_dir().map_err(|_| exists())?;
    if entries.next().is_none() {
        return Ok(());
    }
    if !overwrite {
        return Err(exists());
    }
    let head = std::fs::read(target.join(COVERAGE_FILE)).unwrap_or_default();
    let ours = serde_json::from_slice::<serde_json::Value>(&head)
        .is_ok_and(|coverage| coverage["tool"] == "signsift");
    if ours {
        Ok(())
    } else {
        Err(Error::NotOurs {
            path: target.to_owned(),
        })
    }
}

/// Waits until the disk has the names in a folder.
fn sync_folder(path: &Path) -> Result<()> {
    match File::open(path) {
        Ok(folder) => folder.sync_all().map_err(Error::write(path)),
        // Some systems do not open folders; there is nothing to wait for then.
        Err(_) => Ok(()),
    }
}

/// A temporary folder is for its owner alone; a result folder is as readable as any other new one.
fn open_to_others(path: &Path) -> Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let probe = path.join(".mode");
        std::fs::create_dir(&probe).map_err(Error::write(path))?;
        let usual = std::fs::metadata(&probe)
            .map_err(Error::write(path))?
            .permissions()
            .mode();
        std::fs::remove_dir(&probe).map_err(Error::write(path))?;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(usual))
            .map_err(Error::write(path))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> = folder
            .read_dir()
            .unwrap()
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    /// Writes a result folder whose table says `word`.
    fn write(target: &Path, overwrite: bool, word: &str) -> Result<()> {
        let out = OutFolder::create(target, overwrite)?;
        fs::write(out.path().join("table"), word).unwrap();
        out.write_coverage(&Coverage::of("analyze", Vec::new()))?;
        out.commit()
    }

    fn word(target: &Path) -> String {
        fs::read_to_string(target.join("table")).unwrap()
    }

    #[test]
    fn nothing_stands_under_the_name_until_it_is_whole() {
        let root = tempfile::tempdir().unwrap();
        let target = root.path().join("deep/out");
        let out = OutFolder::create(&target, false).unwrap();
        fs::write(out.path().join("table"), "half").unwrap();
        assert!(!target.exists());
        let partial = names(&root.path().join("deep"));
        assert!(
            partial.len() == 1 && partial[0].starts_with(".out.partial-"),
            "{partial:?}"
        );
        drop(out);
        assert!(
            names(&root.path().join("deep")).is_empty(),
            "what was given up leaves nothing"
        );

        write(&target, false, "whole").unwrap();
        assert_eq!(word(&target), "whole");
        assert_eq!(names(&root.path().join("deep")), ["out"]);
        assert_eq!(names(&target), ["coverage.json", "table"]);
    }

    #[test]
    fn what_is_there_is_replaced_only_when_asked_and_only_if_it_is_ours() {
        let root = tempfile::tempdir().unwrap();
        let target = root.path().join("out");
        fs::create_dir(&target).unwrap();
        write(&target, false, "first").unwrap();
        let told = write(&target, false, "second").unwrap_err();
        assert!(matches!(told, Error::OutputExists { .. }), "{told}");
        assert_eq!(word(&target), "first", "an empty folder is as good as none");
        write(&target, true, "second").unwrap();
        assert_eq!(word(&target), "second");
        assert_eq!(names(root.path()), ["out"], "the old one is gone");

        for foreign in ["", "not JSON", "{}", "{\"tool\":\"other\"}"] {
            fs::write(target.join(COVERAGE_FILE), foreign).unwrap();
            let told = write(&target, true, "third").unwrap_err();
            assert!(matches!(told, Error::NotOurs { .. }), "{told}");
        }
        fs::remove_file(target.join(COVERAGE_FILE)).unwrap();
        assert!(matches!(
            write(&target, true, "third"),
            Err(Error::NotOurs { .. })
        ));
        assert_eq!(word(&target), "second");
        let file = target.join("table");
        assert!(matches!(
            write(&file, true, "third"),
            Err(Error::OutputExists { .. })
        ));
        assert_eq!(names(root.path()), ["out"]);
    }

    #[test]
    fn a_folder_that_came_to_be_there_meanwhile_is_left_alone() {
        let root = tempfile::tempdir().unwrap();
        let target = root.path().join("out");
        let out = OutFolder::create(&target, false).unwrap();
        fs::create_dir(&target).unwrap();
        fs::write(target.join("table"), "theirs").unwrap();
        assert!(matches!(out.commit(), Err(Error::OutputExists { .. })));
        assert_eq!(word(&target), "theirs");
        assert_eq!(names(root.path()), ["out"]);
    }

    #[test]
    fn what_was_there_stays_when_the_new_one_cannot_take_its_name() {
        let root = tempfile::tempdir().unwrap();
        let target = root.path().join("out");
        write(&target, false, "first").unwrap();
        let out = OutFolder::create(&target, true).unwrap();
        // The rename fails, since there is nothing to rename.
        fs::remove_dir_all(out.path()).unwrap();
        assert!(matches!(out.commit(), Err(Error::Write { .. })));
        assert_eq!(word(&target), "first");
        assert_eq!(names(root.path()), ["out"]);
    }

    #[cfg(unix)]
    #[test]
    fn a_result_is_as_readable_as_any_other_new_folder() {
        use std::os::unix::fs::PermissionsExt;
        let root = tempfile::tempdir().unwrap();
        let target = root.path().join("out");
        write(&target, false, "whole").unwrap();
        let usual = root.path().join("usual");
        fs::create_dir(&usual).unwrap();
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode();
        assert_eq!(mode(&target), mode(&usual));
    }

    #[test]
    fn a_parent_that_is_a_file_is_named() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("file"), "").unwrap();
        let told = write(&root.path().join("file/out"), false, "")
            .unwrap_err()
            .to_string();
        assert!(
            told.starts_with("cannot write ") && told.contains("file"),
            "{told}"
        );
    }
}
