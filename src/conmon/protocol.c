/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Encoding and decoding of the attach protocol's records: pure functions, used by both ends and by
 * the fuzzer. Nothing is trusted: not the length, not the type, not the version.
 */
#include <errno.h>
#include <string.h>

#include <cattach/attach.h>

static void put32(uint8_t *p, uint32_t value)
{
	p[0] = (uint8_t)(value >> 24);
	p[1] = (uint8_t)(value >> 16);
	p[2] = (uint8_t)(value >> 8);
	p[3] = (uint8_t)value;
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

/* Body of a message behind the header; its size. */
static size_t encode_body(const struct ct_message *m, uint8_t *body)
{
	switch (m->type) {
	case CT_MSG_RESIZE:
		body[0] = (uint8_t)(m->rows >> 8);
		body[1] = (uint8_t)m->rows;
		body[2] = (uint8_t)(m->columns >> 8);
		body[3] = (uint8_t)m->columns;
		return 4;
	case CT_MSG_SIGNAL:
		body[0] = (uint8_t)m->signal;
		return 1;
	case CT_MSG_STDIN:
	case CT_MSG_ERROR:
		if (m->size)
			memmove(body, m->data, m->size);
		return m->size;
	case CT_MSG_EOF:
	case CT_MSG_EXIT:
	case CT_MSG_ROOM:
		return 0;
	}
	return 0;
}

ssize_t ct_message_encode(const struct ct_message *message, uint8_t *record)
{
	size_t size;

	if (message->size > CT_ATTACH_DATA_MAX)
		return -EMSGSIZE;
	size = encode_body(message, record + CT_ATTACH_HEADER);
	record[0] = (uint8_t)message->type;
	record[1] = CT_ATTACH_VERSION;
	record[2] = record[3] = 0;
	put32(record + 4, (uint32_t)size);
	return (ssize_t)(CT_ATTACH_HEADER + size);
}

static int decode_body(const uint8_t *body, size_t size, struct ct_message *m, struct ct_err *err)
{
	size_t expected = m->type == CT_MSG_RESIZE ? 4 : m->type == CT_MSG_SIGNAL ? 1 : 0;

	switch (m->type) {
	case CT_MSG_STDIN:
	case CT_MSG_ERROR:
		m->data = body;
		m->size = size;
		return 0;
	case CT_MSG_RESIZE:
	case CT_MSG_SIGNAL:
	case CT_MSG_EOF:
	case CT_MSG_EXIT:
	case CT_MSG_ROOM:
		if (size != expected)
			return ct_fail(err, EPROTO, "message type %d has %zu bytes, not %zu",
				       (int)m->type, size, expected);
		break;
	default:
		return ct_fail(err, EPROTO, "unknown message type %d", (int)m->type);
	}
	if (m->type == CT_MSG_RESIZE) {
		m->rows = get16(body);
		m->columns = get16(body + 2);
	}
	if (m->type == CT_MSG_SIGNAL)
		m->signal = body[0];
	if (m->type == CT_MSG_SIGNAL && (m->signal < 1 || m->signal > 64))
		return ct_fail(err, EPROTO, "%d is no signal", m->signal);
	return 0;
}

int ct_message_decode(const uint8_t *record, size_t size, struct ct_message *ret_message,
		      struct ct_err *err)
{
	struct ct_message m = { 0 };
	uint32_t length;

	if (size < CT_ATTACH_HEADER)
		return ct_fail(err, EPROTO, "record of %zu bytes is shorter than a header", size);
	if (record[1] != CT_ATTACH_VERSION)
		return ct_fail(err, EPROTO, "unsupported version %d (%d)", record[1],
			       CT_ATTACH_VERSION);
	length = get32(record + 4);
	if (length != size - CT_ATTACH_HEADER || length > CT_ATTACH_DATA_MAX)
		return ct_fail(err, EPROTO, "record of %zu bytes says that it has %u", size, length);
	m.type = (enum ct_message_type)record[0];
	if (decode_body(record + CT_ATTACH_HEADER, length, &m, err) < 0)
		return -EPROTO;
	*ret_message = m;
	return 0;
}
