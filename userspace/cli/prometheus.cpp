// SPDX-License-Identifier: GPL-2.0-only
#include "cli/prometheus.hpp"

#include <initializer_list>
#include <iterator>
#include <string_view>
#include <utility>

#include <fmt/format.h>

namespace cnx::tool
{
namespace
{

/* The format is UTF-8, which a driver's name need not be. */
std::string as_utf8(std::string_view text)
{
	return printable(client::bytes(text)) ? std::string(text) : format_hex(client::bytes(text));
}

std::string escaped(std::string_view text, bool quotes)
{
	std::string result;
	for (const char character : text) {
		if (character == '\n')
			result += "\\n";
		else if (character == '\\' || (quotes && character == '"'))
			(result += '\\') += character;
		else
			result += character;
	}
	return result;
}

class Exposition
{
public:
	/* All samples of a metric stand together, behind its head. */
	void metric(std::string_view name, std::string_view type, std::string_view help)
	{
		name_ = name;
		fmt::format_to(std::back_inserter(text_), "# HELP {} {}\n# TYPE {} {}\n", name, escaped(help, false),
		               name, type);
	}

	void sample(std::initializer_list<std::pair<std::string_view, std::string>> labels, std::uint64_t value)
	{
		text_ += name_;
		char before = '{';
		for (const auto &[label, content] : labels)
			fmt::format_to(std::back_inserter(text_), "{}{}=\"{}\"", std::exchange(before, ','), label,
			               escaped(content, true));
		fmt::format_to(std::back_inserter(text_), "{} {}\n", labels.size() ? "}" : "", value);
	}

	std::string take() && { return std::move(text_); }

private:
	std::string name_;
	std::string text_;
};

void add_callbacks(Exposition &exposition, const Sample &sample)
{
	struct Column {
		const char *name;
		const char *help;
		std::uint64_t client::Callback::*value;
	};
	static constexpr Column columns[] = {
	    {"received", "Messages handed to the callback.", &client::Callback::received},
	    {"refused", "Messages whose sender lacked the capability.", &client::Callback::refused},
	    {"failed", "Messages for which the callback returned an error.", &client::Callback::failed},
	    {"sent", "Messages sent under its id that reached a listener.", &client::Callback::sent},
	    {"lost", "Messages sent under its id that missed a listener, or had none.", &client::Callback::lost},
	};
	for (const auto &column : columns) {
		exposition.metric(fmt::format("cnx_callback_{}_total", column.name), "counter", column.help);
		for (const auto &callback : sample.callbacks)
			exposition.sample({{"idx", fmt::to_string(callback.id.idx)},
			                   {"val", fmt::to_string(callback.id.val)},
			                   {"name", as_utf8(callback.name)}},
			                  callback.*column.value);
	}
}

} // namespace

std::string prometheus_text(const Sample &sample)
{
	Exposition exposition;
	exposition.metric("cnx_info", "gauge", "The module in the kernel: always 1.");
	exposition.sample(
	    {{"version", as_utf8(sample.info.version)}, {"protocol", fmt::to_string(sample.info.protocol)}}, 1);
	exposition.metric("cnx_callbacks", "gauge", "Callbacks that drivers have registered.");
	exposition.sample({}, sample.info.callbacks);
	exposition.metric("cnx_subscriptions", "gauge", "Pairs of a socket and a group that it subscribed to.");
	exposition.sample({}, sample.info.subscriptions);

	for (std::size_t index = 0; index < sample.totals().size(); ++index) {
		const auto counter = counter_name(index);
		exposition.metric(fmt::format("cnx_{}_total", counter.name), "counter", counter.meaning);
		for (const auto &cpu : sample.cpus)
			if (index < cpu.value.size())
				exposition.sample({{"cpu", fmt::to_string(cpu.cpu)}}, cpu.value[index]);
	}
	add_callbacks(exposition, sample);

	if (sample.losses) {
		exposition.metric("cnx_listener_lost_total", "counter",
		                  "Messages of a callback that a subscriber missed.");
		for (const auto &loss : *sample.losses)
			exposition.sample({{"portid", fmt::to_string(loss.portid)},
			                   {"idx", fmt::to_string(loss.id.idx)},
			                   {"val", fmt::to_string(loss.id.val)}},
			                  loss.lost);
	}
	if (sample.sockets) {
		exposition.metric("cnx_socket_drops_total", "counter",
		                  "Datagrams that found a program's socket full, as netlink counts them.");
		for (const auto &socket : *sample.sockets)
			exposition.sample({{"portid", fmt::to_string(socket.portid)}}, socket.drops);
	}
	return std::move(exposition).take();
}

} // namespace cnx::tool
