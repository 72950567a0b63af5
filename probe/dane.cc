#include "probe/dane.h"

#include <memory>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/network.h"

namespace verifyd {
namespace {

// RFC 7672 section 3.1.3: PKIX-TA and PKIX-EE are not used in SMTP. Selectors and digests: RFC 6698 section 7.
bool IsUsable(const TlsaRecord& record) {
  return (record.usage == 2 || record.usage == 3) && record.selector <= 1 && record.matching <= 2 &&
         !record.data.empty();
}

bool Exists(const DnsAnswer& answer) { return answer.status == DnsStatus::kOk; }

bool DoesNotExist(const DnsAnswer& answer) {
  return answer.status == DnsStatus::kNoData || answer.status == DnsStatus::kNxDomain;
}

}  // namespace

boost::asio::awaitable<TlsPolicy> DanePolicyAt(Resolver& resolver, Endpoint endpoint, TlsPolicy policy,
                                               MonoTime deadline, DnsNeed need) {
  TlsPolicy unmet = policy;
  unmet.level = TlsLevel::kDaneOnly;
  unmet.tlsa.clear();
  TlsPolicy without = unmet;
  if (policy.level == TlsLevel::kDane) without.level = TlsLevel::kMay;
  if (endpoint.host.empty() || IsIpAddress(endpoint.host)) co_return without;
  // Section 2.2.2: a host whose own addresses are not signed has no records worth asking for.
  const DnsType family = absl::StrContains(endpoint.address, ':') ? DnsType::kAaaa : DnsType::kA;
  const auto address = co_await resolver.Query(endpoint.host, family, deadline, need);
  if (!address->authenticated) co_return without;
  const auto answer = co_await resolver.Query(absl::StrCat("_", endpoint.port, "._tcp.", endpoint.host), DnsType::kTlsa,
                                              deadline, need);
  if (DoesNotExist(*answer)) co_return without;
  if (!Exists(*answer)) co_return unmet;
  if (!answer->authenticated) co_return without;
  for (const TlsaRecord& record : answer->tlsa) {
    if (IsUsable(record)) policy.tlsa.push_back(record);
  }
  if (policy.tlsa.empty()) {
    if (policy.level == TlsLevel::kDaneOnly) co_return unmet;
    policy.level = TlsLevel::kEncrypt;
  }
  co_return policy;
}

}  // namespace verifyd
