// Returns its input, and leaks on purpose: `process` copies its input and does
// not free it, the mistake that a C plugin is most likely to make. The tests of
// `kumiki check` and `kumiki doctor` find it.

#include <stdlib.h>
#include <string.h>

#include "text_plugin.h"

// Copies `text` to memory of its own; false when there is none.
static bool copy(text_plugin_string_t *to, const uint8_t *text, size_t len) {
    to->ptr = malloc(len + 1);
    to->len = to->ptr == NULL ? 0 : len;
    if (to->ptr != NULL) memcpy(to->ptr, text, len);
    return to->ptr != NULL;
}

void exports_myapp_text_processor_plugin_get_name(text_plugin_string_t *ret) {
    copy(ret, (const uint8_t *)"leak-c", 6);
}

void exports_myapp_text_processor_plugin_get_version(text_plugin_string_t *ret) {
    copy(ret, (const uint8_t *)"0.1.0", 5);
}

bool exports_myapp_text_processor_plugin_process(
    text_plugin_string_t *input,
    exports_myapp_text_processor_plugin_process_result_t *ret,
    exports_myapp_text_processor_plugin_process_error_t *err) {
    memset(ret, 0, sizeof *ret);
    if (input->len == 0) {
        *err = MYAPP_TEXT_PROCESSOR_TYPES_PROCESS_ERROR_INVALID_INPUT;
        return false;
    }
    if (!copy(&ret->output, input->ptr, input->len)) {
        *err = MYAPP_TEXT_PROCESSOR_TYPES_PROCESS_ERROR_INTERNAL_ERROR;
        return false;
    }
    // Here `text_plugin_string_free(input)` is missing.
    return true;
}
