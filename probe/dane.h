// DANE for SMTP (RFC 7672): what TLSA records say of a host's certificate, as smtp(8) takes it. They are worth
// something only where DNS is signed and the resolver can be trusted to have looked (dns_trust_ad).
//
// Thread: the front loop only.
#ifndef VERIFYD_PROBE_DANE_H_
#define VERIFYD_PROBE_DANE_H_

#include "base/clock.h"
#include "boost/asio/awaitable.hpp"
#include "dns/resolver.h"
#include "stream/dialer.h"
#include "stream/tls_policy.h"

namespace verifyd {

// The policy at `endpoint` of one that says dane or dane-only: with the usable TLSA records of the host, where there
// are signed ones; TLS without a check where none of them can be used; `may` where there are none (dane). Where DNS
// does not answer, or dane-only finds nothing, it is dane-only without records: that can not be met.
boost::asio::awaitable<TlsPolicy> DanePolicyAt(Resolver& resolver, Endpoint endpoint, TlsPolicy policy,
                                               MonoTime deadline, DnsNeed need = DnsNeed::kOthers);

}  // namespace verifyd

#endif  // VERIFYD_PROBE_DANE_H_
