//! Reads and validates a plugin's name and version, once. They appear in every
//! error, log record and result, so they must be short and printable.

use kumiki::wasmtime::{self, Store};
use kumiki::{Instance, Limit, StoreData, is_invisible};

use crate::contract::{TextBindings, TextContract};
use crate::records::concurrent;
use crate::{Error, Result};

/// Maximum length of a name or a version, in bytes.
pub(crate) const NAME_BYTES: usize = 256;

/// Maximum bytes that one host call may transfer while a plugin returns its name: a
/// language's runtime may read its files then.
const MAX_TRANSFER: usize = 1 << 20;

/// Calls `get-name` and validates the result.
pub(crate) fn name(instance: &mut Instance<TextContract>) -> Result<String> {
    ask(instance, "name", "get-name", |bindings, store| {
        bindings.plugin().call_get_name(store)
    })
}

/// Calls `get-version` and validates the result.
pub(crate) fn version(instance: &mut Instance<TextContract>) -> Result<String> {
    ask(instance, "version", "get-version", |bindings, store| {
        bindings.plugin().call_get_version(store)
    })
}

fn ask(
    instance: &mut Instance<TextContract>,
    what: &'static str,
    function: &str,
    ask: impl FnOnce(&TextBindings, &mut Store<StoreData>) -> wasmtime::Result<String>,
) -> Result<String> {
    let transfer = instance.plugin().host().limits().transfer;
    instance.set_transfer(transfer.min(MAX_TRANSFER));
    let answer = match instance.plugin().is_asynchronous() {
        true => concurrent::call(instance, function, ()),
        false => instance.call(function, ask),
    };
    instance.set_transfer(transfer);
    let checked = match answer {
        Ok(text) => check(&text).map(|()| text),
        Err(kumiki::Error::Limit {
            limit: Limit::Transfer(_),
            ..
        }) => Err(format!(
            "`{function}` transferred more than {MAX_TRANSFER} bytes"
        )),
        Err(error) => return Err(error.into()),
    };
    checked.map_err(|fault| Error::Name {
        plugin: instance.plugin().name().to_owned(),
        what,
        fault,
    })
}

/// Validates a name or a version.
fn check(text: &str) -> Result<(), String> {
    if text.len() > NAME_BYTES {
        let length = text.len();
        return Err(format!(
            "it is {length} bytes long; the maximum is {NAME_BYTES}"
        ));
    }
    // Brackets enclose a name in logs.
    let is_refused = |c: &char| is_invisible(*c) || matches!(c, '[' | ']');
    match text.chars().find(is_refused) {
        Some(c) => Err(format!(
            "it contains the character `{}`",
            if c.is_ascii_graphic() {
                c.to_string()
            } else {
                c.escape_unicode().to_string()
            }
        )),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_must_be_short_and_printable() {
        let (longest, longer) = ("n".repeat(256), "n".repeat(257));
        let multibyte = "木".repeat(86);
        for (text, fault) in [
            ("", None),
            ("text-upper", None),
            ("1.0.0-rc.1+build", None),
            ("木の葉 😀", None),
            (&*longest, None),
            (&*longer, Some("257 bytes")),
            (&*multibyte, Some("258 bytes")),
            ("two\nlines", Some("\\u{a}")),
            ("\x1b[31mred", Some("\\u{1b}")),
            ("nul\0", Some("\\u{0}")),
            ("c1\u{9b}", Some("\\u{9b}")),
            ("abc\u{202e}fed", Some("\\u{202e}")),
            ("pay\u{200b}pal", Some("\\u{200b}")),
            ("tag\u{e0041}", Some("\\u{e0041}")),
            ("line\u{2028}", Some("\\u{2028}")),
        ] {
            match (check(text), fault) {
                (Ok(()), None) => {}
                (Err(found), Some(fault)) => assert!(found.contains(fault), "{text:?}: {found}"),
                (found, _) => panic!("{text:?}: {found:?}"),
            }
        }
    }
}
