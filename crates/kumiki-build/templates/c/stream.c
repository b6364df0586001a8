// Tidies texts: trims each line, replaces every run of (ASCII) white space with one
// space, and leaves out blank lines.
//
// Memory: this plugin owns its input and frees it. The bindings free what it
// returns after the host has read it, so every returned string is allocated
// with malloc. Every returned string must be valid UTF-8.

#include <stdlib.h>
#include <string.h>

#include "text_plugin_stream.h"

// Copies `text` to new memory; false if there is none.
static bool copy(text_plugin_stream_string_t *to, const char *text) {
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
    text_plugin_stream_string_t message;
    text_plugin_stream_string_set(&message, text); // not copied: the host only reads it
    myapp_text_processor_host_api_log(MYAPP_TEXT_PROCESSOR_HOST_API_LOG_LEVEL_DEBUG, &message);
}

static bool is_space(uint8_t byte) {
    return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\f' || byte == '\r';
}

// Where in a text `tidy` is: a text may be cut anywhere.
typedef struct {
    size_t words; // of this line
    bool in_word;
} place_t;

// Writes the words of `from`, separated by single spaces, to `to`, which has room for one
// byte more. Returns the end of what it wrote. White space is ASCII, so a character of
// several bytes is never split.
static uint8_t *tidy(place_t *place, const uint8_t *from, size_t len, uint8_t *to) {
    for (size_t at = 0; at < len; at++) {
        if (!is_space(from[at])) {
            if (!place->in_word && place->words++ > 0) *to++ = ' ';
            place->in_word = true;
            *to++ = from[at];
            continue;
        }
        place->in_word = false;
        if (from[at] == '\n' && place->words > 0) {
            *to++ = '\n';
            place->words = 0;
        }
    }
    return to;
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

void exports_myapp_text_processor_plugin_get_name(text_plugin_stream_string_t *ret) {
    copy(ret, "{{name}}");
}

void exports_myapp_text_processor_plugin_get_version(text_plugin_stream_string_t *ret) {
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

// Processes one record, which is one line.
bool exports_myapp_text_processor_plugin_process(
    text_plugin_stream_string_t *input,
    exports_myapp_text_processor_plugin_process_result_t *ret,
    exports_myapp_text_processor_plugin_process_error_t *err) {
    memset(ret, 0, sizeof *ret);
    ret->output.ptr = malloc(input->len + 1); // + 1: malloc(0) may return NULL
    if (ret->output.ptr == NULL) {
        text_plugin_stream_string_free(input);
        return fail(ret, err, MYAPP_TEXT_PROCESSOR_TYPES_PROCESS_ERROR_INTERNAL_ERROR);
    }
    for (size_t at = 0; at < input->len; at++) {
        if (input->ptr[at] == '\n') input->ptr[at] = ' ';
    }
    place_t place = {0};
    ret->output.len = tidy(&place, input->ptr, input->len, ret->output.ptr) - ret->output.ptr;
    text_plugin_stream_string_free(input);
    if (place.words == 0) {
        // Return an error to the caller. `kumiki_fail("…")`, `assert` and
        // `abort` log their file and line, and end the instance.
        return fail(ret, err, MYAPP_TEXT_PROCESSOR_TYPES_PROCESS_ERROR_INVALID_INPUT);
    }
    if (!set_metadata(ret, place.words)) {
        return fail(ret, err, MYAPP_TEXT_PROCESSOR_TYPES_PROCESS_ERROR_INTERNAL_ERROR);
    }
    log_debug("tidied a text");
    return true;
}

// Streams: a read or write blocks where it has to wait, and the host suspends the
// instance meanwhile.

#define STREAMING(name) exports_myapp_text_processor_streaming_##name
#define CHUNK (64 * 1024)

typedef text_plugin_stream_waitable_status_t status_t;

// Waits for the outcome of a read or write.
static status_t settle(uint32_t waitable, status_t status) {
    if (status != TEXT_PLUGIN_STREAM_WAITABLE_STATUS_BLOCKED) return status;
    text_plugin_stream_waitable_set_t set = text_plugin_stream_waitable_set_new();
    text_plugin_stream_event_t event;
    text_plugin_stream_waitable_join(waitable, set);
    text_plugin_stream_waitable_set_wait(set, &event);
    text_plugin_stream_waitable_join(waitable, 0);
    text_plugin_stream_waitable_set_drop(set);
    return event.code;
}

static bool is_open(status_t status) {
    return TEXT_PLUGIN_STREAM_WAITABLE_STATE(status) == TEXT_PLUGIN_STREAM_WAITABLE_COMPLETED;
}

// Reads up to a chunk, which may end within a character or a line. Returns its length;
// `open` is false at the end of the text.
static size_t read_chunk(STREAMING(stream_u8_t) input, uint8_t *chunk, bool *open) {
    status_t status = settle(input, STREAMING(stream_u8_read)(input, chunk, CHUNK));
    *open = is_open(status);
    return TEXT_PLUGIN_STREAM_WAITABLE_COUNT(status);
}

// Writes all bytes; false if nobody reads any more.
static bool write_all(STREAMING(stream_u8_writer_t) output, uint8_t *bytes, size_t len) {
    for (size_t at = 0; at < len;) {
        status_t status = settle(output, STREAMING(stream_u8_write)(output, bytes + at, len - at));
        at += TEXT_PLUGIN_STREAM_WAITABLE_COUNT(status);
        if (!is_open(status)) return false;
    }
    return true;
}

// Transforms a whole text of any length. To report an error, set `is_err` and `val.err` of
// the result.
static STREAMING(result_void_process_error_t) transform(
    STREAMING(stream_u8_t) input, STREAMING(stream_u8_writer_t) output) {
    static uint8_t chunk[CHUNK], tidied[CHUNK + 1];
    STREAMING(result_void_process_error_t) success = {.is_err = false};
    place_t place = {0};
    for (bool open = true; open;) {
        size_t len = read_chunk(input, chunk, &open);
        uint8_t *end = tidy(&place, chunk, len, tidied);
        if (!write_all(output, tidied, end - tidied)) return success;
    }
    if (place.words > 0) write_all(output, (uint8_t *)"\n", 1);
    return success;
}

// Returns the output at once, and goes on.
text_plugin_stream_callback_code_t STREAMING(transform)(STREAMING(stream_u8_t) input) {
    STREAMING(stream_u8_writer_t) output;
    STREAMING(future_result_void_process_error_writer_t) outcome;
    STREAMING(tuple2_stream_u8_future_result_void_process_error_t) results;
    results.f0 = STREAMING(stream_u8_new)(&output);
    results.f1 = STREAMING(future_result_void_process_error_new)(&outcome);
    STREAMING(transform_return)(results);

    STREAMING(result_void_process_error_t) result = transform(input, output);
    STREAMING(stream_u8_drop_readable)(input);
    STREAMING(stream_u8_drop_writable)(output);
    settle(outcome, STREAMING(future_result_void_process_error_write)(outcome, &result));
    STREAMING(future_result_void_process_error_drop_writable)(outcome);
    return TEXT_PLUGIN_STREAM_CALLBACK_CODE_EXIT;
}

// Not called, because `transform` never returns before its end.
text_plugin_stream_callback_code_t STREAMING(transform_callback)(
    text_plugin_stream_event_t *event) {
    (void)event;
    return TEXT_PLUGIN_STREAM_CALLBACK_CODE_EXIT;
}
