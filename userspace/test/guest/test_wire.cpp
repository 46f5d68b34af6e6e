// SPDX-License-Identifier: GPL-2.0-only
// What a program that speaks netlink by itself sees, and what becomes of datagrams that no honest program would send.
// With cnx, cnx_echo and cnx_sleeper loaded, and nobody else speaking to them: the counters are checked to the digit.
#include "ktap.hpp"
#include "raw.hpp"

#include <sched.h>

using namespace cnx::test;

namespace
{

const Bytes hello = bytes_of("hello");

/// A name, a test and the counters that it has to raise, and no others.
void counted(Ktap &ktap, Socket &observer, const std::string &name,
             std::initializer_list<std::pair<cnx_counter, std::uint64_t>> expected, const std::function<void()> &test)
{
	const CountingFrom counting(observer);
	test();
	ktap.equal(name + ": counted", words(expected), counting.rise());
}

bool is_echo(const std::optional<Received> &received, std::uint32_t seq, std::span<const std::uint8_t> payload)
{
	return received && !received->is_error && received->message.id.idx == echo_id.idx &&
	       received->message.id.val == echo_id.val && received->message.seq == seq && received->message.ack == 1 &&
	       received->netlink.nlmsg_seq == seq && std::ranges::equal(received->payload, payload);
}

bool is_error(const std::optional<Received> &received, std::uint32_t seq, int error)
{
	return received && received->is_error && received->error == error && received->netlink.nlmsg_seq == seq;
}

void discovery(Ktap &ktap)
{
	ktap.check("discovery: the protocol file tells a number", protocol() > 0 && protocol() < 32);
	ktap.equal("discovery: where the kernel has a connector of its own, it is the fallback", CNX_PROTOCOL_FALLBACK,
	           protocol());
	ktap.equal("discovery: another network namespace has its own", -CNX_PROTOCOL_CONNECTOR,
	           in_child([] { return ::unshare(CLONE_NEWNET) ? -1 : -protocol(); }));
	ktap.equal("discovery: where a socket of this one's number reaches nobody", -ECONNREFUSED, in_child([] {
		           const int number = protocol();
		           if (::unshare(CLONE_NEWNET))
			           return -1;
		           return Socket(number).send(one(echo_id, 1, hello));
	           }));
}

void echoes(Ktap &ktap, Socket &observer, Socket &socket)
{
	counted(ktap, observer, "echo", {{CNX_RECEIVED, 1}, {CNX_SENT, 1}, {CNX_SENT_DATAGRAMS, 1}}, [&] {
		socket.send(one(echo_id, 7, hello));
		const auto reply = socket.receive();
		ktap.check("echo: the reply has the request's seq, ack 1 and the payload", is_echo(reply, 7, hello));
		ktap.check("echo: the reply is of the type that the connector uses",
		           reply && reply->netlink.nlmsg_type == NLMSG_DONE &&
		               reply->netlink.nlmsg_len == headers + hello.size());
		ktap.check("echo: nothing unasked follows", socket.drain().empty());
	});
	Bytes datagram;
	append(datagram, echo_id, 8, hello, 0, {}, 41);
	socket.send(datagram);
	const auto reply = socket.receive();
	ktap.check("echo: the reply to a message with an ack has one more", reply && reply->message.ack == 42);
	socket.send(one(echo_id, 9, {}));
	ktap.check("echo: a payload of no bytes comes back", is_echo(socket.receive(), 9, {}));
	socket.send(one(echo_id, 10, hello), 1);
	ktap.check("echo: a sender that names group 1 in the address, as cgrulesengd does, is answered",
	           is_echo(socket.receive(), 10, hello));
}

void acknowledgements(Ktap &ktap, Socket &observer, Socket &socket)
{
	counted(ktap, observer, "ack",
	        {{CNX_RECEIVED, 1}, {CNX_ACKNOWLEDGED, 1}, {CNX_SENT, 1}, {CNX_SENT_DATAGRAMS, 1}}, [&] {
		        socket.send(one(echo_id, 1, hello, ack_flag));
		        ktap.check("ack: the reply comes first", is_echo(socket.receive(), 1, hello));
		        const auto ack = socket.receive();
		        ktap.check("ack: a success is acknowledged with 0", is_error(ack, 1, 0));
		        ktap.check("ack: there is nothing to explain", ack && ack->sentence.empty());
		        ktap.check("ack: nothing follows", socket.drain().empty());
	        });
	counted(ktap, observer, "ack of an unknown id", {{CNX_ACKNOWLEDGED, 1}, {CNX_DROP_UNKNOWN_ID, 1}}, [&] {
		socket.send(one(unknown_id, 2, hello, ack_flag));
		const auto ack = socket.receive();
		ktap.check("ack of an unknown id: -ENODEV", is_error(ack, 2, -ENODEV));
		ktap.equal("ack of an unknown id: the sentence", "no callback is registered under this id",
		           ack ? ack->sentence : "");
		ktap.check("ack of an unknown id: the error carries the message",
		           ack && ack->original.size() == headers + hello.size() + 3);
	});
	counted(ktap, observer, "request of an unknown id", {{CNX_ACKNOWLEDGED, 1}, {CNX_DROP_UNKNOWN_ID, 1}}, [&] {
		socket.send(one(unknown_id, 3, hello, request_flag));
		ktap.check("request of an unknown id: -ENODEV", is_error(socket.receive(), 3, -ENODEV));
	});
	counted(ktap, observer, "unknown id without flags", {{CNX_DROP_UNKNOWN_ID, 1}}, [&] {
		ktap.equal("unknown id without flags: it can be sent", 0, socket.send(one(unknown_id, 4, hello)));
		ktap.check("unknown id without flags: nothing unasked comes back", socket.drain().empty());
	});
	counted(ktap, observer, "request that succeeds", {{CNX_RECEIVED, 1}, {CNX_SENT, 1}, {CNX_SENT_DATAGRAMS, 1}},
	        [&] {
		        socket.send(one(echo_id, 5, hello, request_flag));
		        ktap.check("request that succeeds: the reply comes", is_echo(socket.receive(), 5, hello));
		        ktap.check("request that succeeds: no acknowledgement does", socket.drain().empty());
	        });
	counted(ktap, observer, "callback that fails", {{CNX_ACKNOWLEDGED, 1}, {CNX_DROP_FAILED, 1}}, [&] {
		socket.send(one(sleeper_id, 6, bytes_of("soon"), ack_flag));
		const auto ack = socket.receive();
		ktap.check("callback that fails: its error comes back", is_error(ack, 6, -EINVAL));
		ktap.equal("callback that fails: the sentence", "the callback returned an error",
		           ack ? ack->sentence : "");
	});
	counted(ktap, observer, "callback that sleeps",
	        {{CNX_RECEIVED, 1}, {CNX_ACKNOWLEDGED, 1}, {CNX_SENT, 1}, {CNX_SENT_DATAGRAMS, 1}}, [&] {
		        const auto begin = std::chrono::steady_clock::now();
		        socket.send(one(sleeper_id, 7, bytes_of("30"), ack_flag));
		        const auto reply = socket.receive();
		        ktap.check("callback that sleeps: it answers after its time",
		                   reply && reply->payload == bytes_of("30") &&
		                       std::chrono::steady_clock::now() - begin >= std::chrono::milliseconds(30));
		        ktap.check("callback that sleeps: the acknowledgement follows",
		                   is_error(socket.receive(), 7, 0));
	        });
}

void batches(Ktap &ktap, Socket &observer, Socket &socket)
{
	constexpr std::uint32_t many = 100;
	counted(ktap, observer, "batch", {{CNX_RECEIVED, many}, {CNX_SENT, many}, {CNX_SENT_DATAGRAMS, many}}, [&] {
		Bytes datagram;
		// Payloads of 0 to 6 bytes, so that most messages need padding.
		for (std::uint32_t i = 0; i < many; ++i)
			append(datagram, echo_id, 100 + i, Bytes(i % 7, static_cast<std::uint8_t>(i)));
		socket.send(datagram);
		bool in_order = true;
		for (std::uint32_t i = 0; i < many; ++i)
			in_order =
			    in_order && is_echo(socket.receive(), 100 + i, Bytes(i % 7, static_cast<std::uint8_t>(i)));
		ktap.check("batch: a hundred messages of one datagram are answered in order", in_order);
		ktap.check("batch: nothing follows", socket.drain().empty());
	});
	counted(
	    ktap, observer, "batch with bad ones",
	    {{CNX_RECEIVED, 3},
	     {CNX_ACKNOWLEDGED, 3},
	     {CNX_SENT, 3},
	     {CNX_SENT_DATAGRAMS, 3},
	     {CNX_DROP_TRUNCATED, 1},
	     {CNX_DROP_BAD_LENGTH, 2},
	     {CNX_DROP_UNKNOWN_ID, 1}},
	    [&] {
		    Bytes datagram;
		    append(datagram, echo_id, 1, hello);
		    append(datagram, unknown_id, 2, hello, ack_flag);
		    append(datagram, echo_id, 3, hello);
		    append(datagram, echo_id, 4, hello, ack_flag, {.nlmsg_len = {}, .cn_len = 500});
		    // A body of four bytes, where the header of a connector message takes twenty.
		    const nlmsghdr small{.nlmsg_len = sizeof(nlmsghdr) + 4,
		                         .nlmsg_type = NLMSG_DONE,
		                         .nlmsg_flags = ack_flag,
		                         .nlmsg_seq = 5,
		                         .nlmsg_pid = 0};
		    datagram.resize(datagram.size() + small.nlmsg_len);
		    std::memcpy(datagram.data() + datagram.size() - small.nlmsg_len, &small, sizeof(small));
		    append(datagram, echo_id, 6, hello);
		    append(datagram, echo_id, 7, hello, ack_flag, {.nlmsg_len = 9, .cn_len = {}});
		    append(datagram, echo_id, 8, hello);
		    socket.send(datagram);
		    ktap.check("batch with bad ones: the first", is_echo(socket.receive(), 1, hello));
		    ktap.check("batch with bad ones: an unknown id is refused", is_error(socket.receive(), 2, -ENODEV));
		    ktap.check("batch with bad ones: the next is handled", is_echo(socket.receive(), 3, hello));
		    ktap.check("batch with bad ones: a payload too long is refused",
		               is_error(socket.receive(), 4, -EBADMSG));
		    ktap.check("batch with bad ones: a truncated one is refused",
		               is_error(socket.receive(), 5, -EBADMSG));
		    ktap.check("batch with bad ones: the last good one is handled",
		               is_echo(socket.receive(), 6, hello));
		    ktap.check("batch with bad ones: a bad netlink length ends the datagram", socket.drain().empty());
	    });
	counted(ktap, observer, "NLMSG_NOOP", {{CNX_RECEIVED, 1}, {CNX_SENT, 1}, {CNX_SENT_DATAGRAMS, 1}}, [&] {
		Bytes datagram;
		append(datagram, echo_id, 1, hello, 0, {.nlmsg_len = {}, .cn_len = {}, .type = NLMSG_NOOP});
		append(datagram, echo_id, 2, hello);
		socket.send(datagram);
		ktap.check("NLMSG_NOOP: it is passed over", is_echo(socket.receive(), 2, hello));
	});
}

/// Sends the first `size` bytes of a good message.
void truncations(Ktap &ktap, Socket &observer, Socket &socket)
{
	const Bytes whole = one(echo_id, 1, hello, ack_flag);
	counted(ktap, observer, "part of a netlink header", {{CNX_DROP_TRUNCATED, sizeof(nlmsghdr) - 1}}, [&] {
		for (std::size_t size = 1; size < sizeof(nlmsghdr); ++size)
			socket.send(std::span(whole).first(size));
		ktap.check("part of a netlink header: nothing comes back", socket.drain().empty());
	});
	counted(ktap, observer, "part of a connector header",
	        {{CNX_ACKNOWLEDGED, sizeof(cnx_msg)}, {CNX_DROP_TRUNCATED, sizeof(cnx_msg)}}, [&] {
		        bool refused = true;
		        for (std::uint32_t size = sizeof(nlmsghdr); size < headers; ++size) {
			        Bytes part = one(echo_id, 1, {}, ack_flag, {.nlmsg_len = size, .cn_len = {}});
			        part.resize(size);
			        socket.send(part);
			        const auto ack = socket.receive();
			        refused = refused && is_error(ack, 1, -EBADMSG) &&
			                  ack->sentence == "the message ends before its connector header does";
		        }
		        ktap.check("part of a connector header: refused by name at every length", refused);
	        });
	counted(ktap, observer, "half a message", {{CNX_DROP_BAD_LENGTH, 1}}, [&] {
		socket.send(std::span(whole).first(headers));
		ktap.check("half a message: nothing comes back", socket.drain().empty());
	});
}

void netlink_lengths(Ktap &ktap, Socket &observer, Socket &socket)
{
	constexpr std::array<std::uint32_t, 10> bad{0,     1,          15,         headers + 9, 4096,
	                                            16384, 0x7fffffff, 0x80000000, 0xfffffffd,  0xffffffff};
	counted(ktap, observer, "nlmsg_len too small, too large, overflowing", {{CNX_DROP_BAD_LENGTH, bad.size()}},
	        [&] {
		        for (const auto length : bad)
			        socket.send(one(echo_id, 1, hello, ack_flag, {.nlmsg_len = length, .cn_len = {}}));
		        ktap.check("nlmsg_len too small, too large, overflowing: nothing comes back",
		                   socket.drain().empty());
	        });
	counted(ktap, observer, "misaligned",
	        {{CNX_RECEIVED, 1}, {CNX_SENT, 1}, {CNX_SENT_DATAGRAMS, 1}, {CNX_DROP_BAD_LENGTH, 1}}, [&] {
		        // The second message follows without the padding that the first one's odd length asks for.
		        Bytes datagram = one(echo_id, 1, hello);
		        datagram.resize(headers + hello.size());
		        const Bytes second = one(echo_id, 2, hello);
		        datagram.insert(datagram.end(), second.begin(), second.end());
		        socket.send(datagram);
		        ktap.check("misaligned: the good message before it is handled",
		                   is_echo(socket.receive(), 1, hello));
		        ktap.check("misaligned: the other one is not", socket.drain().empty());
	        });
	counted(ktap, observer, "odd", {{CNX_RECEIVED, 1}, {CNX_SENT, 1}, {CNX_SENT_DATAGRAMS, 1}}, [&] {
		Bytes datagram = one(echo_id, 3, hello);
		datagram.resize(headers + hello.size());
		socket.send(datagram);
		ktap.check("odd: the last message needs no padding", is_echo(socket.receive(), 3, hello));
	});
	counted(ktap, observer, "bytes behind the last message",
	        {{CNX_RECEIVED, 1}, {CNX_SENT, 1}, {CNX_SENT_DATAGRAMS, 1}, {CNX_DROP_TRUNCATED, 1}}, [&] {
		        Bytes datagram = one(echo_id, 4, hello);
		        datagram.resize(datagram.size() + 3);
		        socket.send(datagram);
		        ktap.check("bytes behind the last message: it is handled", is_echo(socket.receive(), 4, hello));
	        });
}

/// Payloads come back byte by byte, however many bytes they have. The kernel copies short ones by words.
void payload_sizes(Ktap &ktap, Socket &socket)
{
	unsigned whole = 0;
	unsigned sent = 0;
	for (std::size_t size = 0; size <= 300; ++size, ++sent) {
		Bytes payload(size);
		for (std::size_t i = 0; i < size; ++i)
			payload[i] = static_cast<std::uint8_t>(size + 7 * i + 1);
		if (socket.send(one(echo_id, static_cast<std::uint32_t>(size), payload)))
			continue;
		const auto reply = socket.receive();
		whole += reply && !reply->is_error && reply->message.seq == size && reply->payload == payload ? 1 : 0;
	}
	ktap.equal("payloads of 0 to 300 bytes: each comes back as it was", sent, whole);
}

void payload_lengths(Ktap &ktap, Socket &observer, Socket &socket)
{
	counted(ktap, observer, "cn_msg.len too large", {{CNX_ACKNOWLEDGED, 2}, {CNX_DROP_BAD_LENGTH, 2}}, [&] {
		for (const std::uint16_t length : {std::uint16_t(hello.size() + 1), std::uint16_t(0xffff)}) {
			socket.send(one(echo_id, 1, hello, ack_flag, {.nlmsg_len = {}, .cn_len = length}));
			const auto ack = socket.receive();
			ktap.check("cn_msg.len too large: refused by name",
			           is_error(ack, 1, -EBADMSG) &&
			               ack->sentence == "a length field contradicts the size of the message");
		}
	});
	counted(ktap, observer, "cn_msg.len too small", {{CNX_RECEIVED, 1}, {CNX_SENT, 1}, {CNX_SENT_DATAGRAMS, 1}},
	        [&] {
		        socket.send(one(echo_id, 2, hello, 0, {.nlmsg_len = {}, .cn_len = 2}));
		        ktap.check("cn_msg.len too small: the payload is what it says, as with the connector",
		                   is_echo(socket.receive(), 2, std::span(hello).first(2)));
	        });
	counted(ktap, observer, "16 KiB", {{CNX_RECEIVED, 1}, {CNX_SENT, 1}, {CNX_SENT_DATAGRAMS, 1}}, [&] {
		const Bytes largest(largest_payload, 0xa5);
		socket.send(one(echo_id, 3, largest));
		ktap.check("16 KiB: a message of just that comes back", is_echo(socket.receive(), 3, largest));
	});
	counted(ktap, observer, "16 KiB and one more", {{CNX_ACKNOWLEDGED, 1}, {CNX_DROP_TOO_LARGE, 1}}, [&] {
		socket.send(one(echo_id, 4, Bytes(largest_payload + 1), ack_flag));
		const auto ack = socket.receive();
		ktap.check("16 KiB and one more: refused", is_error(ack, 4, -EMSGSIZE));
		ktap.equal("16 KiB and one more: the sentence", "the message is larger than CNX_MAX_MESSAGE",
		           ack ? ack->sentence : "");
	});
	counted(ktap, observer, "100 KiB", {{CNX_ACKNOWLEDGED, 1}, {CNX_DROP_TOO_LARGE, 1}}, [&] {
		socket.send(one(echo_id, 5, Bytes(100 << 10), ack_flag, {.nlmsg_len = {}, .cn_len = 5}));
		ktap.check("100 KiB: refused, whatever cn_msg.len says", is_error(socket.receive(), 5, -EMSGSIZE));
	});
}

int refusal_of_sleeper(Socket &socket)
{
	socket.send(one(sleeper_id, 1, bytes_of("1"), ack_flag));
	const auto answer = socket.receive();
	if (!answer || !answer->is_error)
		return -201;
	return answer->sentence == "the sender lacks the capability that this callback asks for" ? answer->error : -202;
}

void capabilities(Ktap &ktap, Socket &observer)
{
	const auto before = ask(observer, CNX_CONTROL_SHOW, sleeper_id).record<cnx_callback_record>();
	counted(ktap, observer, "sender without the capability", {{CNX_ACKNOWLEDGED, 2}, {CNX_DROP_NOT_PERMITTED, 2}},
	        [&] {
		        ktap.equal("sender without the capability: refused by name", -EPERM, as_nobody([] {
			                   Socket own;
			                   return refusal_of_sleeper(own);
		                   }));
		        ktap.equal("sender without the capability: refused with a socket of root's, too", -EPERM, [] {
			        Socket roots;
			        return as_nobody([&] { return refusal_of_sleeper(roots); });
		        }());
	        });
	const auto after = ask(observer, CNX_CONTROL_SHOW, sleeper_id).record<cnx_callback_record>();
	ktap.check("sender without the capability: the callback counts it",
	           before && after && after->refused == before->refused + 2 && after->received == before->received);
	ktap.equal("sender without the capability: a callback for anyone answers", 0, as_nobody([] {
		           Socket own;
		           own.send(one(echo_id, 1, hello));
		           return is_echo(own.receive(), 1, hello) ? 0 : -1;
	           }));
}

} // namespace

int main()
{
	Ktap ktap;
	discovery(ktap);
	Socket observer;
	Socket socket;
	echoes(ktap, observer, socket);
	acknowledgements(ktap, observer, socket);
	batches(ktap, observer, socket);
	truncations(ktap, observer, socket);
	netlink_lengths(ktap, observer, socket);
	payload_lengths(ktap, observer, socket);
	payload_sizes(ktap, socket);
	capabilities(ktap, observer);
	return ktap.end();
}
