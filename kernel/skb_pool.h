/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef CNX_KERNEL_SKB_POOL_H
#define CNX_KERNEL_SKB_POOL_H

/* Fill the pool and keep it so, from here until cnx_pool_stop(). 0 or a negative errno. Process context. */
int cnx_pool_start(void);
/* No driver and no socket is left. What is ready stays in the pool, for the core to free at its end. */
void cnx_pool_stop(void);

#endif /* CNX_KERNEL_SKB_POOL_H */
