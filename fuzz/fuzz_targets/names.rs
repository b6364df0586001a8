//! Any bytes as the names in a plugin: of its functions and its module, and of what
//! made it. It is loaded, traps, and is inspected; what is said of it is bounded and
//! has nothing hidden in it.

#![no_main]

use std::sync::OnceLock;

use kumiki::inspect::Inspection;
use kumiki::is_invisible;
use kumiki_text::{Config, Error, TextHost, TextPlugin};
use libfuzzer_sys::fuzz_target;
use test_components::names::{Names, trapping};

/// Bytes of all that one error says, its backtrace included.
const ERROR: usize = 16 << 10;

fuzz_target!(|parts: (&[u8], &[u8], String, bool)| {
    let (module, makers, name, whole) = parts;
    // As a name that is well-formed, or as a section that may be anything.
    let names = Names {
        module: name.clone(),
        functions: vec![(3, name.clone()), (4, name.clone()), (5, name.clone())],
        makers: vec![(name.clone(), name)],
        ..Names::default()
    };
    let bytes = match whole {
        true => trapping(&names.module_section(), &names.makers_section()),
        false => trapping(module, makers),
    };
    for maker in Inspection::of(&bytes).producers {
        said(&format!("{} {} {}", maker.field, maker.name, maker.version));
    }
    match host().load_bytes("fuzz", &bytes) {
        Ok(plugin) => {
            let mut plugin = TextPlugin::new(plugin, Config::default()).expect("it starts");
            match plugin.process("anything") {
                Err(Error::Host(error)) => {
                    said(&format!("{error}\n{}", error.backtrace().unwrap_or_default()));
                }
                other => panic!("it did not trap: {other:?}"),
            }
        }
        Err(error) => said(&error.to_string()),
    }
});

fn said(text: &str) {
    assert!(text.len() <= ERROR, "{} bytes", text.len());
    assert!(!text.contains(|c| is_invisible(c) && c != '\n'), "{text:?}");
}

fn host() -> &'static TextHost {
    static HOST: OnceLock<TextHost> = OnceLock::new();
    HOST.get_or_init(|| TextHost::new().expect("the host starts"))
}
