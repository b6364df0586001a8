// The author's functions, and how they answer.
#include "engine.h"

#include <stdlib.h>
#include <string.h>

typedef enum { FUNCTION, CONSTRUCTOR, METHOD, DERIVED } ExportKind;

typedef struct {
    ExportKind kind;
    // The function, or the class of a constructor.
    JSValue function;
    // What `this` is in the function.
    JSValue self;
    // The name of a method.
    JSAtom method;
    // As the author knows it, for errors: `plugin.process`.
    char *name;
} ExportedFunction;

static ExportedFunction *exports;

static char *copy_of(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = malloc(size);
    if (!copy)
        end_with("out of memory");
    memcpy(copy, text, size);
    return copy;
}

// Copies a part of a name to a buffer of 256 bytes.
static void copy_part(char *buffer, const char *from, size_t length)
{
    if (length > 255)
        length = 255;
    memcpy(buffer, from, length);
    buffer[length] = 0;
}

// `a:b/my-plugin@1.0.0` is exported as `myPlugin`.
static void object_name(char *buffer, const char *interface)
{
    char short_name[256];
    const char *slash = strrchr(interface, '/');
    const char *from = slash ? slash + 1 : interface;
    copy_part(short_name, from, strcspn(from, "@"));
    camel_case(buffer, short_name, false);
}

static bool missing(const char *name)
{
    JS_ThrowTypeError(js, "the module exports no function `%s`, which the world requires", name);
    return false;
}

static bool find_function(JSValueConst object, const char *name, ExportedFunction *export)
{
    export->function =
        JS_IsObject(object) ? JS_GetPropertyStr(js, object, name) : JS_UNDEFINED;
    if (JS_IsException(export->function))
        return false;
    return JS_IsFunction(js, export->function) || missing(export->name);
}

// A function `[kind]resource.method` of a class in `object`.
static bool find_member(JSValueConst object, const char *name, ExportedFunction *export)
{
    char resource[256], class_name[256], method[256] = "";
    const char *from = strchr(name, ']') + 1;
    size_t length = strcspn(from, ".");
    copy_part(resource, from, length);
    camel_case(class_name, resource, true);
    if (from[length])
        camel_case(method, from + length + 1, false);
    char shown[600];
    snprintf(shown, sizeof shown, "%s.%s%s%s", export->name, class_name, *method ? "." : "", method);
    free(export->name);
    export->name = copy_of(shown);
    JSValue class =
        JS_IsObject(object) ? JS_GetPropertyStr(js, object, class_name) : JS_UNDEFINED;
    if (JS_IsException(class))
        return false;
    if (!JS_IsConstructor(js, class)) {
        JS_FreeValue(js, class);
        JS_ThrowTypeError(js, "the module exports no class `%s`, which the world requires",
                          export->name);
        return false;
    }
    if (!strncmp(name, "[method]", 8)) {
        export->kind = METHOD;
        export->method = JS_NewAtom(js, method);
        JS_FreeValue(js, class);
        return true;
    }
    if (!strncmp(name, "[constructor]", 13)) {
        export->kind = CONSTRUCTOR;
        export->function = class;
        return true;
    }
    export->self = class;
    return find_function(class, method, export);
}

static bool find_export(JSValueConst module, size_t index)
{
    const wit_export_func_t *function = &wit->export_funcs[index];
    ExportedFunction *export = &exports[index];
    *export = (ExportedFunction){FUNCTION, JS_UNDEFINED, JS_UNDEFINED, JS_ATOM_NULL, NULL};
    char camel[256], object[256], shown[600];
    camel_case(camel, function->name, false);
    if (!function->interface) {
        export->name = copy_of(camel);
        return find_function(module, camel, export);
    }
    object_name(object, function->interface);
    JSValue author = JS_GetPropertyStr(js, module, object);
    if (JS_IsException(author))
        return false;
    bool is_member = function->name[0] == '[';
    snprintf(shown, sizeof shown, is_member ? "%s" : "%s.%s", object, camel);
    export->name = copy_of(shown);
    if (JS_IsUndefined(author) && derived_from(index) >= 0) {
        export->kind = DERIVED;
        return true;
    }
    bool is_found = is_member ? find_member(author, function->name, export)
                              : find_function(author, camel, export);
    if (is_member)
        JS_FreeValue(js, author);
    else
        export->self = author;
    return is_found;
}

bool exports_start(JSValueConst module)
{
    exports = allocate(wit->num_export_funcs, sizeof *exports);
    for (size_t i = 0; i < wit->num_export_funcs; i++)
        if (!find_export(module, i))
            return false;
    return true;
}

void run_jobs(void)
{
    JSRuntime *runtime = JS_GetRuntime(js);
    JSContext *context;
    while (JS_IsJobPending(runtime))
        if (JS_ExecutePendingJob(runtime, &context) < 0)
            end_uncaught(JS_GetException(js));
}

// The value of a promise that has settled. Throws if it was rejected, or waits for
// what cannot happen during the call.
static JSValue settled(const ExportedFunction *export, JSValue value)
{
    if (!JS_IsObject(value) || !JS_IsPromise(value))
        return value;
    JSValue result;
    switch (JS_PromiseState(js, value)) {
    case JS_PROMISE_PENDING:
        result = JS_ThrowTypeError(js, "`%s` returned a promise that waits for nothing",
                                   export->name);
        break;
    case JS_PROMISE_REJECTED:
        JS_PromiseMarkAsHandled(js, value);
        result = JS_Throw(js, JS_PromiseResult(js, value));
        break;
    default:
        result = JS_PromiseResult(js, value);
    }
    JS_FreeValue(js, value);
    return result;
}

static JSValue invoke_author(const ExportedFunction *export, int count, JSValueConst *arguments)
{
    switch (export->kind) {
    case CONSTRUCTOR:
        return JS_CallConstructor(js, export->function, count, arguments);
    case METHOD:
        return JS_Invoke(js, arguments[0], export->method, count - 1, arguments + 1);
    default:
        return JS_Call(js, export->function, export->self, count, arguments);
    }
}

static JSValue invoke(const ExportedFunction *export, int count, JSValueConst *arguments)
{
    JSValue value = invoke_author(export, count, arguments);
    if (JS_IsJobPending(JS_GetRuntime(js)))
        run_jobs();
    return settled(export, value);
}

// The error that a thrown value is for: an Error may carry the contract's as its
// `payload`.
static JSValue payload_of(JSValueConst thrown)
{
    if (JS_IsError(thrown)) {
        JSValue payload = JS_GetProperty(js, thrown, atom_payload);
        if (!JS_IsUndefined(payload) && !JS_IsException(payload))
            return payload;
        if (JS_IsException(payload))
            JS_FreeValue(js, JS_GetException(js));
    }
    return JS_DupValue(js, thrown);
}

// Lowers the error that a function has thrown. Anything else than an error of the
// contract is a mistake in the plugin, and ends it.
void lower_thrown(Call *call, const wit_result_t *result)
{
    JSValue thrown = JS_GetException(js);
    JSValue error = payload_of(thrown);
    uint32_t before = call->lowered_count;
    lower_number(call, 1);
    bool is_error = !JS_IsError(error) &&
                    (is_empty(result->err) || lower(call, result->err, error));
    JS_FreeValue(js, error);
    if (!is_error) {
        lower_back(call, before);
        if (JS_HasException(js))
            JS_FreeValue(js, JS_GetException(js));
        end_uncaught(thrown);
    }
    JS_FreeValue(js, thrown);
}

// Whether a result has the form `{ tag: "ok", val }` or `{ tag: "err", val }`.
static bool is_tagged(JSValueConst value, bool *is_err)
{
    if (!JS_IsObject(value))
        return false;
    JSValue tag = JS_GetProperty(js, value, atom_tag);
    if (JS_IsException(tag))
        end_uncaught(JS_GetException(js));
    *is_err = JS_IsStrictEqual(js, tag, text_err);
    bool is_tagged = *is_err || JS_IsStrictEqual(js, tag, text_ok);
    JS_FreeValue(js, tag);
    return is_tagged;
}

// Ends the plugin for a value that does not fit the contract.
static _Noreturn void end_for_value(const ExportedFunction *export)
{
    JSValue error = JS_GetException(js);
    if (!JS_IsError(error))
        end_uncaught(error);
    JSValue message = JS_GetPropertyStr(js, error, "message");
    const char *text = JS_ToCString(js, message);
    JS_ThrowTypeError(js, "`%s` returned a wrong value: %s", export->name, text ? text : "");
    end_uncaught(JS_GetException(js));
}

void lower_answer(Call *call, size_t index, wit_type_t type, JSValue answer)
{
    const ExportedFunction *export = &exports[index];
    type = is_empty(type) ? type : resolved(type);
    if (!JS_IsException(answer) && is_streamed(type) && !JS_IsArray(answer)) {
        if (!lower_streamed(call, type, answer))
            end_for_value(export);
        JS_FreeValue(js, answer);
        return;
    }
    if (is_empty(type) || WIT_TYPE_KIND(type) != WIT_TYPE_RESULT) {
        if (JS_IsException(answer))
            end_uncaught(JS_GetException(js));
        if (!is_empty(type) && !lower(call, type, answer))
            end_for_value(export);
        JS_FreeValue(js, answer);
        return;
    }
    const wit_result_t *result = &wit->results[WIT_TYPE_INDEX(type)];
    if (JS_IsException(answer)) {
        lower_thrown(call, result);
        return;
    }
    bool is_err = false;
    if (is_tagged(answer, &is_err)) {
        JSValue value = JS_GetProperty(js, answer, atom_val);
        JS_FreeValue(js, answer);
        answer = value;
    }
    lower_number(call, is_err);
    wit_type_t payload = is_err ? result->err : result->ok;
    if (JS_IsException(answer) || (!is_empty(payload) && !lower(call, payload, answer)))
        end_for_value(export);
    JS_FreeValue(js, answer);
}

// Answers a batch with the author's function for a single record. An error that is
// thrown for one record is that record's.
static void call_derived(Call *call, size_t index)
{
    size_t single = (size_t)derived_from(index);
    const ExportedFunction *one = &exports[single];
    wit_type_t list = resolved(wit->export_funcs[index].result);
    wit_type_t element = wit->lists[WIT_TYPE_INDEX(list)].ty;
    JSValue inputs = call->lifted[0];
    int64_t length;
    if (JS_GetLength(js, inputs, &length))
        end_uncaught(JS_GetException(js));
    lower_number(call, (uint64_t)length << 32);
    for (int64_t i = 0; i < length; i++) {
        JSValue input = JS_GetPropertyInt64(js, inputs, i);
        JSValue answer = invoke(one, 1, &input);
        JS_FreeValue(js, input);
        lower_answer(call, single, element, answer);
    }
}

JSValue call_author(Call *call, size_t index)
{
    int count = (int)wit->export_funcs[index].nparams;
    JSValue answer = invoke_author(&exports[index], count, call->lifted);
    while (call->lifted_count)
        JS_FreeValue(js, take_lifted(call));
    return answer;
}

EXPORT void wit_dylib_export_call(void *cx, size_t index)
{
    Call *call = cx;
    const wit_export_func_t *function = &wit->export_funcs[index];
    const ExportedFunction *export = &exports[index];
    if (export->kind == DERIVED) {
        call_derived(call, index);
    } else {
        JSValue answer = invoke(export, (int)function->nparams, call->lifted);
        lower_answer(call, index, function->result, answer);
    }
    while (call->lifted_count)
        JS_FreeValue(js, take_lifted(call));
    lower_done(call);
    handles_end(call);
}

EXPORT void wit_dylib_export_finish(void *cx, size_t index)
{
    (void)index;
    call_end(cx);
}
