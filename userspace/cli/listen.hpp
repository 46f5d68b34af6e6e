// SPDX-License-Identifier: GPL-2.0-only
/* Listening to what drivers send: what monitor and record have in common. */
#ifndef CNX_CLI_LISTEN_HPP
#define CNX_CLI_LISTEN_HPP

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <CLI/App.hpp>

#include "cli/context.hpp"

namespace cnx::tool
{

struct ListenOptions {
	std::vector<std::string> groups;
	std::vector<std::string> ids;
	std::vector<std::string> idxs;
	std::vector<std::string> vals;
	bool control = false;
	bool follow = false;
	bool subscribe = false;
	bool batches = false;
	std::uint64_t count = 0; /* 0: without end */
	double timeout = 0;      /* seconds; 0: without end */
	std::size_t buffer = 4;  /* MiB */

	/* This must outlive the verb. */
	void add_to(CLI::App &verb);
};

/* What a run of listen() has come to. */
struct Heard {
	std::uint64_t messages = 0; /* that were wanted */
	std::uint64_t overruns = 0;
	std::uint64_t missed = 0;         /* messages, as far as that is known */
	bool missed_is_whole = true;      /* no overrun was of an unknown number */
	std::vector<client::Loss> losses; /* the same by callback, where cnx tells it */
};

/* Who is told. */
class Audience
{
public:
	virtual ~Audience() = default;

	virtual void message(const client::Message &message) = 0;
	/* Messages were lost here. */
	virtual void overrun(const client::Overrun &overrun) = 0;
	/* A callback came or went; `message` is what carried that. */
	virtual void change(const client::CallbackEvent &change, const client::Message &message) = 0;
	/* Nothing else waits to be told. False if what was told could not be written. */
	virtual bool flush() = 0;
	/* The end. */
	virtual void end(const Heard &heard) = 0;
};

/* Listens until the options, Ctrl-C or a failure end it. Failures are told. Returns the exit code. */
int listen(const Context &context, const ListenOptions &options, Audience &audience);

} // namespace cnx::tool

#endif // CNX_CLI_LISTEN_HPP
