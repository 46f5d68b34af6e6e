// SPDX-License-Identifier: GPL-2.0-only
/* Sends from the kernel: to listeners, and from driver to driver. */
#include <linux/connector.h>
#include <linux/err.h>
#include <linux/string.h>

#include <cnx/driver.h>

#include "bench.h"

struct outgoing {
	struct cnx_destination to; /* cnx's drivers name one that they have; the connector's name the group */
	u32 group;
	unsigned int batch;
};

static const u8 payload[BENCH_PAYLOAD];
static const struct cnx_message message = {.id = {BENCH_IDX, 0}, .length = BENCH_PAYLOAD, .payload = payload};

/* Nobody listening is something to measure. */
static int unless_nobody(int status)
{
	return status == -ESRCH ? 0 : status;
}

static int send_one(void *context)
{
	const struct outgoing *outgoing = context;

	return unless_nobody(cnx_send(&message, &outgoing->to, CNX_MAY_SLEEP));
}

static int send_batch(void *context)
{
	const struct outgoing *outgoing = context;
	struct cnx_batch many;
	unsigned int i;
	int status;

	status = cnx_batch_begin(&many, outgoing->batch * cnx_batch_room(BENCH_PAYLOAD), CNX_MAY_SLEEP);
	for (i = 0; !status && i < outgoing->batch; i++) {
		void *at = cnx_batch_reserve(&many, &message);

		if (IS_ERR(at))
			break;
		memcpy(at, payload, BENCH_PAYLOAD);
		status = cnx_batch_commit(&many);
	}
	return status ?: unless_nobody(cnx_batch_send(&many, &outgoing->to));
}

static int send_by_connector(void *context)
{
	const struct outgoing *outgoing = context;
	struct {
		struct cn_msg message;
		u8 payload[BENCH_PAYLOAD];
	} whole = {.message = {.id = {BENCH_IDX, 0}, .len = BENCH_PAYLOAD}};

	memcpy(whole.payload, payload, BENCH_PAYLOAD);
	return unless_nobody(cn_netlink_send(&whole.message, 0, outgoing->group, GFP_KERNEL));
}

static int dispatch(void *context)
{
	return cnx_dispatch(&message);
}

int bench_send(enum bus bus, const unsigned int *numbers)
{
	struct outgoing outgoing = {.to = {.group = numbers[0]}, .group = numbers[0], .batch = numbers[3]};
	const struct plan plan = {numbers[1], numbers[2]};
	int status;

	/* The connector has no batches. */
	if (plan.steps > BENCH_MOST_TICKS || !outgoing.batch || outgoing.batch > (bus == CNX ? BENCH_MOST_BATCH : 1))
		return -EINVAL;
	if (bus == CONNECTOR)
		status = bench_measure(bench_ticks, plan, send_by_connector, &outgoing);
	else if (outgoing.batch == 1)
		status = bench_measure(bench_ticks, plan, send_one, &outgoing);
	else
		status = bench_measure(bench_ticks, plan, send_batch, &outgoing);
	bench_steps = status ? 0 : plan.steps;
	return status;
}

int bench_local(enum bus bus, const unsigned int *numbers)
{
	const struct plan plan = {numbers[0], numbers[1]};
	int status;

	/* The connector has nothing of the kind. */
	if (bus != CNX || plan.steps > BENCH_MOST_TICKS)
		return -EINVAL;
	status = bench_measure(bench_ticks, plan, dispatch, NULL);
	bench_steps = status ? 0 : plan.steps;
	return status;
}
