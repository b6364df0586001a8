//! Requests of plugins beyond their grants. A flag, a remembered answer or the user
//! at the terminal can allow them; otherwise nothing starts.

use std::env;
use std::path::{Path, PathBuf};

use kumiki::{Contract, Error, Grants, GrantsFile, Host, PermissionRequests, Plugin, PluginName};

use crate::allowed::Allowed;
use crate::console::{Console, escape};
use crate::failure::Failure;
use crate::grants::{RunGrants, grant_failure};
use crate::own_files::OwnFiles;
use crate::prompt;

/// A plugin's file with its grants.
pub(crate) struct Admitted {
    pub(crate) file: PathBuf,
    /// The grants, with open folders, which stay the same even if their paths change.
    grants: Grants,
    /// The component's bytes, if it requests more than it was granted or is granted
    /// something by hash. These bytes are loaded, even if the file changes.
    bytes: Option<Vec<u8>>,
}

impl Admitted {
    /// The grants.
    pub(crate) fn grants(&self) -> &Grants {
        &self.grants
    }

    /// Loads the plugin with its grants.
    pub(crate) fn load<C: Contract>(&self, host: &Host<C>) -> kumiki::Result<Plugin<C>> {
        let plugin = match &self.bytes {
            Some(bytes) => host.load_bytes(&self.file.display().to_string(), bytes)?,
            None => host.load(&self.file)?,
        };
        plugin.with_grants(&self.grants)
    }
}

/// A plugin that requests more than it is granted.
struct Ungranted<'a> {
    file: &'a Path,
    bytes: Vec<u8>,
    granted: Grants,
    missing: PermissionRequests,
}

/// Determines the grants of each plugin, before anything is compiled, so that
/// questions to the user come first. Faults of plugins are reported by loading.
pub(crate) fn admit(
    host: &Host<impl Contract>,
    files: &[PathBuf],
    grants: &RunGrants,
    own: &OwnFiles,
    console: &Console,
) -> Result<Vec<Admitted>, Failure> {
    grants.check_names(files)?;
    let mut admitted = Vec::with_capacity(files.len());
    let mut refused = Vec::new();
    for file in files {
        match admission(host, file, grants, own, console)? {
            Ok(plugin) => admitted.push(plugin),
            Err(plugin) => refused.push(plugin),
        }
    }
    match &*refused {
        [] => Ok(admitted),
        refused => Err(ungranted(refused, files)),
    }
}

/// Like [`admit`], for one plugin.
pub(crate) fn admit_one(
    host: &Host<impl Contract>,
    file: &Path,
    grants: &RunGrants,
    own: &OwnFiles,
    console: &Console,
) -> Result<Admitted, Failure> {
    let admitted = admission(host, file, grants, own, console)?;
    admitted.map_err(|plugin| ungranted(&[plugin], &[file.to_owned()]))
}

fn admission<'a>(
    host: &Host<impl Contract>,
    file: &'a Path,
    grants: &RunGrants,
    own: &OwnFiles,
    console: &Console,
) -> Result<Result<Admitted, Ungranted<'a>>, Failure> {
    let bytes = grants.bytes_of(host, file);
    let granted = grants.of(file, bytes.as_deref());
    let granted = granted.opened().map_err(grant_failure)?;
    let admitted = |grants: Grants, bytes| {
        grants.check().map_err(grant_failure)?;
        own.check(&grants)?;
        Ok(Admitted {
            file: file.to_owned(),
            grants,
            bytes,
        })
    };
    let plugin = match Ungranted::of(host, file, bytes, &granted) {
        Ok(plugin) => plugin,
        Err(bytes) => return admitted(granted, bytes).map(Ok),
    };
    let Some(grants) = plugin.grants(grants.allow_requested, console)? else {
        return Ok(Err(plugin));
    };
    admitted(grants, Some(plugin.bytes)).map(Ok)
}

impl<'a> Ungranted<'a> {
    /// Finds what the plugin requests beyond its grants. The error is a plugin without
    /// such requests, with its `bytes` if they were read.
    fn of(
        host: &Host<impl Contract>,
        file: &'a Path,
        bytes: Option<Vec<u8>>,
        granted: &Grants,
    ) -> Result<Self, Option<Vec<u8>>> {
        let missing = |requests: kumiki::Result<PermissionRequests>| {
            let missing = requests.map(|requests| requests.missing_from(granted));
            missing.ok().filter(|missing| !missing.is_empty())
        };
        // Most plugins request nothing, which is usually known without reading them whole.
        if bytes.is_none() && missing(host.requests(file)).is_none() {
            return Err(None);
        }
        let Some(bytes) = bytes.or_else(|| host.read(file).ok()) else {
            return Err(None);
        };
        match missing(PermissionRequests::of("", &bytes)) {
            Some(missing) => Ok(Self {
                file,
                bytes,
                granted: granted.clone(),
                missing,
            }),
            None => Err(Some(bytes)),
        }
    }

    /// The grants with everything that it requests, if that is allowed.
    fn grants(&self, allow: bool, console: &Console) -> Result<Option<Grants>, Failure> {
        if allow {
            let requested = self.open(Path::new("."))?;
            let file = self.file.display();
            for (grant, why) in self.written(&requested) {
                let notice = format!("allowed to `{file}`: {grant}  {why}");
                console.notice(escape(&notice));
            }
            return Ok(Some(self.granted.clone().merge(&requested)));
        }
        let mut allowed = Allowed::read()?;
        let kept = allowed.of(&self.bytes).merge(&self.granted);
        if self.missing.missing_from(&kept).is_empty() {
            // A guest may have replaced a folder with a link.
            let kept = kept.opened_without_links();
            return kept.map(Some).map_err(grant_failure);
        }
        if !prompt::is_attended() {
            return Ok(None);
        }
        self.ask(&mut allowed, console)
    }

    /// Asks the user at the terminal.
    fn ask(&self, allowed: &mut Allowed, console: &Console) -> Result<Option<Grants>, Failure> {
        // Absolute, because a later run may start in another folder.
        let here = env::current_dir().unwrap_or_else(|_| PathBuf::from("."));
        let requested = self.open(&here)?;
        let file = self.file.display();
        console.report(&format!("`{file}` requests access that is not granted:"));
        for line in self.lines(&requested) {
            console.report(&format!("  {line}"));
        }
        loop {
            let answer = prompt::ask("allow it? [y]es, [a]lways for this exact file, [N]o")?;
            match &*answer.unwrap_or_default().to_lowercase() {
                "y" | "yes" => break,
                "a" | "always" => {
                    if let Err(error) = allowed.keep(&self.bytes, &requested) {
                        let notice = format!("the answer could not be saved: {error}");
                        console.notice(escape(&notice));
                    }
                    break;
                }
                "" | "n" | "no" => return Ok(None),
                _ => {}
            }
        }
        Ok(Some(self.granted.clone().merge(&requested)))
    }

    /// The missing grants, with folders relative to `base`.
    fn requested(&self, base: &Path) -> Grants {
        self.missing.grants_beside(&self.granted, base)
    }

    /// The missing grants with open folders. A link in a path is an error.
    fn open(&self, base: &Path) -> Result<Grants, Failure> {
        let opened = self.missing.open_beside(&self.granted, base);
        opened.map_err(grant_failure)
    }

    /// Each grant in its written form, with the reason of its request.
    fn written(&self, grants: &Grants) -> Vec<(String, &str)> {
        let folders = grants.folders().map(ToString::to_string);
        let variables = grants.variables().map(ToString::to_string);
        let network = grants.network().map(ToString::to_string);
        let written = folders.chain(variables).chain(network);
        let reasons = self.missing.iter().map(|request| &*request.reason);
        written.zip(reasons).collect()
    }

    /// Each grant and its reason as a line, with aligned reasons.
    fn lines(&self, grants: &Grants) -> Vec<String> {
        let written = self.written(grants);
        let width = written.iter().map(|(grant, _)| grant.chars().count()).max();
        let width = width.unwrap_or(0);
        written
            .iter()
            .map(|(grant, why)| format!("{grant:<width$}  {why}"))
            .collect()
    }
}

/// The failure that lists all missing grants, with a grants file that allows them.
fn ungranted(plugins: &[Ungranted<'_>], files: &[PathBuf]) -> Failure {
    let mut failure = Failure::usage(
        match plugins {
            [one] => format!(
                "`{}` requests access that is not granted",
                one.file.display()
            ),
            many => format!("{} plugins request access that is not granted", many.len()),
        },
        "allow all of it with `--allow-requested`, or pass a grants file with `--grants`",
    );
    let mut file = GrantsFile::default();
    for plugin in plugins {
        let indent = if plugins.len() > 1 {
            failure = failure.because(format!("`{}`:", plugin.file.display()));
            "  "
        } else {
            ""
        };
        let here = Path::new(".");
        let requested = plugin.requested(here);
        for line in plugin.lines(&requested) {
            failure = failure.because(format!("{indent}{line}"));
        }
        // `--allow-requested` would refuse a link; the file below would not.
        if let Err(Error::Grant(error)) = plugin.missing.open_beside(&plugin.granted, here)
            && error.instead.is_some()
        {
            failure = failure.because(format!("{indent}{}", error.reason));
        }
        file = file.with_plugin(name_of(plugin.file, files), &requested);
    }
    failure = failure.because("a grants file that allows it, such as a kumiki-grants.toml:");
    for line in file.to_string().lines() {
        failure = failure.because(format!("  {line}"));
    }
    failure
}

/// The name of a plugin in a grants file in the current folder: its file name, or
/// its path if several plugins have that name.
fn name_of(plugin: &Path, files: &[PathBuf]) -> PluginName {
    let stem = plugin.file_stem().unwrap_or_default();
    match files
        .iter()
        .filter(|file| file.file_stem() == Some(stem))
        .count()
    {
        0 | 1 => PluginName::Stem(stem.to_string_lossy().into_owned()),
        _ => PluginName::Path(Path::new(".").join(plugin)),
    }
}
