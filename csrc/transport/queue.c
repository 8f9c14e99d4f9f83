/* queue.c: a queue of bytes. */
#include "transport/transport.h"

#include <stdlib.h>
#include <string.h>

#define QUEUE_KEEPS 32768 /* an empty queue with more bytes of capacity gives them back */

void sci_queue_free(sci_queue *queue) {
    free(queue->bytes);
    memset(queue, 0, sizeof *queue);
}

static bool queue_grow(sci_queue *queue, size_t needed) {
    size_t capacity = queue->capacity ? queue->capacity : 4096;
    while (capacity < needed) {
        if (capacity > SIZE_MAX / 2) return false;
        capacity *= 2;
    }
    unsigned char *bytes = realloc(queue->bytes, capacity);
    if (!bytes) return false;
    queue->bytes = bytes;
    queue->capacity = capacity;
    return true;
}

/* Moves the bytes to the front only if at least as many have left the queue since the last move: no more bytes are moved than
 * leave, however small the pieces are. */
bool sci_queue_put(sci_queue *queue, const void *bytes, size_t length) {
    if (length == 0) return true;
    if (length > SIZE_MAX - queue->start - queue->length) return false;
    bool pays = queue->start > 0 && queue->start >= queue->length;
    if (pays && queue->start + queue->length + length > queue->capacity) {
        memmove(queue->bytes, queue->bytes + queue->start, queue->length);
        queue->start = 0;
    }
    size_t needed = queue->start + queue->length + length;
    if (needed > queue->capacity && !queue_grow(queue, needed)) return false;
    memcpy(queue->bytes + queue->start + queue->length, bytes, length);
    queue->length += length;
    return true;
}

/* The length of a datagram stands before its bytes. */
typedef uint32_t datagram_length;

bool sci_queue_put_datagram(sci_queue *queue, const void *bytes, size_t length) {
    datagram_length prefix = (datagram_length)length;
    if (!sci_queue_put(queue, &prefix, sizeof prefix)) return false;
    if (sci_queue_put(queue, bytes, length)) return true;
    queue->length -= sizeof prefix;
    return false;
}

const unsigned char *sci_queue_datagram(const sci_queue *queue, size_t *length) {
    datagram_length prefix;
    *length = 0;
    if (queue->length < sizeof prefix) return NULL;
    memcpy(&prefix, queue->bytes + queue->start, sizeof prefix);
    *length = prefix;
    return queue->bytes + queue->start + sizeof prefix;
}

/* A server has two queues for each of its peers, most of which are silent. */
void sci_queue_skip_datagram(sci_queue *queue) {
    size_t length;
    if (!sci_queue_datagram(queue, &length)) return;
    sci_queue_skip(queue, sizeof(datagram_length) + length);
    if (queue->length == 0) sci_queue_free(queue);
}

void sci_queue_empty(sci_queue *queue) {
    queue->start = queue->length = 0;
    if (queue->capacity > QUEUE_KEEPS) sci_queue_free(queue);
}
