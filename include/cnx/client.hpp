// SPDX-License-Identifier: MIT
/*
 * The client library of cnx: user programs exchanging messages with drivers in the kernel, and with cnx itself.
 *
 * Nothing here throws on purpose (memory that runs out ends the program, as everywhere in C++); what can fail returns
 * std::expected with an Error that says in a sentence what went wrong and what helps. Link with libcnx.a.
 *
 * Threads: a Client belongs to one thread at a time. It keeps a receive buffer and events set aside, and takes no
 * locks for them. Threads that send and receive independently each open a Client of their own; that costs one socket
 * and keeps their answers apart.
 */
#ifndef CNX_CLIENT_HPP
#define CNX_CLIENT_HPP

#include <chrono>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <cnx/uapi.h>

namespace cnx::client
{

/* What went wrong: a positive errno, and one sentence with the remedy where there is one. */
struct Error {
	int code = 0;
	std::string what;
};

template <class T>
using Result = std::expected<T, Error>;

/* The name of a callback. Also the default group of what is multicast under it: group idx. */
struct Id {
	std::uint32_t idx = 0;
	std::uint32_t val = 0;

	friend auto operator<=>(const Id &, const Id &) = default;
};

inline constexpr Id control_id{CNX_CONTROL_IDX, CNX_CONTROL_VAL};

/* A message whose payload lies elsewhere; it must outlive the view. `seq` and `ack` are as in struct cnx_msg. */
struct MessageView {
	Id id{};
	std::uint32_t seq = 0;
	std::uint32_t ack = 0;
	std::uint16_t flags = 0;
	std::span<const std::byte> payload{};
};

/* A message that owns its payload. */
struct Message {
	Id id{};
	std::uint32_t seq = 0;
	std::uint32_t ack = 0;
	std::uint16_t flags = 0;
	std::uint32_t group =
	    0; /* the group it was multicast to, by subscription or membership; 0: to this socket alone */
	std::vector<std::byte> payload{};

	operator MessageView() const { return {id, seq, ack, flags, payload}; }
};

/*
 * The socket's receive buffer was full, and messages were lost at this point of the stream: behind what was queued
 * then, ahead of what came once that had been read, but for what arrived in the same moment. cnx counts what each
 * listener missed, and is asked when the queue has been read empty. What is missed between that and its answer is told
 * here already, and not again: all `missed` together are what was missed. There is no overrun to tell where nothing was
 * missed, because the sender came again.
 *
 * The number is unknown before the first subscription, while a group is joined by membership, and where cnx does not
 * answer. A later number makes up for it where cnx could not be asked, or had no memory to count with.
 */
struct Overrun {
	std::uint64_t count;                 /* overruns of this client so far, with this one */
	std::optional<std::uint64_t> missed; /* messages; 0: none, but answers to send() with Answer::Errors may be */
};

/* The kernel's NLMSG_ERROR for a message that this client sent. */
struct Acknowledgement {
	int code;          /* 0: accepted; else a positive errno */
	std::uint32_t seq; /* what send() or send_batch() returned for that message */
	std::string what;  /* the kernel's own sentence, where it gave one */
};

using Event = std::variant<Message, Overrun, Acknowledgement>;

/* Whether the kernel answers a message by itself, apart from what the callback replies. */
enum class Answer {
	None,   /* never: the sender does not learn that a message was dropped */
	Errors, /* where it was dropped: an Acknowledgement with the reason arrives among the events */
	Each,   /* always: an Acknowledgement arrives among the events */
	Always, /* always, and the sending function waits for it */
};

/* A time-out: 0 does not wait, a negative one waits for ever. */
using Timeout = std::chrono::milliseconds;
inline constexpr Timeout forever{-1};

struct Options {
	std::optional<int> protocol{};  /* the netlink protocol number; without one it is read from CNX_PROTOCOL_FILE */
	std::size_t receive_buffer = 0; /* bytes, for SO_RCVBUF; 0: the system's default */
	std::size_t send_buffer = 0;    /* bytes, for SO_SNDBUF: bounds a batch; 0: the system's default */
	Timeout answer_timeout{5000};   /* for acknowledgements and control replies */
	/*
	 * Messages whose driver lets them wait for others come several in a datagram, which costs less; otherwise each
	 * comes at once, in a datagram of its own. A module that does not know this sends them one by one.
	 */
	bool batches = false;
};

/* What arrived and was passed over, since the client was opened. */
struct Ignored {
	std::uint64_t foreign = 0;   /* datagrams that another program sent, not the kernel */
	std::uint64_t malformed = 0; /* messages whose lengths or type contradict the wire format */
};

/* struct cnx_info, decoded. */
struct Info {
	std::uint32_t protocol;
	std::uint32_t groups;
	std::uint32_t max_message; /* bytes */
	std::uint32_t counters;
	std::uint64_t callbacks;
	std::uint64_t subscriptions;
	std::string version;
};

/* struct cnx_callback_record, decoded. */
struct Callback {
	Id id;
	std::uint64_t serial;
	bool sleepable;
	int capability; /* as in linux/capability.h; -1: none needed */
	std::uint64_t received, refused, failed, sent, lost;
	std::string name;
};

/* struct cnx_counters, decoded: `value` is indexed by enum cnx_counter and as long as the module's own list. */
struct Counters {
	std::uint32_t cpu;
	std::vector<std::uint64_t> value;
};

/* struct cnx_loss, decoded: what one listener missed of one callback's messages. */
struct Loss {
	std::uint32_t portid;
	Id id;
	std::uint64_t lost; /* messages, since the listener's socket was opened */
};

/* struct cnx_event, decoded: a callback that came or went. */
struct CallbackEvent {
	bool registered; /* false: it is gone */
	bool sleepable;
	Id id;
	std::string name;
};

/* The bytes of a text, as a payload. They stay the text's. */
inline std::span<const std::byte> bytes(std::string_view text)
{
	return std::as_bytes(std::span(text));
}

/* The text that a payload's bytes spell, whatever they are. They stay the payload's. */
inline std::string_view text(std::span<const std::byte> payload)
{
	// SAFETY: any byte may be read as a char, and the length is the span's own.
	return {reinterpret_cast<const char *>(payload.data()), payload.size()};
}

/*
 * The CallbackEvent that a message carries; nothing if it is not one. Such messages come to whoever has joined group
 * CNX_CONTROL_IDX; the message's seq counts the events, so a gap shows a loss.
 */
std::optional<CallbackEvent> callback_event(const Message &message);

/* The number that CNX_PROTOCOL_FILE tells; EPROTONOSUPPORT while the module is not loaded. */
Result<int> discover_protocol();

class Transport;

class Client
{
public:
	/*
	 * Opens and binds a socket. Fails with EPROTONOSUPPORT while cnx is not loaded, and with whatever socket(2),
	 * setsockopt(2) or bind(2) fail with.
	 */
	static Result<Client> open(const Options &options = {});

	/* Speaks over a transport of the caller's (userspace/client/transport.hpp). Tests stand in for the kernel so.
	 */
	explicit Client(std::unique_ptr<Transport> transport, const Options &options = {});

	Client(Client &&other) noexcept;
	Client &operator=(Client &&other) noexcept;
	~Client();

	/*
	 * Readable when receive() will find something, except what is already here: drain receive(Timeout{0}) until
	 * ETIMEDOUT before polling. The descriptor stays the client's.
	 */
	int fd() const;

	/* The netlink port id of the socket: where drivers send unicast. */
	std::uint32_t portid() const;

	/*
	 * Receives from now on what is multicast to a group, through a subscription, because only subscribers' losses
	 * are counted. Where the module knows of none, or has no room for another, it becomes a member in the
	 * protocol's group table, if the group is in it. EPERM without CAP_NET_ADMIN where the group's callbacks want
	 * it, EINVAL for group 0, EEXIST if it was joined already. A membership that is taken through fd() is not
	 * known of, and an overrun in which it alone lost something is then not told.
	 */
	Result<void> join(std::uint32_t group);

	/* The end of it. What arrived before is still received. ENOENT if it was not joined. */
	Result<void> leave(std::uint32_t group);

	/*
	 * Sends one message. Returns the number that its Acknowledgement will carry. With Answer::Always it waits for
	 * that, at most Options::answer_timeout, and an errno in it becomes the Error. EMSGSIZE beyond
	 * CNX_MAX_MESSAGE, ECONNREFUSED if cnx is gone.
	 */
	Result<std::uint32_t> send(const MessageView &message, Answer answer = Answer::None);

	struct Batch {
		std::uint32_t first;                  /* the first message's number; the others' follow it */
		std::vector<Acknowledgement> refused; /* with Answer::Always: those that were not accepted */
	};

	/*
	 * Sends many messages as one datagram, which cnx handles in order. EMSGSIZE if it exceeds the send buffer:
	 * then none of them was sent.
	 */
	Result<Batch> send_batch(std::span<const MessageView> messages, Answer answer = Answer::None);

	/*
	 * Sends a message and waits for its answer: the message with the same id and seq, and ack + 1. A seq of 0 is
	 * replaced by a fresh one. If the kernel refuses the message, its errno and sentence become the Error;
	 * ETIMEDOUT if nothing comes in time. Other events that arrive meanwhile are kept for receive().
	 */
	Result<Message> request(MessageView message, Timeout timeout);

	/*
	 * The next event. ETIMEDOUT if none comes in time, EINTR if a signal handler ran, EMSGSIZE if a datagram was
	 * larger than the buffer (its whole messages come first; the buffer grows for the next one).
	 */
	Result<Event> receive(Timeout timeout = forever);

	/* What was passed over so far. */
	const Ignored &ignored() const;

	/*
	 * Control requests, answered by cnx itself within Options::answer_timeout. EPROTO if a reply makes no sense,
	 * which points to a library and a module of different ages.
	 */
	Result<Info> info();
	Result<std::vector<Callback>> list();
	Result<std::vector<Counters>> counters();
	Result<Callback> show(Id id); /* ENODEV if nothing is registered under it */
	Result<void>
	subscribe(std::uint32_t group); /* as join(), and never by membership: ENOSPC if there is no room */
	Result<void> unsubscribe(std::uint32_t group);

	/*
	 * What this client missed, or what the listener with a portid did (0: every listener), for which the caller
	 * needs CAP_NET_ADMIN. Members of netlink groups are not in it. EOPNOTSUPP if the module does not count.
	 */
	Result<std::vector<Loss>> losses();
	Result<std::vector<Loss>> losses(std::uint32_t portid);

private:
	struct State;
	std::unique_ptr<State> state_;
};

} // namespace cnx::client

#endif // CNX_CLIENT_HPP
