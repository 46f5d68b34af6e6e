// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sockets that a driver serves by themselves. Whoever writes to TEST_GROUP:5 is served while his message is handled: by
 * the sends below, some of which are refused, and by one more message whose payload is what all of them came to, in
 * order, each an s32. The guest program test_listen knows what that has to be.
 */
#include <linux/err.h>
#include <linux/kernel.h>

#include "test.h"

static const struct cnx_id served_id = {TEST_GROUP, 5};
static struct cnx_callback *serving;

/* No socket closes while its message is handled. */
static void closed(void *context) {}

static int create(const struct cnx_sender *sender, u32 group, u32 delay_us, cnx_closed_fn told,
                  struct cnx_listener **made)
{
	const struct cnx_listening listening = {
	    .id = served_id, .group = group, .coalescing = {.delay_us = delay_us}, .closed = told};

	*made = cnx_listener_create(sender, &listening);
	return PTR_ERR_OR_ZERO(*made);
}

static int send(struct cnx_listener *const *listeners, size_t count, u32 val, u32 seq, u16 length, const void *payload)
{
	const struct cnx_message message = {.id = {TEST_GROUP, val}, .seq = seq, .length = length, .payload = payload};

	return cnx_listeners_send(listeners, count, &message, CNX_MAY_SLEEP);
}

static int serve(void *context, const struct cnx_message *message, const struct cnx_sender *sender)
{
	static const u8 bytes[CNX_MAX_MESSAGE];
	struct cnx_listener *many[CNX_LISTENERS_AT_ONCE + 1];
	struct cnx_listener *unlike[2];
	struct cnx_listener *none;
	s32 came[10];
	int status;
	size_t i;

	came[0] = create(sender, 0, 0, NULL, &none);
	came[1] = create(sender, 0, 2000000, closed, &none);
	if (create(sender, TEST_GROUP, 0, closed, &unlike[0]))
		return -ENOMEM;
	if (create(sender, 0, 0, closed, &unlike[1])) {
		cnx_listener_destroy(unlike[0]);
		return -ENOMEM;
	}
	for (i = 0; i < ARRAY_SIZE(many); i++)
		many[i] = unlike[0];
	came[2] = send(many, 0, 5, 2, 0, NULL);
	came[3] = send(many, ARRAY_SIZE(many), 5, 3, 0, NULL);
	came[4] = send(unlike, ARRAY_SIZE(unlike), 5, 4, 0, NULL);
	came[5] = send(many, 1, 6, 5, 0, NULL);
	came[6] = send(many, 1, 5, 6, 4, NULL);
	came[7] = send(many, 1, 5, 7, sizeof(bytes), bytes);
	came[8] = send(many, 3, 5, 8, 5, "three");
	came[9] = send(&unlike[1], 1, 5, 9, 0, NULL);
	status = send(many, 1, 5, message->seq, sizeof(came), came);
	cnx_listener_destroy(unlike[0]);
	cnx_listener_destroy(unlike[1]);
	return status;
}

int test_served_init(void)
{
	serving = test_serve(served_id.val, serve);
	return PTR_ERR_OR_ZERO(serving);
}

void test_served_exit(void)
{
	cnx_unregister(serving);
	cnx_listener_barrier();
}
