// SPDX-License-Identifier: MIT
/*
 * Datagrams taken apart and put together, without a socket: pure functions of bytes, so that they can be tested and
 * fuzzed by themselves. The bytes are believed in nothing, although they come from the kernel.
 */
#ifndef CNX_CLIENT_DATAGRAM_HPP
#define CNX_CLIENT_DATAGRAM_HPP

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <variant>
#include <vector>

#include <cnx/client.hpp>

namespace cnx::client
{

/* An NLMSG_ERROR. */
struct AcknowledgementView {
	int code;              /* 0 or a positive errno */
	std::uint32_t seq;     /* the nlmsg_seq of the message that it answers */
	std::string_view what; /* NLMSGERR_ATTR_MSG, which may be empty; part of the datagram's bytes */
};

enum class Malformation {
	Truncated, /* the bytes end before a netlink or connector header does */
	BadLength, /* a length field contradicts the bytes around it */
	BadType,   /* a netlink message that cnx does not send */
	BadErrno,  /* an NLMSG_ERROR with something else than 0 or a negative errno */
};

struct Malformed {
	Malformation reason;
	std::size_t offset; /* of the netlink header in the datagram, in bytes */
};

using Item = std::variant<MessageView, AcknowledgementView, Malformed>;

/*
 * Walks a datagram. The bytes must outlive the reader and the views that it yields; they need no alignment. A message
 * that is malformed within its bounds is yielded as such, and the walk goes on behind it; where the bounds themselves
 * are wrong nothing behind them can be trusted, and the walk ends there.
 */
class DatagramReader
{
public:
	DatagramReader() = default;
	explicit DatagramReader(std::span<const std::byte> datagram) : datagram_(datagram) {}

	/* The next item; nothing at the end. */
	std::optional<Item> next();

private:
	std::span<const std::byte> datagram_;
	std::size_t offset_ = 0;
};

/*
 * Appends one netlink message, padded to NLMSG_ALIGNTO so that another may follow. False, and nothing appended, if the
 * message exceeds CNX_MAX_MESSAGE.
 */
bool append_message(std::vector<std::byte> &datagram, const MessageView &message, std::uint16_t netlink_flags,
                    std::uint32_t netlink_seq, std::uint32_t portid);

} // namespace cnx::client

#endif // CNX_CLIENT_DATAGRAM_HPP
