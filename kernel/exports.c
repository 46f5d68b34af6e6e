// SPDX-License-Identifier: GPL-2.0-only
/* The symbols of cnx/driver.h, which core.cpp defines, exported from C so that MODVERSIONS can sign their types. */
#include <linux/export.h>
#include <linux/module.h>

#include "bindings.h"

EXPORT_SYMBOL_GPL(cnx_register);
EXPORT_SYMBOL_GPL(cnx_unregister);
EXPORT_SYMBOL_GPL(cnx_unregister_all);
EXPORT_SYMBOL_GPL(cnx_send);
EXPORT_SYMBOL_GPL(cnx_listener_create);
EXPORT_SYMBOL_GPL(cnx_listener_destroy);
EXPORT_SYMBOL_GPL(cnx_listeners_send);
EXPORT_SYMBOL_GPL(cnx_listener_barrier);
EXPORT_SYMBOL_GPL(cnx_answer);
EXPORT_SYMBOL_GPL(cnx_dispatch);
EXPORT_SYMBOL_GPL(cnx_batch_begin);
EXPORT_SYMBOL_GPL(cnx_batch_send);
EXPORT_SYMBOL_GPL(cnx_batch_cancel);
