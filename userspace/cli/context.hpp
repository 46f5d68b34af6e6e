// SPDX-License-Identifier: GPL-2.0-only
/* What every verb shares: the global options, output, and how failures leave the program. */
#ifndef CNX_CLI_CONTEXT_HPP
#define CNX_CLI_CONTEXT_HPP

#include <csignal>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include <cnx/client.hpp>

namespace cnx::tool
{

/* Keeps members in the order in which they are written, so that output is stable and readable. */
using Json = nlohmann::ordered_json;

enum ExitCode : int {
	exit_ok = 0,
	exit_failed = 1,
	exit_usage = 2,
	exit_not_loaded = 3,
	exit_not_permitted = 4,
	exit_timed_out = 5,
};

struct Context {
	bool json = false;
	bool pretty = false;
	std::optional<int> protocol;
	/* The words of another program that a verb is to run, behind which stands a null pointer; main()'s own. */
	std::span<char *const> command{};
	void (*pipe_signal)(int) = SIG_DFL; /* what the caller had this process do about SIGPIPE */
	int status = exit_ok;               /* what the verb returned */

	/* Opens a client as the global options say, and these, whose protocol is not looked at. */
	client::Result<client::Client> open(client::Options options = {}) const;

	/* Writes one JSON document and a newline to standard output. */
	void print(const Json &document) const;

	/* Tells a failure on standard error. Returns the exit code for it. */
	int fail(const client::Error &error) const;
	int fail(int code, std::string what) const;

	/* Tells wrong usage on standard error. Returns exit_usage. */
	int misuse(std::string what) const;
};

/* The exit code for an errno. */
ExitCode exit_code(int code);

/* A message as JSON: payload as text where printable, and always as hexadecimal digits. */
Json to_json(const client::Message &message);
Json to_json(const client::Callback &callback);

} // namespace cnx::tool

#endif // CNX_CLI_CONTEXT_HPP
