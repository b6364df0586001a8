//! Checks the types of the columns in Arrow, which a file may have in its footer.

use arrow_ipc::root_as_message_with_opts;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use flatbuffers::VerifierOptions;

/// The key of the types in the footer.
pub(super) const KEY: &[u8] = b"ARROW:schema";

/// Maximum number of tables of the message, and the most bytes of all of them. A message may
/// refer to one table many times, and each reference is counted: the crate parquet
/// makes a copy for each.
const MAX_TABLES: usize = 600_000;
const MAX_BYTES: usize = 64 << 20;

/// Checks the value of the key.
///
/// # Errors
/// When it is malformed or too large.
pub(super) fn check(value: &[u8]) -> Result<(), String> {
    let malformed = "its Arrow types are malformed or too large";
    let bytes = BASE64_STANDARD.decode(value).map_err(|_| malformed)?;
    // The length of the message may come first.
    let message = match bytes.get(..4) {
        Some([0xff, 0xff, 0xff, 0xff]) if bytes.len() > 8 => &bytes[8..],
        _ => &bytes[..],
    };
    let options = VerifierOptions {
        max_tables: MAX_TABLES,
        max_apparent_size: MAX_BYTES,
        ..VerifierOptions::default()
    };
    match root_as_message_with_opts(&options, message) {
        Ok(_) => Ok(()),
        Err(_) => Err(malformed.to_owned()),
    }
}
