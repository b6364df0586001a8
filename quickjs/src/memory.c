// The allocator: two-level segregated free lists, in which neighbours that are free
// are joined at once. It starts in a region of its own, so that what `kumiki_prepare`
// allocates is a part of the library's data, and continues in memory that the host adds.
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define ALIGN 8
// Before the bytes of a block. The size counts the header, and its lowest bits are flags.
typedef struct {
    // The block before, if it is free.
    uint32_t size_before;
    uint32_t size_and_flags;
} Header;

// In the bytes of a free block.
typedef struct Free {
    Header header;
    struct Free *next, *previous;
} Free;

enum { IS_FREE = 1, BEFORE_IS_FREE = 2, FLAGS = 7 };

// Each power of two is divided into this many lists.
#define STEP_BITS 3
#define STEPS (1 << STEP_BITS)
#define POWERS 28
#define PAGE (64 << 10)
#define MIN_BLOCK 16
#define MAX_REQUEST (1u << 30)

#ifndef FIRST_REGION
#define FIRST_REGION (192 << 10)
#endif
static _Alignas(ALIGN) uint8_t first_region[FIRST_REGION];

static uint32_t powers_in_use;
static uint8_t steps_in_use[POWERS];
static Free *lists[POWERS][STEPS];
static uint8_t *region_end;

static uint32_t size_of(const Header *block) { return block->size_and_flags & ~FLAGS; }
static Header *after(const Header *block)
{
    return (Header *)((uint8_t *)block + size_of(block));
}

// The list for blocks of this size: `size` is a multiple of 8, and at least 16.
static void list_of(uint32_t size, uint32_t *power, uint32_t *step)
{
    uint32_t units = size / ALIGN;
    if (units < STEPS) {
        *power = 0;
        *step = units;
    } else {
        uint32_t highest = 31 - (uint32_t)__builtin_clz(units);
        *power = highest - STEP_BITS + 1;
        *step = (units >> (highest - STEP_BITS)) & (STEPS - 1);
    }
}

static void insert(Header *block)
{
    uint32_t power, step, size = size_of(block);
    list_of(size, &power, &step);
    Free *free_block = (Free *)block, **list = &lists[power][step];
    block->size_and_flags |= IS_FREE;
    free_block->previous = NULL;
    free_block->next = *list;
    if (*list)
        (*list)->previous = free_block;
    *list = free_block;
    steps_in_use[power] |= 1 << step;
    powers_in_use |= 1u << power;
    Header *next = after(block);
    next->size_before = size;
    next->size_and_flags |= BEFORE_IS_FREE;
}

static void take_out(Header *block)
{
    uint32_t power, step;
    list_of(size_of(block), &power, &step);
    Free *free_block = (Free *)block;
    if (free_block->next)
        free_block->next->previous = free_block->previous;
    if (free_block->previous) {
        free_block->previous->next = free_block->next;
    } else {
        lists[power][step] = free_block->next;
        if (!free_block->next) {
            steps_in_use[power] &= ~(1 << step);
            if (!steps_in_use[power])
                powers_in_use &= ~(1u << power);
        }
    }
    block->size_and_flags &= ~IS_FREE;
    after(block)->size_and_flags &= ~BEFORE_IS_FREE;
}

// Joins a block with the block after it, if that is free.
static void join_after(Header *block)
{
    Header *next = after(block);
    if (next->size_and_flags & IS_FREE) {
        take_out(next);
        block->size_and_flags += size_of(next);
    }
}

// Joins a block with the block before it, if that is free. Returns the whole.
static Header *join_before(Header *block)
{
    if (!(block->size_and_flags & BEFORE_IS_FREE))
        return block;
    Header *before = (Header *)((uint8_t *)block - block->size_before);
    take_out(before);
    before->size_and_flags += size_of(block);
    return before;
}

// Makes a region one free block with a header behind it that is never free. A region
// that continues the one before is joined with it.
static void add_region(uint8_t *start, size_t size)
{
    Header *block = (Header *)start;
    if (start == region_end) {
        block = (Header *)(start - sizeof(Header));
        size += sizeof(Header);
    } else {
        block->size_and_flags = 0;
    }
    region_end = (uint8_t *)block + size;
    Header *end = (Header *)(region_end - sizeof(Header));
    end->size_and_flags = sizeof(Header);
    block->size_and_flags =
        (uint32_t)(size - sizeof(Header)) | (block->size_and_flags & BEFORE_IS_FREE);
    insert(join_before(block));
}

static bool add_memory(uint32_t size)
{
    if (!region_end) {
        add_region(first_region, sizeof first_region);
        if (size < sizeof first_region / 2)
            return true;
    }
    uint32_t pages = (size + 2 * sizeof(Header) + PAGE - 1) / PAGE;
    uint32_t more = (uint32_t)__builtin_wasm_memory_size(0) / 8;
    size_t at = __builtin_wasm_memory_grow(0, pages > more ? pages : more);
    if (at == SIZE_MAX && pages < more) {
        more = pages;
        at = __builtin_wasm_memory_grow(0, pages);
    }
    if (at == SIZE_MAX)
        return false;
    add_region((uint8_t *)(at * PAGE), (size_t)(pages > more ? pages : more) * PAGE);
    return true;
}

// A free block of at least this size, from the smallest list all of whose blocks are
// large enough.
static Header *find(uint32_t size)
{
    uint32_t power, step;
    uint32_t units = size / ALIGN;
    if (units >= STEPS) {
        uint32_t highest = 31 - (uint32_t)__builtin_clz(units);
        size += ((ALIGN << (highest - STEP_BITS)) - ALIGN);
    }
    list_of(size, &power, &step);
    uint32_t steps = steps_in_use[power] & (0xffu << step);
    if (!steps) {
        uint32_t powers = powers_in_use & (~0u << 1 << power);
        if (!powers)
            return NULL;
        power = (uint32_t)__builtin_ctz(powers);
        steps = steps_in_use[power];
    }
    return &lists[power][__builtin_ctz(steps)]->header;
}

// Gives back what a block has beyond `size`.
static void trim(Header *block, uint32_t size)
{
    uint32_t left = size_of(block) - size;
    if (left < MIN_BLOCK)
        return;
    block->size_and_flags -= left;
    Header *rest = after(block);
    rest->size_and_flags = left;
    join_after(rest);
    insert(rest);
}

static uint32_t block_size(size_t bytes)
{
    uint32_t size = ((uint32_t)bytes + sizeof(Header) + ALIGN - 1) & ~(uint32_t)(ALIGN - 1);
    return size < MIN_BLOCK ? MIN_BLOCK : size;
}

void *malloc(size_t bytes)
{
    if (bytes > MAX_REQUEST)
        return NULL;
    uint32_t size = block_size(bytes);
    Header *block = find(size);
    while (!block) {
        if (!add_memory(size + size / STEPS))
            return NULL;
        block = find(size);
    }
    take_out(block);
    trim(block, size);
    return block + 1;
}

void free(void *memory)
{
    if (!memory)
        return;
    Header *block = (Header *)memory - 1;
    join_after(block);
    insert(join_before(block));
}

void *calloc(size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes))
        return NULL;
    void *memory = malloc(bytes);
    return memory ? memset(memory, 0, bytes) : NULL;
}

size_t malloc_usable_size(void *memory)
{
    return memory ? size_of((Header *)memory - 1) - sizeof(Header) : 0;
}

void *realloc(void *memory, size_t bytes)
{
    if (!memory)
        return malloc(bytes);
    if (bytes > MAX_REQUEST)
        return NULL;
    Header *block = (Header *)memory - 1, *next = after(block);
    uint32_t size = block_size(bytes);
    if (size > size_of(block) && (next->size_and_flags & IS_FREE) &&
        size_of(block) + size_of(next) >= size) {
        take_out(next);
        block->size_and_flags += size_of(next);
    }
    if (size <= size_of(block)) {
        trim(block, size);
        return memory;
    }
    void *larger = malloc(bytes);
    if (!larger)
        return NULL;
    memcpy(larger, memory, malloc_usable_size(memory));
    free(memory);
    return larger;
}

void *kumiki_malloc(size_t bytes) { return malloc(bytes); }
void kumiki_free(void *memory) { free(memory); }
