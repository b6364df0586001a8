//! Uses any bytes as the names in a plugin: of its functions, its module and its
//! producers. The plugin is inspected, loaded and called, and traps. Messages about it
//! are bounded and contain no invisible characters.

#![no_main]

use std::sync::OnceLock;

use kumiki::inspect::Inspection;
use kumiki::is_invisible;
use kumiki_text::{Config, Error, TextHost, TextPlugin};
use libfuzzer_sys::fuzz_target;
use test_components::names::{Names, trapping};

/// The maximum size of an error in bytes, including its backtrace.
const MAX_ERROR: usize = 16 << 10;

fuzz_target!(|parts: (&[u8], &[u8], String, bool)| {
    let (module, makers, name, whole) = parts;
    // Either a well-formed name or an arbitrary section.
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
        assert_printable(&format!("{} {} {}", maker.field, maker.name, maker.version));
    }
    match host().load_bytes("fuzz", &bytes) {
        Ok(plugin) => {
            let mut plugin = TextPlugin::new(plugin, Config::default()).expect("the plugin starts");
            match plugin.process("anything") {
                Err(Error::Host(error)) => {
                    assert_printable(&format!(
                        "{error}\n{}",
                        error.backtrace().unwrap_or_default()
                    ));
                }
                other => panic!("it did not trap: {other:?}"),
            }
        }
        Err(error) => assert_printable(&error.to_string()),
    }
});

fn assert_printable(text: &str) {
    assert!(text.len() <= MAX_ERROR, "{} bytes", text.len());
    assert!(!text.contains(|c| is_invisible(c) && c != '\n'), "{text:?}");
}

fn host() -> &'static TextHost {
    static HOST: OnceLock<TextHost> = OnceLock::new();
    HOST.get_or_init(|| TextHost::new().expect("the host starts"))
}
