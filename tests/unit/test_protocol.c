/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The attach protocol's records: what is encoded is decoded, and what no peer of ours would send is
 * refused with a text that says why.
 */
#include <cattach/attach.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "fixture.h"

/* Encode, decode, compare; the record's size is returned. */
static size_t round_trip(const struct ct_message *message)
{
	static uint8_t record[CT_ATTACH_RECORD_MAX];
	struct ct_message back = { 0 };
	struct ct_err err = { 0 };
	ssize_t n = ct_message_encode(message, record);

	ck_assert_int_ge(n, CT_ATTACH_HEADER);
	ck_assert_msg(ct_message_decode(record, (size_t)n, &back, &err) == 0, "%s", err.what);
	ck_assert_int_eq(back.type, message->type);
	ck_assert_uint_eq(back.size, message->size);
	if (message->size)
		ck_assert_mem_eq(back.data, message->data, message->size);
	ck_assert_uint_eq(back.rows, message->rows);
	ck_assert_uint_eq(back.columns, message->columns);
	ck_assert_int_eq(back.signal, message->signal);
	ck_assert_uint_eq(back.flags, message->flags);
	ck_assert_uint_eq(back.number, message->number);
	ck_assert_uint_eq(back.offset, message->offset);
	ck_assert_uint_eq(back.time, message->time);
	ck_assert_uint_eq(back.pid, message->pid);
	ck_assert_uint_eq(back.uid, message->uid);
	return (size_t)n;
}

START_TEST(messages_without_a_body_survive)
{
	static const enum ct_message_type types[] = {
		CT_MSG_EOF, CT_MSG_DETACH, CT_MSG_CLIENTS_GET, CT_MSG_EXIT, CT_MSG_ROOM,
		CT_MSG_DETACHED, CT_MSG_NAMESPACES_GET, CT_MSG_NAMESPACES,
		CT_MSG_LOG_REOPEN,
	};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		struct ct_message message = { .type = types[i] };

		ck_assert_uint_eq(round_trip(&message), CT_ATTACH_HEADER);
	}
}
END_TEST

START_TEST(stdin_and_error_texts_of_every_size_survive)
{
	static const size_t sizes[] = { 0, 1, 2, 255, 256, 4095, 32767, CT_ATTACH_DATA_MAX };
	static uint8_t data[CT_ATTACH_DATA_MAX];

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 31 + i / 256);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct ct_message message = { .type = CT_MSG_STDIN, .data = data,
					      .size = sizes[i] };

		ck_assert_uint_eq(round_trip(&message), CT_ATTACH_HEADER + sizes[i]);
		message.type = CT_MSG_ERROR;
		message.flags = CT_ERROR_KEPT;
		/* An error has flags before its text. */
		message.size = sizes[i] < sizeof(data) - 4 ? sizes[i] : sizeof(data) - 4;
		ck_assert_uint_eq(round_trip(&message), CT_ATTACH_HEADER + 4 + message.size);
	}
}
END_TEST

START_TEST(sizes_and_signals_survive)
{
	static const uint16_t sizes[] = { 0, 1, 24, 80, 255, 256, 65535 };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct ct_message message = { .type = CT_MSG_RESIZE, .rows = sizes[i],
					      .columns = (uint16_t)(65535 - sizes[i]) };

		round_trip(&message);
	}
	for (int number = 1; number <= 64; number++) {
		struct ct_message message = { .type = CT_MSG_SIGNAL, .signal = number };

		round_trip(&message);
	}
}
END_TEST

START_TEST(everything_else_survives_with_the_largest_numbers)
{
	static const struct {
		struct ct_message message;
		size_t body;
	} messages[] = {
		{ { .type = CT_MSG_HELLO, .flags = CT_HELLO_ALL, .rows = 65535, .columns = 1 }, 8 },
		{ { .type = CT_MSG_SEGMENT_GET, .number = UINT32_MAX }, 4 },
		{ { .type = CT_MSG_CLIENT_DROP, .number = 0x01020304 }, 4 },
		{ { .type = CT_MSG_LOG_REOPENED, .number = 28 }, 4 },
		{ { .type = CT_MSG_POSITION, .offset = UINT64_MAX }, 8 },
		{ { .type = CT_MSG_POSITION_GET, .offset = 0x0102030405060708 }, 8 },
		{ { .type = CT_MSG_WELCOME, .flags = UINT32_MAX, .number = 1 }, 8 },
		{ { .type = CT_MSG_SEGMENT, .number = 7, .offset = UINT64_MAX - 1 }, 12 },
		{ { .type = CT_MSG_CLIENT, .number = 1, .pid = 2, .uid = UINT32_MAX, .flags = 4,
		    .offset = 5, .time = UINT64_MAX }, 32 },
	};

	for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++)
		ck_assert_uint_eq(round_trip(&messages[i].message),
				  CT_ATTACH_HEADER + messages[i].body);
}
END_TEST

START_TEST(too_much_data_is_not_encoded)
{
	static uint8_t data[CT_ATTACH_DATA_MAX + 1], record[CT_ATTACH_RECORD_MAX];
	struct ct_message message = { .type = CT_MSG_STDIN, .data = data, .size = sizeof(data) };

	ck_assert_int_eq(ct_message_encode(&message, record), -EMSGSIZE);
	message.type = CT_MSG_ERROR;
	message.size = CT_ATTACH_DATA_MAX - 3;
	ck_assert_int_eq(ct_message_encode(&message, record), -EMSGSIZE);
	message.type = (enum ct_message_type)63;
	message.size = 0;
	ck_assert_int_eq(ct_message_encode(&message, record), -EMSGSIZE);
}
END_TEST

START_TEST(data_may_lie_in_the_record_already)
{
	static uint8_t record[CT_ATTACH_RECORD_MAX];
	struct ct_message message = { .type = CT_MSG_STDIN, .data = record + CT_ATTACH_HEADER,
				      .size = 5 };

	memcpy(record + CT_ATTACH_HEADER, "hello", 5);
	ck_assert_int_eq(ct_message_encode(&message, record), CT_ATTACH_HEADER + 5);
	ck_assert_mem_eq(record + CT_ATTACH_HEADER, "hello", 5);
}
END_TEST

START_TEST(the_bytes_of_a_record_are_what_the_protocol_says)
{
	static const uint8_t expected[] = { 3, 1, 0, 0, 0, 0, 0, 4, 0x01, 0x02, 0xff, 0xfe };
	struct ct_message message = { .type = CT_MSG_RESIZE, .rows = 0x0102, .columns = 0xfffe };
	uint8_t record[64];

	ck_assert_int_eq(ct_message_encode(&message, record), sizeof(expected));
	ck_assert_mem_eq(record, expected, sizeof(expected));
}
END_TEST

static const struct bad_record {
	const char *what;
	uint8_t bytes[16];
	size_t size;
	const char *text;
} bad_records[] = {
	{ "nothing", { 0 }, 0, "record of 0 bytes is shorter than a header" },
	{ "half a header", { 1, 1, 0, 0, 0, 0, 0 }, 7,
	  "record of 7 bytes is shorter than a header" },
	{ "shorter than its header says", { 1, 1, 0, 0, 0, 0, 0, 2, 'x' }, 9,
	  "record of 9 bytes says that it has 2" },
	{ "longer than its header says", { 1, 1, 0, 0, 0, 0, 0, 0, 'x' }, 9,
	  "record of 9 bytes says that it has 0" },
	{ "a length of 2^31", { 1, 1, 0, 0, 0x80, 0, 0, 0 }, 8,
	  "record of 8 bytes says that it has 2147483648" },
	{ "a length of 2^32 - 1", { 1, 1, 0, 0, 255, 255, 255, 255 }, 8,
	  "record of 8 bytes says that it has 4294967295" },
	{ "another version", { 1, 7, 0, 0, 0, 0, 0, 0 }, 8, "unsupported version 7 (1)" },
	{ "version 0", { 1, 0, 0, 0, 0, 0, 0, 0 }, 8, "unsupported version 0 (1)" },
	{ "type 0", { 0, 1, 0, 0, 0, 0, 0, 0 }, 8, "unknown message type 0" },
	{ "a type between the two ranges", { 63, 1, 0, 0, 0, 0, 0, 0 }, 8,
	  "unknown message type 63" },
	{ "type 255", { 255, 1, 0, 0, 0, 0, 0, 0 }, 8, "unknown message type 255" },
	{ "end of file with a body", { 2, 1, 0, 0, 0, 0, 0, 1, 0 }, 9,
	  "message type 2 has 1 bytes, not 0" },
	{ "a size without a body", { 3, 1, 0, 0, 0, 0, 0, 0 }, 8,
	  "message type 3 has 0 bytes, not 4" },
	{ "half a size", { 3, 1, 0, 0, 0, 0, 0, 3, 0, 1, 0 }, 11,
	  "message type 3 has 3 bytes, not 4" },
	{ "a signal without a body", { 4, 1, 0, 0, 0, 0, 0, 0 }, 8,
	  "message type 4 has 0 bytes, not 1" },
	{ "signal 0", { 4, 1, 0, 0, 0, 0, 0, 1, 0 }, 9, "0 is no signal" },
	{ "signal 65", { 4, 1, 0, 0, 0, 0, 0, 1, 65 }, 9, "65 is no signal" },
	{ "signal 255", { 4, 1, 0, 0, 0, 0, 0, 1, 255 }, 9, "255 is no signal" },
	{ "a header that is not all known", { 2, 1, 0, 1, 0, 0, 0, 0 }, 8,
	  "bytes 2 and 3 of the header are not zero" },
	{ "a greeting without flags", { 5, 1, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0 }, 12,
	  "message type 5 has 4 bytes, not 8" },
	{ "a greeting with a flag of tomorrow", { 5, 1, 0, 0, 0, 0, 0, 8, 0, 0, 1, 0, 0, 0, 0, 0 }, 16,
	  "unknown flags 0x100" },
	{ "an error without flags", { 65, 1, 0, 0, 0, 0, 0, 3, 'a', 'b', 'c' }, 11,
	  "message type 65 has 3 bytes, not 4" },
	{ "half a position", { 7, 1, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0 }, 12,
	  "message type 7 has 4 bytes, not 8" },
	{ "room with a body", { 66, 1, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0 }, 12,
	  "message type 66 has 4 bytes, not 0" },
};

/* A copy of exactly the record's size, so that a read beyond it is found. */
static int decode(const uint8_t *bytes, size_t size, struct ct_message *message,
		  struct ct_err *err)
{
	uint8_t *copy = malloc(size ? size : 1);
	int r;

	ck_assert_ptr_nonnull(copy);
	memcpy(copy, bytes, size);
	r = ct_message_decode(copy, size, message, err);
	free(copy);
	return r;
}

START_TEST(bad_records_are_refused_with_the_reason)
{
	const struct bad_record *bad = &bad_records[_i];
	struct ct_message message = { .signal = 4711 };
	struct ct_err err = { 0 };

	ck_assert_msg(decode(bad->bytes, bad->size, &message, &err) == -EPROTO, "%s", bad->what);
	ck_err(&err, EPROTO, bad->text);
	/* What the caller had stays untouched. */
	ck_assert_int_eq(message.signal, 4711);
}
END_TEST

START_TEST(a_record_longer_than_the_longest_is_refused)
{
	static uint8_t record[CT_ATTACH_RECORD_MAX + 1] = { 1, 1, 0, 0, 0, 0, 0x80, 1 };
	struct ct_message message;
	struct ct_err err = { 0 };

	ck_assert_int_eq(decode(record, sizeof(record), &message, &err), -EPROTO);
	ck_err(&err, EPROTO, "record of 32777 bytes says that it has 32769");
}
END_TEST

START_TEST(random_bytes_are_refused_or_decode_to_what_they_are)
{
	static uint8_t record[65536];
	unsigned accepted = 0;

	srandom(1);
	for (int round = 0; round < 2000; round++) {
		size_t size = (size_t)random() % (round % 10 ? 64 : sizeof(record));
		struct ct_message message;
		struct ct_err err = { 0 };

		for (size_t i = 0; i < size; i++)
			record[i] = (uint8_t)random();
		if (decode(record, size, &message, &err) == 0)
			accepted++;
		else
			ck_assert_int_eq(err.code, EPROTO);
	}
	/* A version byte and 32 bits of length must fit by chance. */
	ck_assert_uint_eq(accepted, 0);
}
END_TEST

Suite *suite_protocol(void)
{
	Suite *suite = suite_create("protocol");
	TCase *good = tcase_create("encode and decode");
	TCase *bad = tcase_create("ct_message_decode");

	tcase_add_test(good, messages_without_a_body_survive);
	tcase_add_test(good, stdin_and_error_texts_of_every_size_survive);
	tcase_add_test(good, sizes_and_signals_survive);
	tcase_add_test(good, everything_else_survives_with_the_largest_numbers);
	tcase_add_test(good, too_much_data_is_not_encoded);
	tcase_add_test(good, data_may_lie_in_the_record_already);
	tcase_add_test(good, the_bytes_of_a_record_are_what_the_protocol_says);
	suite_add_tcase(suite, good);
	tcase_add_loop_test(bad, bad_records_are_refused_with_the_reason, 0,
			    (int)(sizeof(bad_records) / sizeof(bad_records[0])));
	tcase_add_test(bad, a_record_longer_than_the_longest_is_refused);
	tcase_add_test(bad, random_bytes_are_refused_or_decode_to_what_they_are);
	suite_add_tcase(suite, bad);
	return suite;
}
