// SPDX-License-Identifier: GPL-2.0-only
#ifndef CNX_BENCH_MACHINE_HPP
#define CNX_BENCH_MACHINE_HPP

#include "options.hpp"

#include <string>
#include <utility>
#include <vector>

namespace cnx::bench
{

/// What has to stand beside every figure: processor, mitigations, kernel, compiler, flags, flavour, commit.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> machine(const Options &options);

} // namespace cnx::bench

#endif // CNX_BENCH_MACHINE_HPP
