// Streams and futures. What a plugin reads is an asynchronous iterator, or an object with
// `read`. What it passes on is any iterable, or any promise: `prelude/streams.js` of the
// build writes it with the functions at the end of this file.
#include "engine.h"

#include <stdlib.h>
#include <string.h>

// The bytes that one read takes, and the items of streams of other types.
#define READ_BYTES (64 << 10)
#define READ_ITEMS 64

typedef struct {
    size_t type;
    uint32_t handle;
    bool is_stream, is_writer;
    // Whether the handle is still the plugin's, and whether an operation is under way.
    bool is_open, is_busy;
    // Items that were read together and not yet taken.
    JSValue *items;
    uint32_t item_count, item_next;
} End;

static JSClassID reader_class, writer_class;
static JSValue reader_prototype, future_prototype;
// The functions of `streams.js`.
static JSValue send_stream = JS_UNDEFINED, send_future = JS_UNDEFINED;

static const wit_stream_t *stream_of(const End *end) { return &wit->streams[end->type]; }
static const wit_future_t *future_of(const End *end) { return &wit->futures[end->type]; }

static bool is_bytes(const End *end)
{
    wit_type_t type = stream_of(end)->ty;
    return !is_empty(type) && typed_array_of(type) == JS_TYPED_ARRAY_UINT8;
}

static void free_items(End *end)
{
    while (end->item_next < end->item_count)
        JS_FreeValue(js, end->items[end->item_next++]);
    free(end->items);
    end->items = NULL;
    end->item_count = end->item_next = 0;
}

static wit_resource_drop_t drop_function(const End *end)
{
    if (end->is_stream)
        return end->is_writer ? stream_of(end)->drop_writable : stream_of(end)->drop_readable;
    return end->is_writer ? future_of(end)->drop_writable : future_of(end)->drop_readable;
}

static void drop_end(End *end)
{
    if (end->is_open)
        drop_function(end)(end->handle);
    end->is_open = false;
}

static void finalize(JSRuntime *runtime, JSValueConst value)
{
    (void)runtime;
    JSClassID class;
    End *end = JS_GetAnyOpaque(value, &class);
    if (!end)
        return;
    if (end->is_open)
        drop_later(drop_function(end), end->handle);
    free_items(end);
    free(end);
}

static JSValue new_end(JSClassID class, JSValueConst prototype, End contents)
{
    JSValue value = JS_NewObjectProtoClass(js, prototype, class);
    End *end = malloc(sizeof *end);
    if (!end || JS_IsException(value))
        end_with("out of memory");
    *end = contents;
    JS_SetOpaque(value, end);
    return value;
}

static End *reader_of(JSValueConst value)
{
    return JS_IsObject(value) ? JS_GetOpaque(value, reader_class) : NULL;
}

JSValue lift_stream(size_t type, uint32_t handle)
{
    End end = {.type = type, .handle = handle, .is_stream = true, .is_open = true};
    return new_end(reader_class, reader_prototype, end);
}

JSValue lift_future(size_t type, uint32_t handle)
{
    End end = {.type = type, .handle = handle, .is_open = true};
    return new_end(reader_class, future_prototype, end);
}

// ---- reading

static JSValue iteration(JSValue value, bool is_done)
{
    JSValue object = JS_NewObject(js);
    JS_DefinePropertyValueStr(js, object, "value", value, JS_PROP_C_W_E);
    JS_DefinePropertyValueStr(js, object, "done", JS_NewBool(js, is_done), JS_PROP_C_W_E);
    return object;
}

static JSValue kept(JSValue value)
{
    JSValue promise = JS_NewSettledPromise(js, false, value);
    JS_FreeValue(js, value);
    return promise;
}

static JSValue lifted_item(wit_type_t type, wit_lift_fn_t function, const void *memory)
{
    if (is_empty(type))
        return JS_UNDEFINED;
    Call *call = call_begin();
    function(call, memory);
    JSValue value = take_lifted(call);
    call_end(call);
    return value;
}

// Takes what was read. The memory belongs to the result.
static JSValue taken(End *end, void *memory, size_t count)
{
    const wit_stream_t *stream = stream_of(end);
    if (is_bytes(end)) {
        memory = realloc(memory, count);
        return JS_NewUint8Array(js, memory, count, resize_buffer, NULL, false);
    }
    free_items(end);
    end->items = malloc(count * sizeof(JSValue));
    if (!end->items)
        end_with("out of memory");
    for (size_t i = 0; i < count; i++)
        end->items[i] =
            lifted_item(stream->ty, stream->lift, (uint8_t *)memory + i * stream->abi_payload_size);
    free(memory);
    end->item_count = (uint32_t)count;
    end->item_next = 1;
    return end->items[0];
}

static void complete_read(Operation *operation, uint32_t code)
{
    End *end = reader_of(operation->value);
    size_t count = code >> 4;
    end->is_busy = false;
    JSValue result;
    if (count) {
        result = iteration(taken(end, operation->memory, count), false);
    } else {
        free(operation->memory);
        result = iteration(JS_UNDEFINED, true);
    }
    if ((code & 15) != IS_COMPLETED || !count)
        drop_end(end);
    operation_resolve(operation, result);
}

static JSValue next(JSContext *context, JSValueConst self, int count, JSValueConst *arguments)
{
    (void)count, (void)arguments;
    End *end = reader_of(self);
    if (!end || !end->is_stream)
        return JS_ThrowTypeError(context, "not a stream");
    if (end->is_busy)
        return JS_ThrowTypeError(context, "the stream is being read already");
    if (end->item_next < end->item_count)
        return kept(iteration(end->items[end->item_next++], false));
    if (!end->is_open)
        return kept(iteration(JS_UNDEFINED, true));
    JSValue promise;
    Operation *operation = operation_new(&promise);
    if (!operation)
        return promise;
    size_t width = stream_of(end)->abi_payload_size;
    size_t items = is_bytes(end) ? READ_BYTES : READ_ITEMS;
    operation->complete = complete_read;
    operation->value = JS_DupValue(context, self);
    operation->memory = malloc(width * items + 1);
    if (!operation->memory)
        end_with("out of memory");
    end->is_busy = true;
    uint32_t code = stream_of(end)->read(end->handle, operation->memory, items);
    if (code == BLOCKED)
        operation_wait(operation, end->handle);
    else
        complete_read(operation, code);
    return promise;
}

static void complete_future(Operation *operation, uint32_t code)
{
    End *end = reader_of(operation->value);
    const wit_future_t *future = future_of(end);
    end->is_busy = false;
    drop_end(end);
    if ((code & 15) == IS_COMPLETED) {
        JSValue value = lifted_item(future->ty, future->lift, operation->memory);
        free(operation->memory);
        operation_resolve(operation, value);
        return;
    }
    free(operation->memory);
    JS_ThrowTypeError(js, "the future has no value");
    operation_reject(operation, JS_GetException(js));
}

static JSValue read_future(JSContext *context, JSValueConst self, int count,
                           JSValueConst *arguments)
{
    (void)count, (void)arguments;
    End *end = reader_of(self);
    if (!end || end->is_stream)
        return JS_ThrowTypeError(context, "not a future");
    if (end->is_busy || !end->is_open)
        return JS_ThrowTypeError(context, "the future was read already");
    JSValue promise;
    Operation *operation = operation_new(&promise);
    if (!operation)
        return promise;
    operation->complete = complete_future;
    operation->value = JS_DupValue(context, self);
    operation->memory = malloc(future_of(end)->abi_payload_size + 1);
    if (!operation->memory)
        end_with("out of memory");
    end->is_busy = true;
    uint32_t code = future_of(end)->read(end->handle, operation->memory);
    if (code == BLOCKED)
        operation_wait(operation, end->handle);
    else
        complete_future(operation, code);
    return promise;
}

// Drops a stream or future that is not read any further.
static void close_reader(End *end)
{
    if (end->is_busy)
        operation_cancel(end->handle, end->is_stream ? stream_of(end)->cancel_read
                                                     : future_of(end)->cancel_read);
    free_items(end);
    drop_end(end);
}

static JSValue drop(JSContext *context, JSValueConst self, int count, JSValueConst *arguments)
{
    (void)count, (void)arguments;
    End *end = reader_of(self);
    if (!end)
        return JS_ThrowTypeError(context, "neither a stream nor a future");
    close_reader(end);
    return JS_UNDEFINED;
}

void streams_end(Call *call)
{
    for (uint32_t i = 0; i < call->kept_count; i++) {
        End *end = reader_of(call->kept[i]);
        if (end)
            close_reader(end);
    }
}

static JSValue return_early(JSContext *context, JSValueConst self, int count,
                            JSValueConst *arguments)
{
    JSValue value = count ? JS_DupValue(context, arguments[0]) : JS_UNDEFINED;
    JSValue done = drop(context, self, 0, NULL);
    if (JS_IsException(done)) {
        JS_FreeValue(context, value);
        return done;
    }
    return kept(iteration(value, true));
}

static JSValue itself(JSContext *context, JSValueConst self, int count, JSValueConst *arguments)
{
    (void)count, (void)arguments;
    return JS_DupValue(context, self);
}

// ---- passing on

// Passes on what was received, or creates a pair and returns the end to write to.
static bool pass_on(Call *call, size_t type, bool is_stream, JSValueConst value, JSValue *writer)
{
    *writer = JS_UNDEFINED;
    End *end = reader_of(value);
    if (end && end->is_stream == is_stream) {
        if (end->type != type || !end->is_open || end->is_busy ||
            end->item_next < end->item_count)
            return false;
        end->is_open = false;
        lower_number(call, end->handle);
        return true;
    }
    uint64_t ends = is_stream ? wit->streams[type].new() : wit->futures[type].new();
    End contents = {
        .type = type,
        .handle = (uint32_t)(ends >> 32),
        .is_stream = is_stream,
        .is_writer = true,
        .is_open = true,
    };
    lower_number(call, (uint32_t)ends);
    *writer = new_end(writer_class, JS_NULL, contents);
    return true;
}

static bool is_iterable(JSValueConst value)
{
    if (!JS_IsObject(value))
        return false;
    const char *names[] = {"asyncIterator", "iterator"};
    bool is_found = false;
    for (size_t i = 0; i < 2 && !is_found; i++) {
        JSAtom atom = symbol_atom(names[i]);
        if (atom == JS_ATOM_NULL)
            continue;
        JSValue method = JS_GetProperty(js, value, atom);
        is_found = JS_IsFunction(js, method);
        if (JS_IsException(method))
            JS_FreeValue(js, JS_GetException(js));
        JS_FreeValue(js, method);
        JS_FreeAtom(js, atom);
    }
    return is_found;
}

// Starts to send what JavaScript passed as a stream or a future, unless the host reads
// it from where it comes from.
static void send(JSValueConst function, JSValueConst value, JSValue writer)
{
    if (!JS_IsUndefined(writer)) {
        JSValueConst arguments[2] = {value, writer};
        task_add_work(JS_Call(js, function, JS_UNDEFINED, 2, arguments));
    }
    JS_FreeValue(js, writer);
}

bool lower_stream(Call *call, size_t type, JSValueConst value)
{
    JSValue writer;
    if (!reader_of(value) && !is_iterable(value))
        return false;
    if (!pass_on(call, type, true, value, &writer))
        return false;
    send(send_stream, value, writer);
    return true;
}

bool lower_future(Call *call, size_t type, JSValueConst value)
{
    JSValue writer;
    if (!pass_on(call, type, false, value, &writer)) {
        JS_ThrowTypeError(js, "the future was read or passed on already");
        return false;
    }
    send(send_future, value, writer);
    return true;
}

bool is_streamed(wit_type_t type)
{
    if (is_empty(type) || WIT_TYPE_KIND(type) != WIT_TYPE_TUPLE)
        return false;
    const wit_tuple_t *tuple = &wit->tuples[WIT_TYPE_INDEX(type)];
    if (tuple->ntypes != 2 || WIT_TYPE_KIND(resolved(tuple->types[0])) != WIT_TYPE_STREAM ||
        WIT_TYPE_KIND(resolved(tuple->types[1])) != WIT_TYPE_FUTURE)
        return false;
    wit_type_t outcome = wit->futures[WIT_TYPE_INDEX(resolved(tuple->types[1]))].ty;
    if (is_empty(outcome) || WIT_TYPE_KIND(resolved(outcome)) != WIT_TYPE_RESULT)
        return false;
    return is_empty(wit->results[WIT_TYPE_INDEX(resolved(outcome))].ok);
}

bool lower_streamed(Call *call, wit_type_t type, JSValueConst chunks)
{
    const wit_tuple_t *tuple = &wit->tuples[WIT_TYPE_INDEX(type)];
    if (!is_iterable(chunks)) {
        JS_ThrowTypeError(js, "expected chunks, as of an asynchronous generator");
        return false;
    }
    JSValue stream, future;
    pass_on(call, WIT_TYPE_INDEX(resolved(tuple->types[0])), true, JS_UNDEFINED, &stream);
    pass_on(call, WIT_TYPE_INDEX(resolved(tuple->types[1])), false, JS_UNDEFINED, &future);
    JSValue inputs = JS_NewArray(js);
    for (uint32_t i = 0; i < call->kept_count; i++)
        JS_DefinePropertyValueUint32(js, inputs, i, JS_DupValue(js, call->kept[i]),
                                     JS_PROP_C_W_E);
    JSValueConst arguments[4] = {chunks, stream, future, inputs};
    task_add_work(JS_Call(js, send_stream, JS_UNDEFINED, 4, arguments));
    JS_FreeValue(js, inputs);
    JS_FreeValue(js, stream);
    JS_FreeValue(js, future);
    return true;
}

// ---- writing, for `streams.js`

static void complete_write(Operation *operation, uint32_t code)
{
    End *end = JS_GetOpaque(operation->value, writer_class);
    const wit_stream_t *stream = stream_of(end);
    while (code != BLOCKED) {
        operation->position += code >> 4;
        bool is_dropped = (code & 15) != IS_COMPLETED;
        if (is_dropped || operation->position == operation->length) {
            end->is_busy = false;
            if (operation->call)
                call_end(operation->call);
            operation_resolve(operation, JS_NewBool(js, !is_dropped));
            return;
        }
        code = stream->write(end->handle, (uint8_t *)operation->memory + operation->position,
                             operation->length - operation->position);
    }
    operation_wait(operation, end->handle);
}

// Lowers one item into memory that the call frees.
static void *lowered_item(Call *call, wit_type_t type, wit_lower_fn_t function, size_t size,
                          JSValueConst value)
{
    void *memory = malloc(size ? size : 1);
    if (!memory)
        end_with("out of memory");
    call_free_later(call, memory);
    if (is_empty(type))
        return memory;
    if (!lower(call, type, value))
        return NULL;
    lower_done(call);
    function(call, memory);
    return memory;
}

// Points the operation to what it writes. Throws for a value of another type.
static bool prepare_write(Operation *operation, End *end, JSValueConst chunk)
{
    const wit_stream_t *stream = stream_of(end);
    operation->call = call_begin();
    operation->length = 1;
    if (is_bytes(end)) {
        bool is_array =
            JS_IsObject(chunk) && JS_GetTypedArrayType(chunk) == JS_TYPED_ARRAY_UINT8;
        if (!is_array) {
            JS_ThrowTypeError(js, "a stream of bytes takes a Uint8Array, not %s", kind_of(chunk));
            return false;
        }
        operation->memory = JS_GetUint8Array(js, &operation->length, chunk);
        call_keep_value(operation->call, JS_DupValue(js, chunk));
        return operation->memory != NULL;
    }
    operation->memory = lowered_item(operation->call, stream->ty, stream->lower,
                                     stream->abi_payload_size, chunk);
    return operation->memory != NULL;
}

// write(writer, chunk) resolves to whether somebody still reads.
static JSValue write_stream(JSContext *context, JSValueConst self, int count,
                            JSValueConst *arguments)
{
    (void)self, (void)count;
    End *end = JS_GetOpaque(arguments[0], writer_class);
    JSValue promise;
    Operation *operation = operation_new(&promise);
    if (!operation)
        return promise;
    operation->complete = complete_write;
    operation->value = JS_DupValue(context, arguments[0]);
    if (!prepare_write(operation, end, arguments[1])) {
        call_end(operation->call);
        operation_reject(operation, JS_GetException(context));
        return promise;
    }
    if (operation->length == 0) {
        // An empty write would wait for a reader.
        call_end(operation->call);
        operation_resolve(operation, JS_TRUE);
        return promise;
    }
    end->is_busy = true;
    complete_write(operation, stream_of(end)->write(end->handle, operation->memory,
                                                    operation->length));
    return promise;
}

static JSValue end_stream(JSContext *context, JSValueConst self, int count,
                          JSValueConst *arguments)
{
    (void)context, (void)self, (void)count;
    drop_end(JS_GetOpaque(arguments[0], writer_class));
    return JS_UNDEFINED;
}

static void complete_future_write(Operation *operation, uint32_t code)
{
    (void)code;
    drop_end(JS_GetOpaque(operation->value, writer_class));
    call_end(operation->call);
    operation_resolve(operation, JS_UNDEFINED);
}

static JSValue write_lowered(JSValueConst writer, Operation *operation, JSValue promise)
{
    End *end = JS_GetOpaque(writer, writer_class);
    operation->complete = complete_future_write;
    operation->value = JS_DupValue(js, writer);
    uint32_t code = future_of(end)->write(end->handle, operation->memory);
    if (code == BLOCKED)
        operation_wait(operation, end->handle);
    else
        complete_future_write(operation, code);
    return promise;
}

// writeFuture(writer, value)
static JSValue write_future(JSContext *context, JSValueConst self, int count,
                            JSValueConst *arguments)
{
    (void)self, (void)count;
    End *end = JS_GetOpaque(arguments[0], writer_class);
    const wit_future_t *future = future_of(end);
    JSValue promise;
    Operation *operation = operation_new(&promise);
    if (!operation)
        return promise;
    operation->call = call_begin();
    operation->memory = lowered_item(operation->call, future->ty, future->lower,
                                     future->abi_payload_size, arguments[1]);
    if (!operation->memory)
        end_uncaught(JS_GetException(context));
    return write_lowered(arguments[0], operation, promise);
}

// report(writer), or report(writer, error): the outcome of a stream. An error that is not
// the contract's ends the plugin.
static JSValue report(JSContext *context, JSValueConst self, int count, JSValueConst *arguments)
{
    (void)self;
    End *end = JS_GetOpaque(arguments[0], writer_class);
    const wit_future_t *future = future_of(end);
    const wit_result_t *result = &wit->results[WIT_TYPE_INDEX(resolved(future->ty))];
    JSValue promise;
    Operation *operation = operation_new(&promise);
    if (!operation)
        return promise;
    Call *call = operation->call = call_begin();
    operation->memory = malloc(future->abi_payload_size + 1);
    if (!operation->memory)
        end_with("out of memory");
    call_free_later(call, operation->memory);
    if (count > 1) {
        JS_Throw(context, JS_DupValue(context, arguments[1]));
        lower_thrown(call, result);
    } else {
        lower_number(call, 0);
    }
    future->lower(call, operation->memory);
    return write_lowered(arguments[0], operation, promise);
}

// senders(stream, future): the functions that write what a plugin passes on.
static JSValue set_senders(JSContext *context, JSValueConst self, int count,
                           JSValueConst *arguments)
{
    (void)self, (void)count;
    send_stream = JS_DupValue(context, arguments[0]);
    send_future = JS_DupValue(context, arguments[1]);
    return JS_UNDEFINED;
}

void natives_of_streams(JSContext *context, JSModuleDef *module, bool define)
{
    static const struct {
        const char *name;
        JSCFunction *function;
        int parameters;
    } natives[] = {
        {"write", write_stream, 2},        {"end", end_stream, 1}, {"writeFuture", write_future, 2},
        {"report", report, 2}, {"senders", set_senders, 2},
    };
    for (size_t i = 0; i < sizeof natives / sizeof *natives; i++) {
        if (define)
            JS_SetModuleExport(context, module, natives[i].name,
                               JS_NewCFunction(context, natives[i].function, natives[i].name,
                                               natives[i].parameters));
        else
            JS_AddModuleExport(context, module, natives[i].name);
    }
}

static void method(JSValueConst prototype, const char *name, JSCFunction *function)
{
    JS_DefinePropertyValueStr(js, prototype, name, JS_NewCFunction(js, function, name, 0),
                              JS_PROP_WRITABLE | JS_PROP_CONFIGURABLE);
}

void streams_start(void)
{
    if (!wit->num_streams && !wit->num_futures)
        return;
    JSRuntime *runtime = JS_GetRuntime(js);
    JSClassDef reader = {.class_name = "Stream", .finalizer = finalize};
    JSClassDef writer = {.class_name = "Writer", .finalizer = finalize};
    JS_NewClassID(runtime, &reader_class);
    JS_NewClass(runtime, reader_class, &reader);
    JS_NewClassID(runtime, &writer_class);
    JS_NewClass(runtime, writer_class, &writer);
    reader_prototype = JS_NewObject(js);
    method(reader_prototype, "next", next);
    method(reader_prototype, "return", return_early);
    method(reader_prototype, "drop", drop);
    JSAtom async_iterator = symbol_atom("asyncIterator");
    JS_DefinePropertyValue(js, reader_prototype, async_iterator,
                           JS_NewCFunction(js, itself, "asyncIterator", 0),
                           JS_PROP_WRITABLE | JS_PROP_CONFIGURABLE);
    JS_FreeAtom(js, async_iterator);
    future_prototype = JS_NewObject(js);
    method(future_prototype, "read", read_future);
    method(future_prototype, "drop", drop);
}
