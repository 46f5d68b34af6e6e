// SPDX-License-Identifier: MIT
#include "client/datagram.hpp"

#include <algorithm>
#include <cstring>
#include <type_traits>

#include <linux/netlink.h>

namespace cnx::client
{
namespace
{

/* The largest errno that the kernel's error encoding knows. */
constexpr int max_errno = 4095;

constexpr std::size_t aligned(std::size_t length)
{
	return (length + NLMSG_ALIGNTO - 1) & ~std::size_t{NLMSG_ALIGNTO - 1};
}

/* Copies a header out: it may lie unaligned in the bytes. False if they are too few. */
template <class T>
bool load(std::span<const std::byte> bytes, T &value)
{
	static_assert(std::is_trivially_copyable_v<T>);
	if (bytes.size() < sizeof(T))
		return false;
	std::memcpy(&value, bytes.data(), sizeof(T));
	return true;
}

/* The sentence among the attributes of an NLMSG_ERROR; empty if there is none or they are malformed before it. */
std::string_view extended_text(std::span<const std::byte> attributes)
{
	for (nlattr header; load(attributes, header);) {
		if (header.nla_len < sizeof(nlattr) || header.nla_len > attributes.size())
			break;
		if ((header.nla_type & NLA_TYPE_MASK) == NLMSGERR_ATTR_MSG) {
			const auto value = text(attributes.subspan(sizeof(nlattr), header.nla_len - sizeof(nlattr)));
			return value.substr(0, value.find('\0'));
		}
		attributes = attributes.subspan(std::min(aligned(header.nla_len), attributes.size()));
	}
	return {};
}

Item parse_error(const nlmsghdr &header, std::span<const std::byte> body, std::size_t offset)
{
	nlmsgerr error;
	if (!load(body, error))
		return Malformed{Malformation::Truncated, offset};
	if (error.error > 0 || error.error < -max_errno)
		return Malformed{Malformation::BadErrno, offset};

	AcknowledgementView view{-error.error, error.msg.nlmsg_seq, {}};
	if (header.nlmsg_flags & NLM_F_ACK_TLVS) {
		/* Unless capped, the answer quotes the whole message, by its own length, ahead of the attributes. */
		std::size_t begin = sizeof(nlmsgerr);
		if (!(header.nlmsg_flags & NLM_F_CAPPED)) {
			if (error.msg.nlmsg_len < sizeof(nlmsghdr))
				return Malformed{Malformation::BadLength, offset};
			begin = sizeof(error.error) + aligned(error.msg.nlmsg_len);
		}
		if (begin > body.size())
			return Malformed{Malformation::BadLength, offset};
		view.what = extended_text(body.subspan(begin));
	}
	return view;
}

Item parse_message(std::span<const std::byte> body, std::size_t offset)
{
	cnx_msg header;
	if (!load(body, header))
		return Malformed{Malformation::Truncated, offset};
	const auto rest = body.subspan(sizeof(cnx_msg));
	/* A sender may count the padding in nlmsg_len; more than that is a contradiction. */
	if (header.len > rest.size() || rest.size() - header.len >= NLMSG_ALIGNTO)
		return Malformed{Malformation::BadLength, offset};
	return MessageView{
	    {header.id.idx, header.id.val}, header.seq, header.ack, header.flags, rest.first(header.len)};
}

template <class T>
void append(std::vector<std::byte> &out, const T &value)
{
	const auto bytes = std::as_bytes(std::span(&value, 1));
	out.insert(out.end(), bytes.begin(), bytes.end());
}

} // namespace

std::optional<Item> DatagramReader::next()
{
	while (offset_ < datagram_.size()) {
		const std::size_t offset = offset_;
		const auto rest = datagram_.subspan(offset);
		nlmsghdr header;
		if (!load(rest, header)) {
			offset_ = datagram_.size();
			return Malformed{Malformation::Truncated, offset};
		}
		if (header.nlmsg_len < sizeof(nlmsghdr) || header.nlmsg_len > rest.size()) {
			offset_ = datagram_.size();
			return Malformed{Malformation::BadLength, offset};
		}
		/* The last message of a datagram may go without its padding. */
		offset_ += std::min(aligned(header.nlmsg_len), rest.size());
		const auto body = rest.subspan(sizeof(nlmsghdr), header.nlmsg_len - sizeof(nlmsghdr));

		switch (header.nlmsg_type) {
		case NLMSG_NOOP:
			continue;
		case NLMSG_ERROR:
			return parse_error(header, body, offset);
		case NLMSG_DONE:
			return parse_message(body, offset);
		default:
			return Malformed{Malformation::BadType, offset};
		}
	}
	return std::nullopt;
}

bool append_message(std::vector<std::byte> &datagram, const MessageView &message, std::uint16_t netlink_flags,
                    std::uint32_t netlink_seq, std::uint32_t portid)
{
	if (message.payload.size() > CNX_MAX_MESSAGE - sizeof(cnx_msg))
		return false;

	const std::size_t length = sizeof(nlmsghdr) + sizeof(cnx_msg) + message.payload.size();
	nlmsghdr netlink{};
	netlink.nlmsg_len = static_cast<std::uint32_t>(length);
	netlink.nlmsg_type = NLMSG_DONE;
	netlink.nlmsg_flags = netlink_flags;
	netlink.nlmsg_seq = netlink_seq;
	netlink.nlmsg_pid = portid;

	cnx_msg header{};
	header.id = {message.id.idx, message.id.val};
	header.seq = message.seq;
	header.ack = message.ack;
	header.len = static_cast<std::uint16_t>(message.payload.size());
	header.flags = message.flags;

	append(datagram, netlink);
	append(datagram, header);
	datagram.insert(datagram.end(), message.payload.begin(), message.payload.end());
	datagram.resize(datagram.size() + aligned(length) - length);
	return true;
}

} // namespace cnx::client
