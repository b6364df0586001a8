//! What a plugin that leaks most likely does wrong, by what it is made with.

use kumiki::inspect::Inspection;

/// What to look for in its source.
pub(crate) fn cure(inspection: &Inspection) -> String {
    let made_by = |name: &str| {
        let mut producers = inspection.producers.iter();
        producers.any(|producer| producer.name == name)
    };
    if made_by("wit-bindgen-c") {
        "a missing `*_free` of the bindings is the usual reason: on every way out, `process` frees \
         its input with `text_plugin_string_free`, and so what `get-config` gave; a result that is \
         filled in but not returned wants \
         `exports_myapp_text_processor_plugin_process_result_free`"
            .into()
    } else {
        "something is kept from call to call: look for a global list, map or cache that only ever \
         grows, and for memory that is given away (in Rust `Box::leak`, `mem::forget`)"
            .into()
    }
}
