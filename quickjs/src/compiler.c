// Compiles modules, in `kumiki build`: only the build accepts source code, and only
// plugins accept bytecode.
#include "engine.h"
#include "platform.h"

#include <stdlib.h>
#include <string.h>

typedef struct {
    uint32_t is_error;
    const void *bytes;
    size_t length;
} Compiled;

EXPORT void *kumiki_allocate(size_t size) { return malloc(size); }

static int fill_nothing(JSContext *context, JSModuleDef *module)
{
    (void)context, (void)module;
    return 0;
}

// Stands for each module that is imported: they are compiled one by one.
static JSModuleDef *load_nothing(JSContext *context, const char *name, void *opaque)
{
    (void)opaque;
    return JS_NewCModule(context, name, fill_nothing);
}

// Imports keep their names: only when a plugin starts, they are resolved.
static char *keep_name(JSContext *context, const char *base, const char *name, void *opaque)
{
    (void)base, (void)opaque;
    return js_strdup(context, name);
}

// The name and the message of an error, and its stack.
static char *described(JSValue error)
{
    JSValue stack = JS_GetPropertyStr(js, error, "stack");
    const char *message = JS_ToCString(js, error), *places = JS_ToCString(js, stack);
    size_t size = (message ? strlen(message) : 0) + (places ? strlen(places) : 0) + 2;
    char *text = malloc(size);
    if (!text)
        __builtin_trap();
    snprintf(text, size, "%s\n%s", message ? message : "", places ? places : "");
    return text;
}

// Compiles the source, which ends with a zero byte after `length` bytes.
EXPORT const Compiled *kumiki_compile(const char *name, const char *source, size_t length)
{
    static Compiled result;
    static bool is_ready;
    if (!is_ready) {
        is_ready = true;
        JS_SetModuleLoaderFunc(JS_GetRuntime(js), keep_name, load_nothing, NULL);
    }
    JSValue module =
        JS_Eval(js, source, length, name, JS_EVAL_TYPE_MODULE | JS_EVAL_FLAG_COMPILE_ONLY);
    if (!JS_IsException(module)) {
        result.bytes = JS_WriteObject(js, &result.length, module,
                                      JS_WRITE_OBJ_BYTECODE | JS_WRITE_OBJ_STRIP_SOURCE);
        JS_FreeValue(js, module);
    } else {
        result.bytes = NULL;
    }
    result.is_error = !result.bytes;
    if (result.is_error) {
        char *text = described(JS_GetException(js));
        result.bytes = text;
        result.length = strlen(text);
    }
    return &result;
}
