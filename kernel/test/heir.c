// SPDX-License-Identifier: GPL-2.0-only
/*
 * A socket that a driver serves, and that closes while another one takes its portid. Who writes 1 to TEST_GROUP:6 is
 * served from then on, and has at once more than it has room for. When it has closed, its portid is free and its driver
 * is told: here, the driver waits until the portid's next owner has written 2, and only then sends once more to the
 * socket that it still serves. The guest program test_listen looks what comes of that.
 */
#include <linux/completion.h>
#include <linux/err.h>
#include <linux/jiffies.h>

#include "test.h"

static const struct cnx_id heir_id = {TEST_GROUP, 6};
static struct cnx_callback *serving;
static struct cnx_listener *served;
static DECLARE_COMPLETION(inherited);

static int send(u32 seq)
{
	static const u8 payload[1000];
	const struct cnx_message message = {.id = heir_id, .seq = seq, .length = sizeof(payload), .payload = payload};

	return cnx_listeners_send(&served, 1, &message, CNX_MAY_SLEEP);
}

static void closed(void *context)
{
	wait_for_completion_timeout(&inherited, 20 * HZ);
	(void)send(2);
	cnx_listener_destroy(served);
}

static int serve(void *context, const struct cnx_message *message, const struct cnx_sender *sender)
{
	const struct cnx_listening listening = {.id = heir_id, .closed = closed};
	unsigned int i;

	if (message->seq == 2) {
		complete(&inherited);
		return 0;
	}
	served = cnx_listener_create(sender, &listening);
	if (IS_ERR(served))
		return PTR_ERR(served);
	for (i = 0; i < 100 && send(1) != -ENOBUFS; i++)
		;
	return 0;
}

int test_heir_init(void)
{
	serving = test_serve(heir_id.val, serve);
	return PTR_ERR_OR_ZERO(serving);
}

void test_heir_exit(void)
{
	cnx_unregister(serving);
	cnx_listener_barrier();
}
