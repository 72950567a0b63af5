// The real resolver, on c-ares: a cache by TTL, one question in flight per name and type, bounded questions in flight.
//
// The places in flight, and those in the line for them, are shared out by registrable domain, with a reserve for our
// own domains (base/shares.h); the domains that wait take turns, and ours come first. When a question's servers have
// been silent for the time of one try, the question gives its place up and waits on without it. Anybody can have any
// number of names whose servers do not answer; they hold up no others. Up to 2000 questions wait so.
//
// Thread: the front loop only, which outlives it. `ares_library_init` is called once in main, before any loop runs.
#ifndef VERIFYD_DNS_CARES_RESOLVER_H_
#define VERIFYD_DNS_CARES_RESOLVER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/loop.h"
#include "dns/resolver.h"
#include "dns/resolver_settings.h"

namespace verifyd {

struct ResolverCounts {
  uint64_t questions = 0;  // asked by our callers
  uint64_t cache_hits = 0;
  uint64_t joined = 0;  // joined a question already in flight
  uint64_t sent = 0;    // given to c-ares
  uint64_t timeouts = 0;
  uint64_t failures = 0;  // SERVFAIL, REFUSED, malformed
};

// A waiter leaves at its deadline; the question goes on, and its answer is remembered. A question in line that nobody
// waits for any more is not asked. On destruction all waiters get kTimeout.
class CaresResolver : public Resolver {
 public:
  // Returns an error where an address of a name server is wrong (ResolverSettings::servers).
  static absl::Status CheckServers(const std::vector<std::string>& servers);
  // Errors name what is wrong with `servers`.
  static absl::StatusOr<std::unique_ptr<CaresResolver>> Create(Loop& loop, const ResolverSettings& settings);
  ~CaresResolver() override;

  using Resolver::Query;
  using Resolver::QueryAnew;
  Answer Query(std::string name, DnsType type, MonoTime deadline, DnsNeed need) override;
  Answer QueryAnew(std::string name, DnsType type, MonoTime deadline, DnsNeed need) override;
  ResolverCounts counts() const;

 private:
  struct Impl;
  explicit CaresResolver(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;  // others hold it weakly: answers on their way through the loop
};

}  // namespace verifyd

#endif  // VERIFYD_DNS_CARES_RESOLVER_H_
