// SPDX-License-Identifier: GPL-2.0-only
#include "cli/atomic_file.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>

#include <fmt/format.h>
#include <unistd.h>

namespace cnx::tool
{

client::Result<void> replace_file(const std::string &path, std::string_view text)
{
	const std::filesystem::path target(path);
	/* Hidden, and of no suffix that a collector looks for. */
	const std::string fresh =
	    (target.parent_path() / fmt::format(".{}.{}", target.filename().string(), ::getpid())).string();
	const auto failed = [&](int code) {
		::unlink(fresh.c_str());
		return std::unexpected(client::Error{
		    code, fmt::format("cannot write {}: {}; the file is as it was", path, std::strerror(code))});
	};

	std::FILE *file = std::fopen(fresh.c_str(), "wxe");
	if (!file)
		return failed(errno);
	const bool written = std::fwrite(text.data(), 1, text.size(), file) == text.size() && std::fflush(file) == 0 &&
	                     ::fsync(::fileno(file)) == 0;
	const int code = errno;
	if (std::fclose(file) != 0 || !written)
		return failed(written ? errno : code);
	if (std::rename(fresh.c_str(), path.c_str()) != 0)
		return failed(errno);
	return {};
}

} // namespace cnx::tool
