// Errors that the author's code does not handle. A trap has no message, so the
// message is logged before it, if the contract has a function for this.
#include "engine.h"

#include <stdlib.h>
#include <string.h>

// The contract's `log: func(level: …, message: string)`, or -1.
static int log_function = -1;
static uint32_t error_level;

static int level_named(size_t type, const char *name)
{
    for (size_t i = 0; i < wit->enums[type].nnames; i++)
        if (!strcmp(wit->enums[type].names[i], name))
            return (int)i;
    return -1;
}

void errors_start(void)
{
    for (size_t i = 0; i < wit->num_import_funcs; i++) {
        const wit_import_func_t *function = &wit->import_funcs[i];
        if (!function->interface || strcmp(function->name, "log") || function->nparams != 2 ||
            !function->impl)
            continue;
        wit_type_t level = resolved(function->params[0]);
        if (WIT_TYPE_KIND(level) != WIT_TYPE_ENUM ||
            WIT_TYPE_KIND(resolved(function->params[1])) != WIT_TYPE_STRING)
            continue;
        int number = level_named(WIT_TYPE_INDEX(level), "error");
        if (number < 0)
            continue;
        log_function = (int)i;
        error_level = (uint32_t)number;
        return;
    }
}

static void log_text(uint32_t level, const char *text, size_t length)
{
    const wit_import_func_t *function = &wit->import_funcs[log_function];
    Call *call = call_begin();
    lower_number(call, level);
    lower_number(call, (uint64_t)length << 32 | (uint32_t)(uintptr_t)text);
    function->impl(call);
    call_end(call);
}

bool log_at(const char *level, const char *text, size_t length)
{
    if (log_function < 0)
        return false;
    wit_type_t type = resolved(wit->import_funcs[log_function].params[0]);
    int number = level_named(WIT_TYPE_INDEX(type), level);
    log_text(number < 0 ? error_level : (uint32_t)number, text, length);
    return true;
}

// The author's place for a position in a bundle, or NULL if it is not the author's.
static const Place *author_place(uint32_t line, uint32_t column)
{
    const Place *found = NULL;
    for (uint32_t i = 0; i < plugin.place_count; i++) {
        const Place *place = &plugin.places[i];
        if (place->line > line || (place->line == line && place->column >= column))
            break;
        found = place;
    }
    return found && *plugin.files[found->file] ? found : NULL;
}

// Reads `:LINE:COLUMN` backwards from `end`, which it moves.
static bool read_position(const char *start, const char **end, uint32_t *line, uint32_t *column)
{
    uint32_t numbers[2] = {0, 0};
    const char *at = *end;
    for (int i = 1; i >= 0; i--) {
        uint32_t scale = 1;
        const char *before = at;
        for (; at > start && at[-1] >= '0' && at[-1] <= '9'; at--, scale *= 10)
            numbers[i] += scale * (uint32_t)(at[-1] - '0');
        if (at == before || at == start || at[-1] != ':')
            return false;
        at--;
    }
    *line = numbers[0];
    *column = numbers[1];
    *end = at;
    return true;
}

typedef struct {
    char *bytes;
    uint32_t length, capacity;
} Text;

static void append(Text *text, const char *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        text->bytes = with_room(text->bytes, text->length, &text->capacity, 1);
        text->bytes[text->length++] = bytes[i];
    }
}

static void append_text(Text *text, const char *bytes) { append(text, bytes, strlen(bytes)); }

// Appends one line of a stack, `    at name (file:line:column)`, with the author's
// place and without the column. Leaves out lines of other code.
static void append_frame(Text *text, const char *line, size_t length)
{
    const char *end = line + length;
    const char *close = length && end[-1] == ')' ? end - 1 : end;
    const char *position = close;
    uint32_t row, column;
    if (!read_position(line, &position, &row, &column))
        return;
    const char *file = position;
    while (file > line && file[-1] != '(' && file[-1] != ' ')
        file--;
    char place[320];
    if (!memcmp(file, "kumiki:", 7))
        return;
    if (plugin.file_count) {
        const Place *author = author_place(row, column);
        if (!author)
            return;
        snprintf(place, sizeof place, "%s:%u", plugin.files[author->file], row + author->shift);
    } else {
        snprintf(place, sizeof place, "%.*s:%u", (int)(position - file), file, row);
    }
    append_text(text, "\n");
    append(text, line, file - line);
    append_text(text, place);
    append(text, close, end - close);
}

static void append_stack(Text *text, const char *stack)
{
    while (*stack) {
        size_t length = strcspn(stack, "\n");
        append_frame(text, stack, length);
        stack += length + (stack[length] == '\n');
    }
}

static void append_property(Text *text, JSValueConst error, const char *name, bool is_stack)
{
    JSValue value = JS_GetPropertyStr(js, error, name);
    const char *bytes = JS_IsException(value) || JS_IsUndefined(value) ? NULL : JS_ToCString(js, value);
    if (JS_HasException(js))
        JS_FreeValue(js, JS_GetException(js));
    if (bytes && is_stack)
        append_stack(text, bytes);
    else if (bytes)
        append_text(text, bytes);
    JS_FreeCString(js, bytes);
    JS_FreeValue(js, value);
}

char *uncaught_text(JSValueConst thrown)
{
    Text text = {0};
    append_text(&text, "uncaught ");
    if (JS_IsError(thrown)) {
        append_property(&text, thrown, "name", false);
        append_text(&text, ": ");
        append_property(&text, thrown, "message", false);
        append_property(&text, thrown, "stack", true);
    } else {
        JSValue json = JS_IsString(thrown) ? JS_JSONStringify(js, thrown, JS_UNDEFINED, JS_UNDEFINED)
                                           : JS_ToString(js, thrown);
        if (JS_HasException(js))
            JS_FreeValue(js, JS_GetException(js));
        const char *bytes = JS_ToCString(js, json);
        append_text(&text, bytes ? bytes : "value");
        JS_FreeCString(js, bytes);
        JS_FreeValue(js, json);
    }
    append(&text, "", 1);
    return text.bytes;
}

_Noreturn void end_uncaught(JSValue thrown)
{
    char *text = uncaught_text(thrown);
    log_at("error", text, strlen(text));
    __builtin_trap();
}

_Noreturn void end_with(const char *message)
{
    if (js)
        log_at("error", message, strlen(message));
    __builtin_trap();
}
