// SPDX-License-Identifier: GPL-2.0-only
/* Callbacks that serve every network namespace, each of which acts in the one that its message came from. */
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/module.h>

#include <cnx/driver.h>

#define IDX 0x36
#define GUARDED_IDX 0x37

/* Sends what it got to the group of the id that it got it under, in the sender's namespace. */
static int relay(void *context, const struct cnx_message *message, const struct cnx_sender *sender)
{
	const struct cnx_destination to = {.net = sender->net, .group = message->id.idx};

	return sender->net ? cnx_send(message, &to, CNX_NO_SLEEP) : -EINVAL;
}

/* Answers after a while, in a datagram that was begun before. */
static int answer_late(void *context, const struct cnx_message *message, const struct cnx_sender *sender)
{
	const struct cnx_destination to = {.net = sender->net, .portid = sender->portid};
	struct cnx_batch batch;
	void *payload;
	int status = cnx_batch_begin(&batch, cnx_batch_room(message->length), CNX_MAY_SLEEP);

	if (status)
		return status;
	payload = cnx_batch_reserve(&batch, message);
	if (IS_ERR(payload)) {
		cnx_batch_cancel(&batch);
		return PTR_ERR(payload);
	}
	if (message->length)
		memcpy(payload, message->payload, message->length);
	cnx_batch_commit(&batch);
	msleep(300);
	return cnx_batch_send(&batch, &to);
}

static const struct cnx_registration registrations[] = {
    {
        .id = {IDX, 1},
        .name = "relay",
        .callback = relay,
        .kind = CNX_KIND_ATOMIC,
        .sender = CNX_SENDER_ANYONE,
        .open_to_listeners = true,
        .scope = CNX_EVERY_NAMESPACE,
    },
    {
        .id = {IDX, 2},
        .name = "relay_waiting",
        .callback = relay,
        .kind = CNX_KIND_ATOMIC,
        .sender = CNX_SENDER_ANYONE,
        .open_to_listeners = true,
        .coalescing = {.delay_us = 200000},
        .scope = CNX_EVERY_NAMESPACE,
    },
    {
        .id = {GUARDED_IDX, 1},
        .name = "relay_guarded",
        .callback = relay,
        .kind = CNX_KIND_ATOMIC,
        .scope = CNX_EVERY_NAMESPACE,
    },
    {
        .id = {IDX, 3},
        .name = "answer_late",
        .callback = answer_late,
        .kind = CNX_KIND_SLEEPABLE,
        .sender = CNX_SENDER_ANYONE,
        .open_to_listeners = true,
        .scope = CNX_EVERY_NAMESPACE,
    },
    {
        .id = {IDX, 4},
        .name = "initial_only",
        .callback = relay,
        .kind = CNX_KIND_ATOMIC,
        .sender = CNX_SENDER_ANYONE,
        .open_to_listeners = true,
    },
};

static struct cnx_callback *callbacks[ARRAY_SIZE(registrations)];

/* 0; what the registration came to where there was no memory for it; -EINVAL where it came to anything else. */
static int __init refuses(const struct cnx_registration *wrong, int expected, const char *otherwise)
{
	struct cnx_callback *const given = cnx_register(wrong);
	const int status = PTR_ERR_OR_ZERO(given);

	if (status == expected)
		return 0;
	if (!status)
		cnx_unregister(given);
	if (status == -ENOMEM)
		return status;
	pr_err("cnx_test_namespaces: %s\n", otherwise);
	return -EINVAL;
}

static int __init namespaces_init(void)
{
	struct cnx_registration wrong = registrations[0];
	size_t i;
	int status;

	wrong.id.val = 9;
	wrong.scope = 2;
	status = refuses(&wrong, -EINVAL, "an unknown scope was not refused");
	for (i = 0; !status && i < ARRAY_SIZE(registrations); ++i) {
		callbacks[i] = cnx_register(&registrations[i]);
		status = PTR_ERR_OR_ZERO(callbacks[i]);
		if (status)
			break;
	}
	/* An id is taken in every namespace or in none. */
	wrong = registrations[0];
	wrong.scope = CNX_INITIAL_NAMESPACE;
	if (!status)
		status = refuses(&wrong, -EEXIST, "an id that is taken was given away");
	if (status)
		cnx_unregister_all(callbacks, i);
	return status;
}

static void __exit namespaces_exit(void)
{
	cnx_unregister_all(callbacks, ARRAY_SIZE(callbacks));
}

module_init(namespaces_init);
module_exit(namespaces_exit);
MODULE_LICENSE("GPL v2");
MODULE_AUTHOR("The cnx authors");
MODULE_DESCRIPTION("cnx test: callbacks that serve every network namespace");
