/* transport.c: the transport of a connection: its BIO, its life, and whether it takes another record. */
#include "transport/bio.h"

#include <errno.h>
#include <string.h>

/* ---- the BIO's control ------------------------------------------------------------------------------------------ */

static int get_descriptor(const sci_transport *transport, int *descriptor) {
    int found = transport->socket ? sci_socket_descriptor(transport->socket) : -1;
    if (descriptor) *descriptor = found;
    return found;
}

/* OpenSSL takes this for a fatal failure, and makes the session not resumable: so it is in a handshake. After it, a transport that
 * ends without close_notify is no reason not to resume (RFC 5246, section 7.2.1): where this says that it has not ended, OpenSSL
 * fails as of the system, and result.c finds that it has. */
static bool has_failed_by_end(const sci_transport *transport) {
    return transport->read.eof && !transport->orders.may_end;
}

SCI_APART static long control_other(BIO *bio, int command, long number, void *pointer) {
    sci_transport *transport = BIO_get_data(bio);
    long result;
    if (transport->datagrams && sci_datagram_control(transport, command, pointer, &result)) return result;
    switch (command) {
        case BIO_CTRL_EOF: return has_failed_by_end(transport);
        case BIO_C_GET_FD: return get_descriptor(transport, pointer);
        default: return transport->socket ? sci_ktls_control(transport, command, number, pointer) : 0;
    }
}

static bool kernel_encrypts(BIO *bio) { return ((const sci_transport *)BIO_get_data(bio))->ktls.on; }

/* OpenSSL asks the first three for each record, the first of them several times. */
static long transport_ctrl(BIO *bio, int command, long number, void *pointer) {
    if (command == BIO_CTRL_GET_KTLS_SEND) return kernel_encrypts(bio);
    if (command == BIO_CTRL_GET_KTLS_RECV) return 0;
    return command == BIO_CTRL_FLUSH ? 1 : control_other(bio, command, number, pointer);
}

static int transport_create(BIO *bio) {
    BIO_set_init(bio, 1);
    return 1;
}

static long memory_ctrl(BIO *bio, int command, long number, void *pointer) {
    const sci_transport *transport = BIO_get_data(bio);
    if (command == BIO_CTRL_EOF) return has_failed_by_end(transport) && transport->memory.in.length == 0;
    return transport_ctrl(bio, command, number, pointer);
}

/* ---- the methods, made once for each lua_State that needs them ----------------------------------------------- */

/* The types are OpenSSL's own: BIO_get_new_index has only few, and a program may load this module many times. */
static BIO_METHOD *new_method(int type, const char *name, int (*read)(BIO *, char *, size_t, size_t *),
                              int (*write)(BIO *, const char *, size_t, size_t *),
                              long (*control)(BIO *, int, long, void *)) {
    BIO_METHOD *method = BIO_meth_new(type, name);
    if (method && BIO_meth_set_read_ex(method, read) && BIO_meth_set_write_ex(method, write) &&
        BIO_meth_set_ctrl(method, control) && BIO_meth_set_create(method, transport_create))
        return method;
    BIO_meth_free(method);
    return NULL;
}

static BIO_METHOD *descriptor_method(sci_state *state) {
    if (!state->descriptor)
        state->descriptor = new_method(BIO_TYPE_SOURCE_SINK | BIO_TYPE_DESCRIPTOR, "scissl descriptor",
                                       sci_descriptor_read, sci_descriptor_write, transport_ctrl);
    return state->descriptor;
}

static BIO_METHOD *memory_method(sci_state *state) {
    if (!state->memory)
        state->memory = new_method(BIO_TYPE_MEM, "scissl memory", sci_memory_read, sci_memory_write, memory_ctrl);
    return state->memory;
}

static BIO_METHOD *datagram_method(sci_state *state) {
    if (!state->datagram)
        state->datagram = new_method(BIO_TYPE_SOURCE_SINK | BIO_TYPE_DESCRIPTOR, "scissl datagram", sci_datagram_read,
                                     sci_datagram_write, transport_ctrl);
    return state->datagram;
}

static BIO_METHOD *find_method(sci_state *state, const sci_transport *transport) {
    if (transport->datagrams) return datagram_method(state);
    return transport->socket ? descriptor_method(state) : memory_method(state);
}

BIO *sci_new_transport_bio(sci_state *state, sci_transport *transport) {
    const BIO_METHOD *method = find_method(state, transport);
    BIO *bio = method ? BIO_new(method) : NULL;
    if (bio) BIO_set_data(bio, transport);
    return bio;
}

/* ---- the transport ---------------------------------------------------------------------------------------------- */

void sci_transport_use_socket(sci_transport *transport, const sci_socket *socket) { transport->socket = socket; }

void sci_transport_use_datagrams(sci_transport *transport, bool datagrams) { transport->datagrams = datagrams; }

bool sci_transport_has_room(sci_transport *transport) {
    if (!transport->socket) return transport->memory.out.length < SCI_MEMORY_LIMIT;
    if (transport->failure.unsent) return false;
    if (transport->descriptor.rest.length == 0 || sci_descriptor_send_queued(transport)) return true;
    if (!sci_would_block(errno)) sci_transport_note_failure(transport, errno, true);
    return false;
}

void sci_transport_reset(sci_transport *transport) {
    memset(&transport->orders, 0, sizeof transport->orders);
    sci_read_reset(transport);
    sci_datagram_reset(transport);
    sci_early_reset(transport);
    sci_transport_drop_route(transport);
    sci_descriptor_drop(transport);
    sci_transport_forget(transport);
}

void sci_transport_close(sci_transport *transport) {
    sci_memory_drop_fed(transport);
    sci_transport_drop_route(transport);
    sci_descriptor_drop(transport);
    sci_transport_forget(transport);
}

void sci_transport_free(sci_transport *transport) {
    sci_memory_free(transport);
    sci_transport_close(transport);
}
