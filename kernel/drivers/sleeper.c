// SPDX-License-Identifier: GPL-2.0-only
/*
 * A driver whose callback blocks: a program sends a number of milliseconds to 34:1 and is answered after as many.
 * Unloading waits for the callbacks that are asleep.
 */
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/module.h>
#include <linux/string.h>

#include <cnx/driver.h>

#define SLEEPER_IDX 0x22
#define SLEEPER_VAL 1
#define SLEEPER_LONGEST_MS 10000u

static struct cnx_callback *sleeper_callback;

/* The payload: the number in decimal digits, as a person would type it. */
static int sleeper_parse(const struct cnx_message *message, unsigned int *milliseconds)
{
	char digits[8];

	if (message->length == 0 || message->length >= sizeof(digits))
		return -EINVAL;
	memcpy(digits, message->payload, message->length);
	digits[message->length] = '\0';
	if (kstrtouint(digits, 10, milliseconds) || *milliseconds > SLEEPER_LONGEST_MS)
		return -EINVAL;
	return 0;
}

static int sleeper(void *context, const struct cnx_message *message, const struct cnx_sender *sender)
{
	struct cnx_message reply = *message;
	const struct cnx_destination to = {.net = sender->net, .portid = sender->portid};
	unsigned int milliseconds;
	int status = sleeper_parse(message, &milliseconds);

	if (status)
		return status;
	msleep(milliseconds);
	if (!sender->portid)
		return 0;
	reply.ack = message->ack + 1;
	return cnx_send(&reply, &to, CNX_MAY_SLEEP);
}

static int __init sleeper_init(void)
{
	const struct cnx_registration registration = {
	    .id = {SLEEPER_IDX, SLEEPER_VAL},
	    .name = "sleeper",
	    .callback = sleeper,
	    .kind = CNX_KIND_SLEEPABLE,
	    .sender = CNX_SENDER_NET_ADMIN,
	};

	sleeper_callback = cnx_register(&registration);
	return PTR_ERR_OR_ZERO(sleeper_callback);
}

static void __exit sleeper_exit(void)
{
	cnx_unregister(sleeper_callback);
}

module_init(sleeper_init);
module_exit(sleeper_exit);
MODULE_LICENSE("GPL v2");
MODULE_AUTHOR("The cnx authors");
MODULE_DESCRIPTION("cnx example: a callback that sleeps before it answers");
