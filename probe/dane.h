// DANE for SMTP (RFC 7672), as in smtp(8): TLSA records say which certificate a host has. They count only where DNS is
// signed and the resolver can be trusted to have checked it (dns_trust_ad).
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

// Returns the policy at `endpoint` in place of `policy`, which says dane or dane-only. It has the usable ones of the
// host's signed TLSA records. Where none of them is usable, dane becomes TLS without a check; where there are no signed
// ones, it becomes `may`. Where DNS does not answer, or dane-only finds nothing usable, the policy is dane-only without
// records, which can not be met.
boost::asio::awaitable<TlsPolicy> DanePolicyAt(Resolver& resolver, Endpoint endpoint, TlsPolicy policy,
                                               MonoTime deadline, DnsNeed need = DnsNeed::kOthers);

}  // namespace verifyd

#endif  // VERIFYD_PROBE_DANE_H_
