//! Copies a plugin's requests for permissions from its `kumiki.toml` into its
//! component. The host checks what may be requested.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use toml::Spanned;
use wasm_encoder::{ComponentSection, CustomSection};

/// The name of the component's custom section.
const SECTION: &str = "kumiki-requests";

/// The `[requests]` table: for each kind, requests with their reasons.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RequestsTable {
    dirs: BTreeMap<Spanned<String>, String>,
    env: BTreeMap<Spanned<String>, String>,
    net: BTreeMap<Spanned<String>, String>,
}

/// The requests without their spans, as they are written into the component.
#[derive(Serialize)]
struct PlainRequests<'a> {
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    dirs: BTreeMap<&'a str, &'a str>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    env: BTreeMap<&'a str, &'a str>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    net: BTreeMap<&'a str, &'a str>,
}

impl RequestsTable {
    /// Finds the first request without a reason. Users should not be asked to
    /// grant something unexplained.
    pub(crate) fn without_reason(&self) -> Option<&Spanned<String>> {
        let all = [&self.dirs, &self.env, &self.net].into_iter().flatten();
        all.filter(|(_, why)| why.trim().is_empty())
            .map(|(what, _)| what)
            .min_by_key(|what| what.span().start)
    }

    /// Serialises the requests for the component; empty if nothing is
    /// requested.
    pub(crate) fn text(&self) -> Result<String, toml::ser::Error> {
        fn plain(table: &BTreeMap<Spanned<String>, String>) -> BTreeMap<&str, &str> {
            let pairs = table.iter();
            pairs
                .map(|(what, why)| (what.as_ref().as_str(), why.as_str()))
                .collect()
        }
        toml::to_string(&PlainRequests {
            dirs: plain(&self.dirs),
            env: plain(&self.env),
            net: plain(&self.net),
        })
    }
}

/// Appends the requests to the component, if there are any.
pub(crate) fn with_requests(component: &[u8], requests: &str) -> Vec<u8> {
    let mut bytes = component.to_vec();
    if !requests.is_empty() {
        CustomSection {
            name: SECTION.into(),
            data: Cow::Borrowed(requests.as_bytes()),
        }
        .append_to_component(&mut bytes);
    }
    bytes
}
