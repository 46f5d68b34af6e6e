// SPDX-License-Identifier: GPL-2.0-only
/* The symbols of cnx/driver.h, exported from C so that MODVERSIONS can sign their types. */
#include <linux/err.h>
#include <linux/export.h>
#include <linux/module.h>

#include "bindings.h"

struct cnx_callback *cnx_register(const struct cnx_registration *registration)
{
	struct cnx_callback *callback;
	int status = cnx_core_register(registration, &callback);

	return status ? ERR_PTR(status) : callback;
}
EXPORT_SYMBOL_GPL(cnx_register);

int cnx_unregister_all(struct cnx_callback *const *callbacks, __kernel_size_t count)
{
	__kernel_size_t i;

	if (!callbacks && count)
		return -EINVAL;
	for (i = 0; i < count; i++) {
		if (IS_ERR_OR_NULL(callbacks[i]))
			return -EINVAL;
	}
	return count ? cnx_core_unregister(callbacks, count) : 0;
}
EXPORT_SYMBOL_GPL(cnx_unregister_all);

int cnx_unregister(struct cnx_callback *callback)
{
	return cnx_unregister_all(&callback, 1);
}
EXPORT_SYMBOL_GPL(cnx_unregister);

int cnx_send(const struct cnx_message *message, const struct cnx_destination *to, enum cnx_context context)
{
	return cnx_core_send(message, to, context == CNX_MAY_SLEEP);
}
EXPORT_SYMBOL_GPL(cnx_send);

int cnx_dispatch(const struct cnx_message *message)
{
	return cnx_core_dispatch(message);
}
EXPORT_SYMBOL_GPL(cnx_dispatch);

int cnx_batch_begin(struct cnx_batch *batch, __kernel_size_t capacity, enum cnx_context context)
{
	return cnx_core_batch_begin(batch, capacity, context);
}
EXPORT_SYMBOL_GPL(cnx_batch_begin);

__kernel_size_t cnx_batch_room(__kernel_size_t length)
{
	return cnx_core_batch_room(length);
}
EXPORT_SYMBOL_GPL(cnx_batch_room);

void *cnx_batch_reserve(struct cnx_batch *batch, const struct cnx_message *header)
{
	void *payload;
	int status = cnx_core_batch_reserve(batch, header, &payload);

	return status ? ERR_PTR(status) : payload;
}
EXPORT_SYMBOL_GPL(cnx_batch_reserve);

int cnx_batch_commit(struct cnx_batch *batch)
{
	return cnx_core_batch_commit(batch);
}
EXPORT_SYMBOL_GPL(cnx_batch_commit);

void cnx_batch_drop(struct cnx_batch *batch)
{
	cnx_core_batch_drop(batch);
}
EXPORT_SYMBOL_GPL(cnx_batch_drop);

int cnx_batch_send(struct cnx_batch *batch, const struct cnx_destination *to)
{
	return cnx_core_batch_send(batch, to);
}
EXPORT_SYMBOL_GPL(cnx_batch_send);

void cnx_batch_cancel(struct cnx_batch *batch)
{
	cnx_core_batch_cancel(batch);
}
EXPORT_SYMBOL_GPL(cnx_batch_cancel);
