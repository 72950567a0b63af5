#include "verifyd/doctor/domain_examination.h"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/gather.h"
#include "classifier/reason.h"
#include "mail/address.h"
#include "mail/probe_request.h"
#include "probe/prober.h"

namespace verifyd {
namespace {

// If more are well, they are told together.
constexpr size_t kToldEach = 20;

std::vector<std::string> SampleOf(std::vector<std::string> domains) {
  if (domains.size() <= kMostDomainsExamined) return domains;
  std::vector<std::string> sample;
  for (size_t i = 0; i < kMostDomainsExamined; ++i) {
    sample.push_back(std::move(domains[i * domains.size() / kMostDomainsExamined]));
  }
  return sample;
}

boost::asio::awaitable<Examinations> AskPostmaster(const DoctorContext& context, Prober& prober, std::string domain) {
  const absl::StatusOr<Address> postmaster = Address::Parse(absl::StrCat("postmaster@", domain));
  if (!postmaster.ok()) co_return Examinations();
  ProbeRequest request;
  request.address = *postmaster;
  request.urgency = Urgency::kList;
  request.deadline = context.smtp_deadline;
  request.identity.sender = context.configuration.verifier->probe_sender.At(context.now);
  request.identity.helo = context.configuration.verifier->helo;
  request.ours = true;
  const ProbeOutcome outcome = co_await prober.Probe(std::move(request));
  Examinations found;
  found.push_back(JudgeDomain(domain, outcome));
  co_return found;
}

std::string PlaceOf(const Finding& finding) {
  if (finding.mx_name.empty()) return "";
  return absl::StrCat(" at ", finding.mx_name,
                      finding.mx_address.empty() ? "" : absl::StrCat("[", finding.mx_address, "]"));
}

}  // namespace

Examination JudgeDomain(const std::string& domain, const ProbeOutcome& outcome) {
  const Finding& finding = outcome.finding;
  Examination examination{.name = "domain", .about = domain};
  const std::string said = absl::StrCat(ReasonName(finding.reason), finding.text.empty() ? "" : ": ", finding.text);
  if (outcome.not_verifiable) {
    examination.health = Health::kNotExamined;
    examination.found = absl::StrCat("not verified: ", finding.text);
  } else if (finding.deliverability == Deliverability::kDeliverable) {
    examination.found = absl::StrCat("postmaster is accepted", PlaceOf(finding));
  } else if (finding.reason == Reason::kMailLoopSelf) {
    examination.health = Health::kBad;
    examination.found = absl::StrCat("its mail leads back to this machine: ", finding.text);
    examination.remedy =
        "Say where it is to be asked, as Postfix is told: set postfix_config_directory = /etc/postfix, or "
        "transport_maps\n"
        "or relayhost, in verifyd.cf.";
  } else if (finding.scope == Scope::kUs) {
    examination.health = Health::kBad;
    examination.found = said;
    examination.remedy = "Mend what is named there: until then no address of the domain is verified.";
  } else if (finding.deliverability == Deliverability::kUndeliverable && finding.scope == Scope::kDomain) {
    examination.health = Health::kBad;
    examination.found = said;
    examination.remedy = "Take it out of verify_domains, or set a route for it: everybody there is undeliverable.";
  } else if (finding.deliverability == Deliverability::kUndeliverable) {
    examination.health = Health::kWarning;
    examination.found = absl::StrCat("postmaster is refused", PlaceOf(finding), ": ", said);
    examination.remedy = "See whether its server knows its users at all: each must have a postmaster (RFC 5321).";
  } else {
    examination.health = Health::kWarning;
    examination.found = absl::StrCat("nothing is found out", PlaceOf(finding), ": ", said);
    examination.remedy = absl::StrCat("See `verifyctl verify --trace postmaster@", domain, "`.");
  }
  return examination;
}

boost::asio::awaitable<Examinations> ExamineDomains(const DoctorContext& context) {
  std::vector<std::string> domains = context.configuration.verifier->verify_domains.Domains();
  const size_t all = domains.size();
  domains = SampleOf(std::move(domains));
  Prober prober(context.loop, context.resolver, {{context.loop, context.dialer}});
  prober.Configure(context.configuration.probe, context.configuration.classifier);
  std::vector<boost::asio::awaitable<Examinations>> tasks;
  tasks.reserve(domains.size());
  for (const std::string& domain : domains) tasks.push_back(AskPostmaster(context, prober, domain));
  Examinations well;
  Examinations others;
  for (Examinations& some : co_await Gather(context.loop, std::move(tasks))) {
    Examinations& where = !some.empty() && some.front().health == Health::kOk ? well : others;
    where.insert(where.end(), std::make_move_iterator(some.begin()), std::make_move_iterator(some.end()));
  }
  co_await prober.Drain(context.smtp_deadline);
  if (well.size() > kToldEach || domains.size() < all) {
    well = {Examination{.name = "domains",
                        .found = absl::StrCat("postmaster is accepted in ", well.size(), " of ", domains.size(),
                                              " domains", domains.size() < all ? absl::StrCat(", out of ", all) : "")}};
  }
  others.insert(others.end(), std::make_move_iterator(well.begin()), std::make_move_iterator(well.end()));
  co_return others;
}

}  // namespace verifyd
