#include "verifyd/verifier/learning.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/gather.h"
#include "probe/route.h"
#include "probe/wording.h"

namespace verifyd {
namespace {

// Domains whose routes are looked up at one time.
constexpr size_t kDomainsTogether = 16;

Finding FindingOf(const Classifier& classifier, const Delivery& delivery) {
  const bool tcp = delivery.relay_port != 0;
  Endpoint endpoint;
  endpoint.host = delivery.relay;
  (tcp ? endpoint.address : endpoint.path) = delivery.relay_address;
  const Reply& reply = delivery.reply;
  Finding finding = ToFinding(
      classifier.Classify(Stage::kRcpt, reply, delivery.relay, Marks{.recipient = &delivery.address}), Stage::kRcpt,
      reply.ok() ? reply.ToLine(Finding::kMaxText) : ReplyWords(endpoint, kRcptStep, reply), delivery.when);
  finding.code = reply.code;
  finding.enhanced = reply.enhanced;
  finding.mx_name = endpoint.host;
  finding.mx_address = endpoint.address;
  finding.source = FindingSource::kMailLog;
  return finding;
}

bool LeadsTo(const Route& route, const Delivery& delivery) {
  const Protocol protocol = delivery.lmtp ? Protocol::kLmtp : Protocol::kSmtp;
  return std::any_of(route.endpoints.begin(), route.endpoints.end(), [&](const Endpoint& endpoint) {
    if (endpoint.protocol != protocol) return false;
    if (!endpoint.path.empty()) {
      // Postfix names the socket as its table does, below its queue directory.
      return delivery.relay_port == 0 && (endpoint.path == delivery.relay_address ||
                                          absl::EndsWith(endpoint.path, absl::StrCat("/", delivery.relay_address)));
    }
    // A host may have many addresses in turn, and an address several names: one of the two must agree.
    return endpoint.port == delivery.relay_port &&
           (endpoint.address == delivery.relay_address || absl::EqualsIgnoreCase(endpoint.host, delivery.relay));
  });
}

// The deliveries that say something, and their routes. Each look-up holds the list.
struct List {
  std::vector<Delivery> deliveries;
  std::vector<std::optional<Route>> routes;  // one for each delivery
  std::vector<std::vector<size_t>> domains;  // numbers of deliveries
  size_t next_domain = 0;
};

// Looks up the routes of one domain one after the other, so that DNS is asked only for the first of them.
boost::asio::awaitable<std::monostate> LookUpRoutes(std::shared_ptr<List> list, Prober& prober, std::string sender,
                                                    MonoTime deadline) {
  while (list->next_domain < list->domains.size()) {
    for (const size_t number : list->domains[list->next_domain++]) {
      list->routes[number] = co_await prober.FindRoute(list->deliveries[number].address, sender, deadline);
    }
  }
  co_return std::monostate();
}

boost::asio::awaitable<void> FindRoutes(Loop& loop, Prober& prober, std::string sender, std::shared_ptr<List> list) {
  const MonoTime deadline = loop.clock().Mono() + kLearningRouteTime;
  list->routes.resize(list->deliveries.size());
  std::vector<boost::asio::awaitable<std::monostate>> looking;
  for (size_t left = std::min(list->domains.size(), kDomainsTogether); left > 0; --left) {
    looking.push_back(LookUpRoutes(list, prober, sender, deadline));
  }
  co_await Gather(loop, std::move(looking));
}

void Count(std::optional<Imported> became, LearnedCounts& counts) {
  if (!became.has_value()) {
    ++counts.uninformative;
    return;
  }
  switch (*became) {
    case Imported::kTaken:
      ++counts.learned;
      break;
    case Imported::kOlder:
      ++counts.older;
      break;
    case Imported::kExpired:
      ++counts.expired;
      break;
    case Imported::kFuture:
      ++counts.future;
      break;
  }
}

}  // namespace

boost::asio::awaitable<LearnedCounts> LearnDeliveries(Loop& loop, Verifier& verifier, Prober& prober,
                                                      std::shared_ptr<const Classifier> classifier,
                                                      std::vector<Delivery> deliveries, bool dry_run) {
  LearnedCounts counts;
  std::stable_sort(deliveries.begin(), deliveries.end(),
                   [](const Delivery& a, const Delivery& b) { return a.when < b.when; });
  // First come the checks that need no route: few deliveries of a log are left then.
  const auto list = std::make_shared<List>();
  absl::flat_hash_map<std::string, size_t> domains;
  std::vector<ProbeOutcome> outcomes;
  for (size_t i = 0; i < deliveries.size(); ++i) {
    if (i % Cache::kInATurn == Cache::kInATurn - 1) co_await loop.Yield();
    Delivery& delivery = deliveries[i];
    if (!verifier.IsOurs(delivery.address)) {
      ++counts.not_verified;
      continue;
    }
    ProbeOutcome outcome;
    outcome.finding = FindingOf(*classifier, delivery);
    const std::optional<Imported> becomes = verifier.WeighDelivery(delivery.address, outcome.finding);
    if (becomes != Imported::kTaken) {
      Count(becomes, counts);
      continue;
    }
    const auto [domain, is_new] = domains.try_emplace(delivery.address.domain(), list->domains.size());
    if (is_new) list->domains.emplace_back();
    list->domains[domain->second].push_back(list->deliveries.size());
    list->deliveries.push_back(std::move(delivery));
    outcomes.push_back(std::move(outcome));
  }
  co_await FindRoutes(loop, prober, verifier.sender(), list);
  for (size_t i = 0; i < outcomes.size(); ++i) {
    if (i % Cache::kInATurn == Cache::kInATurn - 1) co_await loop.Yield();
    const std::optional<Route>& route = list->routes[i];
    const Delivery& delivery = list->deliveries[i];
    if (!route.has_value() || !LeadsTo(*route, delivery)) {
      ++counts.elsewhere;
      continue;
    }
    outcomes[i].destination = route->destination;
    outcomes[i].configured_route = route->configured;
    Count(verifier.TakeInDelivery(delivery.address, outcomes[i], dry_run), counts);
  }
  co_return counts;
}

}  // namespace verifyd
