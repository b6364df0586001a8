// Trims text and replaces every run of (ASCII) white space with one space.
//
// Memory: this plugin owns its input and frees it. The bindings free what it
// returns after the host has read it, so every returned string is allocated
// with malloc. Every returned string must be valid UTF-8.

#include <stdlib.h>
#include <string.h>

#include "text_plugin_batch.h"

// Copies `text` to new memory; false if there is none.
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

static void log_debug(const char *text) {
    text_plugin_batch_string_t message;
    text_plugin_batch_string_set(&message, text); // not copied: the host only reads it
    myapp_text_processor_host_api_log(MYAPP_TEXT_PROCESSOR_HOST_API_LOG_LEVEL_DEBUG, &message);
}

static bool is_space(uint8_t byte) {
    return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\f' || byte == '\r';
}

// Writes the words of `from`, separated by single spaces, to `to`, which is at
// least as long. Returns the number of words.
static size_t tidy(const uint8_t *from, size_t len, text_plugin_batch_string_t *to) {
    size_t words = 0;
    bool in_word = false;
    for (size_t at = 0; at < len; at++) {
        if (is_space(from[at])) {
            in_word = false;
            continue;
        }
        if (!in_word && words++ > 0) to->ptr[to->len++] = ' ';
        in_word = true;
        to->ptr[to->len++] = from[at];
    }
    return words;
}

// Adds the metadata `words`; false if memory runs out.
static bool set_metadata(exports_myapp_text_processor_plugin_process_result_t *result, size_t words) {
    myapp_text_processor_types_key_value_t *entry = calloc(1, sizeof *entry);
    if (entry == NULL) return false;
    result->metadata.ptr = entry;
    result->metadata.len = 1;
    // Formatted by hand: printf alone would be twice the size of the plugin.
    char digits[24], *first = digits + sizeof digits;
    *--first = '\0';
    do *--first = (char)('0' + words % 10);
    while (words /= 10);
    return copy(&entry->key, "words") && copy(&entry->value, first);
}

void exports_myapp_text_processor_plugin_get_name(text_plugin_batch_string_t *ret) {
    copy(ret, "{{name}}");
}

void exports_myapp_text_processor_plugin_get_version(text_plugin_batch_string_t *ret) {
    copy(ret, "0.1.0");
}

// Frees the result and sets the error.
static bool fail(
    exports_myapp_text_processor_plugin_process_result_t *result,
    exports_myapp_text_processor_plugin_process_error_t *to,
    exports_myapp_text_processor_plugin_process_error_t error) {
    free(result->output.ptr); // the bindings skip it if its length is 0
    memset(&result->output, 0, sizeof result->output);
    exports_myapp_text_processor_plugin_process_result_free(result);
    *to = error;
    return false;
}

bool exports_myapp_text_processor_plugin_process(
    text_plugin_batch_string_t *input,
    exports_myapp_text_processor_plugin_process_result_t *ret,
    exports_myapp_text_processor_plugin_process_error_t *err) {
    memset(ret, 0, sizeof *ret);
    ret->output.ptr = malloc(input->len + 1); // + 1: malloc(0) may return NULL
    if (ret->output.ptr == NULL) {
        text_plugin_batch_string_free(input);
        return fail(ret, err, MYAPP_TEXT_PROCESSOR_TYPES_PROCESS_ERROR_INTERNAL_ERROR);
    }
    size_t words = tidy(input->ptr, input->len, &ret->output);
    text_plugin_batch_string_free(input);
    if (words == 0) {
        // Return an error to the caller. `kumiki_fail("…")`, `assert` and
        // `abort` log their file and line, and end the instance.
        return fail(ret, err, MYAPP_TEXT_PROCESSOR_TYPES_PROCESS_ERROR_INVALID_INPUT);
    }
    if (!set_metadata(ret, words)) {
        return fail(ret, err, MYAPP_TEXT_PROCESSOR_TYPES_PROCESS_ERROR_INTERNAL_ERROR);
    }
    log_debug("tidied a text");
    return true;
}

// Processes many texts in one call, which is faster.
void exports_myapp_text_processor_batch_process_batch(
    text_plugin_batch_list_string_t *inputs,
    exports_myapp_text_processor_batch_list_result_process_result_process_error_t *ret) {
    ret->len = inputs->len;
    ret->ptr = NULL;
    if (inputs->len == 0) return; // an empty list is not freed
    ret->ptr = calloc(inputs->len, sizeof *ret->ptr);
    if (ret->ptr == NULL) abort(); // the host then retries with fewer texts
    for (size_t at = 0; at < inputs->len; at++) {
        exports_myapp_text_processor_batch_process_error_t error;
        ret->ptr[at].is_err = !exports_myapp_text_processor_plugin_process(
            &inputs->ptr[at], &ret->ptr[at].val.ok, &error);
        if (ret->ptr[at].is_err) ret->ptr[at].val.err = error;
    }
    free(inputs->ptr); // the texts are already freed
}
