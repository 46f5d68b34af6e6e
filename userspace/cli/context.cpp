// SPDX-License-Identifier: GPL-2.0-only
#include "cli/context.hpp"

#include <cerrno>
#include <cstdio>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/output.hpp"
#include "cli/parse.hpp"

namespace cnx::tool
{
namespace
{

std::string serialize(const Json &document, bool pretty)
{
	return document.dump(pretty ? 2 : -1, ' ', false, Json::error_handler_t::replace);
}

} // namespace

client::Result<client::Client> Context::open(client::Options options) const
{
	options.protocol = protocol;
	return client::Client::open(options);
}

void Context::print(const Json &document) const
{
	const std::string line = serialize(document, pretty) + "\n";
	std::fwrite(line.data(), 1, line.size(), stdout);
}

int Context::fail(const client::Error &error) const
{
	/* What was printed before the failure comes before it on a terminal, too. */
	std::fflush(stdout);
	if (json)
		put(stderr, "{}\n", serialize(Json{{"error", error.what}, {"errno", error.code}}, pretty));
	else
		put(stderr, "cnx: {}\n", error.what);
	return exit_code(error.code);
}

int Context::fail(int code, std::string what) const
{
	return fail(client::Error{code, std::move(what)});
}

int Context::misuse(std::string what) const
{
	fail(EINVAL, std::move(what));
	return exit_usage;
}

ExitCode exit_code(int code)
{
	switch (code) {
	case 0:
		return exit_ok;
	case EPROTONOSUPPORT:
	case ECONNREFUSED:
		return exit_not_loaded;
	case EPERM:
	case EACCES:
		return exit_not_permitted;
	case ETIMEDOUT:
		return exit_timed_out;
	default:
		return exit_failed;
	}
}

Json to_json(const client::Message &message)
{
	Json json{{"idx", message.id.idx}, {"val", message.id.val},  {"seq", message.seq},
	          {"ack", message.ack},    {"flags", message.flags}, {"len", message.payload.size()}};
	if (message.group)
		json["group"] = message.group;
	if (printable(message.payload)) {
		auto text = client::text(message.payload);
		if (text.ends_with('\0'))
			text.remove_suffix(1);
		json["text"] = text;
	}
	json["hex"] = format_hex(message.payload);
	return json;
}

Json to_json(const client::Callback &callback)
{
	return {{"idx", callback.id.idx},
	        {"val", callback.id.val},
	        {"name", callback.name},
	        {"serial", callback.serial},
	        {"kind", callback.sleepable ? "sleepable" : "atomic"},
	        {"capability", format_capability(callback.capability)},
	        {"received", callback.received},
	        {"refused", callback.refused},
	        {"failed", callback.failed},
	        {"sent", callback.sent},
	        {"lost", callback.lost}};
}

} // namespace cnx::tool
