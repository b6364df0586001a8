// The language matrix's guest in C; guests/README.md lists its commands.
//
// A string is a pointer and a length, and may hold NUL. What `split` gives is
// borrowed from the input; what is returned is one of malloc's, for the
// bindings free it once the host has read it.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wctype.h>

#include "text_plugin_batch.h"

typedef text_plugin_batch_string_t string;
typedef exports_myapp_text_processor_plugin_process_result_t process_result;
typedef exports_myapp_text_processor_plugin_process_error_t process_error;
typedef exports_myapp_text_processor_batch_list_result_process_result_process_error_t process_results;

// Memory, or a trap: a guest of the tests has nothing better to do without.
// None for nothing: what is empty the bindings do not free.
static void *allocate(size_t size) {
    if (size == 0) return NULL;
    void *memory = malloc(size);
    if (memory == NULL) abort();
    return memory;
}

static string copy(string text) {
    string copied = {allocate(text.len), text.len};
    if (text.len > 0) memcpy(copied.ptr, text.ptr, text.len);
    return copied;
}

static string borrow(const char *text) {
    return (string){(uint8_t *)text, strlen(text)};
}

static bool is(string text, const char *word) {
    return text.len == strlen(word) && memcmp(text.ptr, word, text.len) == 0;
}

// Takes the first word and the space after it off the text.
static string split(string *text) {
    uint8_t *space = text->len > 0 ? memchr(text->ptr, ' ', text->len) : NULL;
    string word = {text->ptr, space == NULL ? text->len : (size_t)(space - text->ptr)};
    size_t used = word.len + (space != NULL);
    text->ptr += used;
    text->len -= used;
    return word;
}

static size_t number(string digits) {
    size_t value = 0;
    for (size_t i = 0; i < digits.len; i++) value = value * 10 + (digits.ptr[i] - '0');
    return value;
}

// The number of a name in a list of them, which ends with NULL; -1 for none.
static int find(string name, const char *const *names) {
    for (int i = 0; names[i] != NULL; i++) {
        if (is(name, names[i])) return i;
    }
    return -1;
}

// Decodes one character of valid UTF-8; gives back how many bytes it takes.
static size_t decode(const uint8_t *from, wint_t *character) {
    size_t width = from[0] < 0x80 ? 1 : from[0] < 0xe0 ? 2 : from[0] < 0xf0 ? 3 : 4;
    *character = width == 1 ? from[0] : from[0] & (0x7f >> width);
    for (size_t i = 1; i < width; i++) *character = *character << 6 | (from[i] & 0x3f);
    return width;
}

// Encodes one character as UTF-8; gives back how many bytes it takes.
static size_t encode(wint_t character, uint8_t *to) {
    size_t width = character < 0x80 ? 1 : character < 0x800 ? 2 : character < 0x10000 ? 3 : 4;
    for (size_t i = width - 1; i > 0; i--) {
        to[i] = 0x80 | (character & 0x3f);
        character >>= 6;
    }
    to[0] = width == 1 ? character : (0xf0 << (4 - width) | character);
    return width;
}

static string upper(string text) {
    string upper = {allocate(text.len * 4), 0};
    for (size_t at = 0; at < text.len;) {
        wint_t character;
        at += decode(text.ptr + at, &character);
        upper.len += encode(towupper(character), upper.ptr + upper.len);
    }
    return upper;
}

static string repeat(size_t count, string text) {
    string repeated = {allocate(count * text.len), count * text.len};
    for (size_t i = 0; i < count; i++) memcpy(repeated.ptr + i * text.len, text.ptr, text.len);
    return repeated;
}

// Adds an entry of metadata, of which `result` has room for so many.
static void add(process_result *result, string key, string value) {
    size_t index = result->metadata.len++;
    result->metadata.ptr[index] = (myapp_text_processor_types_key_value_t){copy(key), copy(value)};
}

static void make_room(process_result *result, size_t count) {
    result->metadata.ptr = allocate(count * sizeof *result->metadata.ptr);
}

static void set_metadata(process_result *result, size_t count) {
    make_room(result, count);
    for (size_t i = 0; i < count; i++) {
        char key[32], value[32];
        snprintf(key, sizeof key, "鍵-%zu", i);
        snprintf(value, sizeof value, "%zu 😀", i);
        add(result, borrow(key), borrow(value));
    }
}

static void look_up(string key, process_result *result) {
    string value; // left in any state where there is none
    if (myapp_text_processor_host_api_get_config(&key, &value)) {
        result->output = value;
        return;
    }
    make_room(result, 1);
    add(result, borrow("absent"), key);
}

static bool obey(string input, process_result *result, process_error *error) {
    // In the order of the contract, for their numbers are its numbers.
    static const char *const errors[] = {
        "invalid-input", "unsupported-format", "internal-error", NULL};
    static const char *const levels[] = {"debug", "info", "warn", "error", NULL};

    string rest = input;
    string command = split(&rest);
    if (is(command, "echo")) {
        result->output = copy(rest);
        return true;
    }
    if (is(command, "upper")) {
        result->output = upper(rest);
        return true;
    }
    if (is(command, "error") && find(rest, errors) >= 0) {
        *error = find(rest, errors);
        return false;
    }
    if (is(command, "config")) {
        look_up(rest, result);
        return true;
    }
    if (is(command, "metadata")) {
        set_metadata(result, number(rest));
        return true;
    }
    if (is(command, "trap")) kumiki_fail("on purpose");
    string word = split(&rest);
    if (is(command, "log") && find(word, levels) >= 0) {
        myapp_text_processor_host_api_log(find(word, levels), &rest);
        return true;
    }
    if (is(command, "repeat")) {
        result->output = repeat(number(word), rest);
        return true;
    }
    // No right answer of any command.
    make_room(result, 1);
    add(result, borrow("unknown"), input);
    return true;
}

void exports_myapp_text_processor_plugin_get_name(string *ret) {
    *ret = copy(borrow("matrix"));
}

void exports_myapp_text_processor_plugin_get_version(string *ret) {
    *ret = copy(borrow("0.1.0"));
}

bool exports_myapp_text_processor_plugin_process(
    string *input, process_result *ret, process_error *err) {
    memset(ret, 0, sizeof *ret);
    bool is_well = obey(*input, ret, err);
    text_plugin_batch_string_free(input);
    return is_well;
}

void exports_myapp_text_processor_batch_process_batch(
    text_plugin_batch_list_string_t *inputs, process_results *ret) {
    ret->len = inputs->len;
    ret->ptr = allocate(inputs->len * sizeof *ret->ptr);
    for (size_t i = 0; i < inputs->len; i++) {
        process_result result;
        process_error error;
        bool is_well =
            exports_myapp_text_processor_plugin_process(&inputs->ptr[i], &result, &error);
        ret->ptr[i].is_err = !is_well;
        if (is_well) ret->ptr[i].val.ok = result;
        else ret->ptr[i].val.err = error;
    }
    if (inputs->len > 0) free(inputs->ptr);
}
