//! The toolchain and tools of a project.

use super::{Probe, Toolchain, javascript};
use crate::job::Profile;
use crate::optimise;
use crate::project::{JavaScriptEngine, Language, Project};
use crate::tool::Tool;
use crate::tools::Tools;

impl Project {
    /// The toolchain that builds it.
    pub fn toolchain(&self) -> Toolchain {
        match (self.language, self.engine) {
            (Language::Rust, _) => Toolchain::Rust,
            (Language::C, _) => Toolchain::C,
            (Language::JavaScript, JavaScriptEngine::QuickJs) => Toolchain::JavaScript,
            (Language::JavaScript, JavaScriptEngine::StarlingMonkey) => Toolchain::StarlingMonkey,
            (Language::Python, _) => Toolchain::Python,
            (Language::Go, _) => Toolchain::Go,
        }
    }

    /// Checks whether it can be built for `profile`. Takes well under a second
    /// and changes nothing.
    pub fn probe(&self, tools: &Tools, profile: Profile) -> Probe {
        let probe = self.toolchain().probe(tools, self.wasi);
        let is_bundled =
            self.toolchain() == Toolchain::JavaScript && javascript::needs_bundler(self);
        if is_bundled && let Err(missing) = javascript::probe_bundler(tools) {
            return Probe::Missing(missing);
        }
        match (&probe, self.needs_wasm_opt(profile)) {
            (Probe::Ready(_), true) => match optimise::version(tools) {
                Ok(_) => probe,
                Err(missing) => Probe::Missing(missing),
            },
            _ => probe,
        }
    }

    /// The project-local tools that a build for `profile` needs.
    pub fn tools(&self, profile: Profile) -> Vec<Tool> {
        let toolchain = self.toolchain();
        let mut tools = match toolchain {
            Toolchain::JavaScript if !javascript::needs_bundler(self) => Vec::new(),
            _ => toolchain.tools().to_vec(),
        };
        if self.needs_wasm_opt(profile) {
            tools.push(Tool::Binaryen);
        }
        tools
    }

    /// Whether profiles affect the project. In JavaScript and Python,
    /// everything except the author's module is precompiled.
    pub fn has_profiles(&self) -> bool {
        matches!(self.language, Language::Rust | Language::C | Language::Go)
    }

    fn needs_wasm_opt(&self, profile: Profile) -> bool {
        profile == Profile::Size && self.has_profiles()
    }
}
