/* error_queue.c: OpenSSL's error queue: cleared, and copied. Only this file reads it. */
#include "base/error.h"

#include <errno.h>
#include <string.h>

void sci_clear_errors(void) {
    errno = 0;                                    /* see sci_take_errors */
    if (ERR_peek_error() != 0) ERR_clear_error(); /* ERR_clear_error takes four times as long */
}

const char *sci_path_subject(const char *path) {
    if (strstr(path, "-----BEGIN ")) return "PEM text";
    return strstr(path, "pin-value=") ? "URI with a PIN" : path;
}

/* Copies as much of `text` as there is room for; cuts no character of UTF-8. */
static const char *keep_text(sci_queue_entry *entry, const char *text) {
    size_t room = sizeof entry->texts - entry->used;
    if (!text || room == 0) return NULL;
    size_t length = strlen(text);
    if (length >= room)
        for (length = room - 1; length > 0 && (text[length] & 0xC0) == 0x80;) length--;
    char *kept = entry->texts + entry->used;
    memcpy(kept, text, length);
    kept[length] = 0;
    entry->used += length + 1;
    return kept;
}

/* Moves the oldest entry of OpenSSL's queue. False: there is none. */
static bool take_entry(sci_queue_entry *entry) {
    const char *file, *function, *data;
    int flags;
    entry->used = 0;
    entry->code = ERR_peek_error_all(&file, &entry->line, &function, &data, &flags);
    if (entry->code == 0) return false;
    bool system = ERR_SYSTEM_ERROR(entry->code);
    entry->library = keep_text(entry, ERR_lib_error_string(entry->code));
    entry->reason =
        keep_text(entry, system ? strerror(ERR_GET_REASON(entry->code)) : ERR_reason_error_string(entry->code));
    entry->function = keep_text(entry, function);
    entry->file = keep_text(entry, file);
    /* OpenSSL may quote the path or URI that it was given. */
    bool shown = (flags & ERR_TXT_STRING) && *data && sci_path_subject(data) == data;
    entry->data = shown ? keep_text(entry, data) : NULL;
    (void)ERR_get_error();
    return true;
}

/* errno: OpenSSL does not always report that memory has run out; malloc leaves ENOMEM. */
void sci_take_errors(sci_error_queue *queue) {
    queue->no_memory = errno == ENOMEM;
    queue->count = 0;
    while (queue->count < SCI_QUEUE_ENTRIES && take_entry(&queue->entries[queue->count])) queue->count++;
    sci_clear_errors();
}
