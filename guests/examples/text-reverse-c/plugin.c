// Reverses text: the example plugin in C.
//
// A character is a Unicode scalar value: its bytes stay together and in order,
// so that the output is valid UTF-8 like the input.
//
// Who frees what: this plugin owns its input and frees it; what it returns is
// freed by the bindings once the host has read it, so every returned string
// is one of malloc's.

#include <stdlib.h>
#include <string.h>

#include "text_plugin_batch.h"

// Copies `text` to memory of its own; false when there is none.
static bool copy(text_plugin_batch_string_t *to, const char *text) {
    to->len = strlen(text);
    to->ptr = malloc(to->len);
    if (to->ptr == NULL) {
        to->len = 0;
        return false;
    }
    memcpy(to->ptr, text, to->len);
    return true;
}

static void log_text(myapp_text_processor_host_api_log_level_t level, const char *text) {
    text_plugin_batch_string_t message;
    text_plugin_batch_string_set(&message, text); // borrowed: the host only reads it
    myapp_text_processor_host_api_log(level, &message);
}

// How many bytes the character takes that begins with `first`, in valid UTF-8.
static size_t width(uint8_t first) {
    if (first < 0x80) return 1;
    if (first < 0xe0) return 2;
    if (first < 0xf0) return 3;
    return 4;
}

static void reverse(const uint8_t *from, size_t len, uint8_t *to) {
    uint8_t *end = to + len;
    for (size_t at = 0; at < len;) {
        size_t size = width(from[at]);
        end -= size;
        for (size_t i = 0; i < size; i++) end[i] = from[at + i];
        at += size;
    }
}

// Fills in the metadata; false when memory runs out, with nothing left behind.
static bool set_metadata(exports_myapp_text_processor_plugin_process_result_t *result) {
    myapp_text_processor_types_key_value_t *entry = calloc(1, sizeof *entry);
    if (entry == NULL) return false;
    result->metadata.ptr = entry;
    result->metadata.len = 1;
    return copy(&entry->key, "transform") && copy(&entry->value, "reverse");
}

void exports_myapp_text_processor_plugin_get_name(text_plugin_batch_string_t *ret) {
    copy(ret, "text-reverse-c");
}

void exports_myapp_text_processor_plugin_get_version(text_plugin_batch_string_t *ret) {
    copy(ret, "0.1.0");
}

bool exports_myapp_text_processor_plugin_process(
    text_plugin_batch_string_t *input,
    exports_myapp_text_processor_plugin_process_result_t *ret,
    exports_myapp_text_processor_plugin_process_error_t *err) {
    memset(ret, 0, sizeof *ret);
    if (input->len == 0) {
        text_plugin_batch_string_free(input);
        *err = MYAPP_TEXT_PROCESSOR_TYPES_PROCESS_ERROR_INVALID_INPUT;
        return false;
    }

    ret->output.ptr = malloc(input->len);
    if (ret->output.ptr != NULL) {
        ret->output.len = input->len;
        reverse(input->ptr, input->len, ret->output.ptr);
    }
    text_plugin_batch_string_free(input);
    if (ret->output.ptr == NULL || !set_metadata(ret)) {
        exports_myapp_text_processor_plugin_process_result_free(ret);
        *err = MYAPP_TEXT_PROCESSOR_TYPES_PROCESS_ERROR_INTERNAL_ERROR;
        return false;
    }
    log_text(MYAPP_TEXT_PROCESSOR_HOST_API_LOG_LEVEL_INFO, "Reversed string");
    return true;
}

// By which the host gives many texts in one call: the same, faster.
void exports_myapp_text_processor_batch_process_batch(
    text_plugin_batch_list_string_t *inputs,
    exports_myapp_text_processor_batch_list_result_process_result_process_error_t *ret) {
    ret->len = inputs->len;
    ret->ptr = NULL;
    if (inputs->len == 0) return; // an empty list is freed by nobody
    ret->ptr = calloc(inputs->len, sizeof *ret->ptr);
    if (ret->ptr == NULL) abort(); // and the host asks for fewer
    for (size_t at = 0; at < inputs->len; at++) {
        exports_myapp_text_processor_batch_process_error_t error;
        ret->ptr[at].is_err = !exports_myapp_text_processor_plugin_process(
            &inputs->ptr[at], &ret->ptr[at].val.ok, &error);
        if (ret->ptr[at].is_err) ret->ptr[at].val.err = error;
    }
    free(inputs->ptr); // each text is freed already
}
