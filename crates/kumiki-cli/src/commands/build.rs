//! `kumiki build`: builds a plugin's component. The library finds and runs the
//! toolchain; this module chooses the user's folders for tools and intermediate
//! files, and shows progress.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use bytesize::ByteSize;
use kumiki::inspect::Inspection;
use kumiki::{PermissionRequests, ThinComponent};
use kumiki_build::{Built, Language, Options, Profile, Project, Ready, Stamps, Tools};

use super::project::{WhenMissing, failure, read, toolchain, tools, without_dot};
use crate::arguments::BuildArguments;
use crate::console::{Console, escape};
use crate::failure::{Failure, causes, written};
use crate::folders::{self, variable};
use crate::signals;

/// The exit code after Ctrl-C.
pub(super) const INTERRUPTED: u8 = 130;

pub(crate) fn build(arguments: &BuildArguments) -> Result<ExitCode, Failure> {
    let console = Console::new(false, 0);
    signals::end_with_tools(&console, INTERRUPTED)?;
    let tools = tools()?;
    let when_missing = WhenMissing::at_start(arguments);
    let outcome = once(arguments, &tools, when_missing, &console)?;
    console.notice(escape(&outcome.summary()));
    written("what was built", report(&outcome.built))?;
    Ok(ExitCode::SUCCESS)
}

/// The result of a build.
pub(super) struct Outcome {
    pub(super) built: Built,
    name: String,
    /// The language and the toolchain.
    how: String,
    /// How long the build took, without installing tools.
    pub(super) time: Duration,
}

impl Outcome {
    /// What was done, for the user.
    pub(super) fn summary(&self) -> String {
        let (name, how) = (&self.name, &self.how);
        match self.built.fresh {
            true => format!("`{name}` is up to date ({how})"),
            false => format!("built `{name}` ({how}) in {:.1} s", self.time.as_secs_f64()),
        }
    }
}

/// Builds the project once.
pub(super) fn once(
    arguments: &BuildArguments,
    tools: &Tools,
    when_missing: WhenMissing,
    console: &Console,
) -> Result<Outcome, Failure> {
    let BuildArguments { folder, output, .. } = arguments;
    let project = read(folder)?;
    check_requests(&project)?;
    if let Some(output) = output {
        check_folder(output)?;
    }
    let profile = arguments.profile();
    let Ready { variant, version } = toolchain(&project, profile, tools, when_missing, console)?;
    let start = Instant::now();
    let language = project.language;
    if profile != Profile::Speed && !project.has_profiles() {
        console.notice(format_args!(
            "--{} has no effect for {}",
            profile.name(),
            language.name()
        ));
    }

    let output = match output {
        Some(output) => output.clone(),
        None => without_dot(folder).join(format!("{}.wasm", project.name)),
    };
    let work = work(folder)?;
    let whole = match arguments.thin {
        true => work.join(format!("{}.wasm", project.name)),
        false => output.clone(),
    };
    let options = Options::new(work)
        .with_profile(profile)
        .with_stamps(stamps(console));
    let how = how(language, &variant, &version);
    console.spinner(&format!("building `{}` ({how})", project.name));
    let built = kumiki_build::build(&project, &whole, tools, &options);
    console.done();
    let mut built = built.map_err(|error| failure(&error))?;
    if arguments.thin {
        built = thin(&built, &output, console)?;
    }
    Ok(Outcome {
        built,
        name: project.name,
        how,
        time: start.elapsed(),
    })
}

/// Writes a component without the runtime of its language, if it has one.
fn thin(whole: &Built, output: &Path, console: &Console) -> Result<Built, Failure> {
    let bytes = fs::read(&whole.path).map_err(|error| {
        Failure::failed(format!("cannot read `{}`: {error}", whole.path.display()))
    })?;
    let thin = ThinComponent::make(&bytes).unwrap_or_else(|| {
        console.notice("the plugin has no runtime to leave out: it stays whole");
        bytes
    });
    kumiki_build::replace(output, &thin).map_err(|error| failure(&error))?;
    Ok(Built {
        path: output.to_owned(),
        bytes: thin.len() as u64,
        fresh: whole.fresh,
    })
}

/// Names a language, its toolchain and the version, without the details that some
/// compilers print in brackets.
fn how(language: Language, variant: &str, version: &str) -> String {
    let language = match language {
        Language::Rust => "Rust",
        Language::C => "C",
        Language::JavaScript => "JavaScript",
        Language::Python => "Python",
        Language::Go => "Go",
    };
    let version = version.split(" (").next().unwrap_or_default();
    format!("{language}, {variant} {version}")
}

/// Rejects a file in a folder that does not exist: its name may be mistyped.
fn check_folder(output: &Path) -> Result<(), Failure> {
    let folder = without_file(output);
    if folder.is_dir() {
        return Ok(());
    }
    Err(Failure::usage(
        format!(
            "cannot write `{}`: there is no folder `{}`",
            output.display(),
            folder.display()
        ),
        "specify a file in an existing folder that you can write to",
    ))
}

/// The folder of a file.
fn without_file(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    }
}

/// The folder of a project's intermediate files between builds. It is in the user's
/// cache, because a link in the project could redirect the files elsewhere.
fn work(folder: &Path) -> Result<PathBuf, Failure> {
    if let Some(work) = variable("KUMIKI_WORK") {
        return Ok(PathBuf::from(work));
    }
    let cache = folders::cache().ok_or_else(|| {
        Failure::usage(
            "there is no home folder for intermediate files",
            "set KUMIKI_WORK to a folder",
        )
    })?;
    let hint = "check the path, relative to the current folder";
    let project = folder
        .canonicalize()
        .map_err(|error| Failure::path("folder", folder, &error, hint))?;
    let hash = blake3::hash(project.as_os_str().as_encoded_bytes()).to_hex();
    let work = cache.join("builds").join(&hash.as_str()[..32]);
    create_private(&work).map_err(|error| {
        let hint = "make its parent folder writable, or set KUMIKI_WORK to another folder";
        Failure::usage(format!("cannot create `{}`: {error}", work.display()), hint)
    })?;
    Ok(work)
}

/// Creates a folder and its parents, accessible to this user only.
fn create_private(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// The stamps that identify unchanged components. They are in the user's cache,
/// because stamps in a project could be forged by its author.
fn stamps(console: &Console) -> Option<Stamps> {
    let folder = folders::cache()?.join("stamps");
    match Stamps::open(folder) {
        Ok(stamps) => Some(stamps),
        Err(error) => {
            let causes = causes(&error).join(": ");
            console.notice(escape(&format!(
                "components are rebuilt each time: {error}: {causes}"
            )));
            None
        }
    }
}

/// Rejects requests that no host would understand.
fn check_requests(project: &Project) -> Result<(), Failure> {
    let requests = project.requests.parse::<PermissionRequests>();
    requests.map(drop).map_err(|error| {
        let file = project.folder.join("kumiki.toml");
        let hint = "write requests in `[requests.dirs]`, `[requests.env]` and `[requests.net]` as \
                    `\"/data:ro\" = \"why\"`";
        Failure::usage(format!("{}: {error}", file.display()), hint)
    })
}

/// Prints the component's path, size and imports.
pub(super) fn report(built: &Built) -> io::Result<()> {
    let Built { path, bytes, fresh } = built;
    let mut imports = Inspection::of(&fs::read(path)?).interfaces.imports;
    // A thin component imports its runtime as a core module.
    imports.retain(|import| import.contains(':') || !import.starts_with("kumiki-shared-module-"));
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
