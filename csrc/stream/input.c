/* input.c: bytes that have arrived and have not been read. */
#include "stream/stream.h"

#include <string.h>

#define KEPT_CAPACITY 65536 /* bytes of memory that is kept while reads go on filling it */
#define LEAST_CAPACITY 64

static void move_to_front(sci_input *input) {
    size_t size = sci_input_size(input);
    if (input->start == 0) return;
    memmove(input->bytes, input->bytes + input->start, size);
    input->start = 0;
    input->end = size;
}

#define LARGE ((size_t)4 * 1024 * 1024) /* bytes of memory from which on large pages pay */

bool sci_input_reserve(sci_input *input, size_t length) {
    size_t size = sci_input_size(input);
    if (length <= input->capacity - input->end) return true;
    /* Moving less than what was taken costs no more than that did. */
    if (input->start >= size && length <= input->capacity - size) {
        move_to_front(input);
        return true;
    }
    if (length > SIZE_MAX / 2 - size) return false;
    size_t capacity = input->capacity < LEAST_CAPACITY ? LEAST_CAPACITY : input->capacity;
    while (capacity < size + length) capacity *= 2;
    if (input->start > 0) move_to_front(input);
    unsigned char *bytes = OPENSSL_realloc(input->bytes, capacity);
    if (!bytes) return false;
    input->bytes = bytes;
    input->capacity = capacity;
    if (capacity >= LARGE) sci_prefer_large_pages(bytes, capacity);
    return true;
}

void sci_input_free(sci_input *input) {
    OPENSSL_free(input->bytes);
    if (input->spare) OPENSSL_free(input->spare);
    *input = (sci_input){.taken = input->taken + sci_input_size(input)};
}

void sci_input_emptied(sci_input *input) {
    input->start = input->end = 0;
    if (input->capacity != KEPT_CAPACITY) sci_input_free(input);
}

/* Memory that is much larger than what is in it is made smaller. */
static bool fit(sci_input *input, size_t capacity) {
    if (capacity <= input->capacity && input->capacity - capacity <= capacity / 8) return true;
    unsigned char *bytes = OPENSSL_realloc(input->bytes, capacity);
    if (!bytes) return false;
    input->bytes = bytes;
    input->capacity = capacity;
    return true;
}

bool sci_input_prepare_parting(sci_input *input, size_t length, size_t skip, size_t extra) {
    size_t left = sci_input_size(input) - length - skip;
    if (input->start > 0 || left > KEPT_CAPACITY || length > SIZE_MAX - extra) return false;
    if (left > 0 && !input->spare) input->spare = OPENSSL_malloc(KEPT_CAPACITY);
    if ((left > 0 && !input->spare) || !fit(input, input->end < length + extra ? length + extra : input->end))
        return false;
    if (left > 0) memcpy(input->spare, input->bytes + length + skip, left);
    return true;
}

void sci_input_part(sci_input *input, size_t length, size_t skip) {
    size_t left = sci_input_size(input) - length - skip;
    sci_input rest = {.taken = input->taken + length + skip};
    if (left > 0) {
        rest.bytes = input->spare;
        rest.end = left;
        rest.capacity = KEPT_CAPACITY;
    } else rest.spare = input->spare;
    *input = rest;
}
