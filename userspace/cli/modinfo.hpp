// SPDX-License-Identifier: GPL-2.0-only
/* What a module file says about itself. A pure function of its bytes. */
#ifndef CNX_CLI_MODINFO_HPP
#define CNX_CLI_MODINFO_HPP

#include <cstddef>
#include <expected>
#include <map>
#include <span>
#include <string>
#include <string_view>

namespace cnx::tool
{

struct Modinfo {
	std::string vermagic;                          /* "6.1.0-13-cloud-amd64 SMP preempt mod_unload modversions " */
	std::map<std::string, std::string> parameters; /* name to type: "int", "bool", "charp", ...; "" if not told */
	bool is_signed = false;

	/* The kernel release that it was built for: the first word of vermagic. */
	std::string_view release() const;
};

/* The .modinfo section of a 64-bit little-endian ELF file. The error is a sentence. */
std::expected<Modinfo, std::string> parse_modinfo(std::span<const std::byte> file);

/* Whether NAME=VALUE suits the module; nothing wrong if empty, else a sentence for the user. */
std::string check_parameter(const Modinfo &modinfo, std::string_view parameter);

} // namespace cnx::tool

#endif // CNX_CLI_MODINFO_HPP
