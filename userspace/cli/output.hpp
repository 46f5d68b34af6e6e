// SPDX-License-Identifier: GPL-2.0-only
/*
 * Writing without exceptions: fmt's own print() throws where a disk is full, and a tool must end with a sentence then.
 * What standard output could not take is remembered by the stream, and told when the verb has ended.
 */
#ifndef CNX_CLI_OUTPUT_HPP
#define CNX_CLI_OUTPUT_HPP

#include <cstdio>
#include <iterator>
#include <string_view>
#include <utility>

#include <fmt/format.h>

namespace cnx::tool
{

inline void put_text(std::FILE *file, std::string_view text)
{
	std::fwrite(text.data(), 1, text.size(), file);
}

template <class... Arguments>
void put(std::FILE *file, fmt::format_string<Arguments...> format, Arguments &&...arguments)
{
	fmt::memory_buffer line;
	fmt::format_to(std::back_inserter(line), format, std::forward<Arguments>(arguments)...);
	put_text(file, {line.data(), line.size()});
}

template <class... Arguments>
void put(fmt::format_string<Arguments...> format, Arguments &&...arguments)
{
	put(stdout, format, std::forward<Arguments>(arguments)...);
}

/* Writes what waits in standard output's buffer. False once anything of it was lost. */
inline bool flush_output()
{
	return std::fflush(stdout) == 0 && !std::ferror(stdout);
}

} // namespace cnx::tool

#endif // CNX_CLI_OUTPUT_HPP
