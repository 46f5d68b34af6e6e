// SPDX-License-Identifier: GPL-2.0-only
/* The smallest useful driver: whatever a program sends to 32:1 comes back to it. */
#include <linux/err.h>
#include <linux/module.h>

#include <cnx/driver.h>

#define ECHO_IDX 0x20
#define ECHO_VAL 1

static struct cnx_callback *echo_callback;

static int echo(void *context, const struct cnx_message *message, const struct cnx_sender *sender)
{
	struct cnx_message reply = *message;
	const struct cnx_destination to = {.net = sender->net, .portid = sender->portid};

	/* A driver of this kernel that dispatched the message has no socket to be answered at. */
	if (!sender->portid)
		return 0;
	reply.ack = message->ack + 1;
	return cnx_send(&reply, &to, CNX_NO_SLEEP);
}

static int __init echo_init(void)
{
	const struct cnx_registration registration = {
	    .id = {ECHO_IDX, ECHO_VAL},
	    .name = "echo",
	    .callback = echo,
	    .kind = CNX_KIND_ATOMIC,
	    .sender = CNX_SENDER_ANYONE,
	    .scope = CNX_EVERY_NAMESPACE,
	};

	echo_callback = cnx_register(&registration);
	return PTR_ERR_OR_ZERO(echo_callback);
}

static void __exit echo_exit(void)
{
	cnx_unregister(echo_callback);
}

module_init(echo_init);
module_exit(echo_exit);
MODULE_LICENSE("GPL v2");
MODULE_AUTHOR("The cnx authors");
MODULE_DESCRIPTION("cnx example: answers each message with itself");
