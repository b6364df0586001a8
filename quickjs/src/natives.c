// Functions for the JavaScript that the build adds to a plugin (the module
// `kumiki:engine`), and those that depend on the time and on random numbers.
#include "engine.h"

#include <stdlib.h>
#include <string.h>

#include "platform.h"

// ---- text

static JSValue encode(JSContext *context, JSValueConst self, int count, JSValueConst *arguments)
{
    (void)self, (void)count;
    size_t length;
    const char *bytes = JS_ToCStringLen(context, &length, arguments[0]);
    if (!bytes)
        return JS_EXCEPTION;
    JSValue array = JS_NewUint8ArrayCopy(context, (const uint8_t *)bytes, length);
    JS_FreeCString(context, bytes);
    if (JS_IsException(array))
        return array;
    size_t size;
    replace_surrogates((char *)JS_GetUint8Array(context, &size, array), length);
    return array;
}

// The length of the valid UTF-8 sequence at `bytes`, or 0.
static size_t sequence(const uint8_t *bytes, size_t left)
{
    uint8_t first = bytes[0];
    if (first < 0x80)
        return 1;
    size_t length = first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
    if (length == 0 || left < length)
        return 0;
    uint8_t low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    uint8_t high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
    if (bytes[1] < low || bytes[1] > high)
        return 0;
    for (size_t i = 2; i < length; i++)
        if ((bytes[i] & 0xc0) != 0x80)
            return 0;
    return length;
}

static bool is_utf8(const uint8_t *bytes, size_t length)
{
    size_t at = 0;
    while (at < length) {
        uint64_t eight;
        if (at + 8 <= length && (memcpy(&eight, bytes + at, 8), !(eight & 0x8080808080808080))) {
            at += 8;
            continue;
        }
        size_t step = sequence(bytes + at, length - at);
        if (!step)
            return false;
        at += step;
    }
    return true;
}

// Returns undefined for bytes that are not UTF-8.
static JSValue decode(JSContext *context, JSValueConst self, int count, JSValueConst *arguments)
{
    (void)self, (void)count;
    size_t length;
    const uint8_t *bytes = JS_GetUint8Array(context, &length, arguments[0]);
    if (!bytes)
        return JS_EXCEPTION;
    if (!is_utf8(bytes, length))
        return JS_UNDEFINED;
    return JS_NewStringLen(context, (const char *)bytes, length);
}

// ---- others

static JSValue log_message(JSContext *context, JSValueConst self, int count,
                           JSValueConst *arguments)
{
    (void)self, (void)count;
    const char *level = JS_ToCString(context, arguments[0]);
    size_t length;
    const char *text = JS_ToCStringLen(context, &length, arguments[1]);
    if (level && text) {
        replace_surrogates((char *)text, length);
        log_at(level, text, length);
    }
    bool is_done = level && text;
    JS_FreeCString(context, level);
    JS_FreeCString(context, text);
    return is_done ? JS_UNDEFINED : JS_EXCEPTION;
}

static int fill_natives(JSContext *context, JSModuleDef *module)
{
    JS_SetModuleExport(context, module, "encode", JS_NewCFunction(context, encode, "encode", 1));
    JS_SetModuleExport(context, module, "decode", JS_NewCFunction(context, decode, "decode", 1));
    JS_SetModuleExport(context, module, "log", JS_NewCFunction(context, log_message, "log", 2));
    natives_of_streams(context, module, true);
    return 0;
}

JSModuleDef *natives_module(JSContext *context)
{
    JSModuleDef *module = JS_NewCModule(context, "kumiki:engine", fill_natives);
    const char *names[] = {"encode", "decode", "log"};
    for (size_t i = 0; module && i < sizeof names / sizeof *names; i++)
        JS_AddModuleExport(context, module, names[i]);
    natives_of_streams(context, module, false);
    return module;
}

// ---- time and random numbers, which WASI provides

// Calls a function of WASI without parameters.
static JSValue call_wasi(const char *interface, const char *name, const char *missing)
{
    int function = wit ? find_import(interface, name) : -1;
    if (function < 0)
        return JS_ThrowTypeError(js, "%s: set `wasi = true` in kumiki.toml", missing);
    return call_import(js, JS_UNDEFINED, 0, NULL, function);
}

int kumiki_now(JSContext *context, double *milliseconds)
{
    (void)context;
    JSValue time = call_wasi("wasi:clocks/wall-clock", "now", "the plugin has no clock");
    if (JS_IsException(time))
        return -1;
    JSValue seconds = JS_GetPropertyStr(js, time, "seconds");
    JSValue nanoseconds = JS_GetPropertyStr(js, time, "nanoseconds");
    int64_t whole;
    double part;
    JS_ToBigInt64(js, &whole, seconds);
    JS_ToFloat64(js, &part, nanoseconds);
    *milliseconds = (double)(whole * 1000 + (int64_t)(part / 1000000));
    JS_FreeValue(js, seconds);
    JS_FreeValue(js, time);
    return 0;
}

static JSValue random_number(JSContext *context, JSValueConst self, int count,
                             JSValueConst *arguments)
{
    (void)self, (void)count, (void)arguments;
    JSValue bits = call_wasi("wasi:random/random", "get-random-u64",
                             "the plugin has no random numbers");
    if (JS_IsException(bits))
        return bits;
    int64_t value;
    JS_ToBigInt64(context, &value, bits);
    JS_FreeValue(context, bits);
    return JS_NewFloat64(context, (double)((uint64_t)value >> 11) / 9007199254740992.0);
}

static JSValue performance_now(JSContext *context, JSValueConst self, int count,
                               JSValueConst *arguments)
{
    (void)self, (void)count, (void)arguments;
    JSValue time = call_wasi("wasi:clocks/monotonic-clock", "now", "the plugin has no clock");
    if (JS_IsException(time))
        return time;
    int64_t nanoseconds;
    JS_ToBigInt64(context, &nanoseconds, time);
    JS_FreeValue(context, time);
    return JS_NewFloat64(context, (double)nanoseconds / 1e6);
}

static void replace(const char *object, const char *name, JSCFunction *function)
{
    JSValue global = JS_GetGlobalObject(js);
    JSValue owner = JS_GetPropertyStr(js, global, object);
    if (JS_IsObject(owner))
        JS_DefinePropertyValueStr(js, owner, name, JS_NewCFunction(js, function, name, 0),
                                  JS_PROP_WRITABLE | JS_PROP_CONFIGURABLE);
    JS_FreeValue(js, owner);
    JS_FreeValue(js, global);
}

void natives_start(void)
{
    replace("Math", "random", random_number);
    replace("performance", "now", performance_now);
}
