// SPDX-License-Identifier: GPL-2.0-only
#include "rculfhash.hpp"

#include "../families.hpp"

namespace cnx::bench
{

void add_rculfhash(const Options &options)
{
	with_flavour(options.flavour, [&]<replica::Flavour F>() { Families<Rculfhash<F>>(options).add(); });
}

} // namespace cnx::bench
