//! Validation of a component with a set of proposals, within the limits of `expansion`.

use wasmparser::{Parser, Validator, WasmFeatures};

use super::expansion::ExpansionCounter;
use crate::catch_panic;

/// Returns whether the component is valid, without checking function bodies, and not too
/// large to be validated.
pub(crate) fn is_valid(bytes: &[u8], features: WasmFeatures) -> bool {
    let mut validator = Validator::new_with_features(features);
    let mut expansion = ExpansionCounter::new();
    let mut payloads = Parser::new(0).parse_all(bytes);
    let is_valid = || {
        payloads.all(|payload| {
            payload.is_ok_and(|payload| {
                validator.payload(&payload).is_ok()
                    && expansion.add("", &payload, validator.types(0)).is_ok()
            })
        })
    };
    catch_panic(is_valid).unwrap_or(false)
}
