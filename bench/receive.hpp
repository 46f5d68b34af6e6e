// SPDX-License-Identifier: GPL-2.0-only
#ifndef CNX_BENCH_RECEIVE_HPP
#define CNX_BENCH_RECEIVE_HPP

#include "options.hpp"

namespace cnx::bench
{

/// receive/cnx/batch:B: a message's share of a datagram of B messages, from its bytes to its callback.
void add_receive(const Options &options);

/// pool/...: taking a buffer for a message and giving it back.
void add_pool(const Options &options);

} // namespace cnx::bench

#endif // CNX_BENCH_RECEIVE_HPP
