#include "dns/mail_hosts.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/gather.h"

namespace verifyd {
namespace {

constexpr size_t kMaxExchanges = 32;

using AnswerPtr = std::shared_ptr<const DnsAnswer>;

struct HostQuestion {
  std::string host;
  DnsType type;
};

// Asks everything at once; the answers are in the order of the questions.
boost::asio::awaitable<std::vector<AnswerPtr>> AskAll(Loop& loop, Resolver& resolver,
                                                      std::vector<HostQuestion> questions, MonoTime deadline,
                                                      DnsNeed need) {
  std::vector<Resolver::Answer> asked;
  asked.reserve(questions.size());
  for (const HostQuestion& question : questions) {
    asked.push_back(resolver.Query(question.host, question.type, deadline, need));
  }
  std::vector<AnswerPtr> answers = co_await Gather(loop, std::move(asked));
  // A fault of our own says nothing about the host.
  DnsAnswer nothing;
  nothing.status = DnsStatus::kServfail;
  for (AnswerPtr& answer : answers) {
    if (answer == nullptr) answer = std::make_shared<const DnsAnswer>(nothing);
  }
  co_return answers;
}

std::string Explain(DnsType type, absl::string_view name, DnsStatus status) {
  return absl::StrCat(DnsTypeName(type), " of ", name, ": ", DnsStatusName(status));
}

bool IsDefinite(DnsStatus status) {
  return status == DnsStatus::kOk || status == DnsStatus::kNoData || status == DnsStatus::kNxDomain;
}

MailHostsStatus StatusOfFailure(DnsStatus status) {
  return status == DnsStatus::kTimeout ? MailHostsStatus::kTimeout : MailHostsStatus::kTemporary;
}

MailHosts Failure(MailHostsStatus status, absl::Duration ttl, std::string explanation) {
  MailHosts result;
  result.status = status;
  result.ttl = ttl;
  result.explanation = std::move(explanation);
  return result;
}

std::vector<HostQuestion> AddressQuestions(const std::vector<MxRecord>& mx, AddressFamilies families) {
  std::vector<HostQuestion> questions;
  for (const MxRecord& record : mx) {
    if (families.ipv4) questions.push_back({record.exchange, DnsType::kA});
    if (families.ipv6) questions.push_back({record.exchange, DnsType::kAaaa});
  }
  return questions;
}

// The addresses found for a list of hosts.
struct Addresses {
  std::vector<MailHost> hosts;
  absl::Duration found_ttl = absl::InfiniteDuration();
  absl::Duration missing_ttl = absl::InfiniteDuration();
  bool any_nxdomain = false;
  // The first question without a definite answer; a failure other than a time-out comes before time-outs.
  std::string failure;
  DnsStatus failure_status = DnsStatus::kOk;
  std::string missing;  // the last question that has definitely no answer
};

void Add(const HostQuestion& question, uint16_t preference, const DnsAnswer& answer, Addresses& sum) {
  const std::string explanation = Explain(question.type, question.host, answer.status);
  if (answer.status == DnsStatus::kOk) {
    for (const std::string& address : answer.addresses) sum.hosts.push_back({question.host, address, preference});
    sum.found_ttl = std::min(sum.found_ttl, answer.ttl);
  } else if (IsDefinite(answer.status)) {
    sum.missing_ttl = std::min(sum.missing_ttl, answer.ttl);
    sum.any_nxdomain |= answer.status == DnsStatus::kNxDomain;
    sum.missing = explanation;
  } else if (sum.failure_status == DnsStatus::kOk ||
             (sum.failure_status == DnsStatus::kTimeout && answer.status != DnsStatus::kTimeout)) {
    sum.failure_status = answer.status;
    sum.failure = explanation;
  }
}

boost::asio::awaitable<Addresses> AskAddresses(Loop& loop, Resolver& resolver, const std::vector<MxRecord>& mx,
                                               AddressFamilies families, MonoTime deadline, DnsNeed need) {
  const std::vector<HostQuestion> questions = AddressQuestions(mx, families);
  const std::vector<AnswerPtr> answers = co_await AskAll(loop, resolver, questions, deadline, need);
  const size_t per_host = mx.empty() ? 1 : questions.size() / mx.size();
  Addresses sum;
  for (size_t i = 0; i < answers.size(); ++i) Add(questions[i], mx[i / per_host].preference, *answers[i], sum);
  co_return sum;
}

// Looks up the addresses of `mx`, which is sorted; `none` is the status where they have none.
boost::asio::awaitable<MailHosts> Resolve(Loop& loop, Resolver& resolver, std::vector<MxRecord> mx,
                                          AddressFamilies families, MonoTime deadline, DnsNeed need,
                                          absl::Duration mx_ttl, MailHostsStatus none) {
  Addresses usable = co_await AskAddresses(loop, resolver, mx, families, deadline, need);
  MailHosts result;
  if (!usable.hosts.empty()) {
    result.status = MailHostsStatus::kOk;
    result.ttl = std::min(mx_ttl, usable.found_ttl);
    result.hosts = std::move(usable.hosts);
    co_return result;
  }
  if (usable.failure_status != DnsStatus::kOk) {
    co_return Failure(StatusOfFailure(usable.failure_status), absl::ZeroDuration(), usable.failure);
  }
  AddressFamilies others;
  others.ipv4 = !families.ipv4;
  others.ipv6 = !families.ipv6;
  const Addresses unusable = co_await AskAddresses(loop, resolver, mx, others, deadline, need);
  if (!unusable.hosts.empty()) {
    co_return Failure(MailHostsStatus::kTemporary, absl::ZeroDuration(),
                      absl::StrCat(unusable.hosts.front().name, " has addresses, but of a family that is not in use"));
  }
  if (unusable.failure_status != DnsStatus::kOk) {
    co_return Failure(StatusOfFailure(unusable.failure_status), absl::ZeroDuration(), unusable.failure);
  }
  result = Failure(none, std::min({mx_ttl, usable.missing_ttl, unusable.missing_ttl}),
                   usable.missing.empty() ? unusable.missing : usable.missing);
  if (none == MailHostsStatus::kNoSuchDomain && !usable.any_nxdomain && !unusable.any_nxdomain) {
    result.status = MailHostsStatus::kNoMailHost;
  }
  co_return result;
}

bool IsRoot(const MxRecord& record) { return record.exchange.empty(); }

bool IsBetter(const MxRecord& a, const MxRecord& b) { return a.preference < b.preference; }

// Returns the exchanges that can be hosts, each once, the best first.
std::vector<MxRecord> UsableExchanges(const std::vector<MxRecord>& all) {
  std::vector<MxRecord> sorted = all;
  std::stable_sort(sorted.begin(), sorted.end(), IsBetter);
  std::vector<MxRecord> usable;
  for (MxRecord& record : sorted) {
    const auto same = [&record](const MxRecord& other) { return other.exchange == record.exchange; };
    if (usable.size() == kMaxExchanges) break;
    if (!IsDomainName(record.exchange) || std::any_of(usable.begin(), usable.end(), same)) continue;
    usable.push_back(std::move(record));
  }
  return usable;
}

std::vector<std::string> NamesOf(std::vector<MxRecord> mx) {
  std::sort(mx.begin(), mx.end(), [](const MxRecord& a, const MxRecord& b) {
    return std::pair(a.preference, absl::string_view(a.exchange)) <
           std::pair(b.preference, absl::string_view(b.exchange));
  });
  std::vector<std::string> names;
  names.reserve(mx.size());
  for (MxRecord& record : mx) names.push_back(std::move(record.exchange));
  return names;
}

boost::asio::awaitable<MailHosts> LookUpImplicit(Loop& loop, Resolver& resolver, std::string domain,
                                                 AddressFamilies families, MonoTime deadline, DnsNeed need,
                                                 absl::Duration mx_ttl) {
  std::vector<MxRecord> self(1);
  self[0].exchange = domain;
  MailHosts result =
      co_await Resolve(loop, resolver, self, families, deadline, need, mx_ttl, MailHostsStatus::kNoMailHost);
  result.implicit = true;
  result.exchanges.push_back(std::move(domain));
  co_return result;
}

bool IsIpAddress(const std::string& text) {
  in6_addr address;
  return inet_pton(AF_INET, text.c_str(), &address) == 1 || inet_pton(AF_INET6, text.c_str(), &address) == 1;
}

}  // namespace

boost::asio::awaitable<MailHosts> LookUpMailHosts(Loop& loop, Resolver& resolver, std::string domain,
                                                  AddressFamilies families, MonoTime deadline, DnsNeed need) {
  absl::AsciiStrToLower(&domain);
  const AnswerPtr answer = co_await resolver.Query(domain, DnsType::kMx, deadline, need);
  const std::string explanation = Explain(DnsType::kMx, domain, answer->status);
  if (!IsDefinite(answer->status)) {
    co_return Failure(StatusOfFailure(answer->status), absl::ZeroDuration(), explanation);
  }
  if (answer->status == DnsStatus::kNxDomain) {
    co_return Failure(MailHostsStatus::kNoSuchDomain, answer->ttl, explanation);
  }
  if (answer->status == DnsStatus::kNoData) {
    co_return co_await LookUpImplicit(loop, resolver, domain, families, deadline, need, answer->ttl);
  }
  if (std::all_of(answer->mx.begin(), answer->mx.end(), IsRoot)) {
    co_return Failure(MailHostsStatus::kNullMx, answer->ttl, absl::StrCat(domain, " does not accept mail (null MX)"));
  }
  std::vector<MxRecord> mx = UsableExchanges(answer->mx);
  if (mx.empty()) {
    co_return Failure(MailHostsStatus::kUnresolvable, answer->ttl,
                      absl::StrCat("MX of ", domain, ": no exchange has a name that a host can have"));
  }
  MailHosts result =
      co_await Resolve(loop, resolver, mx, families, deadline, need, answer->ttl, MailHostsStatus::kUnresolvable);
  result.exchanges = NamesOf(std::move(mx));
  co_return result;
}

boost::asio::awaitable<MailHosts> LookUpHost(Loop& loop, Resolver& resolver, std::string host, AddressFamilies families,
                                             MonoTime deadline, DnsNeed need) {
  absl::AsciiStrToLower(&host);
  MailHosts result;
  if (IsIpAddress(host)) {
    result.status = MailHostsStatus::kOk;
    result.ttl = absl::InfiniteDuration();
    result.hosts.push_back({host, host, 0});
  } else {
    std::vector<MxRecord> self(1);
    self[0].exchange = host;
    result = co_await Resolve(loop, resolver, self, families, deadline, need, absl::InfiniteDuration(),
                              MailHostsStatus::kNoSuchDomain);
  }
  result.exchanges.push_back(std::move(host));
  co_return result;
}

}  // namespace verifyd
