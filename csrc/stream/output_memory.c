/* output_memory.c: when a stream has memory for its output. An idle one has none. What one write gives back the next one takes, of
 * any stream. */
#include "stream/stream.h"

/* NULL: there is none, or lua_close has ended it. */
static sci_state *spare_of(const sci_stream *stream) {
    sci_state *state = stream->socket ? stream->socket->state : NULL;
    return state && state->descriptor ? state : NULL;
}

/* An output that is not used is empty, and in its first mode. */
static sci_output *make_output(void) {
    sci_output *out = OPENSSL_malloc(sizeof *out);
    if (out) sci_output_init(out);
    return out;
}

bool sci_stream_begin_output(sci_stream *stream) {
    if (sci_stream_has_output(stream)) return true;
    sci_state *state = spare_of(stream);
    sci_output *out = state && state->spare_output ? state->spare_output : make_output();
    if (!out) return false;
    if (state) state->spare_output = NULL;
    stream->out = out;
    return true;
}

/* A call that is sending may have to keep what is not taken. */
void sci_stream_end_output(sci_stream *stream) {
    sci_output *out = stream->out;
    if (!sci_stream_has_output(stream) || stream->sending || out->total > 0 || out->mode != SCI_BUFFER_NONE) return;
    sci_state *state = spare_of(stream);
    if (out->bytes.held) sci_output_drop(out); /* memory had run out */
    stream->out = (sci_output *)&sci_no_output;
    if (state && !state->spare_output) state->spare_output = out;
    else OPENSSL_free(out);
}

void sci_stream_free_output(sci_stream *stream) {
    if (!sci_stream_has_output(stream)) return;
    sci_output_drop(stream->out);
    OPENSSL_free(stream->out);
    stream->out = (sci_output *)&sci_no_output;
}
