// Starts the engine and loads the plugin's modules.
#include "engine.h"

#include <stdlib.h>
#include <string.h>

JSContext *js;
const wit_t *wit;

// The stack grows down to address 0; this much stays free for functions that do not
// check it.
#define STACK_RESERVE (64 << 10)
static bool is_started;

// The address that this library was prepared for.
static const void *prepared_at;

EXPORT void wit_dylib_initialize(const wit_t *types) { wit = types; }

EXPORT void *cabi_realloc(void *memory, size_t old_size, size_t align, size_t size)
{
    (void)old_size;
    if (size == 0)
        return (void *)align;
    memory = realloc(old_size ? memory : NULL, size);
    if (!memory)
        __builtin_trap();
    return memory;
}

// Resolves a relative specifier against the name of the module that imports it.
static char *resolve(JSContext *context, const char *base, const char *name, void *opaque)
{
    (void)opaque;
    if (name[0] != '.')
        return js_strdup(context, name);
    size_t size = strlen(base) + strlen(name) + 2;
    char *path = js_malloc(context, size);
    if (!path)
        return NULL;
    const char *slash = strrchr(base, '/');
    size_t length = slash ? (size_t)(slash - base) : 0;
    memcpy(path, base, length);
    while (*name) {
        size_t step = strcspn(name, "/");
        bool is_up = step == 2 && !memcmp(name, "..", 2);
        bool is_outside = !length || (length >= 2 && !memcmp(path + length - 2, "..", 2) &&
                                      (length == 2 || path[length - 3] == '/'));
        if (is_up && !is_outside) {
            while (length && path[length - 1] != '/')
                length--;
            length -= length > 0;
        } else if (step && !(step == 1 && name[0] == '.')) {
            if (length)
                path[length++] = '/';
            memcpy(path + length, name, step);
            length += step;
        }
        name += step + (name[step] == '/');
    }
    path[length] = 0;
    return path;
}

static JSValue read_module(const PluginModule *module)
{
    return JS_ReadObject(js, module->code, module->code_length, JS_READ_OBJ_BYTECODE);
}

static JSModuleDef *load(JSContext *context, const char *name, void *opaque)
{
    (void)opaque;
    const PluginModule *found = plugin_module(name);
    if (found) {
        JSValue module = read_module(found);
        if (JS_IsException(module))
            return NULL;
        JSModuleDef *definition = JS_VALUE_GET_PTR(module);
        JS_FreeValue(context, module);
        return definition;
    }
    if (!strcmp(name, "kumiki:engine"))
        return natives_module(context);
    JSModuleDef *module = wit ? import_module(context, name) : NULL;
    if (!module)
        JS_ThrowReferenceError(context, "there is no module `%s`", name);
    return module;
}

// Creates the context. For plugins, `cargo xtask engine` calls this once, and what it
// writes becomes a part of the library.
EXPORT void kumiki_prepare(void)
{
    prepared_at = &prepared_at;
    JSRuntime *runtime = JS_NewRuntime();
    set_stack_limit(runtime, STACK_RESERVE);
    js = runtime ? JS_NewContext(runtime) : NULL;
    if (!js)
        __builtin_trap();
    JS_SetModuleLoaderFunc(runtime, resolve, load, NULL);
    natives_start();
}

// Runs the first module, which imports the others. Throws.
static bool run_modules(void)
{
    JSValue module = read_module(&plugin.modules[0]);
    if (JS_IsException(module) || JS_ResolveModule(js, module) < 0)
        return false;
    JSModuleDef *definition = JS_VALUE_GET_PTR(module);
    JSValue promise = JS_EvalFunction(js, module);
    if (JS_IsException(promise))
        return false;
    run_jobs();
    bool is_done = JS_PromiseState(js, promise) == JS_PROMISE_FULFILLED;
    if (JS_PromiseState(js, promise) == JS_PROMISE_REJECTED)
        JS_Throw(js, JS_PromiseResult(js, promise));
    else if (!is_done)
        JS_ThrowTypeError(js, "the module waits for a promise that nothing settles");
    JS_FreeValue(js, promise);
    if (!is_done)
        return false;
    JSValue names = JS_GetModuleNamespace(js, definition);
    is_done = !JS_IsException(names) && exports_start(names);
    JS_FreeValue(js, names);
    return is_done;
}

static bool start(void)
{
    is_started = true;
    // The build places the library at this address; another one would spoil it.
    if (prepared_at != &prepared_at)
        __builtin_trap();
    types_start();
    errors_start();
    resources_start();
    streams_start();
    return run_modules();
}

// Starts the plugin ahead of its first call. Returns NULL, or the text of an error,
// which ends with a zero byte.
EXPORT char *kumiki_start(void)
{
    return is_started || start() ? NULL : uncaught_text(JS_GetException(js));
}

EXPORT void *wit_dylib_export_start(size_t function)
{
    (void)function;
    if (__builtin_expect(!is_started, false) && !start())
        end_uncaught(JS_GetException(js));
    return call_begin();
}
