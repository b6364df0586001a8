use std::fs;

use super::*;

/// A project whose sources are watched.
struct Project {
    folder: tempfile::TempDir,
    sources: Sources,
}

impl Project {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let project = folder.path().join("project");
        fs::create_dir_all(project.join("src/deep")).unwrap();
        fs::write(project.join("src/deep/a.c"), "1").unwrap();
        let mut sources = Sources::new(&project).unwrap();
        sources.watch().unwrap();
        Self { folder, sources }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("project").join(name)
    }

    fn write(&self, name: &str, content: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// Waits for the next change; returns the name of a file.
    fn next(&mut self) -> Option<String> {
        let console = Console::new(true, 0);
        let change = self.sources.wait(&console).unwrap().unwrap();
        let name = |path: PathBuf| path.file_name().unwrap().display().to_string();
        change.path.map(name)
    }
}

#[test]
fn a_folder_that_was_created_again_is_watched() {
    let mut project = Project::new();
    for round in 0..3 {
        fs::remove_dir_all(project.path("src")).unwrap();
        assert_eq!(project.next().as_deref(), Some("a.c"), "removed, {round}");
        project.write("src/deep/a.c", "1");
        assert_eq!(project.next().as_deref(), Some("a.c"), "created, {round}");
        project.write("src/deep/a.c", &format!("changed {round}"));
        assert_eq!(project.next().as_deref(), Some("a.c"), "changed, {round}");
        fs::rename(project.path("src"), project.path("other")).unwrap();
        assert_eq!(project.next().as_deref(), Some("a.c"), "moved, {round}");
        fs::rename(project.path("other"), project.path("src")).unwrap();
        assert_eq!(
            project.next().as_deref(),
            Some("a.c"),
            "moved back, {round}"
        );
        project.write("src/deep/b.c", &format!("new {round}"));
        assert_eq!(project.next().as_deref(), Some("b.c"), "new, {round}");
    }
}

#[test]
fn a_project_that_was_removed_may_return() {
    let mut project = Project::new();
    let path = project.path("");
    fs::remove_dir_all(&path).unwrap();
    let returns = std::thread::spawn(move || {
        // After the wait has begun, if this is long enough.
        std::thread::sleep(4 * POLL);
        fs::create_dir_all(path.join("src")).unwrap();
        fs::write(path.join("src/new.c"), "1").unwrap();
    });
    assert_eq!(project.next().as_deref(), Some("new.c"));
    returns.join().unwrap();
    project.write("src/other.c", "1");
    assert_eq!(project.next().as_deref(), Some("other.c"));
}

#[test]
fn files_that_are_written_without_a_change_are_ignored() {
    let mut project = Project::new();
    let console = Console::new(true, 0);
    for round in 0..5 {
        project.write("src/deep/a.c", "1");
        project.write("Cargo.lock", &format!("{round}"));
        project.sources.built(true, &console);
        project.write("src/deep/a.c", "1");
        assert!(!project.sources.have_changed(), "{round}");
    }
    project.write("src/b.c", "1");
    assert_eq!(project.next().as_deref(), Some("b.c"));
    // What a build changes is a change.
    project.write("src/deep/a.c", "2");
    project.sources.built(true, &console);
    assert!(project.sources.have_changed());
    assert_eq!(project.next().as_deref(), Some("a.c"));
}

#[test]
fn temporary_files_are_not_named() {
    let mut project = Project::new();
    project.write("src/sedHNkzNv", "2");
    // This may see the temporary file, as in a run.
    project.sources.have_changed();
    fs::rename(project.path("src/sedHNkzNv"), project.path("src/deep/a.c")).unwrap();
    project.write("src/4913", "");
    project.write("src/a.c~", "1");
    fs::remove_file(project.path("src/4913")).unwrap();
    assert_eq!(project.next().as_deref(), Some("a.c"));
}

#[test]
fn after_a_failed_build_a_written_file_starts_another() {
    let mut project = Project::new();
    project.sources.built(false, &Console::new(true, 0));
    project.sources.failed = Some(Instant::now());
    project.write("src/deep/a.c", "1");
    assert_eq!(project.next().as_deref(), Some("a.c"));
}
