/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Encoding and decoding of the attach protocol's records: pure functions, used by both ends and by
 * the fuzzer. Nothing is trusted: not the length, not the type, not the version, not a flag that
 * this version does not know. PROTOCOL.md has the same as a table of bytes.
 *
 * Runs in the monitor and in commands. May fail with EPROTO only, with a text that can be sent to
 * the peer as it is.
 */
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include <cattach/attach.h>

#define SIGNAL_MAX 64

/* ---- numbers, most significant byte first ---- */

static uint8_t *put(uint8_t *p, uint64_t value, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		p[i] = (uint8_t)(value >> (8 * (bytes - 1 - i)));
	return p + bytes;
}

static uint64_t get(const uint8_t **p, unsigned bytes)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < bytes; i++)
		value = value << 8 | *(*p)++;
	return value;
}

/* ---- what a body is made of ---- */

/* Bytes of a body of fixed size; -1 for a type that nobody knows. Text and stdin come on top. */
static int fixed_size(enum ct_message_type type)
{
	switch (type) {
	case CT_MSG_STDIN:
	case CT_MSG_EOF:
	case CT_MSG_DETACH:
	case CT_MSG_CLIENTS_GET:
	case CT_MSG_NAMESPACES_GET:
	case CT_MSG_LOG_REOPEN:
	case CT_MSG_EXIT:
	case CT_MSG_ROOM:
	case CT_MSG_DETACHED:
	case CT_MSG_NAMESPACES:
		return 0;
	case CT_MSG_SIGNAL:
		return 1;
	case CT_MSG_RESIZE:
	case CT_MSG_SEGMENT_GET:
	case CT_MSG_CLIENT_DROP:
	case CT_MSG_LOG_REOPENED:
	case CT_MSG_ERROR:
		return 4;
	case CT_MSG_HELLO:
	case CT_MSG_POSITION:
	case CT_MSG_POSITION_GET:
	case CT_MSG_WELCOME:
		return 8;
	case CT_MSG_SEGMENT:
		return 12;
	case CT_MSG_CLIENT:
		return 32;
	}
	return -1;
}

static bool has_data(enum ct_message_type type)
{
	return type == CT_MSG_STDIN || type == CT_MSG_ERROR;
}

/* Which flags a type may carry. */
static uint32_t known_flags(enum ct_message_type type)
{
	if (type == CT_MSG_HELLO)
		return CT_HELLO_ALL;
	return UINT32_MAX;
}

/* ---- encoding ---- */

/* The fixed part of a body; its end. */
static uint8_t *put_body(const struct ct_message *m, uint8_t *p)
{
	switch (m->type) {
	case CT_MSG_SIGNAL:
		return put(p, (unsigned)m->signal, 1);
	case CT_MSG_RESIZE:
		return put(put(p, m->rows, 2), m->columns, 2);
	case CT_MSG_HELLO:
		return put(put(put(p, m->flags, 4), m->rows, 2), m->columns, 2);
	case CT_MSG_SEGMENT_GET:
	case CT_MSG_CLIENT_DROP:
	case CT_MSG_LOG_REOPENED:
		return put(p, m->number, 4);
	case CT_MSG_POSITION:
	case CT_MSG_POSITION_GET:
		return put(p, m->offset, 8);
	case CT_MSG_ERROR:
		return put(p, m->flags, 4);
	case CT_MSG_WELCOME:
		return put(put(p, m->flags, 4), m->number, 4);
	case CT_MSG_SEGMENT:
		return put(put(p, m->number, 4), m->offset, 8);
	case CT_MSG_CLIENT:
		p = put(put(put(put(p, m->number, 4), m->pid, 4), m->uid, 4), m->flags, 4);
		return put(put(p, m->offset, 8), m->time, 8);
	case CT_MSG_STDIN:
	case CT_MSG_EOF:
	case CT_MSG_DETACH:
	case CT_MSG_CLIENTS_GET:
	case CT_MSG_NAMESPACES_GET:
	case CT_MSG_LOG_REOPEN:
	case CT_MSG_EXIT:
	case CT_MSG_ROOM:
	case CT_MSG_DETACHED:
	case CT_MSG_NAMESPACES:
		return p;
	}
	return p;
}

ssize_t ct_message_encode(const struct ct_message *message, uint8_t *record)
{
	uint8_t *body = record + CT_ATTACH_HEADER;
	int fixed = fixed_size(message->type);
	size_t size = has_data(message->type) ? message->size : 0;

	if (fixed < 0 || size > CT_ATTACH_DATA_MAX - (size_t)fixed)
		return -EMSGSIZE;
	/* First, for the data may lie in the record already. */
	if (size && message->data != body + fixed)
		memmove(body + fixed, message->data, size);
	put_body(message, body);
	record[0] = (uint8_t)message->type;
	record[1] = CT_ATTACH_VERSION;
	record[2] = record[3] = 0;
	put(record + 4, (size_t)fixed + size, 4);
	return (ssize_t)(CT_ATTACH_HEADER + (size_t)fixed + size);
}

/* ---- decoding ---- */

static void get_body(const uint8_t *p, struct ct_message *m)
{
	switch (m->type) {
	case CT_MSG_SIGNAL:
		m->signal = (int)get(&p, 1);
		break;
	case CT_MSG_HELLO:
		m->flags = (uint32_t)get(&p, 4);
		m->rows = (uint16_t)get(&p, 2);
		m->columns = (uint16_t)get(&p, 2);
		break;
	case CT_MSG_RESIZE:
		m->rows = (uint16_t)get(&p, 2);
		m->columns = (uint16_t)get(&p, 2);
		break;
	case CT_MSG_SEGMENT_GET:
	case CT_MSG_CLIENT_DROP:
	case CT_MSG_LOG_REOPENED:
		m->number = (uint32_t)get(&p, 4);
		break;
	case CT_MSG_POSITION:
	case CT_MSG_POSITION_GET:
		m->offset = get(&p, 8);
		break;
	case CT_MSG_ERROR:
		m->flags = (uint32_t)get(&p, 4);
		break;
	case CT_MSG_WELCOME:
		m->flags = (uint32_t)get(&p, 4);
		m->number = (uint32_t)get(&p, 4);
		break;
	case CT_MSG_SEGMENT:
		m->number = (uint32_t)get(&p, 4);
		m->offset = get(&p, 8);
		break;
	case CT_MSG_CLIENT:
		m->number = (uint32_t)get(&p, 4);
		m->pid = (uint32_t)get(&p, 4);
		m->uid = (uint32_t)get(&p, 4);
		m->flags = (uint32_t)get(&p, 4);
		m->offset = get(&p, 8);
		m->time = get(&p, 8);
		break;
	case CT_MSG_STDIN:
	case CT_MSG_EOF:
	case CT_MSG_DETACH:
	case CT_MSG_CLIENTS_GET:
	case CT_MSG_NAMESPACES_GET:
	case CT_MSG_LOG_REOPEN:
	case CT_MSG_EXIT:
	case CT_MSG_ROOM:
	case CT_MSG_DETACHED:
	case CT_MSG_NAMESPACES:
		break;
	}
}

static int check_header(const uint8_t *record, size_t size, struct ct_err *err)
{
	const uint8_t *at = record + 4;
	uint64_t length;

	if (size < CT_ATTACH_HEADER)
		return ct_fail(err, EPROTO, "record of %zu bytes is shorter than a header", size);
	if (record[1] != CT_ATTACH_VERSION)
		return ct_fail(err, EPROTO, "unsupported version %d (%d)", record[1],
			       CT_ATTACH_VERSION);
	length = get(&at, 4);
	if (length > CT_ATTACH_DATA_MAX || size != CT_ATTACH_HEADER + length)
		return ct_fail(err, EPROTO, "record of %zu bytes says that it has %llu", size,
			       (unsigned long long)length);
	if (record[2] || record[3])
		return ct_fail(err, EPROTO, "bytes 2 and 3 of the header are not zero");
	return 0;
}

int ct_message_decode(const uint8_t *record, size_t size, struct ct_message *ret_message,
		      struct ct_err *err)
{
	struct ct_message m = { 0 };
	int r = check_header(record, size, err), fixed;
	size_t body;

	if (r < 0)
		return r;
	body = size - CT_ATTACH_HEADER;
	m.type = (enum ct_message_type)record[0];
	fixed = fixed_size(m.type);
	if (fixed < 0)
		return ct_fail(err, EPROTO, "unknown message type %d", record[0]);
	if (has_data(m.type) ? body < (size_t)fixed : body != (size_t)fixed)
		return ct_fail(err, EPROTO, "message type %d has %zu bytes, not %d", record[0], body,
			       fixed);
	get_body(record + CT_ATTACH_HEADER, &m);
	if (has_data(m.type)) {
		m.data = record + CT_ATTACH_HEADER + fixed;
		m.size = body - (size_t)fixed;
	}
	if (m.type == CT_MSG_SIGNAL && (m.signal < 1 || m.signal > SIGNAL_MAX))
		return ct_fail(err, EPROTO, "%d is no signal", m.signal);
	if (m.flags & ~known_flags(m.type))
		return ct_fail(err, EPROTO, "unknown flags %#x", m.flags & ~known_flags(m.type));
	*ret_message = m;
	return 0;
}
