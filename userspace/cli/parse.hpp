// SPDX-License-Identifier: GPL-2.0-only
/* What users write, turned into values, and values into what users read. Pure functions. */
#ifndef CNX_CLI_PARSE_HPP
#define CNX_CLI_PARSE_HPP

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <cnx/client.hpp>

namespace cnx::tool
{

/* A number of 32 bits, in decimal or, behind 0x, in hexadecimal. Nothing if the text is anything else. */
std::optional<std::uint32_t> parse_number(std::string_view text);

/* IDX:VAL. The error is a sentence for the user. */
std::expected<client::Id, std::string> parse_id(std::string_view text);

/* Pairs of hexadecimal digits, which blanks, colons or a leading 0x may set apart. The error is a sentence. */
std::expected<std::vector<std::byte>, std::string> parse_hex(std::string_view text);

/* "0x1:0x2" for ids of note (beyond 65535), else decimal: as a user would write it. */
std::string format_id(client::Id id);

/* Lower-case digits, two for a byte. */
std::string format_hex(std::span<const std::byte> payload);

/* Whether all of a payload is printable ASCII, tabs and newlines, or UTF-8; a final NUL is allowed. */
bool printable(std::span<const std::byte> payload);

/*
 * A payload on one line: its text where that is printable, with newlines and the like escaped and a final NUL left
 * out; else, or if `hex` is set, its digits.
 */
std::string format_payload(std::span<const std::byte> payload, bool hex);

/* "CAP_NET_ADMIN" for 12; "none" for -1; the number where it has no name here. */
std::string format_capability(int capability);

/* A counter's name and meaning, by enum cnx_counter. Counters of a later module are called "counter_N". */
struct CounterName {
	std::string name;
	std::string meaning;
};
CounterName counter_name(std::size_t index);

/* A line of /proc/net/netlink: a socket of a program. */
struct NetlinkSocket {
	std::uint32_t portid;
	std::uint32_t groups; /* a bit for each of the first 32 */
	std::uint32_t drops;  /* datagrams that found its queue full, as netlink counts them */
};

/* The sockets of one protocol, without the kernel's own. Nothing if the text is not what the kernel writes there. */
std::optional<std::vector<NetlinkSocket>> parse_netlink_sockets(std::string_view text, int protocol);

/* A driver as users call it: "echo" and "cnx_echo" are both "cnx_echo"; "cnx" is itself. Dashes become underscores. */
std::string module_name(std::string_view text);

} // namespace cnx::tool

#endif // CNX_CLI_PARSE_HPP
