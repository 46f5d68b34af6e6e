// SPDX-License-Identifier: GPL-2.0-only
#include "cli/screen.hpp"

#include <algorithm>
#include <cerrno>
#include <clocale>
#include <cstdio>
#include <cstdlib>
#include <string>

#include <curses.h>
#include <unistd.h>

namespace cnx::tool
{
namespace
{

/* In the form in which ncurses takes a description from the environment instead of a file. */
constexpr const char *vt100 =
#include "vt100.inc"
    ;

} // namespace

client::Result<Screen> Screen::open()
{
	const char *terminal = std::getenv("TERM");
	if (!::isatty(STDIN_FILENO) || !::isatty(STDOUT_FILENO) || (terminal && std::string_view(terminal) == "dumb"))
		return std::unexpected(client::Error{
		    ENOTTY,
		    "this needs a terminal: use `cnx top --once` for one frame as text, or `cnx stats --watch`"});
	std::setlocale(LC_CTYPE, "");
	SCREEN *screen = newterm(nullptr, stdout, stdin);
	if (!screen) {
		setenv("TERMINFO", vt100, 1);
		screen = newterm("vt100", stdout, stdin);
	}
	if (!screen)
		return std::unexpected(client::Error{
		    ENOTTY, "this terminal cannot be used: set TERM to what it is, or use `cnx top --once`"});
	cbreak();
	noecho();
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	set_escdelay(25);
	curs_set(0);
	return Screen(screen);
}

void Screen::Close::operator()(void *screen) const
{
	curs_set(1);
	endwin();
	// SAFETY: open() made it from what newterm() returned.
	delscreen(static_cast<SCREEN *>(screen));
}

void Screen::show(const std::vector<TopLine> &lines, std::size_t fixed, std::size_t from, std::string_view keys)
{
	erase();
	int row = 0;
	for (std::size_t index = 0; index < lines.size() && row + 1 < LINES; ++index) {
		if (index >= fixed && index < fixed + from)
			continue;
		attrset(lines[index].title ? A_REVERSE : A_NORMAL);
		mvaddnstr(row, 0, lines[index].text.c_str(), std::max(COLS, 0));
		if (lines[index].title)
			for (int column = getcurx(stdscr); column < COLS && getcury(stdscr) == row; ++column)
				addch(' ');
		++row;
	}
	attrset(A_DIM);
	mvaddnstr(LINES - 1, 0, std::string(keys).c_str(), std::max(COLS - 1, 0));
	attrset(A_NORMAL);
	refresh();
}

int Screen::key()
{
	const int key = getch();
	return key == ERR ? -1 : key;
}

} // namespace cnx::tool
