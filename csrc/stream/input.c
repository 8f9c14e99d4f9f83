/* input.c: bytes that have arrived and have not been read. */
#include "stream/stream.h"

#include <string.h>

#define KEPT_CAPACITY 65536 /* bytes of memory that is kept while reads go on filling it */
#define LEAST_CAPACITY 64

static void move_to_front(sci_held *held) {
    size_t size = held->end - held->start;
    if (held->start == 0) return;
    memmove(held->bytes, held->bytes + held->start, size);
    held->start = 0;
    held->end = size;
}

#define LARGE ((size_t)4 * 1024 * 1024) /* bytes of memory from which on large pages pay */

/* Makes `capacity` that of the memory, which is made if it is NULL. NULL: out of memory; nothing has changed. */
static sci_held *resize(sci_held *held, size_t capacity) {
    sci_held *resized = OPENSSL_realloc(held, sizeof *held + capacity);
    if (!resized) return NULL;
    if (!held) *resized = (sci_held){0};
    resized->capacity = capacity;
    return resized;
}

bool sci_input_reserve(sci_input *input, size_t length) {
    sci_held *held = input->held;
    size_t size = sci_input_size(input), capacity = held ? held->capacity : 0;
    if (held && length <= capacity - held->end) return true;
    /* Moving less than what was taken costs no more than that did. */
    if (held && held->start >= size && length <= capacity - size) {
        move_to_front(held);
        return true;
    }
    if (length > SIZE_MAX / 4 - size) return false;
    if (capacity < LEAST_CAPACITY) capacity = LEAST_CAPACITY;
    while (capacity < size + length) capacity *= 2;
    if (held) move_to_front(held);
    held = resize(held, capacity);
    if (!held) return false;
    input->held = held;
    if (capacity >= LARGE) sci_prefer_large_pages(held, sizeof *held + capacity);
    return true;
}

void sci_input_free(sci_input *input) {
    input->taken += sci_input_size(input);
    if (!input->held) return;
    OPENSSL_free(input->held->spare);
    OPENSSL_free(input->held);
    input->held = NULL;
}

void sci_input_emptied(sci_input *input) {
    sci_held *held = input->held;
    held->start = held->end = 0;
    if (held->capacity != KEPT_CAPACITY) sci_input_free(input);
}

/* Memory that is much larger than what is in it is made smaller. */
static bool fit(sci_input *input, size_t capacity) {
    sci_held *held = input->held;
    if (capacity <= held->capacity && held->capacity - capacity <= capacity / 8) return true;
    held = resize(held, capacity);
    if (held) input->held = held;
    return held != NULL;
}

bool sci_input_prepare_parting(sci_input *input, size_t length, size_t skip, size_t extra) {
    sci_held *held = input->held;
    size_t left = sci_input_size(input) - length - skip;
    if (!held || held->start > 0 || left > KEPT_CAPACITY || length > SIZE_MAX / 2 - extra) return false;
    if (left > 0 && !held->spare) held->spare = resize(NULL, KEPT_CAPACITY);
    if (left > 0 && !held->spare) return false;
    if (!fit(input, held->end < length + extra ? length + extra : held->end)) return false;
    held = input->held;
    if (left > 0) memcpy(held->spare->bytes, held->bytes + length + skip, left);
    return true;
}

void sci_input_part(sci_input *input, size_t length, size_t skip) {
    size_t left = sci_input_size(input) - length - skip;
    sci_held *rest = input->held->spare;
    if (rest) rest->end = left;
    input->held = rest;
    input->taken += length + skip;
}

void sci_input_free_bytes(unsigned char *bytes) { OPENSSL_free(bytes - offsetof(sci_held, bytes)); }
