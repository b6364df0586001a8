//! `kumiki build`: from a plugin's folder to its component. The library finds
//! the toolchain and runs it; this says what is going on, and where tools and
//! intermediate files of a user lie.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf, absolute};
use std::process::ExitCode;

use bytesize::ByteSize;
use kumiki::inspect::Inspection;
use kumiki_build::{Built, Error, Missing, Options, Probe, Project, Ready, RustWay, Tools};

use crate::arguments::BuildArguments;
use crate::console::{Console, escape, escape_lines};
use crate::failure::{Failure, causes, written};

pub(crate) fn build(arguments: &BuildArguments) -> Result<ExitCode, Failure> {
    let BuildArguments {
        folder,
        output,
        install,
    } = arguments;
    let project = read(folder)?;
    let tools = tools()?;
    let console = Console::new(false, 0);
    let Ready { way, version } = match (project.toolchain().probe(&tools, project.wasi), install) {
        (Probe::Ready(ready), _) => ready,
        (Probe::Missing(missing), false) => return Err(not_there(&project, &missing)),
        (Probe::Missing(missing), true) => get(&project, &tools, &missing, &console)?,
    };
    let language = project.language.name();
    console.notice(escape(&format!(
        "building `{}` from {language} by {way} ({version})",
        project.name
    )));

    let output = match output {
        Some(output) => output.clone(),
        None => shown(folder).join(format!("{}.wasm", project.name)),
    };
    let options = Options::new(match variable("KUMIKI_WORK") {
        Some(work) => PathBuf::from(work),
        None => folder.join("target/kumiki"),
    });
    console.spinner(&format!("building {}", project.name));
    let built = kumiki_build::build(&project, &output, &tools, &options);
    console.done();
    let built = built.map_err(|error| failure(&error))?;
    written("what was built", report(&built))?;
    Ok(ExitCode::SUCCESS)
}

fn read(folder: &Path) -> Result<Project, Failure> {
    if let Err(error) = fs::metadata(folder) {
        let hint = "check the path, relative to the current folder";
        return Err(Failure::path("folder", folder, &error, hint));
    }
    Project::read(folder).map_err(|error| match &error {
        Error::Io { path, source, .. } => {
            let hint = "name a plugin's folder; `kumiki new NAME --lang rust|c|js|python|go` \
                        begins one";
            Failure::path("file", path, source, hint)
        }
        _ => Failure::wrong_use(error.to_string(), error.hint().unwrap_or_default()),
    })
}

/// The user's own tools, which all of their plugins share.
pub(super) fn tools() -> Result<Tools, Failure> {
    let cache = || {
        // The standard has it that a relative path there means nothing.
        let cache = variable("XDG_CACHE_HOME").map(PathBuf::from);
        let cache = cache.filter(|cache| cache.is_absolute());
        cache.or_else(|| Some(env::home_dir()?.join(".cache")))
    };
    let root = match variable("KUMIKI_TOOLS") {
        Some(root) => PathBuf::from(root),
        None => cache()
            .map(|cache| cache.join("kumiki/tools"))
            .ok_or_else(|| {
                Failure::wrong_use(
                    "there is no home folder to keep tools in",
                    "set KUMIKI_TOOLS to a folder for them",
                )
            })?,
    };
    // Tools are also run in folders of their own.
    let root = absolute(&root).unwrap_or(root);
    let way = variable("KUMIKI_RUST").unwrap_or_default();
    let way: RustWay = way.to_string_lossy().parse().map_err(|error: String| {
        Failure::wrong_use(
            format!("KUMIKI_RUST: {error}"),
            "set one of them, or unset it",
        )
    })?;
    Ok(Tools::new(root).with_rust(way))
}

/// A variable of the environment that says something.
fn variable(name: &str) -> Option<OsString> {
    env::var_os(name).filter(|value| !value.is_empty())
}

/// Without the `./` that a default of `.` would put before everything.
fn shown(folder: &Path) -> &Path {
    if folder == Path::new(".") {
        Path::new("")
    } else {
        folder
    }
}

/// Installs the toolchain's tools; the toolchain is ready after that, or else
/// this says what is missing still.
fn get(
    project: &Project,
    tools: &Tools,
    missing: &Missing,
    console: &Console,
) -> Result<Ready, Failure> {
    let toolchain = project.toolchain();
    if toolchain.tools().is_empty() {
        return Err(not_there(project, missing));
    }
    for tool in toolchain.tools() {
        if tools.is_installed(*tool) {
            continue;
        }
        let folder = tools.folder(*tool);
        console.notice(escape(&format!(
            "installing `{}` into {}",
            tool.name(),
            folder.display()
        )));
        console.spinner(&format!("installing {}", tool.name()));
        let installed = tools.install(*tool);
        console.done();
        installed.map_err(|error| failure(&error))?;
    }
    match toolchain.probe(tools, project.wasi) {
        Probe::Ready(ready) => Ok(ready),
        Probe::Missing(missing) => Err(not_there(project, &missing)),
    }
}

/// The toolchain is not there. What `--install` can get, the hint says so
/// first; it gets no compiler of Rust, and nothing that only root installs.
fn not_there(project: &Project, missing: &Missing) -> Failure {
    let mut failure = Failure::failed(missing.to_string());
    let by_hand = &missing.hint;
    let installs = !project.toolchain().tools().is_empty() && missing.packages.is_empty();
    failure.hint = Some(if installs {
        let folder = shown(&project.folder).display().to_string();
        let command = format!("kumiki build {folder}");
        format!(
            "`{} --install` gets it; by hand: {by_hand}",
            command.trim_end()
        )
    } else {
        by_hand.clone()
    });
    failure
}

fn failure(error: &Error) -> Failure {
    let mut failure = match error {
        // A compiler's words are for its author to read as they are: the place
        // at a line's start, and what is pointed at under its pointer.
        Error::Failed {
            program,
            status,
            output,
        } => {
            let _ = writeln!(
                anstream::stderr().lock(),
                "{}",
                escape_lines(output.trim_end())
            );
            Failure::failed(format!("`{program}` failed ({status})"))
        }
        _ => Failure::failed(error.to_string()),
    };
    failure.causes = causes(error);
    failure.hint = error.hint();
    failure
}

/// Where the component is, its size, and what it asks of a host.
fn report(built: &Built) -> io::Result<()> {
    let Built { path, bytes, fresh } = built;
    let imports = Inspection::of(&fs::read(path)?).interfaces.imports;
    let imports = if imports.is_empty() {
        "nothing".to_owned()
    } else {
        imports.join(", ")
    };
    let line = format!(
        "{}: {}, imports {imports}{}",
        path.display(),
        ByteSize::b(*bytes).display().si(),
        if *fresh { " (unchanged)" } else { "" }
    );
    writeln!(anstream::stdout().lock(), "{}", escape(&line))
}
