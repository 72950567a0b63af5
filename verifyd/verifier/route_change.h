// A change of routes: a reload, or tables that were read again, may lead addresses to other servers. A finding by way
// of another route says nothing now: it is dropped, so that the address is asked about at once. Only an acceptance
// stays, and becomes due for a refresh. What the operator has set is never touched.
//
// The change compares the routes that both settings give an address, as far as no server has to be asked (RouteSketch).
// It does not see a change inside a table that a server looks up.
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

// The part of a configuration that says which server is asked about an address.
struct Routing {
  std::shared_ptr<const VerifierSettings> verifier;
  std::shared_ptr<const ProbeSettings> probe;
  // The settings, and tables by size and time; a later run can compare it.
  std::string text;
  // The files of the tables, with all marks that tell whether one has changed since it was read.
  std::string files;
  // These and probe->own_addresses decide whether a route leads back to us, inside, or nowhere.
  std::string surroundings;
};

class RouteChange {
 public:
  // Makes the change from one routing to another that is in force from `now` on. Null: they are the same. No address is
  // looked at for this.
  static std::shared_ptr<const RouteChange> Between(const std::shared_ptr<const Routing>& before,
                                                    const std::shared_ptr<const Routing>& after, absl::Time now);
  // Makes the change from the routing of an earlier run, of which `text` is the Routing::text, to `after`, in force
  // from `now` on. Null: the texts are the same. The earlier routes are not known any more: all of our domains may have
  // had others.
  static std::shared_ptr<const RouteChange> SinceEarlierRun(absl::string_view text,
                                                            std::shared_ptr<const Routing> after, absl::Time now);
  // Joins two successive changes, so that one walk through all that is held serves both.
  static std::shared_ptr<const RouteChange> Joined(const RouteChange& earlier, const RouteChange& later);

  // Drops what is held of the address and its domain, or makes it due, if it was found before the change by a route
  // that is another one now. Costs microseconds.
  void Heed(Cache& cache, const Address& address) const;
  // Does the same for all that is held, a few at a time, until `superseded` says that it need not go on. Returns how
  // many findings were dropped, and how many made due.
  struct Counts {
    size_t dropped = 0;
    size_t due = 0;
  };
  static boost::asio::awaitable<Counts> HeedAll(Loop& loop, Cache& cache, std::shared_ptr<const RouteChange> change,
                                                std::function<bool()> superseded);

 private:
  // If more earlier routings than this would have to be remembered, every route counts as changed.
  static constexpr size_t kRemembered = 4;

  RouteChange(std::vector<std::shared_ptr<const Routing>> before, std::shared_ptr<const Routing> after, absl::Time when)
      : before_(std::move(before)), after_(std::move(after)), when_(when) {}

  bool Moves(const Address& address) const;
  Counts HeedRecord(Cache& cache, absl::string_view key, const Address& address, Record record) const;
  Counts HeedDomain(Cache& cache, const DomainFact& fact) const;

  std::vector<std::shared_ptr<const Routing>> before_;  // none: every route may have been another one
  bool ours_only_ = false;                              // if before_ is empty: only those of our domains
  const std::shared_ptr<const Routing> after_;
  const absl::Time when_;
  bool routes_ = false;        // routes of some addresses have changed
  bool surroundings_ = false;  // Routing::surroundings has changed, for all addresses
};

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_VERIFIER_ROUTE_CHANGE_H_
