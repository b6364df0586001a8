//! Likely causes of a leak, by the tools that built the plugin.

use kumiki::inspect::Inspection;

/// What to look for in the plugin's source.
pub(crate) fn fix(inspection: &Inspection) -> String {
    let made_by = |name: &str| {
        let mut producers = inspection.producers.iter();
        producers.any(|producer| producer.name == name)
    };
    if made_by("wit-bindgen-c") {
        "the usual cause is a missing `*_free` call of the bindings: on every return path, \
         `process` must free its input and what `get-config` returned with \
         `text_plugin_string_free`; a result that is filled in but not returned needs \
         `exports_myapp_text_processor_plugin_process_result_free`"
            .into()
    } else {
        "something is kept from call to call: look for a global list, map or cache that only \
         grows, and for memory that is never freed (in Rust `Box::leak`, `mem::forget`)"
            .into()
    }
}
