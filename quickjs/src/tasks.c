#include "engine.h"

EXPORT uint32_t wit_dylib_export_async_call(void *cx, size_t function) { __builtin_trap(); }
EXPORT uint32_t wit_dylib_export_async_callback(uint32_t a, uint32_t b, uint32_t c, size_t function) { __builtin_trap(); }
EXPORT uint32_t wit_dylib_pop_future(void *cx, size_t type) { __builtin_trap(); }
EXPORT uint32_t wit_dylib_pop_stream(void *cx, size_t type) { __builtin_trap(); }
EXPORT void wit_dylib_push_future(void *cx, size_t type, uint32_t handle) { __builtin_trap(); }
EXPORT void wit_dylib_push_stream(void *cx, size_t type, uint32_t handle) { __builtin_trap(); }
