// Logs why a call ends.
//
// LOG_INTERFACE and LOG_ERROR, the number of the level, are defined above this
// line if the contract has a log function.

#include <stdint.h>

#include "kumiki_fail.h"

#ifdef LOG_INTERFACE
__attribute__((import_module(LOG_INTERFACE), import_name("log")))
void kumiki_log(int32_t level, const unsigned char *text, size_t length);
#endif

// Runs once in the life of an instance, so only its size matters.
#pragma clang attribute push(__attribute__((minsize)), apply_to = function)

// A log record, which must be valid UTF-8.
typedef struct {
    unsigned char text[1024];
    size_t length;
} record;

// The place must fit after any message.
static const size_t MESSAGE = 512;

// The number of bytes of the UTF-8 character at `from`; 0 if it is invalid.
static size_t width(const unsigned char *from) {
    unsigned char first = from[0], second = first < 0x80 ? 0 : from[1];
    size_t width = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    if (first > 0xf4) return 0;
    for (size_t at = 1; at < width; at++) {
        if ((from[at] & 0xc0) != 0x80) return 0;
    }
    // Overlong forms, surrogates, and numbers above U+10FFFF.
    if (first == 0xe0 && second < 0xa0) return 0;
    if (first == 0xed && second > 0x9f) return 0;
    if (first == 0xf0 && second < 0x90) return 0;
    if (first == 0xf4 && second > 0x8f) return 0;
    return width;
}

// Adds a text, up to `most` bytes in the record.
static void add(record *to, const char *text, size_t most) {
    const unsigned char *from = (const unsigned char *)text;
    while (*from != '\0') {
        size_t bytes = width(from), used = bytes == 0 ? 1 : bytes;
        if (to->length + used > most) return;
        for (size_t at = 0; at < used; at++) to->text[to->length++] = bytes == 0 ? '?' : from[at];
        from += used;
    }
}

static void add_place(record *to, const char *text) {
    add(to, text, sizeof to->text);
}

static void add_number(record *to, unsigned number) {
    char digits[12], *first = digits + sizeof digits;
    *--first = '\0';
    do *--first = (char)('0' + number % 10);
    while (number /= 10);
    add_place(to, first);
}

_Noreturn void kumiki_fail_at(
    const char *what, const char *message, const char *file, int line, const char *function) {
    record record = {.length = 0};
    add(&record, what, MESSAGE);
    add(&record, message, MESSAGE);
    add_place(&record, "\n    at ");
    add_place(&record, function);
    add_place(&record, " (");
    add_place(&record, file);
    add_place(&record, ":");
    add_number(&record, (unsigned)line);
    add_place(&record, ")");
#ifdef LOG_INTERFACE
    kumiki_log(LOG_ERROR, record.text, record.length);
#endif
    __builtin_trap();
}

_Noreturn void kumiki_assert_fail(
    const char *expression, const char *file, int line, const char *function) {
    kumiki_fail_at("assertion failed: ", expression, file, line, function);
}

#pragma clang attribute pop
