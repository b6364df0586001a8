// Awaits a function of its host for each text. Returns to the host while it waits, so that
// other calls of the instance go on.

#include <stdlib.h>
#include <string.h>

#include "enricher.h"

// A call that waits.
typedef struct {
    enricher_string_t text;
    enricher_string_t found;
    enricher_waitable_set_t set;
} call_t;

// Ends a call with `text: found`.
static enricher_callback_code_t finish(call_t *call) {
    enricher_string_t answer = {.len = call->text.len + 2 + call->found.len};
    answer.ptr = malloc(answer.len);
    memcpy(answer.ptr, call->text.ptr, call->text.len);
    memcpy(answer.ptr + call->text.len, ": ", 2);
    memcpy(answer.ptr + call->text.len + 2, call->found.ptr, call->found.len);
    exports_enricher_enrich_return(answer);
    enricher_string_free(&answer);
    enricher_string_free(&call->text);
    enricher_string_free(&call->found);
    free(call);
    return ENRICHER_CALLBACK_CODE_EXIT;
}

enricher_callback_code_t exports_enricher_enrich(enricher_string_t *text) {
    call_t *call = calloc(1, sizeof *call);
    call->text = *text;
    enricher_subtask_status_t status = enricher_look_up(call->text, &call->found);
    if (ENRICHER_SUBTASK_STATE(status) == ENRICHER_SUBTASK_RETURNED) return finish(call);
    call->set = enricher_waitable_set_new();
    enricher_waitable_join(ENRICHER_SUBTASK_HANDLE(status), call->set);
    enricher_context_set_0(call);
    return ENRICHER_CALLBACK_CODE_WAIT(call->set);
}

enricher_callback_code_t exports_enricher_enrich_callback(enricher_event_t *event) {
    call_t *call = enricher_context_get_0();
    if (event->event != ENRICHER_EVENT_SUBTASK || event->code != ENRICHER_SUBTASK_RETURNED) {
        return ENRICHER_CALLBACK_CODE_WAIT(call->set);
    }
    enricher_subtask_drop(event->waitable);
    enricher_waitable_set_drop(call->set);
    return finish(call);
}

void exports_enricher_describe(enricher_string_t *ret) {
    enricher_string_dup(ret, "enriches");
}
