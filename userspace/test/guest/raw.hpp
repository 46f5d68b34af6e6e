// SPDX-License-Identifier: GPL-2.0-only
// The wire, raw: netlink sockets, hand-made datagrams and what comes back. The client library is left out on purpose,
// since it would refuse to send most of what is tested with this.
#ifndef CNX_GUEST_RAW_HPP
#define CNX_GUEST_RAW_HPP

#include <cnx/uapi.h>

#include <linux/netlink.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <fstream>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace cnx::test
{

using Bytes = std::vector<std::uint8_t>;

inline constexpr cnx_id echo_id{0x20, 1};
inline constexpr cnx_id ticker_id{0x21, 1};
inline constexpr cnx_id sleeper_id{0x22, 1};
inline constexpr cnx_id unknown_id{0x7fff, 0x7fff};
inline constexpr cnx_id control_id{CNX_CONTROL_IDX, CNX_CONTROL_VAL};

inline constexpr std::size_t headers = sizeof(nlmsghdr) + sizeof(cnx_msg);
inline constexpr std::size_t largest_payload = CNX_MAX_MESSAGE - sizeof(cnx_msg);
inline constexpr std::uint16_t ack_flag = NLM_F_ACK;
inline constexpr std::uint16_t request_flag = NLM_F_REQUEST;

/// How many times slower than the stock kernel this one may be; see CNX_PATIENCE.
inline unsigned slowness()
{
	std::ifstream file("/etc/cnx-patience");
	unsigned times = 1;
	file >> times;
	return std::max(times, 1u);
}

inline const std::chrono::milliseconds patience{5000 * slowness()};
/// How long to listen for what must not come.
inline constexpr std::chrono::milliseconds silence{60};

/// The errors of a message's own making, as the fields to spoil before it is sent.
struct Spoiled {
	std::optional<std::uint32_t> nlmsg_len;
	std::optional<std::uint16_t> cn_len;
	std::uint16_t type = NLMSG_DONE;
};

/// Appends one message, padded as netlink wants it.
inline void append(Bytes &datagram, cnx_id id, std::uint32_t seq, std::span<const std::uint8_t> payload,
                   std::uint16_t flags = 0, const Spoiled &spoiled = {}, std::uint32_t ack = 0)
{
	const nlmsghdr netlink{.nlmsg_len =
	                           spoiled.nlmsg_len.value_or(static_cast<std::uint32_t>(headers + payload.size())),
	                       .nlmsg_type = spoiled.type,
	                       .nlmsg_flags = flags,
	                       .nlmsg_seq = seq,
	                       .nlmsg_pid = 0};
	const cnx_msg message{.id = id,
	                      .seq = seq,
	                      .ack = ack,
	                      .len = spoiled.cn_len.value_or(static_cast<std::uint16_t>(payload.size())),
	                      .flags = 0};
	const auto put = [&](const void *from, std::size_t size) {
		const auto at = datagram.size();
		datagram.resize(at + size);
		if (size > 0)
			std::memcpy(datagram.data() + at, from, size);
	};
	put(&netlink, sizeof(netlink));
	put(&message, sizeof(message));
	put(payload.data(), payload.size());
	datagram.resize(NLMSG_ALIGN(datagram.size()));
}

inline Bytes bytes_of(std::string_view text)
{
	return {text.begin(), text.end()};
}

inline Bytes one(cnx_id id, std::uint32_t seq, std::span<const std::uint8_t> payload, std::uint16_t flags = 0,
                 const Spoiled &spoiled = {})
{
	Bytes datagram;
	append(datagram, id, seq, payload, flags, spoiled);
	return datagram;
}

/// One netlink message that came back: a connector message, or an NLMSG_ERROR.
struct Received {
	nlmsghdr netlink{};
	cnx_msg message{};
	Bytes payload;
	bool is_error = false;
	int error = 0;
	std::string sentence;
	Bytes original; // what an error carries of the message that it is about
};

inline std::string sentence_in(std::span<const std::uint8_t> attributes)
{
	while (attributes.size() >= sizeof(nlattr)) {
		nlattr header;
		std::memcpy(&header, attributes.data(), sizeof(header));
		if (header.nla_len < sizeof(header) || header.nla_len > attributes.size())
			break;
		if (header.nla_type == NLMSGERR_ATTR_MSG) {
			const auto text = attributes.subspan(sizeof(header), header.nla_len - sizeof(header));
			return {text.begin(), std::find(text.begin(), text.end(), std::uint8_t{0})};
		}
		attributes = attributes.subspan(std::min(attributes.size(), std::size_t{NLA_ALIGN(header.nla_len)}));
	}
	return {};
}

inline Received parse(std::span<const std::uint8_t> bytes)
{
	Received received;
	std::memcpy(&received.netlink, bytes.data(), sizeof(nlmsghdr));
	auto body = bytes.subspan(sizeof(nlmsghdr));
	if (received.netlink.nlmsg_type == NLMSG_ERROR) {
		received.is_error = true;
		std::memcpy(&received.error, body.data(), sizeof(int));
		nlmsghdr about;
		std::memcpy(&about, body.data() + sizeof(int), sizeof(about));
		std::size_t used = sizeof(nlmsgerr);
		if (!(received.netlink.nlmsg_flags & NLM_F_CAPPED) && received.error != 0)
			used += NLMSG_ALIGN(about.nlmsg_len) - sizeof(nlmsghdr);
		used = std::min(used, body.size());
		received.original.assign(body.begin() + sizeof(int), body.begin() + static_cast<std::ptrdiff_t>(used));
		if (received.netlink.nlmsg_flags & NLM_F_ACK_TLVS)
			received.sentence = sentence_in(body.subspan(used));
		return received;
	}
	if (body.size() >= sizeof(cnx_msg)) {
		std::memcpy(&received.message, body.data(), sizeof(cnx_msg));
		body = body.subspan(sizeof(cnx_msg));
		body = body.first(std::min<std::size_t>(body.size(), received.message.len));
		received.payload.assign(body.begin(), body.end());
	}
	return received;
}

[[noreturn]] inline void give_up(const std::string &why)
{
	std::printf("Bail out! %s: %s\n", why.c_str(), std::strerror(errno));
	std::fflush(stdout);
	std::_Exit(1);
}

/// What the running module says its protocol number is; 0 if there is none.
inline int protocol()
{
	std::ifstream file(CNX_PROTOCOL_FILE);
	int number = 0;
	file >> number;
	return number;
}

// SAFETY: every socket address begins as a sockaddr does, and the calls that take one are told its true size.
inline sockaddr *generic(sockaddr_nl &address)
{
	return reinterpret_cast<sockaddr *>(&address);
}

inline bool eventually(const std::function<bool()> &condition, std::chrono::milliseconds timeout = patience)
{
	for (const auto end = std::chrono::steady_clock::now() + timeout; !condition();) {
		if (std::chrono::steady_clock::now() > end)
			return false;
		std::this_thread::sleep_for(std::chrono::milliseconds(10));
	}
	return true;
}

/// A bound netlink socket. Its owner.
class Socket
{
public:
	/// `portid`: 0 for one that the kernel chooses. One that another socket has is waited for.
	explicit Socket(int number = protocol(), std::uint32_t portid = 0)
	    : fd_(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, number))
	{
		sockaddr_nl address{};
		address.nl_family = AF_NETLINK;
		address.nl_pid = portid;
		socklen_t size = sizeof(address);
		int status = 0;
		eventually([&] {
			status = ::bind(fd_, generic(address), size) ? errno : 0;
			return status != EADDRINUSE;
		});
		if (fd_ < 0 || status || ::getsockname(fd_, generic(address), &size))
			give_up("a netlink socket could not be opened");
		portid_ = address.nl_pid;
		option(NETLINK_EXT_ACK, 1);
	}
	Socket(Socket &&other) noexcept
	    : fd_(std::exchange(other.fd_, -1)), portid_(other.portid_), pending_(std::move(other.pending_))
	{
	}
	Socket &operator=(Socket &&) = delete;
	~Socket()
	{
		if (fd_ >= 0)
			::close(fd_);
	}

	[[nodiscard]] int fd() const { return fd_; }
	[[nodiscard]] std::uint32_t portid() const { return portid_; }

	/// 0 or a negative errno.
	int option(int name, int value) const
	{
		return ::setsockopt(fd_, SOL_NETLINK, name, &value, sizeof(value)) ? -errno : 0;
	}
	[[nodiscard]] int join(unsigned group) const { return option(NETLINK_ADD_MEMBERSHIP, static_cast<int>(group)); }

	/// 0 or a negative errno.
	int send(std::span<const std::uint8_t> datagram, std::uint32_t groups = 0) const
	{
		sockaddr_nl kernel{};
		kernel.nl_family = AF_NETLINK;
		kernel.nl_groups = groups;
		const auto sent = ::sendto(fd_, datagram.data(), datagram.size(), 0, generic(kernel), sizeof(kernel));
		return sent < 0 ? -errno : 0;
	}

	/// The next message, or nothing when the time is over. error() tells of ENOBUFS and its like.
	std::optional<Received> receive(std::chrono::milliseconds timeout = patience)
	{
		error_ = 0;
		if (pending_.empty() && !fill(timeout))
			return std::nullopt;
		Received received = std::move(pending_.front());
		pending_.pop_front();
		return received;
	}
	[[nodiscard]] int error() const { return error_; }

	/// All that comes until there is silence.
	std::vector<Received> drain(std::chrono::milliseconds timeout = silence)
	{
		std::vector<Received> all;
		while (auto received = receive(timeout))
			all.push_back(std::move(*received));
		return all;
	}

private:
	bool fill(std::chrono::milliseconds timeout)
	{
		pollfd waiting{.fd = fd_, .events = POLLIN, .revents = 0};
		if (::poll(&waiting, 1, static_cast<int>(timeout.count())) <= 0)
			return false;
		// Not of each socket: some tests have a thousand, and fork with all that they have touched.
		static thread_local Bytes buffer(std::size_t{1} << 17);
		socklen_t from_size = sizeof(from_);
		const auto size = ::recvfrom(fd_, buffer.data(), buffer.size(), 0, generic(from_), &from_size);
		if (size < 0) {
			error_ = errno;
			return false;
		}
		++datagrams_;
		std::span<const std::uint8_t> rest(buffer.data(), static_cast<std::size_t>(size));
		while (rest.size() >= sizeof(nlmsghdr)) {
			nlmsghdr header;
			std::memcpy(&header, rest.data(), sizeof(header));
			if (header.nlmsg_len < sizeof(header) || header.nlmsg_len > rest.size())
				give_up("the kernel sent a malformed datagram");
			pending_.push_back(parse(rest.first(header.nlmsg_len)));
			rest = rest.subspan(std::min(rest.size(), std::size_t{NLMSG_ALIGN(header.nlmsg_len)}));
		}
		return !pending_.empty();
	}

public:
	/// Datagrams received so far.
	[[nodiscard]] unsigned datagrams() const { return datagrams_; }
	/// Where the last of them came from.
	[[nodiscard]] const sockaddr_nl &from() const { return from_; }

private:
	int fd_;
	int error_ = 0;
	unsigned datagrams_ = 0;
	sockaddr_nl from_{};
	std::uint32_t portid_ = 0;
	std::deque<Received> pending_;
};

/// The answer to a control request: records, or the errno that refused it.
struct Answer {
	int error = -ETIMEDOUT;
	std::string sentence;
	cnx_control_reply reply{};
	Bytes records;

	template <typename Record>
	[[nodiscard]] std::optional<Record> record(std::size_t index = 0) const
	{
		if ((index + 1) * sizeof(Record) > records.size())
			return std::nullopt;
		Record value;
		std::memcpy(&value, records.data() + index * sizeof(Record), sizeof(Record));
		return value;
	}
};

inline Answer ask_raw(Socket &socket, std::span<const std::uint8_t> request)
{
	static std::uint32_t seq = 1000;
	Answer answer;
	++seq;
	if ((answer.error = socket.send(one(control_id, seq, request, NLM_F_REQUEST))))
		return answer;
	answer.error = -ETIMEDOUT;
	while (auto received = socket.receive()) {
		if (received->is_error && received->netlink.nlmsg_seq == seq) {
			answer.error = received->error;
			answer.sentence = received->sentence;
			return answer;
		}
		if (received->message.id.idx != CNX_CONTROL_IDX || received->message.seq != seq ||
		    received->message.ack != 1)
			continue;
		if (received->payload.size() < sizeof(cnx_control_reply))
			give_up("a control reply is too short");
		std::memcpy(&answer.reply, received->payload.data(), sizeof(cnx_control_reply));
		answer.records.assign(received->payload.begin() + sizeof(cnx_control_reply), received->payload.end());
		answer.error = 0;
		return answer;
	}
	return answer;
}

inline Bytes control_request(std::uint16_t op, cnx_id id = {}, std::uint32_t count = 0, std::uint64_t cursor = 0,
                             std::uint16_t version = CNX_CONTROL_VERSION)
{
	const cnx_control_request request{.version = version, .op = op, .count = count, .id = id, .cursor = cursor};
	Bytes bytes(sizeof(request));
	std::memcpy(bytes.data(), &request, sizeof(request));
	return bytes;
}

inline Answer ask(Socket &socket, std::uint16_t op, cnx_id id = {}, std::uint32_t count = 0, std::uint64_t cursor = 0,
                  std::uint16_t version = CNX_CONTROL_VERSION)
{
	return ask_raw(socket, control_request(op, id, count, cursor, version));
}

/// What cnx says that a socket missed of an id, to another one that asks.
inline std::uint64_t losses_of(std::uint32_t portid, cnx_id id, Socket &asker)
{
	const auto answer = ask(asker, CNX_CONTROL_LOSSES, {portid, 0});
	for (std::size_t i = 0; const auto record = answer.record<cnx_loss>(i); ++i)
		if (record->id.idx == id.idx && record->id.val == id.val)
			return record->lost;
	return 0;
}

using Counts = std::array<std::uint64_t, CNX_COUNTERS>;

inline Counts counts(Socket &socket)
{
	Counts sum{};
	std::uint64_t cursor = 0;
	do {
		const auto answer = ask(socket, CNX_CONTROL_COUNTERS, {}, 0, cursor);
		if (answer.error)
			give_up("the counters could not be read");
		for (std::size_t i = 0; const auto record = answer.record<cnx_counters>(i); ++i) {
			for (std::size_t c = 0; c < CNX_COUNTERS; ++c)
				sum[c] += record->value[c];
		}
		cursor = answer.reply.cursor;
	} while (cursor != 0);
	return sum;
}

/// Counts what happens from its creation on, leaving out what counting itself adds.
class CountingFrom
{
public:
	explicit CountingFrom(Socket &socket) : socket_(socket)
	{
		const Counts first = counts(socket);
		before_ = counts(socket);
		for (std::size_t i = 0; i < CNX_COUNTERS; ++i)
			own_[i] = before_[i] - first[i];
	}

	/// What became of messages since, in words: "3:2 5:1" are two of counter 3 and one of counter 5. Where their
	/// skbs came from is left out: that depends on when the pool was filled last.
	[[nodiscard]] std::string rise() const
	{
		const Counts now = counts(socket_);
		std::string text;
		for (std::size_t i = 0; i < CNX_POOL_HITS; ++i) {
			const auto more = static_cast<std::int64_t>(now[i] - before_[i] - own_[i]);
			if (more != 0)
				text += (text.empty() ? "" : " ") + std::to_string(i) + ":" + std::to_string(more);
		}
		return text;
	}

private:
	Socket &socket_;
	Counts before_{};
	Counts own_{};
};

/// The words of CountingFrom::rise() for what is expected. In the order of the counters, and none of them zero.
inline std::string words(std::initializer_list<std::pair<cnx_counter, std::uint64_t>> expected)
{
	std::string text;
	for (const auto &[counter, number] : expected)
		text += (text.empty() ? "" : " ") + std::to_string(static_cast<unsigned>(counter)) + ":" +
		        std::to_string(number);
	return text;
}

inline constexpr unsigned nobody = 65534;

/// What a function returns (0 to -255, negated errnos as a rule) in a process of its own.
inline int in_child(const std::function<int()> &function)
{
	const pid_t child = ::fork();
	if (child == 0)
		std::_Exit(-function());
	int status = 0;
	if (child < 0 || ::waitpid(child, &status, 0) != child || !WIFEXITED(status))
		give_up("a child process failed");
	return -WEXITSTATUS(status);
}

/// The same, as a user without any right.
inline int as_nobody(const std::function<int()> &function)
{
	return in_child([&] { return ::setgid(nobody) || ::setuid(nobody) ? -200 : function(); });
}

/// 0 or a negative errno.
inline int load_module(const char *name, const char *parameters = "")
{
	const int fd = ::open((std::string("/ko/") + name + ".ko").c_str(), O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	const int status = ::syscall(SYS_finit_module, fd, parameters, 0) ? -errno : 0;
	::close(fd);
	return status;
}

/// 0 or a negative errno; -EWOULDBLOCK while the module is in use.
inline int unload_module(const char *name)
{
	return ::syscall(SYS_delete_module, name, O_NONBLOCK) ? -errno : 0;
}

} // namespace cnx::test

#endif // CNX_GUEST_RAW_HPP
