// SPDX-License-Identifier: GPL-2.0-only
/* From driver to driver, without a socket. */
#include <linux/err.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>

#include "test.h"

#define LARGEST (CNX_MAX_MESSAGE - sizeof(struct cnx_msg))

struct seen {
	unsigned int calls;
	struct cnx_message message;
	struct cnx_sender sender;
	int answer;
};

static int look(void *context, const struct cnx_message *message, const struct cnx_sender *sender)
{
	struct seen *seen = context;

	seen->calls++;
	seen->message = *message;
	seen->sender = *sender;
	return seen->answer;
}

static void what_arrives(struct test_log *log, struct seen *seen)
{
	static const char payload[] = "payload";
	struct cnx_message message = {
	    .id = {TEST_IDX, 1},
	    .seq = 7,
	    .ack = 8,
	    .flags = 9,
	    .length = sizeof(payload),
	    .payload = payload,
	};

	test_equal(log, "dispatch: to a callback", 0, cnx_dispatch(&message));
	test_equal(log, "dispatch: it is called once", 1, seen->calls);
	test_true(log, "dispatch: the message arrives as it was",
	          seen->message.id.idx == TEST_IDX && seen->message.id.val == 1 && seen->message.seq == 7 &&
	              seen->message.ack == 8 && seen->message.flags == 9 && seen->message.length == sizeof(payload) &&
	              seen->message.payload == payload);
	test_true(log, "dispatch: the sender is a driver",
	          seen->sender.portid == 0 && seen->sender.pid == 0 && !seen->sender.net && !seen->sender.skb);
}

static void bad_messages(struct test_log *log, struct seen *seen)
{
	void *bytes = kzalloc(CNX_MAX_MESSAGE, GFP_KERNEL);
	struct cnx_message message = test_message(1);

	seen->calls = 0;
	test_equal(log, "dispatch: nothing at all", -EINVAL, cnx_dispatch(NULL));
	message.length = 1;
	test_equal(log, "dispatch: a length without a payload", -EINVAL, cnx_dispatch(&message));
	message.payload = bytes;
	message.length = LARGEST + 1;
	test_equal(log, "dispatch: one byte too many", -EMSGSIZE, cnx_dispatch(&message));
	test_equal(log, "dispatch: what is refused reaches nobody", 0, seen->calls);
	message.length = LARGEST;
	test_equal(log, "dispatch: the largest message", 0, cnx_dispatch(&message));
	message.length = 0;
	message.payload = NULL;
	test_equal(log, "dispatch: a message without payload", 0, cnx_dispatch(&message));
	message.id.val = 2;
	test_equal(log, "dispatch: to an id that nobody has", -ENODEV, cnx_dispatch(&message));
	test_equal(log, "dispatch: the good ones arrive", 2, seen->calls);
	kfree(bytes);
}

static void results(struct test_log *log, struct seen *seen)
{
	struct cnx_message message = test_message(1);

	seen->answer = -EPROTO;
	test_equal(log, "dispatch: the callback's error is passed on", -EPROTO, cnx_dispatch(&message));
	seen->answer = 5;
	test_equal(log, "dispatch: the callback's positive result is success", 0, cnx_dispatch(&message));
	seen->answer = 0;
}

static void contexts(struct test_log *log, struct seen *seen)
{
	static DEFINE_SPINLOCK(lock);
	struct cnx_registration r = test_registration(3, look, seen);
	struct cnx_message atomic = test_message(1);
	struct cnx_message sleepable = test_message(3);
	struct cnx_callback *callback;
	int from_lock, from_irq_off, from_rcu, atomic_from_lock;
	unsigned long flags;

	r.kind = CNX_KIND_SLEEPABLE;
	callback = cnx_register(&r);
	seen->calls = 0;
	spin_lock(&lock);
	from_lock = cnx_dispatch(&sleepable);
	atomic_from_lock = cnx_dispatch(&atomic);
	spin_unlock(&lock);
	local_irq_save(flags);
	from_irq_off = cnx_dispatch(&sleepable);
	local_irq_restore(flags);
	rcu_read_lock();
	from_rcu = cnx_dispatch(&sleepable);
	rcu_read_unlock();
	test_equal(log, "dispatch: to an atomic callback under a spinlock", 0, atomic_from_lock);
	test_equal(log, "dispatch: to a sleepable callback under a spinlock", -EWOULDBLOCK, from_lock);
	test_equal(log, "dispatch: to a sleepable callback with interrupts off", -EWOULDBLOCK, from_irq_off);
	test_equal(log, "dispatch: to a sleepable callback in an RCU read section", -EWOULDBLOCK, from_rcu);
	test_equal(log, "dispatch: a sleepable callback was not called there", 1, seen->calls);
	test_equal(log, "dispatch: to a sleepable callback where sleeping is allowed", 0, cnx_dispatch(&sleepable));
	cnx_unregister(callback);
}

void test_dispatch(struct test_log *log)
{
	struct seen seen = {};
	struct cnx_registration r = test_registration(1, look, &seen);
	struct cnx_callback *callback = cnx_register(&r);

	what_arrives(log, &seen);
	bad_messages(log, &seen);
	results(log, &seen);
	contexts(log, &seen);
	cnx_unregister(callback);
}
