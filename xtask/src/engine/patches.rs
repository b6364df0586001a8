//! Changes of quickjs-ng's `quickjs.c`.

use anyhow::{Result, ensure};

/// A text that occurs once, and what replaces it.
struct Patch {
    before: &'static str,
    after: &'static str,
}

const PATCHES: [Patch; 7] = [
    // A plugin may have no clock: then these throw.
    Patch {
        before: "        val = date_now();\n",
        after: "        if (kumiki_now(ctx, &val))\n            return JS_EXCEPTION;\n",
    },
    Patch {
        before: "    return js_int64(date_now());",
        after: "    double now;\n    \
                return kumiki_now(ctx, &now) ? JS_EXCEPTION : js_int64((int64_t)now);",
    },
    Patch {
        before: "static int64_t date_now(void) {\n    \
                 return js__gettimeofday_us() / 1000;\n}\n",
        after: "",
    },
    Patch {
        before: "return js__hrtime_ns() / 1e6;",
        after: "return 0;",
    },
    // The context is created when the library is built. `Math.random` is replaced.
    Patch {
        before: "ctx->random_state = js__gettimeofday_us();",
        after: "ctx->random_state = 1;",
    },
    // strtod is another 10 KB, and its numbers are never integers for the interpreter.
    Patch {
        before: "    s->token.u.num.val = js_float64(strtod((const char *)p_start, NULL));",
        after: "    JSATODTempMem memory;\n    \
                double number = js_atod((const char *)p_start, NULL, 10, 0, &memory);\n    \
                s->token.u.num.val = JS_NewNumber(s->ctx, number);",
    },
    // The case of ASCII, eight characters at a time: see `quickjs/src/library.c`.
    Patch {
        before: "    if (string_buffer_init(ctx, b, p->len))\n        \
                 goto fail;\n    \
                 for(i = 0; i < p->len;) {\n        \
                 c = string_getc(p, &i);\n        \
                 if (c == 0x3a3",
        after: "    JSValue kumiki_ascii_case(JSContext *, const JSString *, bool);\n    \
                JSValue ascii = kumiki_ascii_case(ctx, p, to_lower);\n    \
                if (!JS_IsUndefined(ascii)) {\n        \
                JS_FreeValue(ctx, val);\n        \
                return ascii;\n    \
                }\n    \
                if (string_buffer_init(ctx, b, p->len))\n        \
                goto fail;\n    \
                for(i = 0; i < p->len;) {\n        \
                c = string_getc(p, &i);\n        \
                if (c == 0x3a3",
    },
];

/// The functions that plugins spend their time in, by profiles of plugins that upper-case,
/// split, match, parse JSON, loop and make objects. They are compiled for speed, and all
/// others for size.
const FAST: &str = "
    JS_CallFree JS_CallInternal JS_ConcatString JS_ConcatString2 JS_CreateProperty
    JS_DefineProperty JS_DefinePropertyValue JS_DefinePropertyValueValue JS_FreeValue
    JS_FreeValueRT JS_GetPropertyInternal JS_GetPropertyValue JS_IteratorNext2
    JS_NewObjectFromShape JS_NewStringLen JS_SetPropertyInternal2 JS_ToCStringLen2
    JS_ToQuotedString JS_ToStringInternal JS_TryGetPropertyInt64 JS_ValueToAtomInternal
    __JS_AtomToValue __JS_FindAtom add_fast_array_element add_property add_shape_property
    expand_fast_array find_own_property free_gc_object free_object free_property js_add_slow
    js_alloc_string js_alloc_string_rt js_arena_malloc js_array_finalizer
    js_array_from_iterator js_array_iterator_next js_call_c_function js_free_rt
    js_free_shape0 js_free_value_rt js_get_fast_array_element js_json_to_str js_malloc_rt
    js_new_shape2 js_new_string8_len js_new_string_char js_realloc_rt js_strict_eq2
    js_string_charCodeAt js_string_indexOf js_string_slice js_sub_string json_next_token
    json_parse_value string_buffer_concat string_buffer_putc8 string_buffer_write8
    string_cmp string_getc string_indexof string_indexof_char
";

const SMALL: &str = "#pragma clang attribute push(__attribute__((minsize)), apply_to = function)\n";
const NOT_SMALL: &str = "#pragma clang attribute pop\n";

/// Changes the text of `quickjs.c`.
pub(super) fn apply(mut text: String) -> Result<String> {
    for Patch { before, after } in PATCHES {
        let count = text.matches(before).count();
        ensure!(count == 1, "quickjs.c has {count} times:\n{before}");
        text = text.replace(before, after);
    }
    for name in FAST.split_whitespace() {
        let changed;
        (text, changed) = exempt(&text, name);
        ensure!(changed, "quickjs.c has no function `{name}`");
    }
    let includes = "#include \"dtoa.h\"\n";
    ensure!(text.matches(includes).count() == 1, "the includes");
    text = text.replace(includes, &format!("{includes}{SMALL}"));
    Ok(text + NOT_SMALL)
}

/// Ends the attribute for the declarations of a function and its definition. Returns
/// whether there is a definition.
fn exempt(text: &str, name: &str) -> (String, bool) {
    let call = format!("{name}(");
    let (mut result, mut has_definition) = (String::with_capacity(text.len()), false);
    let mut lines = text.split_inclusive('\n').peekable();
    while let Some(line) = lines.next() {
        let is_outermost = line.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        let before = line.find(&call).map(|at| &line[..at]);
        let declares = before.is_some_and(|before| {
            before.ends_with([' ', '*']) && !before.contains(['=', '(', ')', '#'])
        });
        if !is_outermost || !declares {
            result += line;
            continue;
        }
        let mut item = line.to_owned();
        while !item.trim_end().ends_with([';', ')', '{']) {
            item += lines.next().unwrap_or_default();
        }
        if item.trim_end().ends_with(')') && lines.peek().is_some_and(|next| next.starts_with('{'))
        {
            has_definition = true;
            for line in lines.by_ref() {
                item += line;
                if line.starts_with('}') {
                    break;
                }
            }
        }
        result += NOT_SMALL;
        result += &item;
        result += SMALL;
    }
    (result, has_definition)
}
