// SPDX-License-Identifier: GPL-2.0-only
// Listeners to process events, and things that happen to processes.
#ifndef CNX_GUEST_PROCEVENTS_HPP
#define CNX_GUEST_PROCEVENTS_HPP

#include "namespace.hpp"

#include <cnx/procevents.h>

#include <csignal>
#include <map>

namespace cnx::test
{

inline constexpr cnx_id process_id{CNX_PROC_IDX, CNX_PROC_VAL};

/// An event with what its message says of it.
struct Event {
	std::uint32_t seq = 0;
	std::uint32_t ack = 0;
	cnx_proc_event body{};
};

inline std::optional<Event> event_in(const Received &received)
{
	Event event{received.message.seq, received.message.ack, {}};
	if (received.is_error || received.message.id.idx != CNX_PROC_IDX ||
	    received.payload.size() != sizeof(event.body))
		return std::nullopt;
	std::memcpy(&event.body, received.payload.data(), sizeof(event.body));
	return event;
}

inline Bytes request_of(std::uint32_t op)
{
	Bytes bytes(sizeof(op));
	std::memcpy(bytes.data(), &op, sizeof(op));
	return bytes;
}

inline Bytes request_of(std::uint32_t op, std::uint32_t events)
{
	const cnx_proc_request request{op, events};
	Bytes bytes(sizeof(request));
	std::memcpy(bytes.data(), &request, sizeof(request));
	return bytes;
}

/// A socket that asks for process events, and what it has got of them.
class Watcher
{
public:
	explicit Watcher(Socket &&socket = Socket()) : socket_(std::move(socket)) {}

	[[nodiscard]] Socket &socket() { return socket_; }

	/// The answer to a request, or nothing. Events that come before it are kept.
	std::optional<Event> request(std::span<const std::uint8_t> payload, std::uint32_t seq = ++requests,
	                             std::uint32_t ack = 0)
	{
		Bytes datagram;
		append(datagram, process_id, seq, payload, 0, {}, ack);
		if (socket_.send(datagram))
			return std::nullopt;
		while (const auto received = socket_.receive()) {
			const auto event = event_in(*received);
			if (event && event->body.what == CNX_PROC_ACK && event->seq == seq)
				return event;
			if (event)
				kept_.push_back(*event);
		}
		return std::nullopt;
	}

	/// The errno that a request is answered with; -1: none came.
	int ask(std::span<const std::uint8_t> payload)
	{
		const auto answer = request(payload);
		return answer ? static_cast<int>(answer->body.ack.error) : -1;
	}
	int listen(std::uint32_t events) { return ask(request_of(CNX_PROC_LISTEN, events)); }
	int listen() { return ask(request_of(CNX_PROC_LISTEN)); }
	int ignore() { return ask(request_of(CNX_PROC_IGNORE)); }

	/// What has come, and comes until there is silence. That something was missed is passed over.
	std::vector<Event> events(std::chrono::milliseconds timeout = silence)
	{
		std::vector<Event> all = std::exchange(kept_, {});
		for (;;) {
			const auto received = socket_.receive(timeout);
			if (received) {
				const auto event = event_in(*received);
				if (event && event->body.what != CNX_PROC_ACK)
					all.push_back(*event);
			} else if (socket_.error() != ENOBUFS) {
				break;
			}
		}
		return all;
	}

	/// Those of them that are about one process.
	std::vector<Event> events_of(pid_t process)
	{
		std::vector<Event> all = events();
		std::erase_if(all, [process](const Event &event) {
			return (event.body.what == CNX_PROC_FORK ? event.body.fork.child_tgid
			                                         : event.body.process.tgid) != process;
		});
		return all;
	}

private:
	static inline std::uint32_t requests = 0;

	Socket socket_;
	std::vector<Event> kept_;
};

inline const char *name_of(std::uint32_t what)
{
	switch (what) {
	case CNX_PROC_ACK:
		return "ack";
	case CNX_PROC_FORK:
		return "fork";
	case CNX_PROC_EXEC:
		return "exec";
	case CNX_PROC_UID:
		return "uid";
	case CNX_PROC_GID:
		return "gid";
	case CNX_PROC_SID:
		return "sid";
	case CNX_PROC_PTRACE:
		return "ptrace";
	case CNX_PROC_COMM:
		return "comm";
	case CNX_PROC_COREDUMP:
		return "coredump";
	case CNX_PROC_EXIT:
		return "exit";
	default:
		return "unknown";
	}
}

/// An event in words, with its pids as `name` calls them.
inline std::string words_of(const cnx_proc_event &event, const std::function<std::string(pid_t)> &name)
{
	const auto both = [&](pid_t pid, pid_t tgid) { return pid == tgid ? name(pid) : name(pid) + "/" + name(tgid); };
	const std::string kind = name_of(event.what);
	if (event.what == CNX_PROC_FORK)
		return kind + " " + both(event.fork.parent_pid, event.fork.parent_tgid) + "->" +
		       both(event.fork.child_pid, event.fork.child_tgid);
	const std::string who = kind + " " + both(event.process.pid, event.process.tgid);
	switch (event.what) {
	case CNX_PROC_UID:
	case CNX_PROC_GID:
		return who + " " + std::to_string(event.id.real) + "," + std::to_string(event.id.effective);
	case CNX_PROC_PTRACE:
		return who + " by " + both(event.ptrace.tracer_pid, event.ptrace.tracer_tgid);
	case CNX_PROC_COMM:
		return who + " " + event.comm.name;
	case CNX_PROC_COREDUMP:
		return who + " of " + both(event.coredump.parent_pid, event.coredump.parent_tgid);
	case CNX_PROC_EXIT:
		return who + " " + std::to_string(event.exit.code) + "," +
		       std::to_string(static_cast<int>(event.exit.signal)) + " of " +
		       both(event.exit.parent_pid, event.exit.parent_tgid);
	default:
		return who;
	}
}

} // namespace cnx::test

#endif // CNX_GUEST_PROCEVENTS_HPP
