#include "platform.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

int kumiki_native_stack;

typedef struct {
    char *buffer;
    size_t size, length;
} Output;

static void put(Output *output, char c)
{
    if (output->length + 1 < output->size)
        output->buffer[output->length] = c;
    output->length++;
}

static void put_padded(Output *output, const char *text, int length, int width, bool left, char fill)
{
    int padding = width > length ? width - length : 0;
    for (int i = 0; !left && i < padding; i++)
        put(output, fill);
    for (int i = 0; i < length; i++)
        put(output, text[i]);
    for (int i = 0; left && i < padding; i++)
        put(output, ' ');
}

static void put_number(Output *output, uint64_t magnitude, bool negative, unsigned base, int width,
                       bool left, char fill)
{
    char digits[24], *end = digits + sizeof digits, *first = end;
    do {
        *--first = "0123456789abcdef"[magnitude % base];
        magnitude /= base;
    } while (magnitude);
    if (negative && fill == '0') {
        put(output, '-');
        width--;
    } else if (negative) {
        *--first = '-';
    }
    put_padded(output, first, (int)(end - first), width, left, fill);
}

int kumiki_vsnprintf(char *buffer, size_t size, const char *format, va_list arguments)
{
    Output output = {buffer, size, 0};
    for (; *format; format++) {
        if (*format != '%') {
            put(&output, *format);
            continue;
        }
        format++;
        bool left = false;
        char fill = ' ';
        for (; *format == '-' || *format == '0' || *format == '+'; format++) {
            left |= *format == '-';
            if (*format == '0')
                fill = '0';
        }
        int width = 0, precision = -1, longs = 0;
        if (*format == '*') {
            width = va_arg(arguments, int);
            format++;
        }
        for (; *format >= '0' && *format <= '9'; format++)
            width = width * 10 + *format - '0';
        if (*format == '.') {
            format++;
            precision = 0;
            if (*format == '*') {
                precision = va_arg(arguments, int);
                format++;
            }
            for (; *format >= '0' && *format <= '9'; format++)
                precision = precision * 10 + *format - '0';
        }
        for (; *format == 'l' || *format == 'z'; format++)
            longs += *format == 'l';
        switch (*format) {
        case 'd':
        case 'i': {
            int64_t value = longs > 1 ? va_arg(arguments, long long) : va_arg(arguments, int);
            uint64_t magnitude = value < 0 ? -(uint64_t)value : (uint64_t)value;
            put_number(&output, magnitude, value < 0, 10, width, left, fill);
            break;
        }
        case 'u':
        case 'x': {
            uint64_t value =
                longs > 1 ? va_arg(arguments, unsigned long long) : va_arg(arguments, unsigned);
            put_number(&output, value, false, *format == 'u' ? 10 : 16, width, left, fill);
            break;
        }
        case 'p':
            put_number(&output, (uintptr_t)va_arg(arguments, void *), false, 16, width, left, fill);
            break;
        case 'c': {
            char c = (char)va_arg(arguments, int);
            put_padded(&output, &c, 1, width, left, ' ');
            break;
        }
        case 's': {
            const char *text = va_arg(arguments, const char *);
            int length = 0;
            while (text && (precision < 0 || length < precision) && text[length])
                length++;
            put_padded(&output, text, length, width, left, ' ');
            break;
        }
        case '%':
            put(&output, '%');
            break;
        default:
            // A conversion that this function lacks: the output would be wrong.
            __builtin_trap();
        }
    }
    if (size)
        buffer[output.length < size ? output.length : size - 1] = 0;
    return (int)output.length;
}

int kumiki_snprintf(char *buffer, size_t size, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = kumiki_vsnprintf(buffer, size, format, arguments);
    va_end(arguments);
    return length;
}

struct tm *kumiki_localtime_r(const time_t *time, struct tm *local)
{
    (void)time;
    // QuickJS reads nothing except the difference to UTC.
    memset(local, 0, sizeof *local);
    return local;
}
