// A change of routes: what a reload, or tables that were read again, have changed of where addresses are asked. What
// was found by way of another route says nothing now: it is dropped, so that the address is asked about at once; only
// that an address was accepted stays, and becomes due for a refresh. What the operator has set is never touched.
//
// Whether the route of an address has changed is seen by comparing what both settings make of it, as far as no server
// has to be asked (RouteSketch). A change inside a table that a server looks up is not seen.
//
// Thread: the front loop only.
#ifndef VERIFYD_VERIFYD_VERIFIER_ROUTE_CHANGE_H_
#define VERIFYD_VERIFYD_VERIFIER_ROUTE_CHANGE_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/loop.h"
#include "boost/asio/awaitable.hpp"
#include "cache/cache.h"
#include "mail/address.h"
#include "probe/probe_settings.h"
#include "verifyd/verifier/verifier.h"

namespace verifyd {

// Where addresses are asked, as one configuration says it.
struct Routing {
  std::shared_ptr<const VerifierSettings> verifier;
  std::shared_ptr<const ProbeSettings> probe;
  // Settings, and tables by size and time: what a later run can compare.
  std::string text;
  // The tables' files, with everything that tells whether one is still what was read.
  std::string files;
  // What decides beside the route whether it leads back to us, inside, or nowhere; and probe->own_addresses.
  std::string surroundings;
};

class RouteChange {
 public:
  // From one routing to another that is in force from `now` on. Null: they are the same, which is found out without
  // looking at any address.
  static std::shared_ptr<const RouteChange> Between(const std::shared_ptr<const Routing>& before,
                                                    const std::shared_ptr<const Routing>& after, absl::Time now);
  // From what an earlier run had to this one, in force from `now` on. `text` is Routing::text of then; null where it is
  // the same. Where routes led is not known any more: all of our domains may have had others.
  static std::shared_ptr<const RouteChange> SinceEarlierRun(absl::string_view text,
                                                            std::shared_ptr<const Routing> after, absl::Time now);
  // One for two that came one after the other, so that all that is held is looked through once for both.
  static std::shared_ptr<const RouteChange> Joined(const RouteChange& earlier, const RouteChange& later);

  // Drops what is held of the address and its domain, or makes it due, where that was found before the change by a
  // route that is another one now. Costs microseconds.
  void Heed(Cache& cache, const Address& address) const;
  // The same for all that is held, a few at a time, until `superseded` says that it need not go on; how many findings
  // were dropped, and how many made due.
  struct Counts {
    size_t dropped = 0;
    size_t due = 0;
  };
  static boost::asio::awaitable<Counts> HeedAll(Loop& loop, Cache& cache, std::shared_ptr<const RouteChange> change,
                                                std::function<bool()> superseded);

 private:
  // Of more than these it is only known that routes were others.
  static constexpr size_t kRemembered = 4;

  RouteChange(std::vector<std::shared_ptr<const Routing>> before, std::shared_ptr<const Routing> after, absl::Time when)
      : before_(std::move(before)), after_(std::move(after)), when_(when) {}

  bool Moves(const Address& address) const;
  Counts HeedRecord(Cache& cache, absl::string_view key, const Address& address, Record record) const;
  Counts HeedDomain(Cache& cache, const DomainFact& fact) const;

  std::vector<std::shared_ptr<const Routing>> before_;  // none: every route may have been another one
  bool ours_only_ = false;                              // of such as are ours
  const std::shared_ptr<const Routing> after_;
  const absl::Time when_;
  bool routes_ = false;        // of some addresses have changed
  bool surroundings_ = false;  // of all: what is ourselves, which networks may be asked ...
};

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_VERIFIER_ROUTE_CHANGE_H_
