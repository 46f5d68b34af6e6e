// SPDX-License-Identifier: GPL-2.0-only
// Mutation of datagrams by someone who knows their format: whole messages come, go and are repeated, fields get the
// numbers that matter to them, and afterwards the lengths are put right as a rule, since a wrong one ends everything.
// Shared by the fuzzers in user space, where libFuzzer mutates bytes, and the one in the kernel.
#ifndef CNX_FUZZ_STRUCTURE_HPP
#define CNX_FUZZ_STRUCTURE_HPP

#include <cnx/uapi.h>

#include <linux/netlink.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <random>
#include <span>
#include <utility>
#include <vector>

namespace cnx::fuzz
{

using Random = std::minstd_rand;

/// A number below `limit`, which is not 0.
inline std::uint32_t pick(Random &random, std::size_t limit)
{
	return static_cast<std::uint32_t>(random() % limit);
}

/// Once in so many.
inline bool once_in(Random &random, unsigned times)
{
	return pick(random, times) == 0;
}

/// A datagram whose parts can be told apart: a netlink header, a connector header, and a payload.
class Structure
{
public:
	static constexpr std::size_t headers = sizeof(nlmsghdr) + sizeof(cnx_msg);

	struct Part {
		nlmsghdr netlink;
		cnx_msg message;
		std::vector<std::byte> payload;
	};

	/// What can be understood of `bytes`. Whatever their lengths say, what is behind one message is the next one.
	explicit Structure(std::span<const std::byte> bytes)
	{
		while (bytes.size() >= headers) {
			Part part{};
			std::memcpy(&part.netlink, bytes.data(), sizeof(nlmsghdr));
			std::memcpy(&part.message, bytes.data() + sizeof(nlmsghdr), sizeof(cnx_msg));
			const std::size_t claimed =
			    std::clamp<std::size_t>(part.netlink.nlmsg_len, headers, bytes.size());
			const auto payload = bytes.subspan(headers, claimed - headers);
			part.payload.assign(payload.begin(), payload.end());
			parts.push_back(std::move(part));
			bytes = bytes.subspan(std::min(bytes.size(), (claimed + 3) / 4 * 4));
		}
	}

	[[nodiscard]] std::vector<std::byte> bytes() const
	{
		std::vector<std::byte> all;
		for (const Part &part : parts) {
			const auto at = all.size();
			all.resize(at + (headers + part.payload.size() + 3) / 4 * 4);
			std::memcpy(&all[at], &part.netlink, sizeof(nlmsghdr));
			std::memcpy(&all[at + sizeof(nlmsghdr)], &part.message, sizeof(cnx_msg));
			std::copy(part.payload.begin(), part.payload.end(),
			          all.begin() + static_cast<std::ptrdiff_t>(at + headers));
		}
		return all;
	}

	/// One change. `ids` are those that somebody answers to, and `change_bytes(payload, random)` is how payloads
	/// are changed.
	template <typename ChangeBytes>
	void mutate(Random &random, std::span<const cnx_id> ids, ChangeBytes &&change_bytes)
	{
		if (parts.empty() || once_in(random, 8))
			return add(random, ids);
		Part &part = parts[pick(random, parts.size())];
		switch (pick(random, 10)) {
		case 0:
			parts.erase(parts.begin() + (&part - parts.data()));
			return;
		case 1: {
			const Part copy = part;
			parts.insert(parts.begin() + pick(random, parts.size() + 1), copy);
			return;
		}
		case 2:
			std::swap(part, parts[pick(random, parts.size())]);
			return;
		case 3:
			part.netlink.nlmsg_type = std::array<std::uint16_t, 6>{0, 1, 2, 3, 3, 0xffff}[pick(random, 6)];
			break;
		case 4:
			part.netlink.nlmsg_flags =
			    static_cast<std::uint16_t>(once_in(random, 4) ? random() : pick(random, 8));
			break;
		case 5:
			part.message.id = any_id(random, ids);
			break;
		case 6:
			(once_in(random, 2) ? part.message.seq : part.message.ack) = interesting(random);
			break;
		case 7:
			part.payload.resize(interesting(random) % (CNX_MAX_MESSAGE + 8));
			break;
		case 8:
			part.netlink.nlmsg_seq = interesting(random);
			part.netlink.nlmsg_pid = interesting(random);
			break;
		default:
			change_bytes(part.payload, random);
		}
		// One in eight lies about a length, and has to be seen through.
		mend(part);
		if (once_in(random, 8))
			(once_in(random, 2) ? lie(part.netlink.nlmsg_len, random) : lie(part.message.len, random));
	}

	std::vector<Part> parts;

private:
	static std::uint32_t interesting(Random &random)
	{
		static constexpr std::array<std::uint32_t, 14> numbers{
		    0, 1, 2, 3, 4, 7, 8, 24, 32, 255, 0x7fff, CNX_MAX_MESSAGE - sizeof(cnx_msg), 0x80000000u, ~0u};
		return numbers[pick(random, numbers.size())] + pick(random, 3) - 1;
	}

	template <typename Number>
	static void lie(Number &number, Random &random)
	{
		number = static_cast<Number>(once_in(random, 2) ? interesting(random) : number + pick(random, 9) - 4);
	}

	static void mend(Part &part)
	{
		part.netlink.nlmsg_len = static_cast<std::uint32_t>(headers + part.payload.size());
		part.message.len = static_cast<std::uint16_t>(part.payload.size());
	}

	static cnx_id any_id(Random &random, std::span<const cnx_id> ids)
	{
		if (ids.empty() || once_in(random, 8))
			return {interesting(random), interesting(random)};
		return ids[pick(random, ids.size())];
	}

	void add(Random &random, std::span<const cnx_id> ids)
	{
		Part part{};
		part.netlink.nlmsg_type = 3;
		part.netlink.nlmsg_flags = static_cast<std::uint16_t>(pick(random, 8));
		part.netlink.nlmsg_seq = static_cast<std::uint32_t>(random());
		part.message.id = any_id(random, ids);
		part.message.seq = part.netlink.nlmsg_seq;
		part.payload.resize(pick(random, 40));
		mend(part);
		parts.insert(parts.begin() + pick(random, parts.size() + 1), std::move(part));
	}
};

} // namespace cnx::fuzz

#endif // CNX_FUZZ_STRUCTURE_HPP
