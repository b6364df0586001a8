//! What plugins request and are not granted: allowed by a flag, by an answer
//! that was kept, or by whoever sits at the terminal; else nothing starts.

use std::env;
use std::path::{Path, PathBuf};

use kumiki::{Grants, GrantsFile, Plugin, Requests};
use kumiki_text::{TextContract, TextHost};

use crate::allowed::Allowed;
use crate::console::{Console, escape};
use crate::failure::Failure;
use crate::grants::{RunGrants, wrong_use};
use crate::prompt;

/// A plugin's file, and what it may reach.
pub(crate) struct Admitted {
    pub(crate) file: PathBuf,
    grants: Grants,
    /// The component that was looked at, where it requests more than it was
    /// granted: that one is loaded, whatever has become of the file.
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
    console: &Console,
) -> Result<Vec<Admitted>, Failure> {
    let mut admitted = Vec::with_capacity(files.len());
    let mut refused = Vec::new();
    for file in files {
        match admission(host, file, grants, console)? {
            Ok(plugin) => admitted.push(plugin),
            Err(wish) => refused.push(wish),
        }
    }
    match &*refused {
        [] => Ok(admitted),
        refused => Err(ungranted(refused)),
    }
}

/// The same for one plugin.
pub(crate) fn admit_one(
    host: &TextHost,
    file: &Path,
    grants: &RunGrants,
    console: &Console,
) -> Result<Admitted, Failure> {
    admission(host, file, grants, console)?.map_err(|wish| ungranted(&[wish]))
}

fn admission<'a>(
    host: &TextHost,
    file: &'a Path,
    grants: &RunGrants,
    console: &Console,
) -> Result<Result<Admitted, Wish<'a>>, Failure> {
    let granted = grants.of(file);
    granted.check().map_err(wrong_use)?;
    let admitted = |grants, bytes| Admitted {
        file: file.to_owned(),
        grants,
        bytes,
    };
    let Some(wish) = Wish::of(host, file, &granted) else {
        return Ok(Ok(admitted(granted, None)));
    };
    let Some(grants) = wish.grants(grants.allow_requested, console)? else {
        return Ok(Err(wish));
    };
    grants.check().map_err(wrong_use)?;
    Ok(Ok(admitted(grants, Some(wish.bytes))))
}

impl<'a> Wish<'a> {
    fn of(host: &TextHost, file: &'a Path, granted: &Grants) -> Option<Self> {
        // Most request nothing, and most of these need not be read to know it.
        if host.requests(file).ok()?.beyond(granted).is_empty() {
            return None;
        }
        let bytes = host.read(file).ok()?;
        let missing = Requests::of("", &bytes).ok()?.beyond(granted);
        (!missing.is_empty()).then(|| Self {
            file,
            bytes,
            granted: granted.clone(),
            missing,
        })
    }

    /// What it gets with all that it requests, if somebody allows that.
    fn grants(&self, allow: bool, console: &Console) -> Result<Option<Grants>, Failure> {
        if allow {
            for line in self.lines() {
                let file = self.file.display();
                console.notice(escape(&format!("allowed to `{file}`: {line}")));
            }
            return Ok(Some(
                self.granted.clone().and(&self.requested(Path::new("."))),
            ));
        }
        let mut allowed = Allowed::read()?;
        let kept = allowed.of(&self.bytes).and(&self.granted);
        if self.missing.beyond(&kept).is_empty() {
            return Ok(Some(kept));
        }
        if !prompt::is_attended() {
            return Ok(None);
        }
        self.ask(&mut allowed, console)
    }

    /// Asks whoever is there.
    fn ask(&self, allowed: &mut Allowed, console: &Console) -> Result<Option<Grants>, Failure> {
        let file = self.file.display();
        console.report(&format!("`{file}` requests what it is not granted:"));
        for line in self.lines() {
            console.report(&format!("  {line}"));
        }
        // From the root: a later run may begin in another folder.
        let here = env::current_dir().unwrap_or_else(|_| PathBuf::from("."));
        let requested = self.requested(&here);
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

    /// The grants that it lacks; folders are taken from `base`.
    fn requested(&self, base: &Path) -> Grants {
        self.missing.grants_beside(&self.granted, base)
    }

    /// Each request that is not granted, as the grant is written, and why it is
    /// made.
    fn lines(&self) -> Vec<String> {
        let grants = self.requested(Path::new("."));
        let folders = grants.folders().map(ToString::to_string);
        let variables = grants.variables().map(ToString::to_string);
        let network = grants.network().map(ToString::to_string);
        let written: Vec<_> = folders.chain(variables).chain(network).collect();
        let width = written.iter().map(|grant| grant.chars().count()).max();
        let width = width.unwrap_or(0);
        let lines = written.iter().zip(self.missing.iter());
        lines
            .map(|(grant, request)| format!("{grant:<width$}  {}", request.why))
            .collect()
    }
}

/// Nobody allowed it: everything is said at once, with the file that would.
fn ungranted(wishes: &[Wish<'_>]) -> Failure {
    let mut failure = Failure::wrong_use(
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
        for line in wish.lines() {
            failure = failure.because(format!("{indent}{line}"));
        }
        let name = wish.file.file_stem().unwrap_or_default().to_string_lossy();
        file = file.with_plugin(name, &wish.requested(Path::new(".")));
    }
    failure = failure.because("a file of grants that allows it, such as a kumiki-grants.toml:");
    for line in file.to_string().lines() {
        failure = failure.because(format!("  {line}"));
    }
    failure
}
