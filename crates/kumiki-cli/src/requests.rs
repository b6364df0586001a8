//! What plugins request and are not granted: allowed by a flag, by an answer
//! that was kept, or by whoever sits at the terminal; else nothing starts.

use std::env;
use std::path::{Path, PathBuf};

use kumiki::{Error, Grants, GrantsFile, Plugin, PluginName, Requests};
use kumiki_text::{TextContract, TextHost};

use crate::allowed::Allowed;
use crate::console::{Console, escape};
use crate::failure::Failure;
use crate::grants::{RunGrants, grant_failure};
use crate::own_files::OwnFiles;
use crate::prompt;

/// A plugin's file, and what it may reach.
pub(crate) struct Admitted {
    pub(crate) file: PathBuf,
    /// With their folders open: these are what it gets, whatever has become of
    /// their paths.
    grants: Grants,
    /// The component that was looked at, where it requests more than it was
    /// granted, or is granted something by its hash: that one is loaded,
    /// whatever has become of the file.
    bytes: Option<Vec<u8>>,
}

impl Admitted {
    /// What it may reach.
    pub(crate) fn grants(&self) -> &Grants {
        &self.grants
    }

    /// Loads it, with its grants.
    pub(crate) fn load(&self, host: &TextHost) -> kumiki::Result<Plugin<TextContract>> {
        let plugin = match &self.bytes {
            Some(bytes) => host.load_bytes(&self.file.display().to_string(), bytes)?,
            None => host.load(&self.file)?,
        };
        plugin.with_grants(&self.grants)
    }
}

/// A plugin that requests more than it is granted.
struct Wish<'a> {
    file: &'a Path,
    bytes: Vec<u8>,
    granted: Grants,
    missing: Requests,
}

/// Finds out what each plugin may reach. Nothing is compiled yet: whoever is
/// asked is asked at once. What is wrong with a plugin is left for loading to
/// say.
pub(crate) fn admit(
    host: &TextHost,
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
            Err(wish) => refused.push(wish),
        }
    }
    match &*refused {
        [] => Ok(admitted),
        refused => Err(ungranted(refused, files)),
    }
}

/// The same for one plugin.
pub(crate) fn admit_one(
    host: &TextHost,
    file: &Path,
    grants: &RunGrants,
    own: &OwnFiles,
    console: &Console,
) -> Result<Admitted, Failure> {
    let admitted = admission(host, file, grants, own, console)?;
    admitted.map_err(|wish| ungranted(&[wish], &[file.to_owned()]))
}

fn admission<'a>(
    host: &TextHost,
    file: &'a Path,
    grants: &RunGrants,
    own: &OwnFiles,
    console: &Console,
) -> Result<Result<Admitted, Wish<'a>>, Failure> {
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
    let wish = match Wish::of(host, file, bytes, &granted) {
        Ok(wish) => wish,
        Err(bytes) => return admitted(granted, bytes).map(Ok),
    };
    let Some(grants) = wish.grants(grants.allow_requested, console)? else {
        return Ok(Err(wish));
    };
    admitted(grants, Some(wish.bytes)).map(Ok)
}

impl<'a> Wish<'a> {
    /// What the plugin requests and is not granted, if there is such a thing;
    /// else its `bytes`, where they are known.
    fn of(
        host: &TextHost,
        file: &'a Path,
        bytes: Option<Vec<u8>>,
        granted: &Grants,
    ) -> Result<Self, Option<Vec<u8>>> {
        let missing = |requests: kumiki::Result<Requests>| {
            let missing = requests.map(|requests| requests.beyond(granted));
            missing.ok().filter(|missing| !missing.is_empty())
        };
        // Most request nothing, and most of these need not be read to know it.
        if bytes.is_none() && missing(host.requests(file)).is_none() {
            return Err(None);
        }
        let Some(bytes) = bytes.or_else(|| host.read(file).ok()) else {
            return Err(None);
        };
        match missing(Requests::of("", &bytes)) {
            Some(missing) => Ok(Self {
                file,
                bytes,
                granted: granted.clone(),
                missing,
            }),
            None => Err(Some(bytes)),
        }
    }

    /// What it gets with all that it requests, if somebody allows that.
    fn grants(&self, allow: bool, console: &Console) -> Result<Option<Grants>, Failure> {
        if allow {
            let requested = self.open(Path::new("."))?;
            let file = self.file.display();
            for (grant, why) in self.written(&requested) {
                let notice = format!("allowed to `{file}`: {grant}  {why}");
                console.notice(escape(&notice));
            }
            return Ok(Some(self.granted.clone().and(&requested)));
        }
        let mut allowed = Allowed::read()?;
        let kept = allowed.of(&self.bytes).and(&self.granted);
        if self.missing.beyond(&kept).is_empty() {
            // A guest may have put a link in the place of a folder.
            let kept = kept.opened_without_links();
            return kept.map(Some).map_err(grant_failure);
        }
        if !prompt::is_attended() {
            return Ok(None);
        }
        self.ask(&mut allowed, console)
    }

    /// Asks whoever is there.
    fn ask(&self, allowed: &mut Allowed, console: &Console) -> Result<Option<Grants>, Failure> {
        // From the root: a later run may begin in another folder.
        let here = env::current_dir().unwrap_or_else(|_| PathBuf::from("."));
        let requested = self.open(&here)?;
        let file = self.file.display();
        console.report(&format!("`{file}` requests what it is not granted:"));
        for line in self.lines(&requested) {
            console.report(&format!("  {line}"));
        }
        loop {
            let answer = prompt::ask("allow it? [y]es, [a]lways this very file, [N]o")?;
            match &*answer.to_lowercase() {
                "y" | "yes" => break,
                "a" | "always" => {
                    if let Err(error) = allowed.keep(&self.bytes, &requested) {
                        let notice = format!("the answer could not be kept: {error}");
                        console.notice(escape(&notice));
                    }
                    break;
                }
                "" | "n" | "no" => return Ok(None),
                _ => {}
            }
        }
        Ok(Some(self.granted.clone().and(&requested)))
    }

    /// The grants that it lacks, as they are written from `base`.
    fn requested(&self, base: &Path) -> Grants {
        self.missing.grants_beside(&self.granted, base)
    }

    /// The same with their folders open; a link on the way to one is refused.
    fn open(&self, base: &Path) -> Result<Grants, Failure> {
        let opened = self.missing.open_beside(&self.granted, base);
        opened.map_err(grant_failure)
    }

    /// Each of these grants as it is written, and why it is requested.
    fn written(&self, grants: &Grants) -> Vec<(String, &str)> {
        let folders = grants.folders().map(ToString::to_string);
        let variables = grants.variables().map(ToString::to_string);
        let network = grants.network().map(ToString::to_string);
        let written = folders.chain(variables).chain(network);
        let reasons = self.missing.iter().map(|request| &*request.why);
        written.zip(reasons).collect()
    }

    /// The same as lines, the reasons below each other.
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

/// Nobody allowed it: everything is said at once, with the file that would.
fn ungranted(wishes: &[Wish<'_>], files: &[PathBuf]) -> Failure {
    let mut failure = Failure::usage(
        match wishes {
            [one] => format!("`{}` requests what it is not granted", one.file.display()),
            many => format!("{} plugins request what they are not granted", many.len()),
        },
        "allow all of it with `--allow-requested`, or name such a file with `--grants`",
    );
    let mut file = GrantsFile::default();
    for wish in wishes {
        let indent = if wishes.len() > 1 {
            failure = failure.because(format!("`{}`:", wish.file.display()));
            "  "
        } else {
            ""
        };
        let here = Path::new(".");
        let requested = wish.requested(here);
        for line in wish.lines(&requested) {
            failure = failure.because(format!("{indent}{line}"));
        }
        // `--allow-requested` would refuse a link; the file below would not.
        if let Err(Error::Grant(error)) = wish.missing.open_beside(&wish.granted, here)
            && error.instead.is_some()
        {
            failure = failure.because(format!("{indent}{}", error.reason));
        }
        file = file.with_plugin(name_of(wish.file, files), &requested);
    }
    failure = failure.because("a file of grants that allows it, such as a kumiki-grants.toml:");
    for line in file.to_string().lines() {
        failure = failure.because(format!("  {line}"));
    }
    failure
}

/// How a file of grants in the current folder names a plugin among these: by
/// its file's name where no other has the same.
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
