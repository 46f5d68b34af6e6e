// SPDX-License-Identifier: GPL-2.0-only
// Orders to kernel/test/traffic, and listeners that keep books of what it sends.
#ifndef CNX_GUEST_TRAFFIC_HPP
#define CNX_GUEST_TRAFFIC_HPP

#include "raw.hpp"

#include <map>
#include <sstream>

namespace cnx::test
{

inline constexpr std::uint32_t idx = 0x34; // as in traffic.c, and the group
inline constexpr unsigned lossless = 1;
inline constexpr unsigned atomic = 2;

struct Traffic {
	std::uint64_t sent_ns;
	std::uint32_t number;
	std::uint32_t unused;
};

/// Has the module do something; the numbers that came of it.
inline std::vector<long> order(const std::string &what)
{
	const int file = ::open("/proc/cnx_test_traffic", O_RDWR | O_CLOEXEC);
	std::array<char, 512> text{};
	if (file < 0 || ::write(file, what.data(), what.size()) != static_cast<ssize_t>(what.size()) ||
	    ::pread(file, text.data(), text.size() - 1, 0) < 0)
		give_up(what);
	::close(file);
	std::vector<long> numbers;
	std::istringstream words(text.data());
	for (long number; words >> number;)
		numbers.push_back(number);
	return numbers;
}

inline std::string words_of(const std::vector<long> &numbers)
{
	std::string text;
	for (const long number : numbers)
		text += (text.empty() ? "" : " ") + std::to_string(number);
	return text;
}

/// The order to send; `to` names a portid or the group.
inline std::string send_order(std::uint32_t portid, std::uint32_t group, unsigned count, unsigned how)
{
	return "send " + std::to_string(portid) + " " + std::to_string(group) + " " + std::to_string(count) + " " +
	       std::to_string(how);
}

inline std::string registration(unsigned delay_us = 0, unsigned messages = 0, unsigned bytes = 0)
{
	return "register " + std::to_string(delay_us) + " " + std::to_string(messages) + " " + std::to_string(bytes);
}

inline std::uint64_t now_ns()
{
	timespec now{};
	::clock_gettime(CLOCK_MONOTONIC, &now);
	return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000u + static_cast<std::uint64_t>(now.tv_nsec);
}

/// A socket that reads as fast as it can, and keeps books.
class Listener
{
public:
	struct Datagram {
		unsigned messages = 0;
		std::uint32_t first = 0;
		std::uint64_t delay_ns = 0; // from the sending of the first message to its arrival
	};

	[[nodiscard]] int fd() const { return socket_.fd(); }

	void room(int bytes) const
	{
		if (::setsockopt(socket_.fd(), SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)))
			give_up("the receive buffer");
	}

	/// 0 or a negative errno.
	int subscribe(std::uint32_t group = idx, std::uint32_t flags = 0)
	{
		return ask(socket_, CNX_CONTROL_SUBSCRIBE, {group, 0}, flags).error;
	}

	/// One datagram, within a time. False: none came.
	bool take(std::chrono::milliseconds timeout)
	{
		pollfd waiting{.fd = socket_.fd(), .events = POLLIN, .revents = 0};
		for (;;) {
			const auto size = ::recv(socket_.fd(), buffer_.data(), buffer_.size(), MSG_DONTWAIT);
			if (size > 0) {
				book({buffer_.data(), static_cast<std::size_t>(size)});
				return true;
			}
			if (size < 0 && errno == ENOBUFS)
				++overruns_;
			else if (::poll(&waiting, 1, static_cast<int>(timeout.count())) <= 0)
				return false;
		}
	}

	void take_all(std::chrono::milliseconds silence_after = silence)
	{
		while (take(silence_after))
			;
	}

	[[nodiscard]] std::uint32_t portid() const { return socket_.portid(); }
	[[nodiscard]] unsigned overruns() const { return overruns_; }
	[[nodiscard]] std::uint64_t messages() const { return messages_; }
	[[nodiscard]] std::uint64_t messages_of(std::uint32_t val) { return by_val_[val]; }
	/// Messages whose number is not one above the last one's.
	[[nodiscard]] std::uint64_t jumps() const { return jumps_; }
	[[nodiscard]] std::uint32_t last() const { return last_; }
	/// The datagrams since the last call.
	std::vector<Datagram> datagrams() { return std::exchange(datagrams_, {}); }
	void keep_datagrams() { keep_ = true; }

private:
	void book(std::span<const std::uint8_t> rest)
	{
		Datagram datagram;
		while (rest.size() >= headers) {
			nlmsghdr netlink;
			cnx_msg message;
			Traffic traffic{};
			std::memcpy(&netlink, rest.data(), sizeof(netlink));
			std::memcpy(&message, rest.data() + sizeof(netlink), sizeof(message));
			if (netlink.nlmsg_len < headers || netlink.nlmsg_len > rest.size() ||
			    headers + message.len > netlink.nlmsg_len)
				give_up("the kernel sent a malformed datagram");
			if (message.id.idx == idx && message.len == sizeof(traffic)) {
				std::memcpy(&traffic, rest.data() + headers, sizeof(traffic));
				if (datagram.messages++ == 0) {
					datagram.first = traffic.number;
					datagram.delay_ns = now_ns() - traffic.sent_ns;
				}
				++messages_;
				++by_val_[message.id.val];
				jumps_ += traffic.number != last_ + 1;
				last_ = traffic.number;
			}
			rest = rest.subspan(std::min(rest.size(), std::size_t{NLMSG_ALIGN(netlink.nlmsg_len)}));
		}
		if (keep_ && datagram.messages != 0)
			datagrams_.push_back(datagram);
	}

	Socket socket_;
	std::vector<std::uint8_t> buffer_ = std::vector<std::uint8_t>(1 << 17);
	unsigned overruns_ = 0;
	std::uint64_t messages_ = 0;
	std::map<std::uint32_t, std::uint64_t> by_val_;
	std::uint64_t jumps_ = 0;
	std::uint32_t last_ = 0;
	bool keep_ = false;
	std::vector<Datagram> datagrams_;
};

/// What the module says that a listener missed, by val.
inline std::map<std::uint32_t, std::uint64_t> missed(std::uint32_t portid)
{
	Socket observer;
	std::map<std::uint32_t, std::uint64_t> by_val;
	std::uint64_t cursor = 0;
	do {
		const auto answer = ask(observer, CNX_CONTROL_LOSSES, {portid, 0}, 0, cursor);
		if (answer.error)
			give_up("the losses could not be read");
		for (std::size_t i = 0; const auto loss = answer.record<cnx_loss>(i); ++i)
			by_val[loss->id.val] += loss->lost;
		cursor = answer.reply.cursor;
	} while (cursor != 0);
	return by_val;
}

} // namespace cnx::test

#endif // CNX_GUEST_TRAFFIC_HPP
