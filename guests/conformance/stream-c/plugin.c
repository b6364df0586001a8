// Transforms whole texts in the way that its configuration `mode` names, also in wrong
// ways. Blocks where it has to wait: the host suspends it meanwhile.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wctype.h>

#include "text_plugin_stream.h"

#define STREAMING(name) exports_myapp_text_processor_streaming_##name
#define CHUNK (64 * 1024)

typedef text_plugin_stream_waitable_status_t status_t;

static uint8_t buffer[CHUNK];

// The outcome of a read or write that may have to be waited for.
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

// Reads up to a chunk into `buffer`; `open` is whether there may be more.
static size_t read_chunk(STREAMING(stream_u8_t) input, bool *open) {
    status_t status = settle(input, STREAMING(stream_u8_read)(input, buffer, CHUNK));
    *open = is_open(status);
    return TEXT_PLUGIN_STREAM_WAITABLE_COUNT(status);
}

// Writes all bytes; false when nobody reads any more.
static bool write_all(STREAMING(stream_u8_writer_t) output, const uint8_t *bytes, size_t length) {
    for (size_t at = 0; at < length;) {
        status_t status =
            settle(output, STREAMING(stream_u8_write)(output, (uint8_t *)bytes + at, length - at));
        at += TEXT_PLUGIN_STREAM_WAITABLE_COUNT(status);
        if (!is_open(status)) return false;
    }
    return true;
}

static bool is(const text_plugin_stream_string_t *mode, const char *name) {
    return mode->len == strlen(name) && memcmp(mode->ptr, name, mode->len) == 0;
}

// Copies the input to the output, with ASCII letters in upper case.
static void upper(STREAMING(stream_u8_t) input, STREAMING(stream_u8_writer_t) output) {
    for (bool open = true; open;) {
        size_t length = read_chunk(input, &open);
        for (size_t i = 0; i < length; i++) {
            buffer[i] -= (uint8_t)(buffer[i] - 'a') < 26 ? 32 : 0;
        }
        if (!write_all(output, buffer, length)) return;
    }
}

static void pass(STREAMING(stream_u8_t) input, STREAMING(stream_u8_writer_t) output) {
    for (bool open = true; open;) {
        size_t length = read_chunk(input, &open);
        if (!write_all(output, buffer, length)) return;
    }
}

// The number of bytes of a character, by its first byte.
static size_t width(uint8_t first) {
    return first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

// Converts one character of valid UTF-8; returns the number of bytes written.
static size_t upper_character(const uint8_t *from, uint8_t *to) {
    size_t length = width(from[0]);
    wint_t character = length == 1 ? from[0] : from[0] & (0x7f >> length);
    for (size_t i = 1; i < length; i++) character = character << 6 | (from[i] & 0x3f);
    character = towupper(character);
    length = character < 0x80 ? 1 : character < 0x800 ? 2 : character < 0x10000 ? 3 : 4;
    for (size_t i = length - 1; i > 0; i--) {
        to[i] = 0x80 | (character & 0x3f);
        character >>= 6;
    }
    to[0] = length == 1 ? character : (0xf0 << (4 - length) | character);
    return length;
}

// Copies the input to the output in upper case. A character that a chunk cuts waits for
// the next chunk.
static void upper_unicode(STREAMING(stream_u8_t) input, STREAMING(stream_u8_writer_t) output) {
    static uint8_t converted[2 * CHUNK];
    uint8_t cut[4];
    size_t has = 0;
    for (bool open = true; open;) {
        size_t length = read_chunk(input, &open), to = 0;
        for (size_t i = 0; i < length; i++) {
            cut[has++] = buffer[i];
            if (has < width(cut[0])) continue;
            to += upper_character(cut, converted + to);
            has = 0;
        }
        if (!write_all(output, converted, to)) return;
    }
}

// Copies the input to the output with the number of each line before it.
static void lines(STREAMING(stream_u8_t) input, STREAMING(stream_u8_writer_t) output) {
    char number[24];
    bool at_start = true;
    size_t count = 0;
    for (bool open = true; open;) {
        size_t length = read_chunk(input, &open);
        for (size_t from = 0; from < length;) {
            if (at_start) {
                int digits = snprintf(number, sizeof number, "%zu ", ++count);
                if (!write_all(output, (const uint8_t *)number, digits)) return;
            }
            const uint8_t *end = memchr(buffer + from, '\n', length - from);
            size_t to = end == NULL ? length : (size_t)(end - buffer) + 1;
            at_start = end != NULL;
            if (!write_all(output, buffer + from, to - from)) return;
            from = to;
        }
    }
}

// Waits for one of no events.
static void wait_forever(void) {
    text_plugin_stream_event_t event;
    text_plugin_stream_waitable_set_wait(text_plugin_stream_waitable_set_new(), &event);
}

text_plugin_stream_callback_code_t STREAMING(transform)(STREAMING(stream_u8_t) input) {
    text_plugin_stream_string_t key, mode = {0};
    text_plugin_stream_string_set(&key, "mode");
    myapp_text_processor_host_api_get_config(&key, &mode);

    STREAMING(stream_u8_writer_t) output;
    STREAMING(future_result_void_process_error_writer_t) outcome;
    STREAMING(tuple2_stream_u8_future_result_void_process_error_t) results;
    results.f0 = STREAMING(stream_u8_new)(&output);
    results.f1 = STREAMING(future_result_void_process_error_new)(&outcome);
    STREAMING(transform_return)(results);

    STREAMING(result_void_process_error_t) result = {.is_err = false};
    if (is(&mode, "error first")) {
        result.is_err = true;
    } else if (is(&mode, "error later")) {
        write_all(output, (const uint8_t *)"some", 4);
        result.is_err = true;
    } else if (is(&mode, "trap later")) {
        write_all(output, (const uint8_t *)"some", 4);
        kumiki_fail("on purpose");
    } else if (is(&mode, "first word")) {
        write_all(output, (const uint8_t *)"word", 4);
    } else if (is(&mode, "endless")) {
        for (size_t i = 0; i < CHUNK; i += 8) memcpy(buffer + i, "endless ", 8);
        while (write_all(output, buffer, CHUNK)) {
        }
    } else if (is(&mode, "spin")) {
        for (volatile int i = 0;; i++) {
        }
    } else if (is(&mode, "invalid")) {
        write_all(output, (const uint8_t *)"a\xe6\x9c", 3);
        write_all(output, (const uint8_t *)"b", 1);
    } else if (is(&mode, "cut")) {
        write_all(output, (const uint8_t *)"a\xe6\x9c", 3);
    } else if (is(&mode, "wait")) {
        wait_forever();
    } else if (is(&mode, "pass")) {
        pass(input, output);
    } else if (is(&mode, "upper")) {
        upper_unicode(input, output);
    } else if (is(&mode, "lines")) {
        lines(input, output);
    } else {
        upper(input, output);
    }
    STREAMING(stream_u8_drop_readable)(input);
    STREAMING(stream_u8_drop_writable)(output);
    if (result.is_err) {
        result.val.err = MYAPP_TEXT_PROCESSOR_TYPES_PROCESS_ERROR_UNSUPPORTED_FORMAT;
    }
    settle(outcome, STREAMING(future_result_void_process_error_write)(outcome, &result));
    STREAMING(future_result_void_process_error_drop_writable)(outcome);
    return TEXT_PLUGIN_STREAM_CALLBACK_CODE_EXIT;
}

text_plugin_stream_callback_code_t STREAMING(transform_callback)(
    text_plugin_stream_event_t *event) {
    (void)event;
    return TEXT_PLUGIN_STREAM_CALLBACK_CODE_EXIT;
}

void exports_myapp_text_processor_plugin_get_name(text_plugin_stream_string_t *ret) {
    text_plugin_stream_string_dup(ret, "stream-c");
}

void exports_myapp_text_processor_plugin_get_version(text_plugin_stream_string_t *ret) {
    text_plugin_stream_string_dup(ret, "0.1.0");
}

bool exports_myapp_text_processor_plugin_process(
    text_plugin_stream_string_t *input,
    exports_myapp_text_processor_plugin_process_result_t *ret,
    exports_myapp_text_processor_plugin_process_error_t *err) {
    (void)err;
    text_plugin_stream_string_t key, mode = {0};
    text_plugin_stream_string_set(&key, "mode");
    myapp_text_processor_host_api_get_config(&key, &mode);
    // A synchronous function must not wait.
    if (is(&mode, "wait")) wait_forever();
    for (size_t i = 0; i < input->len; i++) {
        input->ptr[i] -= (uint8_t)(input->ptr[i] - 'a') < 26 ? 32 : 0;
    }
    ret->output = *input;
    ret->metadata.ptr = NULL;
    ret->metadata.len = 0;
    return true;
}
