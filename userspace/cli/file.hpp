// SPDX-License-Identifier: GPL-2.0-only
#ifndef CNX_CLI_FILE_HPP
#define CNX_CLI_FILE_HPP

#include <cstdio>
#include <memory>

namespace cnx::tool
{

/* A stream that is closed with its owner. Whether that went well is asked by closing it before. */
struct CloseFile {
	void operator()(std::FILE *file) const { std::fclose(file); }
};
using OwnedFile = std::unique_ptr<std::FILE, CloseFile>;

} // namespace cnx::tool

#endif // CNX_CLI_FILE_HPP
