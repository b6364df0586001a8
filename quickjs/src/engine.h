// Runs a plugin's JavaScript behind the functions of `wit_dylib.h`, which a library
// generated from the plugin's WIT calls. There is one context, and one thread.
#ifndef KUMIKI_ENGINE_H
#define KUMIKI_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "quickjs.h"
#include "wit_dylib.h"

#define EXPORT __attribute__((visibility("default")))

// The context, once the engine has started.
extern JSContext *js;
// The types and functions of the plugin's world.
extern const wit_t *wit;

// Returns an array of zeros. Ends the plugin if there is no memory.
void *allocate(size_t count, size_t size);
// Grows an array, if it is full, so that one more element fits. Ends the plugin if
// there is no memory.
void *with_room(void *array, uint32_t count, uint32_t *capacity, size_t element);

// The callback of array buffers: resizes their memory, or frees it.
void *resize_buffer(JSRuntime *runtime, void *opaque, void *memory, size_t size);

// ---- library.c

bool is_wide_string(JSValueConst value);
void set_stack_limit(JSRuntime *runtime, size_t limit);

// ---- engine.c

void kumiki_prepare(void);

// ---- call.c: the values of one call across the border

// A list that is being lifted.
typedef struct {
    JSValue *items;
    uint32_t count, length;
} ListBuilder;

// The values of one call, in both directions. Lifting pushes JavaScript values on a
// stack. Lowering first converts a whole value into `lowered`, where errors can still
// be thrown, and in the order in which the functions of `lower.c` take it from there.
typedef struct Call {
    JSValue *lifted;
    uint32_t lifted_count, lifted_capacity;
    uint64_t *lowered;
    uint32_t lowered_count, lowered_capacity, lowered_next;
    // The bytes of strings that `lowered` points to.
    const char **texts;
    uint32_t text_count, text_capacity;
    // Memory to free at the end.
    void **blocks;
    uint32_t block_count, block_capacity;
    ListBuilder *builders;
    uint32_t builder_count, builder_capacity;
    // Borrowed handles that end with the call.
    JSValue *borrowed;
    uint32_t borrowed_count, borrowed_capacity;
    // Values that must stay, among them the streams that the host has passed.
    JSValue *kept;
    uint32_t kept_count, kept_capacity;
    // Handles whose ownership passes to the host, if the whole call can be lowered.
    JSValue *moved;
    uint32_t moved_count, moved_capacity;
    struct Call *next_free;
} Call;

Call *call_begin(void);
void call_end(Call *call);
void call_keep_text(Call *call, const char *text);
void call_free_later(Call *call, void *block);
// Keeps a value until the call ends.
void call_keep_value(Call *call, JSValue value);

// ---- lift.c, lower.c: conversion of values

static inline void lift(Call *call, JSValue value)
{
    if (call->lifted_count == call->lifted_capacity)
        call->lifted =
            with_room(call->lifted, call->lifted_count, &call->lifted_capacity, sizeof(JSValue));
    call->lifted[call->lifted_count++] = value;
}

static inline JSValue take_lifted(Call *call)
{
    return call->lifted[--call->lifted_count];
}

// Converts a value, or throws.
bool lower(Call *call, wit_type_t type, JSValueConst value);
// Replaces lone surrogates, which QuickJS encodes in three bytes, by U+FFFD.
void replace_surrogates(char *bytes, size_t length);
// The kind of a value, for errors: `a string`.
const char *kind_of(JSValueConst value);
// Sets the length of the path of the part that is being converted, and returns the one
// before: a getter may call the host, which converts other values.
uint32_t lower_path(uint32_t length);
// Appends a number to the converted values.
void lower_number(Call *call, uint64_t number);
// Undoes conversions: the state before is `lowered_count` at that time.
void lower_back(Call *call, uint32_t count);
// Completes the passing of ownership, after everything is converted.
void lower_done(Call *call);

// ---- types.c: the names of types in JavaScript

typedef struct {
    JSAtom *atoms;
} Names;

extern Names *record_names, *flag_names;
extern JSValue **enum_names, **variant_names;
extern JSAtom atom_tag, atom_val, atom_payload;
extern JSValue text_ok, text_err, text_some, text_none;

void types_start(void);
// Resolves aliases.
wit_type_t resolved(wit_type_t type);
static inline bool is_empty(wit_type_t type)
{
    return WIT_TYPE_KIND(type) == WIT_TYPE_EMPTY;
}
// The typed array class for a list of these elements, or -1.
int typed_array_of(wit_type_t element);
size_t typed_array_width(int class);
// Whether an empty option needs a tag, because its value may be undefined itself.
bool is_tagged_option(size_t option);
// A WIT name in camel case, in `buffer` of 256 bytes, which must suffice.
void camel_case(char *buffer, const char *name, bool upper);
// The symbol `Symbol.name`, or `JS_ATOM_NULL`.
JSAtom symbol_atom(const char *name);

// ---- resources.c

void resources_start(void);
// A class for each resource of an interface, by its name in JavaScript.
JSValue resource_class(size_t resource);
JSValue lift_handle(Call *call, size_t resource, uint32_t handle, bool owned);
bool lower_handle(Call *call, size_t resource, JSValueConst value, bool owned);
// Marks the handles of a finished call.
void handles_end(Call *call);
void handles_moved(Call *call);
// Drops a handle when the host can be called again: a finalizer may run when it cannot.
void drop_later(wit_resource_drop_t drop, uint32_t handle);
void drop_handles(void);

// ---- imports.c

// Calls an imported function.
JSValue call_import(JSContext *context, JSValueConst self, int count, JSValueConst *arguments,
                    int function);
// The result of a call, which throws if the function returned an error.
JSValue unwrap(wit_type_t type, JSValue value);
JSModuleDef *import_module(JSContext *context, const char *name);
// The imported function with this interface (without a version) and name, or -1.
int find_import(const char *interface, const char *name);
// Whether a specifier names an interface; the specifier may lack the version.
bool names_interface(const char *specifier, const char *interface);

// ---- exports.c

// Finds the author's functions in the module. Returns false after throwing.
bool exports_start(JSValueConst module);
// Calls the author's function with the values that were lifted, which it takes. The
// result may be a promise.
JSValue call_author(Call *call, size_t export);
// Lowers what the author's function has returned or thrown.
void lower_answer(Call *call, size_t export, wit_type_t type, JSValue answer);
// Lowers the error that the author's code has thrown, as the `err` of a result.
void lower_thrown(Call *call, const wit_result_t *result);
// Runs what promises have scheduled.
void run_jobs(void);

// ---- tasks.c: calls that wait

typedef struct Task Task;
// What an operation does when the host has completed it: `code` is the host's answer.
typedef struct Operation Operation;
struct Operation {
    void (*complete)(Operation *operation, uint32_t code);
    Task *task;
    // The functions that settle its promise.
    JSValue resolve, reject;
    // Its own data.
    Call *call;
    void *memory;
    size_t type, position, length;
    uint32_t handle;
    JSValue value;
};

// The host's answer to an operation that it has not completed yet.
#define BLOCKED 0xffffffff
enum { IS_COMPLETED, IS_DROPPED, IS_CANCELLED };

// Creates an operation and its promise. Throws if no task can wait for it.
Operation *operation_new(JSValue *promise);
// Waits until the host has completed the operation on this handle.
void operation_wait(Operation *operation, uint32_t handle);
// Cancels the operation that waits for this handle, if there is one.
void operation_cancel(uint32_t handle, uint32_t (*cancel)(uint32_t handle));
// Settles the promise and ends the operation. Takes the value.
void operation_resolve(Operation *operation, JSValue value);
void operation_reject(Operation *operation, JSValue error);
// Keeps the current task alive until a promise is settled, which must not be rejected.
void task_add_work(JSValue promise);
JSValue call_import_async(Call *call, const wit_import_func_t *function);

// ---- streams.c

void streams_start(void);
JSValue lift_stream(size_t type, uint32_t handle);
JSValue lift_future(size_t type, uint32_t handle);
bool lower_stream(Call *call, size_t type, JSValueConst value);
bool lower_future(Call *call, size_t type, JSValueConst value);
// Whether a function returns a stream, and a future for its outcome.
bool is_streamed(wit_type_t type);
// Lowers the chunks that the author's function yields as such a result. Returns false
// after throwing.
bool lower_streamed(Call *call, wit_type_t type, JSValueConst chunks);
// Drops the streams of a call that has ended.
void streams_end(Call *call);
void natives_of_streams(JSContext *context, JSModuleDef *module, bool define);

// ---- errors.c

void errors_start(void);
// Logs a message, if the contract has a function for this.
bool log_at(const char *level, const char *text, size_t length);
// Logs an error that the author's code did not handle, and traps.
_Noreturn void end_uncaught(JSValue thrown);
_Noreturn void end_with(const char *message);
// The text of an uncaught error. The caller frees it.
char *uncaught_text(JSValueConst thrown);

// ---- natives.c

void natives_start(void);
JSModuleDef *natives_module(JSContext *context);

// ---- plugin.c: what the build put into the plugin

typedef struct {
    const char *name;
    const uint8_t *code;
    size_t name_length, code_length;
} PluginModule;

typedef struct {
    uint32_t line, column, file, shift;
} Place;

typedef struct {
    PluginModule *modules;
    uint32_t module_count;
    // Pairs of exports: a batch function, and the function that it is derived from.
    uint32_t *derived;
    uint32_t derived_count;
    // Where the author's lines are in a bundle; none without a bundle.
    char **files;
    Place *places;
    uint32_t file_count, place_count;
} Plugin;

extern Plugin plugin;

const PluginModule *plugin_module(const char *name);
// The export that a batch function is derived from, or -1.
int derived_from(size_t batch);

#endif
