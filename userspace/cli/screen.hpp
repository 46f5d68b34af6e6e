// SPDX-License-Identifier: GPL-2.0-only
/* A terminal that is taken over, and given back as it was. */
#ifndef CNX_CLI_SCREEN_HPP
#define CNX_CLI_SCREEN_HPP

#include <cstddef>
#include <memory>
#include <string_view>
#include <vector>

#include <cnx/client.hpp>

#include "cli/top_model.hpp"

namespace cnx::tool
{

class Screen
{
public:
	/*
	 * Takes over standard input and output. Terminals that this machine has no description of are taken for a
	 * VT100, which nearly all understand. ENOTTY where there is no terminal, or a dumb one.
	 */
	static client::Result<Screen> open();

	/* Shows what fits, from a line on below the fixed ones at the top, and a last line about keys. */
	void show(const std::vector<TopLine> &lines, std::size_t fixed, std::size_t from, std::string_view keys);

	/* The next key that is there, as curses.h numbers it; -1 if none. A change of size comes as KEY_RESIZE. */
	int key();

private:
	struct Close {
		void operator()(void *screen) const;
	};

	explicit Screen(void *screen) : screen_(screen) {}

	std::unique_ptr<void, Close> screen_; /* curses' own SCREEN */
};

} // namespace cnx::tool

#endif // CNX_CLI_SCREEN_HPP
