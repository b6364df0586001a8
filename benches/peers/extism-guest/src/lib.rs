//! The same work as Kumiki's guests, written as in Extism's documentation: JSON in and
//! out, with serde.

use extism_pdk::{FnResult, Json, info, plugin_fn};
use serde::{Deserialize, Serialize};

#[derive(Deserialize)]
struct Input {
    input: String,
}

#[derive(Serialize)]
struct Output {
    output: String,
    metadata: Vec<Entry>,
}

#[derive(Serialize)]
struct Entry {
    key: &'static str,
    value: String,
}

/// `text-upper`.
#[plugin_fn]
pub fn upper(Json(Input { input }): Json<Input>) -> FnResult<Json<Output>> {
    let output = input.to_uppercase();
    let characters = input.chars().count();
    info!("Processed {characters} characters");
    let entry = |key, value| Entry { key, value };
    Ok(Json(Output {
        output,
        metadata: vec![
            entry("original_length", input.len().to_string()),
            entry("transform", "uppercase".to_owned()),
        ],
    }))
}

/// Upper-cases many texts per call.
#[plugin_fn]
pub fn many(Json(inputs): Json<Vec<String>>) -> FnResult<Json<Vec<String>>> {
    let outputs = inputs.iter().map(|input| input.to_uppercase());
    Ok(Json(outputs.collect()))
}

/// Upper-cases a plain text, without JSON.
#[plugin_fn]
pub fn bare(input: String) -> FnResult<String> {
    Ok(input.to_uppercase())
}

/// Returns its input, a plain text without JSON.
#[plugin_fn]
pub fn echo(input: String) -> FnResult<String> {
    Ok(input)
}
