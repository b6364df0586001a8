// From JavaScript to the host. `lower` reads each property of a value exactly once,
// checks it and appends what the functions `wit_dylib_pop_*` then take, which are
// called in the same order.
#include "engine.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

// The fields and elements from the whole value to the part that is being converted,
// for errors. Deeper parts are left out.
#define MAX_PATH 8
typedef struct {
    const char *name;
    uint32_t index;
} Step;
static Step path[MAX_PATH];
static uint32_t path_length;

static inline void enter(const char *name, uint32_t index)
{
    if (path_length < MAX_PATH)
        path[path_length] = (Step){name, index};
    path_length++;
}

static inline void leave(void) { path_length--; }

uint32_t lower_path(uint32_t length)
{
    uint32_t before = path_length;
    path_length = length;
    return before;
}

const char *kind_of(JSValueConst value)
{
    if (JS_IsUndefined(value))
        return "undefined";
    if (JS_IsNull(value))
        return "null";
    if (JS_IsBool(value))
        return "a boolean";
    if (JS_IsNumber(value))
        return "a number";
    if (JS_IsBigInt(value))
        return "a bigint";
    if (JS_IsString(value))
        return "a string";
    if (JS_IsSymbol(value))
        return "a symbol";
    if (JS_IsArray(value))
        return "an array";
    return JS_IsFunction(js, value) ? "a function" : "an object";
}

// Throws an error that names the part.
static bool mismatch(const char *expected, JSValueConst found)
{
    char place[512];
    size_t length = 0;
    place[0] = 0;
    for (uint32_t i = 0; i < path_length && i < MAX_PATH; i++) {
        char name[256];
        if (!path[i].name) {
            length += snprintf(place + length, sizeof place - length, "[%u]", path[i].index);
        } else {
            camel_case(name, path[i].name, false);
            length += snprintf(place + length, sizeof place - length, length ? ".%s" : "%s", name);
        }
        if (length >= sizeof place)
            break;
    }
    path_length = 0;
    JS_ThrowTypeError(js, "%s%sexpected %s, found %s", place, *place ? ": " : "", expected,
                      kind_of(found));
    return false;
}

static bool failed(void)
{
    path_length = 0;
    return false;
}

void lower_number(Call *call, uint64_t number)
{
    if (call->lowered_count == call->lowered_capacity)
        call->lowered = with_room(call->lowered, call->lowered_count, &call->lowered_capacity,
                                  sizeof(uint64_t));
    call->lowered[call->lowered_count++] = number;
}

static void lower_span(Call *call, const void *start, size_t length)
{
    lower_number(call, (uint64_t)length << 32 | (uint32_t)(uintptr_t)start);
}

static bool lower_integer(Call *call, const char *expected, JSValueConst value, double low,
                          double high)
{
    if (JS_VALUE_GET_TAG(value) == JS_TAG_INT) {
        int32_t number = JS_VALUE_GET_INT(value);
        if (number < low || number > high)
            return mismatch(expected, value);
        lower_number(call, (uint64_t)(int64_t)number);
        return true;
    }
    double number;
    if (!JS_IsNumber(value))
        return mismatch(expected, value);
    JS_ToFloat64(js, &number, value);
    if (!(number >= low && number <= high) || number != trunc(number))
        return mismatch(expected, value);
    lower_number(call, (uint64_t)(int64_t)number);
    return true;
}

// Numbers are taken as well, where they are exact.
static bool lower_long(Call *call, const char *expected, JSValueConst value, bool is_signed)
{
    if (JS_IsNumber(value)) {
        double safe = 9007199254740991.0;
        return lower_integer(call, expected, value, is_signed ? -safe : 0, safe);
    }
    int64_t number;
    if (!JS_IsBigInt(value) || JS_ToBigInt64(js, &number, value))
        return mismatch(expected, value);
    // The conversion keeps the low 64 bits: compare.
    JSValue same = is_signed ? JS_NewBigInt64(js, number) : JS_NewBigUint64(js, (uint64_t)number);
    bool fits = JS_IsStrictEqual(js, same, value);
    JS_FreeValue(js, same);
    if (!fits)
        return mismatch(expected, value);
    lower_number(call, (uint64_t)number);
    return true;
}

static bool lower_float(Call *call, JSValueConst value, bool is_double)
{
    double number;
    if (!JS_IsNumber(value))
        return mismatch("a number", value);
    JS_ToFloat64(js, &number, value);
    uint64_t bits = 0;
    if (is_double) {
        memcpy(&bits, &number, sizeof number);
    } else {
        float single = (float)number;
        memcpy(&bits, &single, sizeof single);
    }
    lower_number(call, bits);
    return true;
}

// Replaces lone surrogates, which QuickJS encodes in three bytes, by U+FFFD. Only a
// new copy of a string has bytes above 0x7f.
void replace_surrogates(char *bytes, size_t length)
{
    char *end = bytes + length;
    while ((bytes = memchr(bytes, 0xed, end - bytes))) {
        if ((uint8_t)bytes[1] >= 0xa0)
            memcpy(bytes, "\xef\xbf\xbd", 3);
        bytes += 3;
        if (bytes >= end)
            break;
    }
}

static bool lower_string(Call *call, JSValueConst value)
{
    if (!JS_IsString(value))
        return mismatch("a string", value);
    size_t length;
    const char *bytes = JS_ToCStringLen(js, &length, value);
    if (!bytes)
        return failed();
    call_keep_text(call, bytes);
    if (is_wide_string(value))
        replace_surrogates((char *)bytes, length);
    lower_span(call, bytes, length);
    return true;
}

static bool lower_char(Call *call, JSValueConst value)
{
    const char *expected = "a string with one character";
    if (!JS_IsString(value))
        return mismatch(expected, value);
    size_t length;
    const uint16_t *units = JS_ToCStringLenUTF16(js, &length, value);
    if (!units)
        return failed();
    uint32_t character = length ? units[0] : 0;
    bool is_one = length == 1;
    if (length == 2 && (units[0] & 0xfc00) == 0xd800 && (units[1] & 0xfc00) == 0xdc00) {
        character = 0x10000 + ((units[0] & 0x3ff) << 10) + (units[1] & 0x3ff);
        is_one = true;
    }
    JS_FreeCStringUTF16(js, units);
    if (!is_one || (character & 0xfffff800) == 0xd800)
        return mismatch(expected, value);
    lower_number(call, character);
    return true;
}

static bool lower_property(Call *call, JSValueConst object, JSAtom name, wit_type_t type)
{
    JSValue value = JS_GetProperty(js, object, name);
    if (JS_IsException(value))
        return failed();
    bool is_lowered = lower(call, type, value);
    JS_FreeValue(js, value);
    return is_lowered;
}

static bool lower_record(Call *call, size_t type, JSValueConst value)
{
    const wit_record_t *record = &wit->records[type];
    if (!JS_IsObject(value))
        return mismatch("an object", value);
    for (size_t i = 0; i < record->nfields; i++) {
        enter(record->fields[i].name, 0);
        if (!lower_property(call, value, record_names[type].atoms[i], record->fields[i].ty))
            return false;
        leave();
    }
    return true;
}

static bool lower_flags(Call *call, size_t type, JSValueConst value)
{
    const wit_flags_t *flags = &wit->flags[type];
    if (!JS_IsObject(value))
        return mismatch("an object", value);
    uint32_t bits = 0;
    for (size_t i = 0; i < flags->nnames; i++) {
        JSValue flag = JS_GetProperty(js, value, flag_names[type].atoms[i]);
        int is_set = JS_ToBool(js, flag);
        JS_FreeValue(js, flag);
        if (is_set < 0)
            return failed();
        bits |= (uint32_t)is_set << i;
    }
    lower_number(call, bits);
    return true;
}

static bool lower_element(Call *call, JSValueConst list, uint32_t index, wit_type_t type)
{
    JSValue value = JS_GetPropertyUint32(js, list, index);
    if (JS_IsException(value))
        return failed();
    enter(NULL, index);
    bool is_lowered = lower(call, type, value);
    JS_FreeValue(js, value);
    if (is_lowered)
        leave();
    return is_lowered;
}

static bool lower_tuple(Call *call, size_t type, JSValueConst value)
{
    if (!JS_IsArray(value))
        return mismatch("an array", value);
    for (size_t i = 0; i < wit->tuples[type].ntypes; i++)
        if (!lower_element(call, value, i, wit->tuples[type].types[i]))
            return false;
    return true;
}

// The memory of a typed array, which must be kept. NULL if it has none.
static const uint8_t *typed_array_memory(JSValueConst array, size_t *size)
{
    size_t offset, length, width, whole;
    JSValue buffer = JS_GetTypedArrayBuffer(js, array, &offset, &length, &width);
    if (JS_IsException(buffer)) {
        JS_FreeValue(js, JS_GetException(js));
        return NULL;
    }
    const uint8_t *memory = JS_GetArrayBuffer(js, &whole, buffer);
    JS_FreeValue(js, buffer);
    if (!memory) {
        JS_FreeValue(js, JS_GetException(js));
        return NULL;
    }
    *size = offset + length <= whole ? length : 0;
    return memory + offset;
}

static bool lower_list(Call *call, size_t type, JSValueConst value)
{
    wit_type_t element = wit->lists[type].ty;
    int class = typed_array_of(element);
    int found = JS_IsObject(value) ? JS_GetTypedArrayType(value) : -1;
    if (class >= 0 && found == JS_TYPED_ARRAY_UINT8C && class == JS_TYPED_ARRAY_UINT8)
        found = class;
    if (class >= 0 && found == class) {
        size_t size = 0;
        const uint8_t *memory = typed_array_memory(value, &size);
        // A later part of the same value may run code that changes the memory.
        uint8_t *copy = size ? malloc(size) : NULL;
        if (size && !copy)
            end_with("out of memory");
        if (size) {
            memcpy(copy, memory, size);
            call_free_later(call, copy);
        }
        lower_span(call, copy, size / typed_array_width(class));
        return true;
    }
    if (found < 0 && !JS_IsArray(value))
        return mismatch(class == JS_TYPED_ARRAY_UINT8 ? "a Uint8Array" : "an array", value);
    int64_t length;
    if (JS_GetLength(js, value, &length))
        return failed();
    if (length > INT32_MAX) {
        JS_ThrowRangeError(js, "the array is too long");
        return failed();
    }
    lower_span(call, NULL, (size_t)length);
    for (int64_t i = 0; i < length; i++)
        if (!lower_element(call, value, (uint32_t)i, element))
            return false;
    return true;
}

static bool lower_case(Call *call, const JSValue *names, size_t count, JSValueConst name,
                       uint32_t *number)
{
    for (size_t i = 0; i < count; i++)
        if (JS_IsStrictEqual(js, name, names[i])) {
            *number = (uint32_t)i;
            lower_number(call, i);
            return true;
        }
    return false;
}

static bool lower_enum(Call *call, size_t type, JSValueConst value)
{
    const wit_enum_t *cases = &wit->enums[type];
    uint32_t number;
    if (JS_IsString(value) && lower_case(call, enum_names[type], cases->nnames, value, &number))
        return true;
    char expected[256];
    snprintf(expected, sizeof expected, "a case of `%s`", cases->name);
    return mismatch(expected, value);
}

// Lowers `value.tag`, which is one of these names.
static bool lower_tag(Call *call, const JSValue *names, size_t count, JSValueConst value,
                      const char *expected, uint32_t *number)
{
    if (!JS_IsObject(value))
        return mismatch(expected, value);
    JSValue tag = JS_GetProperty(js, value, atom_tag);
    if (JS_IsException(tag))
        return failed();
    bool is_case = lower_case(call, names, count, tag, number);
    JS_FreeValue(js, tag);
    return is_case || mismatch(expected, value);
}

// Lowers `value.val`, if the type is not empty.
static bool lower_payload(Call *call, wit_type_t type, JSValueConst value)
{
    if (is_empty(type))
        return true;
    enter("val", 0);
    if (!lower_property(call, value, atom_val, type))
        return false;
    leave();
    return true;
}

static bool lower_variant(Call *call, size_t type, JSValueConst value)
{
    const wit_variant_t *variant = &wit->variants[type];
    char expected[256];
    snprintf(expected, sizeof expected, "an object whose `tag` is a case of `%s`", variant->name);
    uint32_t number;
    if (!lower_tag(call, variant_names[type], variant->ncases, value, expected, &number))
        return false;
    return lower_payload(call, variant->cases[number].ty, value);
}

static bool lower_option(Call *call, size_t type, JSValueConst value)
{
    if (!is_tagged_option(type)) {
        bool is_some = !JS_IsUndefined(value) && !JS_IsNull(value);
        lower_number(call, is_some);
        return !is_some || lower(call, wit->options[type].ty, value);
    }
    JSValue cases[2] = {text_none, text_some};
    const char *expected = "an object whose `tag` is `some` or `none`";
    uint32_t number;
    if (!lower_tag(call, cases, 2, value, expected, &number))
        return false;
    return number == 0 || lower_payload(call, wit->options[type].ty, value);
}

static bool lower_result(Call *call, size_t type, JSValueConst value)
{
    const wit_result_t *result = &wit->results[type];
    JSValue cases[2] = {text_ok, text_err};
    const char *expected = "an object whose `tag` is `ok` or `err`";
    uint32_t number;
    if (!lower_tag(call, cases, 2, value, expected, &number))
        return false;
    return lower_payload(call, number ? result->err : result->ok, value);
}

bool lower(Call *call, wit_type_t type, JSValueConst value)
{
    type = resolved(type);
    size_t index = WIT_TYPE_INDEX(type);
    switch (WIT_TYPE_KIND(type)) {
    case WIT_TYPE_U8: return lower_integer(call, "an integer from 0 to 255", value, 0, UINT8_MAX);
    case WIT_TYPE_U16:
        return lower_integer(call, "an integer from 0 to 65535", value, 0, UINT16_MAX);
    case WIT_TYPE_U32:
        return lower_integer(call, "an integer from 0 to 4294967295", value, 0, UINT32_MAX);
    case WIT_TYPE_S8:
        return lower_integer(call, "an integer from -128 to 127", value, INT8_MIN, INT8_MAX);
    case WIT_TYPE_S16:
        return lower_integer(call, "an integer from -32768 to 32767", value, INT16_MIN, INT16_MAX);
    case WIT_TYPE_S32:
        return lower_integer(call, "an integer of 32 bits", value, INT32_MIN, INT32_MAX);
    case WIT_TYPE_U64: return lower_long(call, "a bigint from 0 to 2 ** 64 - 1", value, false);
    case WIT_TYPE_S64: return lower_long(call, "a bigint of 64 bits", value, true);
    case WIT_TYPE_F32: return lower_float(call, value, false);
    case WIT_TYPE_F64: return lower_float(call, value, true);
    case WIT_TYPE_BOOL:
        if (!JS_IsBool(value))
            return mismatch("a boolean", value);
        lower_number(call, JS_VALUE_GET_BOOL(value));
        return true;
    case WIT_TYPE_CHAR: return lower_char(call, value);
    case WIT_TYPE_STRING: return lower_string(call, value);
    case WIT_TYPE_RECORD: return lower_record(call, index, value);
    case WIT_TYPE_FLAGS: return lower_flags(call, index, value);
    case WIT_TYPE_TUPLE: return lower_tuple(call, index, value);
    case WIT_TYPE_VARIANT: return lower_variant(call, index, value);
    case WIT_TYPE_ENUM: return lower_enum(call, index, value);
    case WIT_TYPE_OPTION: return lower_option(call, index, value);
    case WIT_TYPE_RESULT: return lower_result(call, index, value);
    case WIT_TYPE_LIST: return lower_list(call, index, value);
    case WIT_TYPE_OWN:
        return lower_handle(call, index, value, true) ||
               mismatch("a resource of this type, which is still owned", value);
    case WIT_TYPE_BORROW:
        return lower_handle(call, index, value, false) ||
               mismatch("a resource of this type, which is still valid", value);
    case WIT_TYPE_STREAM:
        return lower_stream(call, index, value) || mismatch("a stream or an iterable", value);
    case WIT_TYPE_FUTURE: return lower_future(call, index, value);
    default: return mismatch("a value of a type that JavaScript plugins do not support", value);
    }
}

void lower_back(Call *call, uint32_t count)
{
    // Memory stays until the call ends.
    call->lowered_count = count;
    while (call->moved_count)
        JS_FreeValue(js, call->moved[--call->moved_count]);
}

void lower_done(Call *call) { handles_moved(call); }

static inline uint64_t next(void *cx)
{
    Call *call = cx;
    return call->lowered[call->lowered_next++];
}

EXPORT uint8_t wit_dylib_pop_u8(void *cx) { return (uint8_t)next(cx); }
EXPORT uint16_t wit_dylib_pop_u16(void *cx) { return (uint16_t)next(cx); }
EXPORT uint32_t wit_dylib_pop_u32(void *cx) { return (uint32_t)next(cx); }
EXPORT uint64_t wit_dylib_pop_u64(void *cx) { return next(cx); }
EXPORT int8_t wit_dylib_pop_s8(void *cx) { return (int8_t)next(cx); }
EXPORT int16_t wit_dylib_pop_s16(void *cx) { return (int16_t)next(cx); }
EXPORT int32_t wit_dylib_pop_s32(void *cx) { return (int32_t)next(cx); }
EXPORT int64_t wit_dylib_pop_s64(void *cx) { return (int64_t)next(cx); }
EXPORT bool wit_dylib_pop_bool(void *cx) { return next(cx) != 0; }
EXPORT uint32_t wit_dylib_pop_char(void *cx) { return (uint32_t)next(cx); }

EXPORT float wit_dylib_pop_f32(void *cx)
{
    uint64_t bits = next(cx);
    float number;
    memcpy(&number, &bits, sizeof number);
    return number;
}

EXPORT double wit_dylib_pop_f64(void *cx)
{
    uint64_t bits = next(cx);
    double number;
    memcpy(&number, &bits, sizeof number);
    return number;
}

EXPORT size_t wit_dylib_pop_string(void *cx, char **start)
{
    uint64_t span = next(cx);
    *start = (char *)(uintptr_t)(uint32_t)span;
    return span >> 32;
}

EXPORT size_t wit_dylib_pop_list(void *cx, size_t type, void **start)
{
    (void)type;
    uint64_t span = next(cx);
    *start = (void *)(uintptr_t)(uint32_t)span;
    return span >> 32;
}

// Records, tuples and lists are in order already.
EXPORT void wit_dylib_pop_iter_next(void *cx, size_t type) { (void)cx, (void)type; }
EXPORT void wit_dylib_pop_iter(void *cx, size_t type) { (void)cx, (void)type; }
EXPORT void wit_dylib_pop_record(void *cx, size_t type) { (void)cx, (void)type; }
EXPORT void wit_dylib_pop_tuple(void *cx, size_t type) { (void)cx, (void)type; }

#define POP_NUMBER(name)                                                                           \
    EXPORT uint32_t wit_dylib_pop_##name(void *cx, size_t type)                                    \
    {                                                                                              \
        (void)type;                                                                                \
        return (uint32_t)next(cx);                                                                 \
    }
POP_NUMBER(enum)
POP_NUMBER(flags)
POP_NUMBER(option)
POP_NUMBER(result)
POP_NUMBER(variant)
POP_NUMBER(own)
POP_NUMBER(borrow)
POP_NUMBER(future)
POP_NUMBER(stream)

EXPORT void wit_dylib_dealloc_bytes(void *cx, void *bytes, size_t size, size_t align, bool defer)
{
    (void)align;
    if (size == 0)
        return;
    if (defer)
        call_free_later(cx, bytes);
    else
        free(bytes);
}
