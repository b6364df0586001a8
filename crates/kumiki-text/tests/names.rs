//! Arbitrary names in a plugin, through everything that shows them: loading, traps
//! and inspection. Messages are bounded and have no invisible characters. The fuzz
//! target `names` does the same with arbitrary bytes.

use std::sync::LazyLock;

use kumiki::inspect::Inspection;
use kumiki::is_invisible;
use kumiki_text::{Config, Error, TextHost, TextPlugin};
use proptest::prelude::*;
use test_components::names::{Names, trapping};

static HOST: LazyLock<TextHost> = LazyLock::new(|| TextHost::new().expect("the host starts"));

/// Names of all lengths up to the maximum that a reader accepts, 100,000 bytes, with
/// characters of every kind.
fn any_name() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        any::<String>(),
        "[a-z]{1,8}",
        "[\\x00-\\x1f\u{80}-\u{9f}\u{200b}-\u{200f}\u{202a}-\u{202e}\u{e0000}-\u{e007f}]{1,8}",
        "_Z[0-9A-Z_]{0,200}",
    ];
    (part, 1..2_000_usize).prop_map(|(part, times)| {
        let mut name = part.repeat(times);
        let end = name.floor_char_boundary(99_000);
        name.truncate(end);
        name
    })
}

fn any_names() -> impl Strategy<Value = Names> {
    (
        any_name(),
        proptest::collection::vec((0..40_u32, any_name()), 0..4),
        any_name(),
        proptest::collection::vec((any_name(), any_name()), 0..3),
    )
        .prop_map(|(module, functions, component, makers)| Names {
            module,
            functions,
            component,
            makers,
        })
}

fn visible(text: &str) -> bool {
    !text.contains(|c| is_invisible(c) && c != '\n')
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_names_are_shown_bounded(names in any_names()) {
        let bytes = trapping(&names.module_section(), &names.makers_section());
        let bytes = names.on_component(&bytes);

        let plugin = HOST.load_bytes("p.wasm", &bytes).expect("names make no plugin invalid");
        let mut plugin = TextPlugin::new(plugin, Config::default()).expect("it starts");
        let error = plugin.process("anything").expect_err("it traps");
        let Error::Host(host) = &error else { panic!("{error}") };
        let whole = format!("{error}\n{}", host.backtrace().expect("a trap has one"));
        prop_assert!(whole.len() <= 16 << 10, "{} bytes", whole.len());
        prop_assert!(visible(&whole), "{whole:?}");

        let inspection = Inspection::of(&bytes);
        prop_assert!(inspection.producers.len() <= 100);
        for maker in &inspection.producers {
            for text in [&maker.field, &maker.name, &maker.version] {
                prop_assert!(text.chars().count() <= 201 && visible(text), "{text:?}");
            }
        }
    }

    #[test]
    fn any_bytes_as_names_are_stood(
        module in proptest::collection::vec(any::<u8>(), 0..300),
        makers in proptest::collection::vec(any::<u8>(), 0..300),
    ) {
        let bytes = trapping(&module, &makers);
        let _ = Inspection::of(&bytes);
        match HOST.load_bytes("p.wasm", &bytes) {
            Ok(plugin) => {
                let mut plugin = TextPlugin::new(plugin, Config::default()).expect("it starts");
                prop_assert!(plugin.process("anything").is_err());
            }
            Err(error) => prop_assert!(error.to_string().len() <= 16 << 10),
        }
    }
}
