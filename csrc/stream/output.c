/* output.c: bytes that are written and have not been sent. Short texts are copied; long ones are named by their number. Knows no
 * Lua. */
#include "stream/stream.h"

#include <string.h>

#define RECORD SSL3_RT_MAX_PLAIN_LENGTH

const sci_output sci_no_output = {.mode = SCI_BUFFER_NONE, .size = RECORD};

void sci_output_init(sci_output *output) {
    *output = (sci_output){.mode = SCI_BUFFER_NONE, .size = RECORD, .pieces = &output->only, .room = 1};
}

void sci_output_drop(sci_output *output) {
    if (output->pieces != &output->only) OPENSSL_free(output->pieces);
    sci_input_free(&output->bytes);
    sci_output empty = {.mode = output->mode, .size = output->size, .pieces = &output->only, .room = 1};
    *output = empty;
}

/* Makes room for `count` more pieces. */
static bool reserve_pieces(sci_output *output, size_t count) {
    size_t used = output->count - output->first;
    if (count <= output->room - output->count) return true;
    size_t room = 2 * (used + count);
    sci_piece *pieces = room <= SIZE_MAX / sizeof *pieces ? OPENSSL_malloc(room * sizeof *pieces) : NULL;
    if (!pieces) return false;
    memcpy(pieces, output->pieces + output->first, used * sizeof *pieces);
    if (output->pieces != &output->only) OPENSSL_free(output->pieces);
    output->pieces = pieces;
    output->room = room;
    output->first = 0;
    output->count = used;
    return true;
}

bool sci_output_reserve(sci_output *output, const sci_output_need *need) {
    if (need->total >= SIZE_MAX - output->total) return false;
    return sci_input_reserve(&output->bytes, need->bytes) && reserve_pieces(output, need->pieces);
}

/* On 32 bits a list that names one string often has more bytes than there is memory. */
static void add_up(size_t *sum, size_t length) { *sum = length < SIZE_MAX - *sum ? *sum + length : SIZE_MAX; }

void sci_output_count(sci_output_need *need, size_t length) {
    bool is_long = length >= SCI_LONG_TEXT;
    add_up(&need->total, length);
    add_up(&need->bytes, is_long ? 2 * (size_t)RECORD : length);
    need->pieces += is_long ? 3 : 1;
    need->longs += is_long;
}

static void add_bytes(sci_output *output, const char *bytes, size_t length) {
    if (length == 0) return;
    memcpy(sci_input_room(&output->bytes), bytes, length);
    sci_input_added(&output->bytes, length);
    output->total += length;
    if (output->count > output->first && output->pieces[output->count - 1].number == 0)
        output->pieces[output->count - 1].length += length;
    else output->pieces[output->count++] = (sci_piece){.length = length};
}

void sci_output_add_long(sci_output *output, int number, size_t offset, size_t length) {
    if (length == 0) return;
    output->pieces[output->count++] = (sci_piece){.length = length, .offset = offset, .number = number};
    output->total += length;
}

/* Full records of a long text are not copied. Its first bytes fill the record that is begun. */
static void add_records(sci_output *output, const char *text, size_t length, int number) {
    size_t begun = (output->total - output->due) % RECORD, top = begun ? RECORD - begun : 0;
    size_t whole = (length - top) / RECORD * RECORD;
    add_bytes(output, text, top);
    sci_output_add_long(output, number, top, whole);
    add_bytes(output, text + top + whole, length - top - whole);
}

static size_t through_last_line(const char *text, size_t length) {
    while (length > 0 && text[length - 1] != '\n') length--;
    return length;
}

void sci_output_add(sci_output *output, const char *text, size_t length, int number) {
    size_t before = output->total;
    if (number > 0) add_records(output, text, length, number);
    else add_bytes(output, text, length);
    if (output->mode != SCI_BUFFER_LINES) return;
    size_t lines = through_last_line(text, length);
    if (lines > 0) output->lines = before + lines;
}

void sci_output_release(sci_output *output) {
    size_t held = output->total - output->due;
    if (output->mode == SCI_BUFFER_NONE || (held >= output->size && (held < RECORD || output->mode != SCI_BUFFER_FULL)))
        output->due = output->total;
    else if (held >= output->size) output->due += held / RECORD * RECORD;
    else if (output->lines > output->due) output->due = output->lines;
}

bool sci_output_next(const sci_output *output, sci_piece *next) {
    if (output->due == 0) return false;
    *next = output->pieces[output->first];
    if (next->length > output->due) next->length = output->due;
    return true;
}

int sci_output_sent(sci_output *output, size_t length) {
    sci_piece *piece = &output->pieces[output->first];
    int number = piece->number;
    piece->length -= length;
    piece->offset += length;
    output->total -= length;
    output->due -= length;
    output->lines = output->lines > length ? output->lines - length : 0;
    if (number == 0) sci_input_skip(&output->bytes, length);
    if (piece->length > 0) return 0;
    output->first++;
    if (output->total == 0) sci_output_drop(output);
    return number;
}
