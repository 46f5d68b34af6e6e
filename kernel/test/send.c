// SPDX-License-Identifier: GPL-2.0-only
/* Sends that nobody hears, and the result that says why. Those that are heard: listeners.c. */
#include <linux/err.h>
#include <linux/slab.h>

#include "test.h"

#define LARGEST (CNX_MAX_MESSAGE - sizeof(struct cnx_msg))

static bool let_all_through(void *context, __u32 portid)
{
	return true;
}

static void destinations(struct test_log *log)
{
	struct cnx_message message = test_message(1);
	struct cnx_destination to = {.group = TEST_DEAF_GROUP};

	test_equal(log, "send: to a group without listeners", -ESRCH, cnx_send(&message, &to, CNX_MAY_SLEEP));
	test_equal(log, "send: the same without sleeping", -ESRCH, cnx_send(&message, &to, CNX_NO_SLEEP));
	to.filter = let_all_through;
	test_equal(log, "send: filtered, to a group without subscribers", -ESRCH,
	           cnx_send(&message, &to, CNX_MAY_SLEEP));
	to = (struct cnx_destination){.group = TEST_FAR_GROUP};
	test_equal(log, "send: to a group beyond the table, without subscribers", -ESRCH,
	           cnx_send(&message, &to, CNX_MAY_SLEEP));
	to = (struct cnx_destination){.group = U32_MAX};
	test_equal(log, "send: to the greatest group, without subscribers", -ESRCH,
	           cnx_send(&message, &to, CNX_MAY_SLEEP));
	to = (struct cnx_destination){.portid = 0x7ffffff0};
	test_equal(log, "send: to a portid that no socket has", -ECONNREFUSED, cnx_send(&message, &to, CNX_MAY_SLEEP));
	to.group = TEST_DEAF_GROUP;
	test_equal(log, "send: to nobody's portid and to a group without listeners", -ECONNREFUSED,
	           cnx_send(&message, &to, CNX_MAY_SLEEP));
}

static void lookups(struct test_log *log)
{
	atomic_t calls = ATOMIC_INIT(0);
	struct cnx_registration r = test_registration(1, test_count, &calls);
	struct cnx_message message = test_message(1);
	struct cnx_destination to = {};
	struct cnx_callback *callback;

	test_equal(log, "send: by an id that nobody has", -ENODEV, cnx_send(&message, &to, CNX_MAY_SLEEP));
	callback = cnx_register(&r);
	test_equal(log, "send: by an id whose group has no listeners", -ESRCH, cnx_send(&message, &to, CNX_MAY_SLEEP));
	cnx_unregister(callback);
	test_equal(log, "send: no callback is called by it", 0, atomic_read(&calls));
}

static void bad_messages(struct test_log *log)
{
	void *bytes = kzalloc(CNX_MAX_MESSAGE, GFP_KERNEL);
	struct cnx_message message = test_message(1);
	struct cnx_destination to = {.group = TEST_DEAF_GROUP};

	test_equal(log, "send: nothing at all", -EINVAL, cnx_send(NULL, &to, CNX_MAY_SLEEP));
	test_equal(log, "send: to no destination", -EINVAL, cnx_send(&message, NULL, CNX_MAY_SLEEP));
	message.length = 1;
	test_equal(log, "send: a length without a payload", -EINVAL, cnx_send(&message, &to, CNX_MAY_SLEEP));
	message.payload = bytes;
	message.length = LARGEST + 1;
	test_equal(log, "send: one byte too many", -EMSGSIZE, cnx_send(&message, &to, CNX_MAY_SLEEP));
	message.length = U16_MAX;
	test_equal(log, "send: the greatest length", -EMSGSIZE, cnx_send(&message, &to, CNX_MAY_SLEEP));
	message.length = LARGEST;
	test_equal(log, "send: the largest message, to nobody", -ESRCH, cnx_send(&message, &to, CNX_MAY_SLEEP));
	kfree(bytes);
}

void test_send(struct test_log *log)
{
	destinations(log);
	lookups(log);
	bad_messages(log);
}
