/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target: bytes as a record of the attach protocol.
 *
 * Beyond memory errors it looks for broken promises: an error must be filled if and only if a
 * function fails and must name the protocol, a message must point into its record, and what was
 * accepted must be encoded to the very bytes it came from. Linked with libFuzzer or with the driver
 * that replays the corpus.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cattach/attach.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(int holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "broken promise: %s\n", what);
	abort();
}

static void check_refusal(int r, const struct ct_err *err)
{
	demand(r == -EPROTO && err->code == EPROTO, "a refusal that is not EPROTO");
	demand(err->what[0] != '\0', "a refusal without text");
}

static void check_message(const struct ct_message *m, const uint8_t *data, size_t size)
{
	static uint8_t record[CT_ATTACH_RECORD_MAX];
	ssize_t n;

	demand(m->size <= CT_ATTACH_DATA_MAX, "more data than a message may have");
	demand(!m->size || (m->data >= data + CT_ATTACH_HEADER && m->data + m->size <= data + size),
	       "data outside of the record");
	if (m->type == CT_MSG_SIGNAL)
		demand(m->signal >= 1 && m->signal <= 64, "a signal that is none");
	n = ct_message_encode(m, record);
	demand(n == (ssize_t)size, "another size than it came with");
	/* The two bytes that are reserved may be anything when they come, and are 0 when they go. */
	demand(record[2] == 0 && record[3] == 0, "reserved bytes that are not 0");
	demand(memcmp(record, data, 2) == 0 && memcmp(record + 4, data + 4, size - 4) == 0,
	       "other bytes than it came with");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ct_message message = { 0 };
	struct ct_err err = { 0 };
	int r = ct_message_decode(data, size, &message, &err);

	if (r < 0) {
		check_refusal(r, &err);
		return 0;
	}
	demand(r == 0 && err.code == 0, "success with an error");
	check_message(&message, data, size);
	return 0;
}
