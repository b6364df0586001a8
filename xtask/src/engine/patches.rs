//! Changes of quickjs-ng's `quickjs.c`.

use anyhow::{Result, bail, ensure};

/// A text that occurs once, and what replaces it.
struct Patch {
    before: &'static str,
    after: &'static str,
}

const PATCHES: [Patch; 17] = [
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
    Patch {
        before: "JS_CFUNC_DEF2(\"now\", 0, js_perf_now, JS_PROP_ENUMERABLE)",
        after: "JS_CFUNC_DEF2(\"now\", 0, js_perf_now, JS_PROP_C_W_E)",
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
    Patch {
        before: "    return unlikely(sp < rt->stack_limit);",
        after: "    return unlikely(sp < rt->stack_limit || kumiki_native_stack > MAX_NATIVE_STACK);",
    },
    // Functions that call each other, in `frames.h`: a call continues the interpreter with
    // the callee, and a return with the caller.
    Patch {
        before: "static JSValue JS_CallInternal(JSContext *caller_ctx,",
        after: "#include \"frames.h\"\n\nstatic JSValue JS_CallInternal(JSContext *caller_ctx,",
    },
    Patch {
        before: "    JSVarRef **var_refs;\n    size_t alloca_size;\n\n#ifdef ENABLE_DUMPS",
        after: "    JSVarRef **var_refs;\n    size_t alloca_size;\n    \
                Frame *frame = NULL;\n\n#ifdef ENABLE_DUMPS",
    },
    Patch {
        before: "    b = p->u.func.function_bytecode;\n\n    \
                 if (unlikely(argc < b->arg_count ||",
        after: " enter:\n    b = p->u.func.function_bytecode;\n\n    \
                if (unlikely(argc < b->arg_count ||",
    },
    Patch {
        before: "    if (js_check_stack_overflow(rt, alloca_size))\n        \
                 return JS_ThrowStackOverflow(caller_ctx);\n\n    \
                 sf->is_strict_mode",
        after: "    if (frame) {\n        \
                sf = &frame->sf;\n        \
                local_buf = (JSValue *)(frame + 1);\n    \
                } else {\n        \
                if (js_check_stack_overflow(rt, alloca_size))\n            \
                return JS_ThrowStackOverflow(caller_ctx);\n        \
                local_buf = alloca(alloca_size);\n    \
                }\n\n    \
                sf->is_strict_mode",
    },
    Patch {
        before: "    local_buf = alloca(alloca_size);\n    if (unlikely(arg_allocated_size)) {",
        after: "    if (unlikely(arg_allocated_size)) {",
    },
    Patch {
        before: "                call_argv = sp - call_argc;\n                \
                 sf->cur_pc = pc;\n                \
                 ret_val = JS_CallInternal(ctx, call_argv[-1], JS_UNDEFINED,\n                                          \
                 JS_UNDEFINED, call_argc,\n                                          \
                 vc(call_argv), 0);\n",
        after: "                call_argv = sp - call_argc;\n                \
                sf->cur_pc = pc;\n                \
                if (likely(is_bytecode_function(call_argv[-1])))\n                    \
                goto call_function;\n                \
                ret_val = call_other(ctx, call_argv[-1], JS_UNDEFINED, call_argc, vc(call_argv));\n",
    },
    Patch {
        before: "                call_argv = sp - call_argc;\n                \
                 sf->cur_pc = pc;\n                \
                 ret_val = JS_CallInternal(ctx, call_argv[-1], call_argv[-2],\n                                          \
                 JS_UNDEFINED, call_argc,\n                                          \
                 vc(call_argv), 0);\n",
        after: "                call_argv = sp - call_argc;\n                \
                sf->cur_pc = pc;\n                \
                if (likely(is_bytecode_function(call_argv[-1]))) {\n                \
                call_function:\n                    \
                p = JS_VALUE_GET_OBJ(call_argv[-1]);\n                    \
                Frame *next = frame_push(p->u.func.function_bytecode, call_argc);\n                    \
                if (unlikely(!next)) {\n                        \
                frame_overflow(ctx);\n                        \
                goto exception;\n                    \
                }\n                    \
                bool is_method = opcode == OP_call_method || opcode == OP_tail_call_method;\n                    \
                next->previous = frame;\n                    \
                next->caller_ctx = caller_ctx;\n                    \
                next->ctx = ctx;\n                    \
                next->func_obj = func_obj;\n                    \
                next->this_obj = this_obj;\n                    \
                next->new_target = new_target;\n                    \
                next->argc = argc;\n                    \
                next->argv = argv;\n                    \
                next->opcode = opcode;\n                    \
                next->call_argc = call_argc;\n                    \
                next->b = b;\n                    \
                next->caller_sf = sf;\n                    \
                next->pc = pc;\n                    \
                next->local_buf = local_buf;\n                    \
                next->stack_buf = stack_buf;\n                    \
                next->var_buf = var_buf;\n                    \
                next->arg_buf = arg_buf;\n                    \
                next->sp = sp;\n                    \
                next->var_refs = var_refs;\n                    \
                frame = next;\n                    \
                caller_ctx = ctx;\n                    \
                func_obj = call_argv[-1];\n                    \
                this_obj = is_method ? call_argv[-2] : JS_UNDEFINED;\n                    \
                new_target = JS_UNDEFINED;\n                    \
                argc = call_argc;\n                    \
                argv = vc(call_argv);\n                    \
                flags = 0;\n                    \
                goto enter;\n                \
                }\n                \
                ret_val = call_other(ctx, call_argv[-1], call_argv[-2], call_argc, vc(call_argv));\n",
    },
    Patch {
        before: "    rt->current_stack_frame = sf->prev_frame;\n    return ret_val;\n}\n\n\
                 JSValue JS_Call(",
        after: "    rt->current_stack_frame = sf->prev_frame;\n    \
                if (frame) {\n        \
                Frame *done_frame = frame;\n        \
                frame = done_frame->previous;\n        \
                caller_ctx = done_frame->caller_ctx;\n        \
                ctx = done_frame->ctx;\n        \
                func_obj = done_frame->func_obj;\n        \
                this_obj = done_frame->this_obj;\n        \
                new_target = done_frame->new_target;\n        \
                argc = done_frame->argc;\n        \
                argv = done_frame->argv;\n        \
                opcode = done_frame->opcode;\n        \
                b = done_frame->b;\n        \
                sf = done_frame->caller_sf;\n        \
                pc = done_frame->pc;\n        \
                local_buf = done_frame->local_buf;\n        \
                stack_buf = done_frame->stack_buf;\n        \
                var_buf = done_frame->var_buf;\n        \
                arg_buf = done_frame->arg_buf;\n        \
                sp = done_frame->sp;\n        \
                var_refs = done_frame->var_refs;\n        \
                int count = done_frame->call_argc;\n        \
                frame_pop(done_frame);\n        \
                if (unlikely(JS_IsException(ret_val)))\n            \
                goto exception;\n        \
                if (opcode == OP_tail_call || opcode == OP_tail_call_method)\n            \
                goto done;\n        \
                count += opcode == OP_call_method ? 2 : 1;\n        \
                for (i = 0; i < count; i++)\n            \
                JS_FreeValue(ctx, sp[i - count]);\n        \
                sp -= count;\n        \
                *sp++ = ret_val;\n        \
                goto restart;\n    \
                }\n    \
                return ret_val;\n}\n\n\
                JSValue JS_Call(",
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

/// The interpreter, and the bytes of the stack that are counted for it.
const INTERPRETER: (&str, u32) = ("JS_CallInternal", 1664);

/// The other functions through which the engine's own code can call itself without end, and
/// the bytes of the stack that are counted for each of them: `platform.h` says why.
const OTHERS: u32 = 640;
/// Several functions are between two of these.
const PROXIES: u32 = 1280;
const COUNTED_PROXIES: &str = "
    js_proxy_call js_proxy_define_own_property js_proxy_delete_property js_proxy_get
    js_proxy_getPrototypeOf js_proxy_get_own_property js_proxy_get_own_property_names
    js_proxy_has js_proxy_isArray js_proxy_isExtensible js_proxy_preventExtensions
    js_proxy_set js_proxy_setPrototypeOf
";
/// Nothing between two calls of these checks the stack, so they do.
const CHECKED: &str = "js_iterator_helper_next js_iterator_concat_next";
const COUNTED: &str = "
    JS_FlattenIntoArray JS_ReadObjectRec JS_WriteObjectRec async_func_resume
    internalize_json_property js_call_bound_function js_call_c_closure js_call_c_function
    js_call_c_function_data js_inner_module_evaluation js_inner_module_linking
    js_json_to_str json_parse_value
";
const COUNTED_REGEXP: &str = "re_parse_disjunction re_parse_nested_class";

const SMALL: &str = "#pragma clang attribute push(__attribute__((minsize)), apply_to = function)\n";
const NOT_SMALL: &str = "#pragma clang attribute pop\n";

/// Changes the text of `quickjs.c`.
pub(super) fn apply(mut text: String) -> Result<String> {
    for Patch { before, after } in PATCHES {
        let count = text.matches(before).count();
        ensure!(count == 1, "quickjs.c has {count} times:\n{before}");
        text = text.replace(before, after);
    }
    text = count(text, INTERPRETER.0, INTERPRETER.1)?;
    text = count(text, COUNTED, OTHERS)?;
    text = count(text, COUNTED_PROXIES, PROXIES)?;
    text = count(text, CHECKED, PROXIES)?;
    let taken = format!("    KUMIKI_TAKE_STACK({PROXIES})\n");
    for name in CHECKED.split_whitespace() {
        text = checked(&text, name, &taken)?;
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

/// Changes the text of `libregexp.c`.
pub(super) fn apply_to_regexp(text: String) -> Result<String> {
    count(text, COUNTED_REGEXP, OTHERS)
}

/// Counts bytes of the stack for each call of these functions.
fn count(text: String, names: &str, bytes: u32) -> Result<String> {
    let mut names: Vec<&str> = names.split_whitespace().collect();
    let mut result = String::with_capacity(text.len());
    let mut lines = text.split_inclusive('\n');
    while let Some(line) = lines.next() {
        result += line;
        let is_outermost = line.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        let found = names
            .iter()
            .position(|name| line.contains(&format!("{name}(")));
        let Some(found) = found.filter(|_| is_outermost && !line.contains('=')) else {
            continue;
        };
        let mut header = line.to_owned();
        while !header.trim_end().ends_with([';', '{']) {
            let Some(next) = lines.next() else { break };
            result += next;
            header += next;
        }
        if header.trim_end().ends_with('{') {
            result += &format!("    KUMIKI_TAKE_STACK({bytes})\n");
            names.remove(found);
        }
    }
    ensure!(names.is_empty(), "these functions are missing: {names:?}");
    Ok(result)
}

/// Adds a check of the stack where a function takes some of it.
fn checked(text: &str, name: &str, taken: &str) -> Result<String> {
    let start = format!("static JSValue {name}(");
    let at = text.match_indices(&start).find_map(|(at, _)| {
        let end = text[at..].find(['{', ';'])? + at;
        text[end..].starts_with('{').then_some(end)
    });
    let at = at.and_then(|at| Some(at + text[at..].find(taken)? + taken.len()));
    let Some(at) = at else {
        bail!("no function `{name}` takes stack");
    };
    let check = "    if (js_check_stack_overflow(ctx->rt, 0))\n        \
                 return JS_ThrowStackOverflow(ctx);\n";
    Ok([&text[..at], check, &text[at..]].concat())
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
