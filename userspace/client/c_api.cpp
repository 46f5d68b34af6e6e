// SPDX-License-Identifier: MIT
#include "client/c_api.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

using namespace cnx::client;

namespace
{

/* Fixed, because a failure may be that there is no memory. */
struct Failure {
	int code = 0;
	std::array<char, 512> what{};
};
thread_local Failure last;

std::optional<Answer> answer_of(int answer)
{
	switch (answer) {
	case CNX_CLIENT_ANSWER_NONE:
		return Answer::None;
	case CNX_CLIENT_ANSWER_ERRORS:
		return Answer::Errors;
	case CNX_CLIENT_ANSWER_ALWAYS:
		return Answer::Always;
	case CNX_CLIENT_ANSWER_EACH:
		return Answer::Each;
	default:
		return std::nullopt;
	}
}

bool has_payload(const cnx_client_message &message)
{
	return message.payload || message.length == 0;
}

MessageView view_of(const cnx_client_message &message)
{
	// SAFETY: the caller promises `length` bytes there, and any byte may be read as a std::byte.
	const auto *payload = static_cast<const std::byte *>(message.payload);
	return {{message.id.idx, message.id.val}, message.seq, message.ack, message.flags, {payload, message.length}};
}

cnx_client_message message_of(const Message &message)
{
	return {{message.id.idx, message.id.val}, message.seq,           message.ack, message.flags, message.group,
	        message.payload.data(),           message.payload.size()};
}

cnx_client_acknowledgement acknowledgement_of(const Acknowledgement &answer)
{
	return {answer.code, answer.seq, answer.what.c_str()};
}

cnx_client_event event_of(const Event &event)
{
	cnx_client_event out{};
	if (const auto *message = std::get_if<Message>(&event)) {
		out.kind = CNX_CLIENT_MESSAGE;
		out.message = message_of(*message);
	} else if (const auto *overrun = std::get_if<Overrun>(&event)) {
		out.kind = CNX_CLIENT_OVERRUN;
		out.overrun = {overrun->count, overrun->missed.value_or(0), overrun->missed.has_value()};
	} else {
		out.kind = CNX_CLIENT_ACKNOWLEDGEMENT;
		out.acknowledgement = acknowledgement_of(std::get<Acknowledgement>(event));
	}
	return out;
}

int no_client()
{
	return c::report(EINVAL, "the client is NULL: open one with cnx_client_open()");
}

int no_place(const char *for_what)
{
	return c::report(EINVAL, for_what);
}

/* 0, or what a function that returns nothing failed with. */
int status_of(const Result<void> &result)
{
	return result ? 0 : c::report(result.error());
}

} // namespace

namespace cnx::client::c
{

int report(int code, const char *what) noexcept
{
	last.code = code;
	const std::size_t length = std::min(std::strlen(what), last.what.size() - 1);
	std::memcpy(last.what.data(), what, length);
	last.what[length] = '\0';
	return -code;
}

int report(const Error &error) noexcept
{
	return report(error.code, error.what.c_str());
}

} // namespace cnx::client::c

void cnx_client_close(struct cnx_client *client)
{
	const std::unique_ptr<cnx_client> owned(client);
}

int cnx_client_fd(const struct cnx_client *client)
{
	return client ? client->client.fd() : no_client();
}

int cnx_client_portid(const struct cnx_client *client, uint32_t *portid)
{
	if (!client)
		return no_client();
	if (!portid)
		return no_place("cnx_client_portid() wants a place for the port id, and got NULL");
	*portid = client->client.portid();
	return 0;
}

int cnx_client_join(struct cnx_client *client, uint32_t group)
{
	if (!client)
		return no_client();
	return c::guarded([&] { return status_of(client->client.join(group)); });
}

int cnx_client_leave(struct cnx_client *client, uint32_t group)
{
	if (!client)
		return no_client();
	return c::guarded([&] { return status_of(client->client.leave(group)); });
}

int cnx_client_send(struct cnx_client *client, const struct cnx_client_message *message, int answer, uint32_t *number)
{
	if (!client)
		return no_client();
	const auto wanted = answer_of(answer);
	if (!message || !has_payload(*message) || !wanted)
		return c::report(EINVAL,
		                 "cnx_client_send() wants a message with its payload, and an answer of the enum");
	return c::guarded([&] {
		const auto sent = client->client.send(view_of(*message), *wanted);
		if (!sent)
			return c::report(sent.error());
		if (number)
			*number = *sent;
		return 0;
	});
}

int cnx_client_send_batch(struct cnx_client *client, const struct cnx_client_message *messages, size_t count,
                          int answer, uint32_t *first)
{
	if (!client)
		return no_client();
	const auto wanted = answer_of(answer);
	if ((!messages && count) || !wanted)
		return c::report(EINVAL, "cnx_client_send_batch() wants messages, and an answer of the enum");
	const std::span given(messages, count);
	if (!std::ranges::all_of(given, has_payload))
		return c::report(EINVAL, "a message of the batch has a length and no payload");
	return c::guarded([&] {
		std::vector<MessageView> views;
		views.reserve(count);
		std::ranges::transform(given, std::back_inserter(views), view_of);
		auto batch = client->client.send_batch(views, *wanted);
		if (!batch)
			return c::report(batch.error());
		client->refused = std::move(batch->refused);
		if (first)
			*first = batch->first;
		return static_cast<int>(client->refused.size());
	});
}

int cnx_client_refused(const struct cnx_client *client, size_t index, struct cnx_client_acknowledgement *refusal)
{
	if (!client)
		return no_client();
	if (!refusal)
		return no_place("cnx_client_refused() wants a place for the refusal, and got NULL");
	if (index >= client->refused.size())
		return c::report(ENOENT, "the last batch had not so many messages refused");
	*refusal = acknowledgement_of(client->refused[index]);
	return 0;
}

int cnx_client_request(struct cnx_client *client, const struct cnx_client_message *message, int timeout,
                       struct cnx_client_message *reply)
{
	if (!client)
		return no_client();
	if (!message || !has_payload(*message) || !reply)
		return c::report(EINVAL, "cnx_client_request() wants a message with its payload, and a place for the "
		                         "reply");
	return c::guarded([&] {
		auto answer = client->client.request(view_of(*message), Timeout(timeout));
		if (!answer)
			return c::report(answer.error());
		client->reply = std::move(*answer);
		*reply = message_of(client->reply);
		return 0;
	});
}

int cnx_client_receive(struct cnx_client *client, int timeout, struct cnx_client_event *event)
{
	if (!client)
		return no_client();
	if (!event)
		return no_place("cnx_client_receive() wants a place for the event, and got NULL");
	return c::guarded([&] {
		auto next = client->client.receive(Timeout(timeout));
		if (!next)
			return c::report(next.error());
		client->event = std::move(*next);
		*event = event_of(client->event);
		return 0;
	});
}

int cnx_client_ignored(const struct cnx_client *client, uint64_t *foreign, uint64_t *malformed)
{
	if (!client)
		return no_client();
	if (foreign)
		*foreign = client->client.ignored().foreign;
	if (malformed)
		*malformed = client->client.ignored().malformed;
	return 0;
}

const char *cnx_client_error(void)
{
	return last.what.data();
}

int cnx_client_error_code(void)
{
	return last.code;
}
