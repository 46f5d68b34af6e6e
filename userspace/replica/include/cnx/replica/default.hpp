// SPDX-License-Identifier: GPL-2.0-only
// The flavour chosen at build time, with -DCNX_REPLICA_FLAVOUR=memb (the default), mb, qsbr or plain.
#ifndef CNX_REPLICA_DEFAULT_HPP
#define CNX_REPLICA_DEFAULT_HPP

#include <cnx/replica/platform.hpp>

#define CNX_REPLICA_IS_memb 1
#define CNX_REPLICA_IS_mb 2
#define CNX_REPLICA_IS_qsbr 3
#define CNX_REPLICA_IS_plain 4
#define CNX_REPLICA_NUMBER_(flavour) CNX_REPLICA_IS_##flavour
#define CNX_REPLICA_NUMBER(flavour) CNX_REPLICA_NUMBER_(flavour)

#ifndef CNX_REPLICA_FLAVOUR
#define CNX_REPLICA_FLAVOUR memb
#endif

#if CNX_REPLICA_NUMBER(CNX_REPLICA_FLAVOUR) == 1
#include <cnx/replica/memb.hpp>
namespace cnx::replica
{
using Default = Platform<Memb>;
}
#elif CNX_REPLICA_NUMBER(CNX_REPLICA_FLAVOUR) == 2
#include <cnx/replica/mb.hpp>
namespace cnx::replica
{
using Default = Platform<Mb>;
}
#elif CNX_REPLICA_NUMBER(CNX_REPLICA_FLAVOUR) == 3
#include <cnx/replica/qsbr.hpp>
namespace cnx::replica
{
using Default = Platform<Qsbr>;
}
#elif CNX_REPLICA_NUMBER(CNX_REPLICA_FLAVOUR) == 4
#include <cnx/replica/plain.hpp>
namespace cnx::replica
{
using Default = Platform<Plain>;
}
#else
#error "CNX_REPLICA_FLAVOUR must be memb, mb, qsbr or plain"
#endif

static_assert(cnx::Platform<cnx::replica::Default>);

#endif // CNX_REPLICA_DEFAULT_HPP
