#include "dns/mail_domain.h"

#include <algorithm>

namespace verifyd {
namespace {

bool SaysNo(DnsStatus status) { return status == DnsStatus::kNoData || status == DnsStatus::kNxDomain; }

}  // namespace

boost::asio::awaitable<MailDomain> LookUpMailDomain(Resolver& resolver, std::string domain, MonoTime deadline) {
  const std::shared_ptr<const DnsAnswer> mx = co_await resolver.Query(domain, DnsType::kMx, deadline);
  if (mx->status == DnsStatus::kOk) {
    if (mx->mx.size() == 1 && mx->mx.front().exchange.empty()) co_return MailDomain::kNullMx;
    const bool named =
        std::any_of(mx->mx.begin(), mx->mx.end(), [](const MxRecord& record) { return IsDomainName(record.exchange); });
    co_return named ? MailDomain::kExists : MailDomain::kMalformed;
  }
  if (mx->status == DnsStatus::kNxDomain) co_return MailDomain::kNone;
  if (!SaysNo(mx->status)) co_return MailDomain::kTemporary;
  for (const DnsType type : {DnsType::kA, DnsType::kAaaa}) {
    const std::shared_ptr<const DnsAnswer> addresses = co_await resolver.Query(domain, type, deadline);
    if (addresses->status == DnsStatus::kOk) co_return MailDomain::kExists;
    if (!SaysNo(addresses->status)) co_return MailDomain::kTemporary;
  }
  co_return MailDomain::kNone;
}

}  // namespace verifyd
