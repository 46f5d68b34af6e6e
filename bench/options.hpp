// SPDX-License-Identifier: GPL-2.0-only
#ifndef CNX_BENCH_OPTIONS_HPP
#define CNX_BENCH_OPTIONS_HPP

#include <cnx/replica/mb.hpp>
#include <cnx/replica/memb.hpp>
#include <cnx/replica/qsbr.hpp>

#include <optional>
#include <regex>
#include <string>
#include <string_view>
#include <utility>

namespace cnx::bench
{

/// What the command line asks for.
struct Options {
	std::string flavour = "memb";
	unsigned threads = 0; // 1 to this many; 0: as many as there are CPUs
	unsigned repetitions = 10;
	double seconds = 0.05; // of each repetition, at least
	std::regex filter{"."};
	std::string out = "build/bench/dispatch.json";
	std::string commit = "unknown";
	bool list = false;
};

/// The options, checked; or the status to exit with, after the reason has been printed. 0: help was asked for.
[[nodiscard]] std::pair<std::optional<Options>, int> parse_options(int argc, char **argv);

/// Whether the benchmark of this name is to run. If names are to be listed it is printed, and does not run.
[[nodiscard]] bool selected(const Options &options, const std::string &name);

/// Calls function.template operator()<F>() with the flavour of that name, which parse_options() has let through.
template <typename Function>
void with_flavour(std::string_view name, Function &&function)
{
	if (name == replica::Mb::name)
		function.template operator()<replica::Mb>();
	else if (name == replica::Qsbr::name)
		function.template operator()<replica::Qsbr>();
	else
		function.template operator()<replica::Memb>();
}

} // namespace cnx::bench

#endif // CNX_BENCH_OPTIONS_HPP
