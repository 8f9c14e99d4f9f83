/* early_records.c: DTLS: records that OpenSSL must not see: those that are too short to be decrypted, and most of those that come
 * before their keys are there. OpenSSL keeps them until then, up to 100 of any
 * length, and anyone can send them. What a handshake needs is short: the Finished of the peer. */
#include "transport/bio.h"

#include <string.h>

#define HEADER 13        /* of a record: type, version, epoch, number, length */
#define EARLY_LENGTH 512 /* a Finished is shorter */
#define EARLY_RECORDS 16 /* the peer may send its Finished again and again */

void sci_early_reset(sci_transport *transport) { memset(&transport->early, 0, sizeof transport->early); }

void sci_transport_expect_finished(sci_transport *transport, bool expected) { transport->early.expected = expected; }

void sci_transport_note_least_record(sci_transport *transport, size_t least) { transport->early.least = least; }

/* A record with application data is dropped by OpenSSL as long as it has no keys. */
static bool may_pass(sci_transport *transport, const unsigned char *record, size_t length) {
    unsigned epoch = (unsigned)record[3] << 8 | record[4];
    if (epoch > 0 && length < transport->early.least) return false;
    if (transport->datagram.associated) return true;
    if (epoch == 0 || (epoch == 1 && record[0] == SSL3_RT_APPLICATION_DATA)) return true;
    if (epoch > 1 || length > EARLY_LENGTH) return false;
    return transport->early.expected || transport->early.records++ < EARLY_RECORDS;
}

size_t sci_screen_datagram(sci_transport *transport, const char *data, size_t length) {
    const unsigned char *record = (const unsigned char *)data;
    size_t left = length;
    while (left >= HEADER && record[0] >= SSL3_RT_CHANGE_CIPHER_SPEC && record[0] <= SSL3_RT_APPLICATION_DATA) {
        size_t content = (size_t)record[11] << 8 | record[12];
        if (!may_pass(transport, record, content)) return length - left;
        if (content > left - HEADER) break;
        record += HEADER + content;
        left -= HEADER + content;
    }
    return length;
}
