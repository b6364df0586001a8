#include "engine.h"

#include <stdlib.h>

// More capacity than this is given back at the end of a call.
#define MAX_IDLE_CAPACITY 1024

static Call *idle;

void *allocate(size_t count, size_t size)
{
    void *block = calloc(count ? count : 1, size);
    if (!block)
        end_with("out of memory");
    return block;
}

void *with_room(void *array, uint32_t count, uint32_t *capacity, size_t element)
{
    if (count < *capacity)
        return array;
    uint32_t larger = *capacity ? *capacity * 2 : 16;
    array = realloc(array, larger * element);
    if (!array)
        end_with("out of memory");
    *capacity = larger;
    return array;
}

Call *call_begin(void)
{
    Call *call = idle;
    if (call) {
        idle = call->next_free;
        return call;
    }
    return allocate(1, sizeof *call);
}

static void free_values(JSValue *values, uint32_t *count)
{
    while (*count)
        JS_FreeValue(js, values[--*count]);
}

static void shrink(void *array, uint32_t *capacity)
{
    if (*capacity > MAX_IDLE_CAPACITY) {
        free(*(void **)array);
        *(void **)array = NULL;
        *capacity = 0;
    }
}

void call_end(Call *call)
{
    free_values(call->lifted, &call->lifted_count);
    while (call->text_count)
        JS_FreeCString(js, call->texts[--call->text_count]);
    free_values(call->moved, &call->moved_count);
    free_values(call->borrowed, &call->borrowed_count);
    free_values(call->kept, &call->kept_count);
    while (call->block_count)
        free(call->blocks[--call->block_count]);
    call->lowered_count = call->lowered_next = 0;
    shrink(&call->lifted, &call->lifted_capacity);
    shrink(&call->lowered, &call->lowered_capacity);
    shrink(&call->texts, &call->text_capacity);
    shrink(&call->blocks, &call->block_capacity);
    call->next_free = idle;
    idle = call;
}

void call_keep_text(Call *call, const char *text)
{
    call->texts = with_room(call->texts, call->text_count, &call->text_capacity, sizeof(char *));
    call->texts[call->text_count++] = text;
}

void call_free_later(Call *call, void *block)
{
    call->blocks = with_room(call->blocks, call->block_count, &call->block_capacity, sizeof(void *));
    call->blocks[call->block_count++] = block;
}

void call_keep_value(Call *call, JSValue value)
{
    call->kept =
        with_room(call->kept, call->kept_count, &call->kept_capacity, sizeof(JSValue));
    call->kept[call->kept_count++] = value;
}
