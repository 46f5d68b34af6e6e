// SPDX-License-Identifier: GPL-2.0-only
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <functional>
#include <memory>
#include <random>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/output.hpp"
#include "cli/parse.hpp"
#include "cli/verbs.hpp"

namespace cnx::tool
{
namespace
{

struct SendOptions {
	std::string id;
	std::vector<std::string> words;
	std::string hex;
	std::string file;
	bool no_wait = false;
	bool acknowledge = false;
	bool show_hex = false;
	int timeout = 1000; /* milliseconds */
	std::uint64_t count = 1;
	std::uint32_t batch = 1;
};

/* What a run of `cnx send` has come to. */
struct Outcome {
	std::uint64_t sent = 0;
	std::uint64_t refused = 0;
	std::uint64_t overruns = 0;
	std::uint64_t replies = 0;
	std::function<void(const client::Message &)> tell; /* called for each reply as it comes */
	client::Error first_refusal;

	void refuse(int code, std::string what)
	{
		if (refused++ == 0)
			first_refusal = {code, std::move(what)};
	}
};

std::string refusal(const client::Acknowledgement &answer)
{
	if (answer.what.empty())
		return fmt::format("cnx refused the message: {}", std::strerror(answer.code));
	return fmt::format("{}: {}", answer.what, std::strerror(answer.code));
}

/* One byte more than fits is read, so that a payload that is too large is seen to be. */
client::Result<std::vector<std::byte>> read_payload(const std::string &path)
{
	const bool standard_input = path == "-";
	const std::unique_ptr<FILE, int (*)(FILE *)> opened(standard_input ? nullptr : std::fopen(path.c_str(), "rbe"),
	                                                    [](FILE *file) { return file ? std::fclose(file) : 0; });
	FILE *file = standard_input ? stdin : opened.get();
	if (!file)
		return std::unexpected(
		    client::Error{errno, fmt::format("cannot open {}: {}", path, std::strerror(errno))});
	std::vector<std::byte> payload(CNX_MAX_MESSAGE + 1);
	payload.resize(std::fread(payload.data(), 1, payload.size(), file));
	if (std::ferror(file))
		return std::unexpected(
		    client::Error{errno, fmt::format("cannot read {}: {}", path, std::strerror(errno))});
	return payload;
}

/*
 * Waits until each message of one datagram is either replied to or refused. Replies are told by id, seq and ack, from
 * `first_seq` on; refusals by the netlink number, from batch.first on. Those that `batch` tells already are settled.
 */
client::Result<void> collect(client::Client &client, client::Id id, std::uint32_t first_seq,
                             const client::Client::Batch &batch, std::size_t messages,
                             std::chrono::milliseconds timeout, Outcome &outcome)
{
	const auto deadline = std::chrono::steady_clock::now() + timeout;
	std::vector<bool> settled(messages);
	std::size_t missing = messages - batch.refused.size();
	for (const auto &refused : batch.refused)
		settled[refused.seq - batch.first] = true;
	while (missing) {
		const auto left = std::chrono::ceil<client::Timeout>(deadline - std::chrono::steady_clock::now());
		auto event = client.receive(std::max(left, client::Timeout::zero()));
		if (!event && event.error().code == ETIMEDOUT)
			return std::unexpected(client::Error{
			    ETIMEDOUT,
			    fmt::format("no reply to {} of {} messages within {} ms: does the driver reply at all? "
			                "--timeout waits longer, --no-wait not at all",
			                missing, messages, timeout.count())});
		if (!event)
			return std::unexpected(event.error());

		std::size_t index = messages;
		if (auto *reply = std::get_if<client::Message>(&*event)) {
			if (reply->id == id && reply->ack == 1)
				index = reply->seq - first_seq;
			if (index < messages && !settled[index]) {
				++outcome.replies;
				outcome.tell(*reply);
			}
		} else if (auto *answer = std::get_if<client::Acknowledgement>(&*event)) {
			if (answer->code)
				index = answer->seq - batch.first;
			if (index < messages && !settled[index])
				outcome.refuse(answer->code, refusal(*answer));
		} else {
			++outcome.overruns;
		}
		if (index < messages && !settled[index]) {
			settled[index] = true;
			--missing;
		}
	}
	return {};
}

client::Result<void> run(client::Client &client, const SendOptions &options, client::Id id,
                         std::span<const std::byte> payload, Outcome &outcome)
{
	const auto answer = options.acknowledge ? client::Answer::Always
	                    : options.no_wait   ? client::Answer::None
	                                        : client::Answer::Errors;
	/* Anywhere, so that replies to an earlier run are not taken for this one's. */
	std::uint32_t seq = std::random_device{}();
	std::vector<client::MessageView> batch;
	while (outcome.sent < options.count) {
		const std::uint32_t first_seq = seq;
		batch.clear();
		while (batch.size() < options.batch && outcome.sent + batch.size() < options.count)
			batch.push_back({id, seq++, 0, 0, payload});
		auto sent = client.send_batch(batch, answer);
		if (!sent)
			return std::unexpected(sent.error());
		outcome.sent += batch.size();
		for (const auto &refused : sent->refused)
			outcome.refuse(refused.code, refusal(refused));
		if (options.no_wait)
			continue;
		if (auto collected = collect(client, id, first_seq, *sent, batch.size(),
		                             std::chrono::milliseconds(options.timeout), outcome);
		    !collected)
			return collected;
	}
	return {};
}

/* What is left to be told at the end: the replies, under -j, and the sums. */
void print_outcome(const Context &context, const SendOptions &options, const Outcome &outcome, Json replies)
{
	if (context.json)
		context.print({{"sent", outcome.sent},
		               {"refused", outcome.refused},
		               {"overruns", outcome.overruns},
		               {"replies", std::move(replies)}});
	else if (options.no_wait && !options.acknowledge)
		put("{} sent, and nobody was asked what became of it\n", outcome.sent);
	else if (options.no_wait || options.count > 1)
		put("{} sent, {} replies, {} refused{}\n", outcome.sent, outcome.replies, outcome.refused,
		    outcome.overruns ? ", replies were lost to an overrun" : "");
}

int send(const Context &context, const SendOptions &options)
{
	const auto id = parse_id(options.id);
	if (!id)
		return context.misuse(id.error());
	if (!options.words.empty() + !options.hex.empty() + !options.file.empty() > 1)
		return context.misuse("the payload is given twice: choose among words, --hex and --file");

	std::vector<std::byte> payload;
	if (!options.hex.empty()) {
		auto parsed = parse_hex(options.hex);
		if (!parsed)
			return context.misuse(parsed.error());
		payload = std::move(*parsed);
	} else if (!options.file.empty()) {
		auto read = read_payload(options.file);
		if (!read)
			return context.fail(read.error());
		payload = std::move(*read);
	} else {
		std::string text;
		for (const auto &word : options.words)
			text += (text.empty() ? "" : " ") + word;
		const auto bytes = client::bytes(text);
		payload.assign(bytes.begin(), bytes.end());
	}

	auto client = context.open();
	if (!client)
		return context.fail(client.error());
	Outcome outcome;
	Json replies = Json::array();
	outcome.tell = [&](const client::Message &reply) {
		if (context.json)
			replies.push_back(to_json(reply));
		else
			put("{}\n", format_payload(reply.payload, options.show_hex));
	};
	const auto done = run(*client, options, *id, payload, outcome);
	print_outcome(context, options, outcome, std::move(replies));
	if (!done)
		return context.fail(done.error());
	if (outcome.refused)
		return context.fail(outcome.first_refusal);
	return exit_ok;
}

} // namespace

void add_send(CLI::App &application, Context &context)
{
	auto *verb = application.add_subcommand("send", "Send messages to a callback and print its replies");
	auto options = std::make_shared<SendOptions>();
	verb->add_option("ID", options->id, "The callback, as IDX:VAL in decimal or 0x hexadecimal")->required();
	verb->add_option("WORDS", options->words, "The payload: words, joined by a blank each; none: empty");
	verb->add_option("--hex", options->hex, "The payload in hexadecimal digits");
	verb->add_option("--file", options->file, "The payload from a file, or - for standard input");
	verb->add_flag("--no-wait", options->no_wait, "Do not wait for replies");
	verb->add_flag("--ack", options->acknowledge, "Ask cnx to acknowledge each message, and wait for that");
	verb->add_flag("--show-hex", options->show_hex, "Print replies in hexadecimal even if they are text");
	verb->add_option("--timeout", options->timeout, "Milliseconds to wait for the replies to one datagram")
	    ->check(CLI::Range(0, 86'400'000))
	    ->capture_default_str();
	verb->add_option("--count", options->count, "How many messages to send")
	    ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1} << 40))
	    ->capture_default_str();
	verb->add_option("--batch", options->batch, "How many of them in one datagram")
	    ->check(CLI::Range(1u, 4096u))
	    ->capture_default_str();
	verb->footer("Examples:\n"
	             "  cnx send 100:1 hello world\n"
	             "  cnx send 0x64:1 --hex '01 02 ff'\n"
	             "  date | cnx send 100:1 --file -\n"
	             "  cnx send 100:1 ping --count 1000 --batch 50\n"
	             "  cnx send 102:1 wake --no-wait --ack\n");
	verb->callback([&context, options] { context.status = send(context, *options); });
}

} // namespace cnx::tool
