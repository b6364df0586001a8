// What QuickJS needs from a C library and does not have in a component. This file
// is included before QuickJS's own sources; see `platform.c`.
#ifndef KUMIKI_PLATFORM_H
#define KUMIKI_PLATFORM_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>

// The conversions that QuickJS uses: %c, %d, %i, %u, %x, %s, %p, with width,
// precision, `0`, `-` and `l`.
int kumiki_vsnprintf(char *buffer, size_t size, const char *format, va_list arguments);
int kumiki_snprintf(char *buffer, size_t size, const char *format, ...);

// A component has no time zone: local time is UTC.
struct tm *kumiki_localtime_r(const time_t *time, struct tm *local);

// The time in milliseconds since 1970. Throws if the plugin has no clock.
struct JSContext;
int kumiki_now(struct JSContext *context, double *milliseconds);

// QuickJS forbids the usual names.
void *kumiki_malloc(size_t size);
void kumiki_free(void *memory);

#define abort __builtin_trap
#define vsnprintf kumiki_vsnprintf
#define snprintf kumiki_snprintf
#define localtime_r kumiki_localtime_r

// Only functions that dump the engine's state print, and none is called.
#define printf(...) ((void)0)
#define fprintf(...) ((void)0)
#define vfprintf(...) ((void)0)
#define putchar(...) ((void)0)
#define putc(...) ((void)0)
#define fputs(...) ((void)0)
#define fwrite(...) ((void)0)
#define fflush(...) ((void)0)

// The stack of WebAssembly itself cannot be measured. What the functions through which C code
// calls itself take of it is added up instead, in bytes: more than on x86-64, where the
// interpreter has 1,100 bytes and the functions between two of these calls some 500. A host
// gives a plugin half a megabyte.
#define MAX_NATIVE_STACK (440 << 10)
extern int kumiki_native_stack;
static inline void kumiki_leave(int *taken) { kumiki_native_stack -= *taken; }
#define KUMIKI_TAKE_STACK(bytes)                                                                   \
    int kumiki_taken __attribute__((cleanup(kumiki_leave))) = bytes;                               \
    kumiki_native_stack += kumiki_taken;

#endif
