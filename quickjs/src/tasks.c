// Calls that wait. Each call of an asynchronous function is a task of the host's, with a
// set of handles that it waits for. What a task starts while it runs belongs to it; a
// promise that another task settles wakes it by a stream without contents.
#include "engine.h"

#include <stdlib.h>

// Functions of the component model, which the build puts into a plugin with asynchronous
// functions. The order is that of `intrinsics` in the build's `link.rs`.
typedef struct {
    uint32_t (*set_new)(void);
    void (*set_drop)(uint32_t set);
    void (*join)(uint32_t handle, uint32_t set);
    void (*subtask_drop)(uint32_t handle);
    uint32_t (*context_get)(void);
    void (*context_set)(uint32_t context);
    uint64_t (*unit_new)(void);
    uint32_t (*unit_write)(uint32_t stream, const void *items, size_t count);
    uint32_t (*unit_read)(uint32_t stream, void *items, size_t count);
    uint32_t (*unit_cancel_read)(uint32_t stream);
    void (*unit_drop_readable)(uint32_t stream);
    void (*unit_drop_writable)(uint32_t stream);
} Intrinsics;

#define INTRINSIC_COUNT (sizeof(Intrinsics) / sizeof(void *))

// What a task returns to the host.
enum { TO_EXIT = 0, TO_WAIT = 2 };
// What the host reports to a task.
enum { NO_EVENT = 0, SUBTASK_EVENT = 1, CANCELLED_EVENT = 6 };
// The states of a call of the host's.
enum { CALL_RETURNED = 2 };

struct Task {
    Call *call;
    size_t function;
    uint32_t set;
    // What the author's function has returned, once its promise is settled.
    JSValue answer;
    bool is_settled, is_thrown, is_returned;
    // Promises that must be settled before the task ends.
    uint32_t work;
    uint32_t operations;
    // The stream that wakes the task, if it has been needed.
    uint32_t wake_reader, wake_writer;
    bool is_waking;
};

static Intrinsics host;
static Task *current;
// The operations that wait, by their handles, which are small numbers.
static Operation **operations;
static uint32_t operation_capacity;

// `first` is the place of the first intrinsic in the table of functions.
EXPORT void kumiki_intrinsics(uint32_t first)
{
    uintptr_t *functions = (uintptr_t *)&host;
    for (uint32_t i = 0; i < INTRINSIC_COUNT; i++)
        functions[i] = first + i;
}

// ---- operations

Operation *operation_new(JSValue *promise)
{
    if (!current) {
        *promise = JS_ThrowTypeError(js, "only an asynchronous function can wait");
        return NULL;
    }
    Operation *operation = calloc(1, sizeof *operation);
    JSValue functions[2];
    if (!operation)
        end_with("out of memory");
    *promise = JS_NewPromiseCapability(js, functions);
    if (JS_IsException(*promise))
        end_uncaught(JS_GetException(js));
    operation->resolve = functions[0];
    operation->reject = functions[1];
    operation->value = JS_UNDEFINED;
    operation->task = current;
    return operation;
}

void operation_wait(Operation *operation, uint32_t handle)
{
    while (handle >= operation_capacity) {
        uint32_t before = operation_capacity;
        operations =
            with_room(operations, operation_capacity, &operation_capacity, sizeof *operations);
        for (uint32_t i = before; i < operation_capacity; i++)
            operations[i] = NULL;
    }
    operations[handle] = operation;
    operation->handle = handle;
    operation->task = current;
    current->operations++;
    host.join(handle, current->set);
}

static void settle(Operation *operation, JSValue function, JSValue value)
{
    JSValue done = JS_Call(js, function, JS_UNDEFINED, 1, &value);
    if (JS_IsException(done))
        end_uncaught(JS_GetException(js));
    JS_FreeValue(js, value);
    JS_FreeValue(js, operation->resolve);
    JS_FreeValue(js, operation->reject);
    JS_FreeValue(js, operation->value);
    free(operation);
}

void operation_resolve(Operation *operation, JSValue value)
{
    settle(operation, operation->resolve, value);
}

void operation_reject(Operation *operation, JSValue error)
{
    settle(operation, operation->reject, error);
}

static void complete(uint32_t handle, uint32_t code)
{
    Operation *operation = handle < operation_capacity ? operations[handle] : NULL;
    if (!operation)
        return;
    operations[handle] = NULL;
    operation->task->operations--;
    host.join(handle, 0);
    operation->complete(operation, code);
}

void operation_cancel(uint32_t handle, uint32_t (*cancel)(uint32_t handle))
{
    Operation *operation = handle < operation_capacity ? operations[handle] : NULL;
    if (!operation)
        return;
    host.join(handle, 0);
    uint32_t code = cancel(handle);
    operations[handle] = NULL;
    operation->task->operations--;
    operation->complete(operation, code);
}

// ---- functions of the host that are asynchronous

static void complete_call(Operation *operation, uint32_t state)
{
    if ((state & 15) != CALL_RETURNED) {
        operation_wait(operation, operation->handle);
        return;
    }
    const wit_import_func_t *function = &wit->import_funcs[operation->type];
    Call *call = operation->call;
    function->async_lift_impl(call, operation->memory);
    JSValue result = is_empty(function->result) ? JS_UNDEFINED : take_lifted(call);
    if (operation->handle)
        host.subtask_drop(operation->handle);
    handles_end(call);
    call_end(call);
    free(operation->memory);
    result = unwrap(function->result, result);
    if (JS_IsException(result))
        operation_reject(operation, JS_GetException(js));
    else
        operation_resolve(operation, result);
}

JSValue call_import_async(Call *call, const wit_import_func_t *function)
{
    JSValue promise;
    Operation *operation = operation_new(&promise);
    if (!operation) {
        call_end(call);
        return JS_EXCEPTION;
    }
    size_t size = function->async_abi_area_size;
    operation->complete = complete_call;
    operation->call = call;
    operation->type = (size_t)(function - wit->import_funcs);
    operation->memory = malloc(size ? size : 1);
    if (!operation->memory)
        end_with("out of memory");
    uint32_t state = function->async_impl(call, operation->memory);
    if ((state & 15) == CALL_RETURNED)
        complete_call(operation, state);
    else
        operation_wait(operation, state >> 4);
    return promise;
}

// ---- tasks

// Wakes a task that waits, from another one.
static void wake(Task *task)
{
    if (task == current || task->is_waking || !task->set)
        return;
    if (!task->wake_reader) {
        uint64_t ends = host.unit_new();
        task->wake_reader = (uint32_t)ends;
        task->wake_writer = (uint32_t)(ends >> 32);
    }
    task->is_waking = true;
    host.unit_read(task->wake_reader, NULL, 1);
    host.join(task->wake_reader, task->set);
    host.unit_write(task->wake_writer, NULL, 1);
}

static JSValue on_settled(JSContext *context, JSValueConst self, int count,
                          JSValueConst *arguments, int is_thrown, JSValueConst *data)
{
    (void)self, (void)count;
    int64_t address;
    JS_ToInt64(context, &address, data[0]);
    Task *task = (Task *)(uintptr_t)address;
    task->answer = JS_DupValue(context, arguments[0]);
    task->is_thrown = is_thrown;
    task->is_settled = true;
    wake(task);
    return JS_UNDEFINED;
}

static JSValue on_worked(JSContext *context, JSValueConst self, int count,
                         JSValueConst *arguments, int is_thrown, JSValueConst *data)
{
    (void)self, (void)count;
    if (is_thrown)
        end_uncaught(JS_DupValue(context, arguments[0]));
    int64_t address;
    JS_ToInt64(context, &address, data[0]);
    Task *task = (Task *)(uintptr_t)address;
    task->work--;
    wake(task);
    return JS_UNDEFINED;
}

static void when_settled(Task *task, JSValueConst promise, JSCFunctionData *function)
{
    JSValue address = JS_NewInt64(js, (int64_t)(uintptr_t)task);
    JSValue then = JS_NewCFunctionData(js, function, 1, false, 1, &address);
    JSValue otherwise = JS_NewCFunctionData(js, function, 1, true, 1, &address);
    JSValue next = JS_PromiseThen(js, promise, then, otherwise);
    if (JS_IsException(next))
        end_uncaught(JS_GetException(js));
    JS_FreeValue(js, next);
    JS_FreeValue(js, then);
    JS_FreeValue(js, otherwise);
}

void task_add_work(JSValue promise)
{
    if (JS_IsException(promise))
        end_uncaught(JS_GetException(js));
    current->work++;
    when_settled(current, promise, on_worked);
    JS_FreeValue(js, promise);
}

// Passes the answer to the host. What is left of the task goes on.
static void return_answer(Task *task)
{
    const wit_export_func_t *function = &wit->export_funcs[task->function];
    JSValue answer = task->is_thrown ? JS_Throw(js, task->answer) : task->answer;
    lower_answer(task->call, task->function, function->result, answer);
    lower_done(task->call);
    handles_end(task->call);
    task->is_returned = true;
    function->task_return(task->call);
}

static uint32_t end_task(Task *task)
{
    streams_end(task->call);
    host.set_drop(task->set);
    if (task->wake_reader) {
        host.unit_drop_readable(task->wake_reader);
        host.unit_drop_writable(task->wake_writer);
    }
    call_end(task->call);
    free(task);
    drop_handles();
    return TO_EXIT;
}

// Runs the task as far as it goes.
static uint32_t proceed(Task *task)
{
    run_jobs();
    if (task->is_settled && !task->is_returned) {
        return_answer(task);
        run_jobs();
    }
    bool is_done = task->is_returned && !task->work && !task->operations && !task->is_waking;
    uint32_t next = is_done ? end_task(task) : TO_WAIT | task->set << 4;
    current = NULL;
    return next;
}

EXPORT uint32_t wit_dylib_export_async_call(void *cx, size_t function)
{
    Task *task = calloc(1, sizeof *task);
    if (!task)
        end_with("out of memory");
    task->call = cx;
    task->function = function;
    task->set = host.set_new();
    host.context_set((uint32_t)(uintptr_t)task);
    current = task;
    JSValue answer = call_author(cx, function);
    if (!JS_IsException(answer) && JS_IsObject(answer) && JS_IsPromise(answer)) {
        when_settled(task, answer, on_settled);
        JS_FreeValue(js, answer);
    } else {
        task->is_thrown = JS_IsException(answer);
        task->answer = task->is_thrown ? JS_GetException(js) : answer;
        task->is_settled = true;
    }
    return proceed(task);
}

EXPORT uint32_t wit_dylib_export_async_callback(uint32_t event, uint32_t handle, uint32_t code,
                                                size_t function)
{
    (void)function;
    Task *task = (Task *)(uintptr_t)host.context_get();
    current = task;
    if (event == CANCELLED_EVENT)
        end_with("the call was cancelled");
    if (event != NO_EVENT && handle == task->wake_reader) {
        host.join(handle, 0);
        task->is_waking = false;
    } else if (event != NO_EVENT) {
        complete(handle, code);
    }
    return proceed(task);
}
