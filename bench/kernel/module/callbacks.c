// SPDX-License-Identifier: GPL-2.0-only
/* Registers and unregisters callbacks that do nothing. */
#include <linux/connector.h>
#include <linux/err.h>

#include <cnx/driver.h>

#include "bench.h"

static struct cnx_callback *callbacks[BENCH_MOST_CALLBACKS];
static unsigned int registered[2]; /* by enum bus */

static int on_cnx(void *context, const struct cnx_message *message, const struct cnx_sender *sender)
{
	return 0;
}

static void on_connector(struct cn_msg *message, struct netlink_skb_parms *parms) {}

static int register_with_cnx(void *context)
{
	const struct cnx_registration registration = {
	    .id = {BENCH_IDX, registered[CNX]},
	    .name = "bench",
	    .callback = on_cnx,
	    .sender = CNX_SENDER_ANYONE,
	};
	struct cnx_callback *callback = cnx_register(&registration);

	if (IS_ERR(callback))
		return PTR_ERR(callback);
	callbacks[registered[CNX]++] = callback;
	return 0;
}

static int register_with_connector(void *context)
{
	const struct cb_id id = {BENCH_IDX, registered[CONNECTOR]};
	const int status = cn_add_callback(&id, "bench", on_connector);

	if (!status)
		registered[CONNECTOR]++;
	return status;
}

unsigned int bench_registered(enum bus bus)
{
	return registered[bus];
}

void bench_unregister(enum bus bus)
{
	unsigned int i;

	if (bus == CNX && registered[CNX]) {
		/* Refused only in a callback or a read section, and this is neither. */
		cnx_unregister_all(callbacks, registered[CNX]);
	} else if (bus == CONNECTOR) {
		for (i = 0; i < registered[CONNECTOR]; i++) {
			struct cb_id id = {BENCH_IDX, i};

			cn_del_callback(&id);
		}
	}
	registered[bus] = 0;
}

int bench_register(enum bus bus, const unsigned int *numbers)
{
	const struct plan plan = {numbers[0], numbers[1]};
	int status;

	if ((u64)plan.steps * plan.round > BENCH_MOST_CALLBACKS)
		return -EINVAL;
	bench_unregister(bus);
	status = bus == CNX ? bench_measure(bench_ticks, plan, register_with_cnx, NULL)
	                    : bench_measure(bench_ticks, plan, register_with_connector, NULL);
	bench_steps = status ? 0 : plan.steps;
	return status;
}
