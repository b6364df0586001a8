#include "engine.h"

#include <stdlib.h>
#include <string.h>

Names *record_names, *flag_names;
JSValue **enum_names, **variant_names;
JSAtom atom_tag, atom_val, atom_payload;
JSValue text_ok, text_err, text_some, text_none;

wit_type_t resolved(wit_type_t type)
{
    while (WIT_TYPE_KIND(type) == WIT_TYPE_ALIAS)
        type = wit->aliases[WIT_TYPE_INDEX(type)].ty;
    return type;
}

int typed_array_of(wit_type_t element)
{
    switch (WIT_TYPE_KIND(resolved(element))) {
    case WIT_TYPE_U8: return JS_TYPED_ARRAY_UINT8;
    case WIT_TYPE_S8: return JS_TYPED_ARRAY_INT8;
    case WIT_TYPE_U16: return JS_TYPED_ARRAY_UINT16;
    case WIT_TYPE_S16: return JS_TYPED_ARRAY_INT16;
    case WIT_TYPE_U32: return JS_TYPED_ARRAY_UINT32;
    case WIT_TYPE_S32: return JS_TYPED_ARRAY_INT32;
    case WIT_TYPE_U64: return JS_TYPED_ARRAY_BIG_UINT64;
    case WIT_TYPE_S64: return JS_TYPED_ARRAY_BIG_INT64;
    case WIT_TYPE_F32: return JS_TYPED_ARRAY_FLOAT32;
    case WIT_TYPE_F64: return JS_TYPED_ARRAY_FLOAT64;
    default: return -1;
    }
}

size_t typed_array_width(int class)
{
    switch (class) {
    case JS_TYPED_ARRAY_UINT8:
    case JS_TYPED_ARRAY_INT8: return 1;
    case JS_TYPED_ARRAY_UINT16:
    case JS_TYPED_ARRAY_INT16: return 2;
    case JS_TYPED_ARRAY_UINT32:
    case JS_TYPED_ARRAY_INT32:
    case JS_TYPED_ARRAY_FLOAT32: return 4;
    default: return 8;
    }
}

bool is_tagged_option(size_t option)
{
    return WIT_TYPE_KIND(resolved(wit->options[option].ty)) == WIT_TYPE_OPTION;
}

void camel_case(char *buffer, const char *name, bool upper)
{
    char *end = buffer + 255;
    bool start = upper;
    for (; *name && buffer < end; name++) {
        if (*name == '-') {
            start = true;
            continue;
        }
        char c = *name;
        if (c >= 'A' && c <= 'Z')
            c += 'a' - 'A';
        if (start && c >= 'a' && c <= 'z')
            c += 'A' - 'a';
        *buffer++ = c;
        start = false;
    }
    *buffer = 0;
}

static JSAtom camel_atom(const char *name)
{
    char buffer[256];
    camel_case(buffer, name, false);
    return JS_NewAtom(js, buffer);
}

JSAtom symbol_atom(const char *name)
{
    JSValue global = JS_GetGlobalObject(js), symbols = JS_GetPropertyStr(js, global, "Symbol");
    JSValue symbol = JS_GetPropertyStr(js, symbols, name);
    JSAtom atom = JS_IsSymbol(symbol) ? JS_ValueToAtom(js, symbol) : JS_ATOM_NULL;
    JS_FreeValue(js, symbol);
    JS_FreeValue(js, symbols);
    JS_FreeValue(js, global);
    return atom;
}

// `names` is the first of `count` pointers to a name, each `stride` bytes after the
// one before.
static Names field_names(const void *names, size_t count, size_t stride)
{
    Names result = {allocate(count, sizeof(JSAtom))};
    for (size_t i = 0; i < count; i++)
        result.atoms[i] = camel_atom(*(const char **)((const char *)names + i * stride));
    return result;
}

static JSValue *case_names(const void *names, size_t count, size_t stride)
{
    JSValue *result = allocate(count, sizeof(JSValue));
    for (size_t i = 0; i < count; i++) {
        const char *name = *(const char **)((const char *)names + i * stride);
        result[i] = JS_NewAtomString(js, name);
    }
    return result;
}

void types_start(void)
{
    atom_tag = JS_NewAtom(js, "tag");
    atom_val = JS_NewAtom(js, "val");
    atom_payload = JS_NewAtom(js, "payload");
    text_ok = JS_NewAtomString(js, "ok");
    text_err = JS_NewAtomString(js, "err");
    text_some = JS_NewAtomString(js, "some");
    text_none = JS_NewAtomString(js, "none");
    record_names = allocate(wit->num_records, sizeof(Names));
    for (size_t i = 0; i < wit->num_records; i++)
        record_names[i] =
            field_names(wit->records[i].fields, wit->records[i].nfields, sizeof(wit_field_t));
    flag_names = allocate(wit->num_flags, sizeof(Names));
    for (size_t i = 0; i < wit->num_flags; i++)
        flag_names[i] = field_names(wit->flags[i].names, wit->flags[i].nnames, sizeof(char *));
    enum_names = allocate(wit->num_enums, sizeof(JSValue *));
    for (size_t i = 0; i < wit->num_enums; i++)
        enum_names[i] = case_names(wit->enums[i].names, wit->enums[i].nnames, sizeof(char *));
    variant_names = allocate(wit->num_variants, sizeof(JSValue *));
    for (size_t i = 0; i < wit->num_variants; i++)
        variant_names[i] =
            case_names(wit->variants[i].cases, wit->variants[i].ncases, sizeof(wit_case_t));
}
