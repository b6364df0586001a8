// Interfaces and functions of the host, as modules.
#include "engine.h"

#include <string.h>

static bool is_plain(const char *name) { return name[0] != '['; }

bool names_interface(const char *specifier, const char *interface)
{
    size_t length = strlen(specifier);
    return !strncmp(specifier, interface, length) &&
           (!interface[length] || interface[length] == '@');
}

int find_import(const char *interface, const char *name)
{
    for (size_t i = 0; i < wit->num_import_funcs; i++) {
        const wit_import_func_t *function = &wit->import_funcs[i];
        if (function->interface && names_interface(interface, function->interface) &&
            !strcmp(function->name, name))
            return (int)i;
    }
    return -1;
}

// The result of a call, which throws if the function returned an error.
JSValue unwrap(wit_type_t type, JSValue value)
{
    if (is_empty(type) || WIT_TYPE_KIND(resolved(type)) != WIT_TYPE_RESULT)
        return value;
    JSValue tag = JS_GetProperty(js, value, atom_tag);
    bool is_err = JS_IsStrictEqual(js, tag, text_err);
    JS_FreeValue(js, tag);
    JSValue payload = JS_GetProperty(js, value, atom_val);
    JS_FreeValue(js, value);
    return is_err ? JS_Throw(js, payload) : payload;
}

// Names the function in an error about its parameters.
static JSValue wrong_parameter(const wit_import_func_t *function, size_t parameter)
{
    JSValue error = JS_GetException(js);
    if (!JS_IsError(error))
        return JS_Throw(js, error);
    JSValue message = JS_GetPropertyStr(js, error, "message");
    const char *text = JS_ToCString(js, message);
    char name[256];
    camel_case(name, function->name, false);
    JS_ThrowTypeError(js, "%s: parameter %u: %s", name, (unsigned)parameter + 1, text ? text : "");
    JS_FreeCString(js, text);
    JS_FreeValue(js, message);
    JS_FreeValue(js, error);
    return JS_EXCEPTION;
}

JSValue call_import(JSContext *context, JSValueConst self, int count, JSValueConst *arguments,
                    int index)
{
    (void)context;
    const wit_import_func_t *function = &wit->import_funcs[index];
    bool is_method = !strncmp(function->name, "[method]", 8);
    Call *call = call_begin();
    uint32_t path = lower_path(0);
    for (size_t i = 0; i < function->nparams; i++) {
        int argument = (int)i - is_method;
        JSValueConst value = argument < 0        ? self
                             : argument < count ? arguments[argument]
                                                : JS_UNDEFINED;
        if (!lower(call, function->params[i], value)) {
            call_end(call);
            lower_path(path);
            return wrong_parameter(function, i - is_method);
        }
    }
    lower_path(path);
    lower_done(call);
    if (!function->impl)
        return call_import_async(call, function);
    function->impl(call);
    JSValue result = is_empty(function->result) ? JS_UNDEFINED : take_lifted(call);
    handles_end(call);
    call_end(call);
    return unwrap(function->result, result);
}

// The export names of a module, of one interface or of one function of the world.
static bool belongs(const wit_import_func_t *function, const char *module)
{
    if (!is_plain(function->name))
        return false;
    return function->interface ? names_interface(module, function->interface)
                               : !strcmp(module, function->name);
}

static bool has_resource(size_t resource, const char *module)
{
    const char *interface = wit->resources[resource].interface;
    return interface && !wit->resources[resource].new && names_interface(module, interface);
}

static int fill_module(JSContext *context, JSModuleDef *module)
{
    JSAtom atom = JS_GetModuleName(context, module);
    const char *name = JS_AtomToCString(context, atom);
    JSValue all = JS_NewObject(context);
    char camel[256];
    for (size_t i = 0; i < wit->num_import_funcs; i++) {
        const wit_import_func_t *function = &wit->import_funcs[i];
        if (!belongs(function, name))
            continue;
        camel_case(camel, function->name, false);
        JSValue value = JS_NewCFunctionMagic(context, call_import, camel, (int)function->nparams,
                                             JS_CFUNC_generic_magic, (int)i);
        JS_SetModuleExport(context, module, camel, JS_DupValue(context, value));
        if (!function->interface) {
            JS_FreeValue(context, all);
            all = JS_DupValue(context, value);
            JS_FreeValue(context, value);
            break;
        }
        JS_DefinePropertyValueStr(context, all, camel, value, JS_PROP_C_W_E);
    }
    for (size_t i = 0; i < wit->num_resources; i++) {
        if (!has_resource(i, name))
            continue;
        camel_case(camel, wit->resources[i].name, true);
        JSValue class = resource_class(i);
        JS_SetModuleExport(context, module, camel, JS_DupValue(context, class));
        JS_DefinePropertyValueStr(context, all, camel, class, JS_PROP_C_W_E);
    }
    JS_SetModuleExport(context, module, "default", all);
    JS_FreeCString(context, name);
    JS_FreeAtom(context, atom);
    return 0;
}

JSModuleDef *import_module(JSContext *context, const char *name)
{
    JSModuleDef *module = NULL;
    char camel[256];
    for (size_t i = 0; i < wit->num_import_funcs; i++) {
        if (!belongs(&wit->import_funcs[i], name))
            continue;
        if (!module)
            module = JS_NewCModule(context, name, fill_module);
        camel_case(camel, wit->import_funcs[i].name, false);
        JS_AddModuleExport(context, module, camel);
    }
    for (size_t i = 0; i < wit->num_resources; i++) {
        if (!has_resource(i, name))
            continue;
        if (!module)
            module = JS_NewCModule(context, name, fill_module);
        camel_case(camel, wit->resources[i].name, true);
        JS_AddModuleExport(context, module, camel);
    }
    if (module)
        JS_AddModuleExport(context, module, "default");
    return module;
}
