//! Panics of the crate parquet over damaged files, as errors.

use kumiki::{catch_panic, excerpt};
use parquet::errors::ParquetError;

/// Maximum characters of an error of the crate parquet.
const REASON: usize = 500;

/// Runs `work`, and turns a panic into an error: the crate parquet panics over some
/// damaged bytes that it should refuse. The reader must not be used afterwards.
pub(super) fn guarded<T>(work: impl FnOnce() -> Result<T, ParquetError>) -> Result<T, String> {
    match catch_panic(work) {
        // The crate quotes names and numbers of the file.
        Some(result) => result.map_err(|error| excerpt(&error.to_string(), REASON).into_owned()),
        None => Err("its parts contradict each other".to_owned()),
    }
}
