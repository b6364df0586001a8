// QuickJS, with what its interface lacks.
#include "platform.h"

#include "quickjs.c"

// QuickJS sets no limit for WebAssembly.
void set_stack_limit(JSRuntime *runtime, size_t limit) { runtime->stack_limit = limit; }

// Whether a string may have lone surrogates.
bool is_wide_string(JSValueConst value)
{
    return JS_VALUE_GET_TAG(value) == JS_TAG_STRING ? JS_VALUE_GET_STRING(value)->is_wide_char
                                                    : JS_VALUE_GET_STRING_ROPE(value)->is_wide_char;
}

// Changes the case of a string that is ASCII, eight characters at a time. Returns
// undefined for others.
JSValue kumiki_ascii_case(JSContext *ctx, const JSString *p, bool to_lower)
{
    if (p->is_wide_char)
        return JS_UNDEFINED;
    const uint8_t *from = str8((JSString *)p);
    const uint64_t ones = 0x0101010101010101, high = 0x80 * ones;
    uint32_t at = 0;
    uint64_t eight, all = 0;
    for (; at + 8 <= p->len; at += 8) {
        memcpy(&eight, from + at, 8);
        all |= eight;
    }
    for (; at < p->len; at++)
        all |= from[at];
    if (all & high)
        return JS_UNDEFINED;
    JSString *changed = js_alloc_string(ctx, p->len, 0);
    if (!changed)
        return JS_EXCEPTION;
    uint8_t first = to_lower ? 'A' : 'a', last = to_lower ? 'Z' : 'z';
    uint8_t *to = str8(changed);
    for (at = 0; at + 8 <= p->len; at += 8) {
        memcpy(&eight, from + at, 8);
        // The high bit of each byte that is a letter of the other case.
        uint64_t from_first = eight + (0x80 - first) * ones;
        uint64_t after_last = eight + (0x7f - last) * ones;
        uint64_t letters = from_first & ~after_last & high;
        eight ^= letters >> 2;
        memcpy(to + at, &eight, 8);
    }
    for (; at < p->len; at++)
        to[at] = from[at] >= first && from[at] <= last ? from[at] ^ 0x20 : from[at];
    to[p->len] = 0;
    return JS_MKPTR(JS_TAG_STRING, changed);
}
