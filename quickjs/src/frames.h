// Included by `quickjs.c` in front of its interpreter: frames of JavaScript functions that
// call each other are in memory of their own, and not on the stack of WebAssembly, which a
// few hundred of them would fill. `xtask/src/engine/patches.rs` has the changes.

// The memory of all frames at most, in bytes: some 40,000 calls of small functions.
#define MAX_FRAMES (16 << 20)
#define FRAME_CHUNK (32 << 10)

typedef struct FrameChunk {
    struct FrameChunk *previous;
    uint8_t *end;
    // The first free byte of the previous chunk.
    uint8_t *previous_top;
    uint8_t *unused;
} FrameChunk;

// A call by the interpreter, and the state of its caller.
typedef struct Frame {
    struct Frame *previous;
    JSStackFrame sf;
    JSContext *caller_ctx, *ctx;
    JSValueConst func_obj, this_obj, new_target;
    int argc, opcode, call_argc;
    JSValueConst *argv;
    JSFunctionBytecode *b;
    JSStackFrame *caller_sf;
    uint8_t *pc;
    JSValue *local_buf, *stack_buf, *var_buf, *arg_buf, *sp;
    JSVarRef **var_refs;
} Frame;

static FrameChunk *frame_chunk, *spare_chunk;
static uint8_t *frame_top;
static size_t frame_bytes;

static bool frame_add_chunk(size_t size)
{
    size += sizeof(FrameChunk);
    if (size < FRAME_CHUNK)
        size = FRAME_CHUNK;
    FrameChunk *chunk = NULL;
    if (spare_chunk && size == FRAME_CHUNK) {
        chunk = spare_chunk;
        spare_chunk = NULL;
    } else if (frame_bytes + size <= MAX_FRAMES) {
        chunk = kumiki_malloc(size);
        if (chunk) {
            frame_bytes += size;
            chunk->end = (uint8_t *)chunk + size;
        }
    }
    if (!chunk)
        return false;
    chunk->previous = frame_chunk;
    chunk->previous_top = frame_top;
    frame_chunk = chunk;
    frame_top = (uint8_t *)(chunk + 1);
    return true;
}

// Memory for a call of this function: the frame, and behind it the variables. NULL if there
// is no more.
static Frame *frame_push(const JSFunctionBytecode *b, int argc)
{
    size_t values = (argc < b->arg_count ? b->arg_count : 0) + b->var_count + b->stack_size;
    size_t size = sizeof(Frame) + values * sizeof(JSValue) + b->var_ref_count * sizeof(JSVarRef *);
    size = (size + 7) & ~(size_t)7;
    if (unlikely(!frame_chunk || (size_t)(frame_chunk->end - frame_top) < size) &&
        !frame_add_chunk(size))
        return NULL;
    Frame *frame = (Frame *)frame_top;
    frame_top += size;
    return frame;
}

static void frame_pop(Frame *frame)
{
    FrameChunk *chunk = frame_chunk;
    frame_top = (uint8_t *)frame;
    if (likely(frame_top != (uint8_t *)(chunk + 1)) || !chunk->previous)
        return;
    frame_chunk = chunk->previous;
    frame_top = chunk->previous_top;
    size_t size = (size_t)(chunk->end - (uint8_t *)chunk);
    if (!spare_chunk && size == FRAME_CHUNK) {
        spare_chunk = chunk;
    } else {
        frame_bytes -= size;
        kumiki_free(chunk);
    }
}

static inline bool is_bytecode_function(JSValueConst value)
{
    return JS_VALUE_GET_TAG(value) == JS_TAG_OBJECT &&
           JS_VALUE_GET_OBJ(value)->class_id == JS_CLASS_BYTECODE_FUNCTION;
}

// Calls what is no function of JavaScript code, without another frame of the interpreter.
static JSValue call_other(JSContext *ctx, JSValueConst func_obj, JSValueConst this_obj, int argc,
                          JSValueConst *argv)
{
    if (unlikely(JS_VALUE_GET_TAG(func_obj) != JS_TAG_OBJECT))
        return JS_ThrowTypeErrorNotAFunction(ctx);
    JSClassCall *call = ctx->rt->class_array[JS_VALUE_GET_OBJ(func_obj)->class_id].call;
    if (unlikely(!call))
        return JS_ThrowTypeErrorNotAFunction(ctx);
    return call(ctx, func_obj, this_obj, argc, argv, 0);
}

// Throws the error of a recursion that is too deep. `Error.prepareStackTrace` is not called for
// it, as where the stack is full: each frame that ends would call it again.
static void frame_overflow(JSContext *ctx)
{
    kumiki_native_stack += MAX_NATIVE_STACK;
    JS_ThrowStackOverflow(ctx);
    build_backtrace(ctx, ctx->rt->current_exception, JS_UNDEFINED, NULL, 0, 0, 0);
    kumiki_native_stack -= MAX_NATIVE_STACK;
}
