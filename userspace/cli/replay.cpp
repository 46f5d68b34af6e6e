// SPDX-License-Identifier: GPL-2.0-only
#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <memory>
#include <optional>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/file.hpp"
#include "cli/interrupt.hpp"
#include "cli/output.hpp"
#include "cli/parse.hpp"
#include "cli/recording.hpp"
#include "cli/verbs.hpp"

namespace cnx::tool
{
namespace
{

struct ReplayOptions {
	std::string file;
	std::string speed = "1";
	bool list = false;
	bool hex = false;
};

/* 0 for "as fast as possible". */
std::optional<double> parse_speed(std::string_view text)
{
	if (text == "max")
		return 0;
	double speed = 0;
	const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), speed);
	if (problem != std::errc{} || end != text.data() + text.size() || !(speed >= 0 && speed <= 1e9))
		return std::nullopt;
	return speed;
}

/* Messages on their way to drivers: those that are due together go as one datagram. */
class Player
{
public:
	Player(client::Client client, double speed) : client_(std::move(client)), speed_(speed) {}

	/* False if Ctrl-C came while this message's time was awaited. */
	client::Result<bool> play(std::uint64_t time, client::Message message)
	{
		if (!first_)
			first_ = time;
		if (speed_ > 0) {
			/* A century is enough for any recording, and too little to overflow the clock. */
			const double seconds = time < *first_ ? 0 : static_cast<double>(time - *first_) / 1e9 / speed_;
			const auto due = start_ + std::chrono::duration_cast<Clock::duration>(
			                              std::chrono::duration<double>(std::min(seconds, 3e9)));
			if (due > Clock::now())
				if (auto sent = send(); !sent)
					return std::unexpected(sent.error());
			while (due > Clock::now() && !Interrupt::asked())
				Interrupt::wait(-1, due);
		}
		if (Interrupt::asked())
			return false;
		bytes_ += message.payload.size();
		waiting_.push_back(std::move(message));
		if (waiting_.size() >= most_messages || bytes_ >= most_bytes)
			if (auto sent = send(); !sent)
				return std::unexpected(sent.error());
		return true;
	}

	client::Result<void> send()
	{
		const std::vector<client::MessageView> views(waiting_.begin(), waiting_.end());
		const auto batch = client_.send_batch(views, client::Answer::Errors);
		if (!batch)
			return std::unexpected(batch.error());
		sent_ += views.size();
		waiting_.clear();
		bytes_ = 0;
		/* Refusals have been queued by now; what drivers reply is theirs to tell to others. */
		while (const auto event = client_.receive(client::Timeout::zero())) {
			if (const auto *answer = std::get_if<client::Acknowledgement>(&*event); answer && answer->code)
				if (refused_++ == 0)
					first_refusal_ = {
					    answer->code,
					    fmt::format("{}: {}",
					                answer->what.empty() ? "cnx refused a message" : answer->what,
					                std::strerror(answer->code))};
			replies_ += std::holds_alternative<client::Message>(*event);
		}
		return {};
	}

	std::uint64_t sent() const { return sent_; }
	std::uint64_t refused() const { return refused_; }
	std::uint64_t replies() const { return replies_; }
	const client::Error &first_refusal() const { return first_refusal_; }

private:
	using Clock = Interrupt::Clock;
	static constexpr std::size_t most_messages = 64;
	static constexpr std::size_t most_bytes = std::size_t{32} << 10;

	client::Client client_;
	double speed_;
	Clock::time_point start_ = Clock::now();
	std::optional<std::uint64_t> first_;
	std::vector<client::Message> waiting_;
	std::size_t bytes_ = 0;
	std::uint64_t sent_ = 0;
	std::uint64_t refused_ = 0;
	std::uint64_t replies_ = 0;
	client::Error first_refusal_;
};

int fail_damaged(const Context &context, const ReplayOptions &options, const Damage &damage, std::uint64_t good,
                 std::string_view done)
{
	std::string what = fmt::format("{} {}", options.file, damage.what);
	if (damage.offset > 0)
		what += good == 1 ? fmt::format("; the one record before that was {}", done)
		                  : fmt::format("; the {} records before that were {}", good, done);
	return context.fail(EBADMSG, what);
}

void list_one(const Context &context, const ReplayOptions &options, std::uint64_t first, const Recorded &recorded)
{
	/* Recorded by several threads or clocks gone wrong, a time may be before the first. */
	const double offset = recorded.time < first ? 0 : static_cast<double>(recorded.time - first) / 1e9;
	if (const auto *overrun = std::get_if<client::Overrun>(&recorded.what)) {
		if (context.json)
			context.print({{"time_ns", recorded.time},
			               {"event", "overrun"},
			               {"overrun", overrun->count},
			               {"missed", overrun->missed ? Json(*overrun->missed) : Json(nullptr)}});
		else
			put("+{:.6f} OVERRUN {}: missed {}\n", offset, overrun->count,
			    overrun->missed ? fmt::to_string(*overrun->missed) : "an unknown number");
		return;
	}
	const auto &message = std::get<client::Message>(recorded.what);
	if (context.json) {
		Json json{{"time_ns", recorded.time}, {"event", "message"}};
		json.update(to_json(message));
		context.print(json);
		return;
	}
	put("+{:.6f} {} {} seq {} ack {} len {}{}{}\n", offset,
	    message.group ? fmt::format("group {}", message.group) : "unicast", format_id(message.id), message.seq,
	    message.ack, message.payload.size(), message.payload.empty() ? "" : ": ",
	    format_payload(message.payload, options.hex));
}

int list(const Context &context, const ReplayOptions &options, RecordingReader &reader)
{
	std::optional<std::uint64_t> first;
	for (std::uint64_t good = 0;; ++good) {
		const auto read = reader.next();
		if (!read)
			return fail_damaged(context, options, read.error(), good, "listed");
		const std::optional<Recorded> &recorded = *read;
		if (!recorded)
			return exit_ok;
		if (!first)
			first = recorded->time;
		list_one(context, options, *first, *recorded);
		if (std::ferror(stdout))
			return exit_failed;
	}
}

int play(const Context &context, const ReplayOptions &options, RecordingReader &reader, double speed)
{
	if (!reader.start().same_byte_order)
		return context.fail(EBADMSG,
		                    fmt::format("{} comes from a machine of the other byte order, and drivers here "
		                                "would misread it: replay it on such a machine, or look at it "
		                                "with --list",
		                                options.file));
	auto client = context.open();
	if (!client)
		return context.fail(client.error());
	const Interrupt interrupt;
	Player player(std::move(*client), speed);
	std::uint64_t good = 0;
	std::uint64_t missing = 0;
	std::uint64_t control = 0;
	std::optional<Damage> damage;
	for (bool going = true; going;) {
		auto read = reader.next();
		if (!read) {
			damage = std::move(read.error());
			break;
		}
		std::optional<Recorded> recorded = std::move(*read);
		if (!recorded)
			break;
		++good;
		if (const auto *overrun = std::get_if<client::Overrun>(&recorded->what)) {
			missing += overrun->missed.value_or(0);
			continue;
		}
		auto &message = std::get<client::Message>(recorded->what);
		/* What cnx itself told is no request to it. */
		if (message.id == client::control_id) {
			++control;
			continue;
		}
		const auto played = player.play(recorded->time, std::move(message));
		if (!played)
			return context.fail(played.error());
		going = *played;
	}
	if (const auto sent = player.send(); !sent)
		return context.fail(sent.error());

	if (context.json)
		context.print({{"sent", player.sent()},
		               {"refused", player.refused()},
		               {"replies", player.replies()},
		               {"missing", missing},
		               {"left_out", control}});
	else
		put("{} sent, {} refused, {} replies; {} were missed when it was recorded, {} of cnx itself left out\n",
		    player.sent(), player.refused(), player.replies(), missing, control);
	if (damage)
		return fail_damaged(context, options, *damage, good, "replayed");
	return player.refused() ? context.fail(player.first_refusal()) : exit_ok;
}

int replay(const Context &context, const ReplayOptions &options)
{
	const auto speed = parse_speed(options.speed);
	if (!speed)
		return context.misuse(
		    fmt::format("'{}' is no speed: write 2 for twice as fast, 0.5 for half, 0 or max for "
		                "as fast as possible",
		                options.speed));
	const bool standard_input = options.file == "-";
	const OwnedFile opened(standard_input ? nullptr : std::fopen(options.file.c_str(), "rbe"));
	if (!standard_input && !opened)
		return context.fail(errno, fmt::format("cannot open {}: {}", options.file, std::strerror(errno)));
	auto reader = RecordingReader::open(standard_input ? stdin : opened.get());
	if (!reader)
		return fail_damaged(context, options, reader.error(), 0, "");
	return options.list ? list(context, options, *reader) : play(context, options, *reader, *speed);
}

} // namespace

void add_replay(CLI::App &application, Context &context)
{
	auto *verb = application.add_subcommand("replay", "Send what was recorded, or list it");
	auto options = std::make_shared<ReplayOptions>();
	verb->add_option("FILE", options->file, "What `cnx record` wrote; or - for standard input")->required();
	verb->add_option("--speed", options->speed,
	                 "How much faster than it was recorded; 0 or max: as fast as possible")
	    ->capture_default_str();
	verb->add_flag("--list", options->list, "Print the messages instead, one a line");
	verb->add_flag("--hex", options->hex, "With --list: payloads in hexadecimal even if they are text");
	verb->footer(
	    "Each message goes to the callback under whose id it was sent. Of a file that is cut or damaged, what\n"
	    "stands before the damage is used; the exit code is 1 then.\n"
	    "Examples:\n"
	    "  cnx replay messages.cnx\n"
	    "  cnx replay messages.cnx --speed max\n"
	    "  cnx replay messages.cnx --list -j | jq .text\n"
	    "  xz -dc messages.cnx.xz | cnx replay - --list\n");
	verb->callback([&context, options] { context.status = replay(context, *options); });
}

} // namespace cnx::tool
