// SPDX-License-Identifier: MIT
/* The language of client_exchange's inputs. userspace/fuzz/seeds.py reads these two lists, so that it speaks it, too.
 */
#ifndef CNX_FUZZ_CLIENT_PROGRAM_HPP
#define CNX_FUZZ_CLIENT_PROGRAM_HPP

#include <cstdint>

namespace cnx::fuzz
{

/* What the client does. */
enum class Call : std::uint8_t { Receive, Request, Send, Batch, Join, Leave, Info, List, Show, Counters, Losses };
inline constexpr unsigned call_count = 11;

/* What it finds when it reads. */
enum class Found : std::uint8_t { Nothing, Overflow, Signal, Datagram, Foreign, Long, Answer, Acknowledgement };
inline constexpr unsigned found_count = 8;

} // namespace cnx::fuzz

#endif // CNX_FUZZ_CLIENT_PROGRAM_HPP
