//! The files of the templates, without those that a skeleton generates.

use crate::panic_hook;
use crate::project::Language;

/// A file of a template: its path and content.
pub(super) type File = (&'static str, &'static str);

/// Not called `.gitignore` in this repository, because git would apply it here.
const IGNORE: File = (".gitignore", include_str!("../../templates/ignore"));
/// Test cases, shared by all languages.
const CASES: File = ("tests.jsonl", include_str!("../../templates/tests.jsonl"));
/// The built-in contract; each project gets a copy.
const WORLD: File = (
    "wit/world.wit",
    include_str!("../../../../wit/text-processor/world.wit"),
);
const BATCH: File = (
    "wit/batch.wit",
    include_str!("../../../../wit/text-processor/batch.wit"),
);
const STREAM: File = (
    "wit/stream.wit",
    include_str!("../../../../wit/text-processor/stream.wit"),
);

/// The files of a plugin that processes records, in any language.
pub(super) const RECORDS: &[File] = &[
    ("README.md", include_str!("../../templates/README.md")),
    CASES,
    WORLD,
    BATCH,
    IGNORE,
];

/// The files of a plugin that streams, in any language.
pub(super) const STREAMING: &[File] = &[
    (
        "README.md",
        include_str!("../../templates/README-stream.md"),
    ),
    CASES,
    WORLD,
    STREAM,
    IGNORE,
];

/// The files of a plugin for another contract, in any language.
pub(super) const OTHER: &[File] = &[
    ("README.md", include_str!("../../templates/README-world.md")),
    IGNORE,
];

/// The settings of a project in this language.
pub(super) fn settings(language: Language) -> &'static [File] {
    match language {
        Language::Rust => &[
            (
                "kumiki.toml",
                include_str!("../../templates/rust/kumiki.toml"),
            ),
            // Cargo would treat a file called `Cargo.toml` as a package of this
            // repository.
            (
                "Cargo.toml",
                include_str!("../../templates/rust/Cargo.toml.template"),
            ),
        ],
        Language::C => &[("kumiki.toml", include_str!("../../templates/c/kumiki.toml"))],
        Language::JavaScript => &[
            (
                "kumiki.toml",
                include_str!("../../templates/javascript/kumiki.toml"),
            ),
            (
                "tsconfig.json",
                include_str!("../../templates/javascript/tsconfig.json"),
            ),
        ],
        Language::Python => &[(
            "kumiki.toml",
            include_str!("../../templates/python/kumiki.toml"),
        )],
        Language::Go => &[
            (
                "kumiki.toml",
                include_str!("../../templates/go/kumiki.toml"),
            ),
            ("go.mod", include_str!("../../templates/go/go.mod.template")),
        ],
    }
}

/// The main source file of a plugin for the built-in contract.
pub(super) fn source(language: Language) -> &'static str {
    match language {
        Language::Rust => "src/lib.rs",
        Language::C => "plugin.c",
        Language::JavaScript => "plugin.js",
        Language::Python => "plugin.py",
        Language::Go => "plugin.go",
    }
}

/// The sources of a plugin that processes records.
pub(super) fn records(language: Language) -> &'static [File] {
    match language {
        Language::Rust => &[
            (
                "src/lib.rs",
                include_str!("../../templates/rust/src/lib.rs"),
            ),
            (panic_hook::PATH, panic_hook::SOURCE),
        ],
        Language::C => &[("plugin.c", include_str!("../../templates/c/plugin.c"))],
        Language::JavaScript => &[(
            "plugin.js",
            include_str!("../../templates/javascript/plugin.js"),
        )],
        Language::Python => &[(
            "plugin.py",
            include_str!("../../templates/python/plugin.py"),
        )],
        Language::Go => &[("plugin.go", include_str!("../../templates/go/plugin.go"))],
    }
}

/// The sources of a plugin that streams.
pub(super) fn streaming(language: Language) -> &'static [File] {
    match language {
        Language::Rust => &[
            (
                "src/lib.rs",
                include_str!("../../templates/rust/src/lib_stream.rs"),
            ),
            // The same file as in the SDK.
            (
                "src/stream.rs",
                include_str!("../../../../guests/sdk/rust/src/stream.rs"),
            ),
            (panic_hook::PATH, panic_hook::SOURCE),
        ],
        Language::C => &[("plugin.c", include_str!("../../templates/c/stream.c"))],
        Language::JavaScript => &[(
            "plugin.js",
            include_str!("../../templates/javascript/stream.js"),
        )],
        Language::Python => &[(
            "plugin.py",
            include_str!("../../templates/python/stream.py"),
        )],
        Language::Go => &[
            ("plugin.go", include_str!("../../templates/go/stream.go")),
            (
                "transform.go",
                include_str!("../../templates/go/transform.go"),
            ),
        ],
    }
}
