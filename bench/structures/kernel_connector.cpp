// SPDX-License-Identifier: GPL-2.0-only
#include "kernel_connector.hpp"

#include "../families.hpp"

namespace cnx::bench
{

void add_kernel_connector(const Options &options)
{
	Families<KernelConnector>(options).add();
}

} // namespace cnx::bench
