// From the host to JavaScript.
#include "engine.h"

#include <stdlib.h>

// The values that a function of QuickJS made, unless it had no memory.
static JSValue made(JSValue value)
{
    if (JS_IsException(value))
        end_uncaught(JS_GetException(js));
    return value;
}

EXPORT void wit_dylib_push_bool(void *cx, bool value) { lift(cx, JS_NewBool(js, value)); }
EXPORT void wit_dylib_push_u8(void *cx, uint8_t value) { lift(cx, JS_NewInt32(js, value)); }
EXPORT void wit_dylib_push_s8(void *cx, int8_t value) { lift(cx, JS_NewInt32(js, value)); }
EXPORT void wit_dylib_push_u16(void *cx, uint16_t value) { lift(cx, JS_NewInt32(js, value)); }
EXPORT void wit_dylib_push_s16(void *cx, int16_t value) { lift(cx, JS_NewInt32(js, value)); }
EXPORT void wit_dylib_push_u32(void *cx, uint32_t value) { lift(cx, JS_NewUint32(js, value)); }
EXPORT void wit_dylib_push_s32(void *cx, int32_t value) { lift(cx, JS_NewInt32(js, value)); }
EXPORT void wit_dylib_push_u64(void *cx, uint64_t value) { lift(cx, made(JS_NewBigUint64(js, value))); }
EXPORT void wit_dylib_push_s64(void *cx, int64_t value) { lift(cx, made(JS_NewBigInt64(js, value))); }
EXPORT void wit_dylib_push_f32(void *cx, float value) { lift(cx, JS_NewNumber(js, value)); }
EXPORT void wit_dylib_push_f64(void *cx, double value) { lift(cx, JS_NewNumber(js, value)); }

EXPORT void wit_dylib_push_char(void *cx, uint32_t value)
{
    uint16_t units[2] = {(uint16_t)value, 0};
    size_t count = 1;
    if (value >= 0x10000) {
        units[0] = (uint16_t)(0xd800 + ((value - 0x10000) >> 10));
        units[1] = (uint16_t)(0xdc00 + (value & 0x3ff));
        count = 2;
    }
    lift(cx, made(JS_NewStringUTF16(js, units, count)));
}

EXPORT void wit_dylib_push_string(void *cx, uint8_t *bytes, size_t length)
{
    JSValue text = JS_NewStringLen(js, (const char *)bytes, length);
    if (length)
        free(bytes);
    lift(cx, made(text));
}

EXPORT void wit_dylib_push_enum(void *cx, size_t type, uint32_t number)
{
    lift(cx, JS_DupValue(js, enum_names[type][number]));
}

EXPORT void wit_dylib_push_flags(void *cx, size_t type, uint32_t bits)
{
    JSValue object = made(JS_NewObject(js));
    for (size_t i = 0; i < wit->flags[type].nnames; i++)
        JS_DefinePropertyValue(js, object, flag_names[type].atoms[i],
                               JS_NewBool(js, bits >> i & 1), JS_PROP_C_W_E);
    lift(cx, object);
}

EXPORT void wit_dylib_push_record(void *cx, size_t type)
{
    Call *call = cx;
    size_t count = wit->records[type].nfields;
    JSValue object = made(JS_NewObject(js));
    call->lifted_count -= count;
    for (size_t i = 0; i < count; i++)
        JS_DefinePropertyValue(js, object, record_names[type].atoms[i],
                               call->lifted[call->lifted_count + i], JS_PROP_C_W_E);
    lift(call, object);
}

static void lift_array(Call *call, size_t count)
{
    call->lifted_count -= count;
    lift(call, made(JS_NewArrayFrom(js, (int)count, call->lifted + call->lifted_count)));
}

EXPORT void wit_dylib_push_tuple(void *cx, size_t type) { lift_array(cx, wit->tuples[type].ntypes); }

static JSValue tagged(JSValue tag, bool has_value, JSValue value)
{
    JSValue object = made(JS_NewObject(js));
    JS_DefinePropertyValue(js, object, atom_tag, JS_DupValue(js, tag), JS_PROP_C_W_E);
    if (has_value)
        JS_DefinePropertyValue(js, object, atom_val, value, JS_PROP_C_W_E);
    return object;
}

EXPORT void wit_dylib_push_option(void *cx, size_t type, uint32_t is_some)
{
    if (!is_tagged_option(type)) {
        if (!is_some)
            lift(cx, JS_UNDEFINED);
    } else if (is_some) {
        JSValue value = take_lifted(cx);
        lift(cx, tagged(text_some, true, value));
    } else {
        lift(cx, tagged(text_none, false, JS_UNDEFINED));
    }
}

EXPORT void wit_dylib_push_result(void *cx, size_t type, uint32_t is_err)
{
    const wit_result_t *result = &wit->results[type];
    bool has_value = !is_empty(is_err ? result->err : result->ok);
    JSValue value = has_value ? take_lifted(cx) : JS_UNDEFINED;
    lift(cx, tagged(is_err ? text_err : text_ok, has_value, value));
}

EXPORT void wit_dylib_push_variant(void *cx, size_t type, uint32_t number)
{
    bool has_value = !is_empty(wit->variants[type].cases[number].ty);
    JSValue value = has_value ? take_lifted(cx) : JS_UNDEFINED;
    lift(cx, tagged(variant_names[type][number], has_value, value));
}

void *resize_buffer(JSRuntime *runtime, void *opaque, void *memory, size_t size)
{
    (void)runtime, (void)opaque;
    if (size)
        return realloc(memory, size);
    free(memory);
    return NULL;
}

EXPORT bool wit_dylib_push_list(void *cx, size_t type, uint8_t *bytes, size_t length)
{
    Call *call = cx;
    int class = typed_array_of(wit->lists[type].ty);
    if (class >= 0) {
        size_t size = length * typed_array_width(class);
        JSValue buffer = size ? JS_NewArrayBuffer(js, bytes, size, 0, resize_buffer, NULL, false)
                              : JS_NewArrayBufferCopy(js, NULL, 0);
        JSValue arguments[3] = {made(buffer), JS_UNDEFINED, JS_UNDEFINED};
        lift(call, made(JS_NewTypedArray(js, 3, arguments, class)));
        JS_FreeValue(js, buffer);
        return true;
    }
    if (length == 0) {
        lift(call, made(JS_NewArray(js)));
        return false;
    }
    call->builders = with_room(call->builders, call->builder_count, &call->builder_capacity,
                               sizeof(ListBuilder));
    JSValue *items = malloc(length * sizeof(JSValue));
    if (!items)
        end_with("out of memory");
    call->builders[call->builder_count++] = (ListBuilder){items, 0, length};
    return false;
}

EXPORT void wit_dylib_list_append(void *cx, size_t type)
{
    (void)type;
    Call *call = cx;
    ListBuilder *builder = &call->builders[call->builder_count - 1];
    builder->items[builder->count++] = take_lifted(call);
    if (builder->count == builder->length) {
        call->builder_count--;
        JSValue list = JS_NewArrayFrom(js, (int)builder->count, builder->items);
        free(builder->items);
        lift(call, made(list));
    }
}

EXPORT void wit_dylib_push_own(void *cx, size_t type, uint32_t handle)
{
    lift(cx, lift_handle(cx, type, handle, true));
}

EXPORT void wit_dylib_push_borrow(void *cx, size_t type, uint32_t handle)
{
    lift(cx, lift_handle(cx, type, handle, false));
}

EXPORT void wit_dylib_push_stream(void *cx, size_t type, uint32_t handle)
{
    Call *call = cx;
    JSValue stream = lift_stream(type, handle);
    call_keep_value(call, JS_DupValue(js, stream));
    lift(call, stream);
}

EXPORT void wit_dylib_push_future(void *cx, size_t type, uint32_t handle)
{
    lift(cx, lift_future(type, handle));
}
