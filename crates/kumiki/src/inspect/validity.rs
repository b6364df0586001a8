//! Whether a component is valid with some proposals, within the bounds of its weight.

use wasmparser::{Parser, Validator, WasmFeatures};

use super::weight::Weights;
use crate::catch_panic;

/// Whether everything but the bodies of functions is valid, and the component not too
/// large to be validated.
pub(crate) fn is_valid(bytes: &[u8], features: WasmFeatures) -> bool {
    let (mut validator, mut weights) = (Validator::new_with_features(features), Weights::new());
    let mut payloads = Parser::new(0).parse_all(bytes);
    let is_valid = || {
        payloads.all(|payload| {
            payload.is_ok_and(|payload| {
                validator.payload(&payload).is_ok()
                    && weights.add("", &payload, validator.types(0)).is_ok()
            })
        })
    };
    catch_panic(is_valid).unwrap_or(false)
}
