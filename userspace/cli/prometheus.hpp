// SPDX-License-Identifier: GPL-2.0-only
/* A sample in Prometheus's text exposition format, version 0.0.4. A pure function. */
#ifndef CNX_CLI_PROMETHEUS_HPP
#define CNX_CLI_PROMETHEUS_HPP

#include <string>

#include "cli/sample.hpp"

namespace cnx::tool
{

std::string prometheus_text(const Sample &sample);

} // namespace cnx::tool

#endif // CNX_CLI_PROMETHEUS_HPP
