// Ends a call as a trap and says why: a trap has no message, so the message,
// the function, the file and the line are logged first, at level error. The
// generated header of the contract includes this file.

#ifndef KUMIKI_FAIL_H
#define KUMIKI_FAIL_H

#include <stdlib.h>

_Noreturn void kumiki_fail_at(
    const char *what, const char *message, const char *file, int line, const char *function);

// Ends the call for the reason `message`.
#define kumiki_fail(message) kumiki_fail_at("failed: ", message, __FILE__, __LINE__, __func__)

// Says which `abort` it was.
#define abort() kumiki_fail_at("abort", "", __FILE__, __LINE__, __func__)

// What `assert` calls. The C library's own prints to a file.
#define __assert_fail kumiki_assert_fail

_Noreturn void kumiki_assert_fail(
    const char *expression, const char *file, int line, const char *function);

#endif
