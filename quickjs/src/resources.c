// Resources as classes. An imported resource's methods call the host; an exported
// one is a class of the author's, whose instances the host holds by a number.
#include "engine.h"

#include <stdlib.h>
#include <string.h>

typedef struct {
    uint32_t resource, handle;
    bool is_owned;
    // False once it was dropped, passed on, or its call has ended.
    bool is_valid;
} Handle;

// A handle of an imported resource.
static JSClassID handle_class;
static JSValue *classes;

// Objects of exported classes, by the number that the host passes back.
static JSValue *objects;
static uint32_t object_count, object_capacity, first_free;

typedef struct {
    wit_resource_drop_t drop;
    uint32_t handle;
} Drop;
static Drop *drops;
static uint32_t drop_count, drop_capacity;

static bool is_exported(size_t resource) { return wit->resources[resource].new != NULL; }

void drop_later(wit_resource_drop_t drop, uint32_t handle)
{
    drops = with_room(drops, drop_count, &drop_capacity, sizeof(Drop));
    drops[drop_count++] = (Drop){drop, handle};
}

void drop_handles(void)
{
    while (drop_count) {
        Drop drop = drops[--drop_count];
        drop.drop(drop.handle);
    }
}

static void finalize_handle(JSRuntime *runtime, JSValueConst value)
{
    (void)runtime;
    Handle *handle = JS_GetOpaque(value, handle_class);
    if (!handle)
        return;
    if (handle->is_valid && handle->is_owned)
        drop_later(wit->resources[handle->resource].drop, handle->handle);
    free(handle);
}

static Handle *handle_of(JSValueConst value)
{
    return JS_IsObject(value) ? JS_GetOpaque(value, handle_class) : NULL;
}

static JSValue dispose(JSContext *context, JSValueConst self, int count, JSValueConst *arguments)
{
    (void)count, (void)arguments;
    Handle *handle = handle_of(self);
    if (!handle)
        return JS_ThrowTypeError(context, "not a resource");
    if (!handle->is_owned)
        return JS_ThrowTypeError(context, "a borrowed resource cannot be disposed of");
    if (handle->is_valid) {
        handle->is_valid = false;
        wit->resources[handle->resource].drop(handle->handle);
    }
    return JS_UNDEFINED;
}

static JSValue not_constructible(JSContext *context, JSValueConst target, int count,
                                 JSValueConst *arguments)
{
    (void)target, (void)count, (void)arguments;
    return JS_ThrowTypeError(context, "the resource has no constructor");
}

// Whether an import is `[kind]resource` or `[kind]resource.method`, and of the
// interface of the resource. `*method` is what follows the dot.
static bool is_import_of(const wit_import_func_t *function, const wit_resource_t *resource,
                         const char *kind, const char **method)
{
    const char *left = function->interface ? function->interface : "";
    const char *right = resource->interface ? resource->interface : "";
    size_t kind_length = strlen(kind), length = strlen(resource->name);
    if (strcmp(left, right) || strncmp(function->name, kind, kind_length))
        return false;
    const char *name = function->name + kind_length;
    if (strncmp(name, resource->name, length) || (name[length] && name[length] != '.'))
        return false;
    *method = name[length] ? name + length + 1 : NULL;
    return true;
}

static void define_method(JSValueConst object, const char *name, int function, int parameters)
{
    char buffer[256];
    camel_case(buffer, name, false);
    JSValue method = JS_NewCFunctionMagic(js, call_import, buffer, parameters,
                                          JS_CFUNC_generic_magic, function);
    JS_DefinePropertyValueStr(js, object, buffer, method, JS_PROP_WRITABLE | JS_PROP_CONFIGURABLE);
}

static void define_dispose(JSValueConst prototype)
{
    JSAtom name = symbol_atom("dispose");
    if (name == JS_ATOM_NULL)
        return;
    JS_DefinePropertyValue(js, prototype, name,
                           JS_NewCFunction(js, dispose, "[Symbol.dispose]", 0),
                           JS_PROP_WRITABLE | JS_PROP_CONFIGURABLE);
    JS_FreeAtom(js, name);
}

static JSValue constructor_of(size_t resource, const char *name)
{
    for (size_t i = 0; i < wit->num_import_funcs; i++) {
        const char *method;
        const wit_import_func_t *function = &wit->import_funcs[i];
        if (is_import_of(function, &wit->resources[resource], "[constructor]", &method))
            return JS_NewCFunctionMagic(js, call_import, name, (int)function->nparams,
                                        JS_CFUNC_constructor_magic, (int)i);
    }
    return JS_NewCFunction2(js, not_constructible, name, 0, JS_CFUNC_constructor, 0);
}

JSValue resource_class(size_t resource)
{
    if (!JS_IsUndefined(classes[resource]))
        return JS_DupValue(js, classes[resource]);
    char name[256];
    camel_case(name, wit->resources[resource].name, true);
    JSValue class = constructor_of(resource, name);
    JSValue prototype = JS_NewObject(js);
    for (size_t i = 0; i < wit->num_import_funcs; i++) {
        const wit_import_func_t *function = &wit->import_funcs[i];
        const char *method;
        if (is_import_of(function, &wit->resources[resource], "[method]", &method))
            define_method(prototype, method, (int)i, (int)function->nparams - 1);
        else if (is_import_of(function, &wit->resources[resource], "[static]", &method))
            define_method(class, method, (int)i, (int)function->nparams);
    }
    define_dispose(prototype);
    JS_SetConstructor(js, class, prototype);
    JS_FreeValue(js, prototype);
    classes[resource] = JS_DupValue(js, class);
    return class;
}

static JSValue new_handle(Call *call, size_t resource, uint32_t number, bool is_owned)
{
    JSValue class = resource_class(resource);
    JSValue prototype = JS_GetPropertyStr(js, class, "prototype");
    JS_FreeValue(js, class);
    JSValue value = JS_NewObjectProtoClass(js, prototype, handle_class);
    JS_FreeValue(js, prototype);
    Handle *handle = malloc(sizeof *handle);
    if (!handle || JS_IsException(value))
        end_with("out of memory");
    *handle = (Handle){resource, number, is_owned, true};
    JS_SetOpaque(value, handle);
    if (!is_owned) {
        call->borrowed = with_room(call->borrowed, call->borrowed_count, &call->borrowed_capacity,
                                   sizeof(JSValue));
        call->borrowed[call->borrowed_count++] = JS_DupValue(js, value);
    }
    return value;
}

JSValue lift_handle(Call *call, size_t resource, uint32_t handle, bool is_owned)
{
    if (!is_exported(resource))
        return new_handle(call, resource, handle, is_owned);
    // The host lends the number itself; an owned one comes back as a handle.
    uint32_t number = is_owned ? wit->resources[resource].rep(handle) : handle;
    JSValue object = JS_DupValue(js, objects[number - 1]);
    if (is_owned)
        drop_later(wit->resources[resource].drop, handle);
    return object;
}

static bool lower_exported(Call *call, size_t resource, JSValueConst value)
{
    if (!JS_IsObject(value))
        return false;
    uint32_t number = first_free;
    if (number) {
        first_free = (uint32_t)JS_VALUE_GET_INT(objects[number - 1]);
    } else {
        objects = with_room(objects, object_count, &object_capacity, sizeof(JSValue));
        number = ++object_count;
    }
    objects[number - 1] = JS_DupValue(js, value);
    lower_number(call, wit->resources[resource].new(number));
    return true;
}

bool lower_handle(Call *call, size_t resource, JSValueConst value, bool is_owned)
{
    if (is_exported(resource)) {
        if (!lower_exported(call, resource, value))
            return false;
        // What is only lent ends after the call.
        if (!is_owned)
            drop_later(wit->resources[resource].drop,
                       (uint32_t)call->lowered[call->lowered_count - 1]);
        return true;
    }
    Handle *handle = handle_of(value);
    if (!handle || handle->resource != resource || !handle->is_valid)
        return false;
    if (is_owned) {
        if (!handle->is_owned)
            return false;
        for (uint32_t i = 0; i < call->moved_count; i++)
            if (handle_of(call->moved[i]) == handle)
                return false;
        call->moved =
            with_room(call->moved, call->moved_count, &call->moved_capacity, sizeof(JSValue));
        call->moved[call->moved_count++] = JS_DupValue(js, value);
    }
    lower_number(call, handle->handle);
    return true;
}

void handles_moved(Call *call)
{
    while (call->moved_count) {
        JSValue value = call->moved[--call->moved_count];
        handle_of(value)->is_valid = false;
        JS_FreeValue(js, value);
    }
}

void handles_end(Call *call)
{
    while (call->borrowed_count) {
        JSValue value = call->borrowed[--call->borrowed_count];
        Handle *handle = handle_of(value);
        if (handle->is_valid) {
            handle->is_valid = false;
            wit->resources[handle->resource].drop(handle->handle);
        }
        JS_FreeValue(js, value);
    }
    drop_handles();
}

// The host has dropped an instance of an exported class.
EXPORT void wit_dylib_resource_dtor(size_t resource, size_t number)
{
    (void)resource;
    JSValue object = objects[number - 1];
    objects[number - 1] = JS_NewInt32(js, (int32_t)first_free);
    first_free = (uint32_t)number;
    JS_FreeValue(js, object);
}

void resources_start(void)
{
    JSRuntime *runtime = JS_GetRuntime(js);
    JSClassDef definition = {.class_name = "Resource", .finalizer = finalize_handle};
    JS_NewClassID(runtime, &handle_class);
    JS_NewClass(runtime, handle_class, &definition);
    classes = allocate(wit->num_resources, sizeof(JSValue));
    for (size_t i = 0; i < wit->num_resources; i++)
        classes[i] = JS_UNDEFINED;
}
