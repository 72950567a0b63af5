// The domains whose recipients a destination has answered lately. While others are answered there, a trouble of one
// address is its own doing, or its domain's, and no fault of the server.
//
// It keeps only the few domains that were answered last: there are thousands of destinations, and each has one of
// these.
//
// Thread: the prober loop only.
#ifndef VERIFYD_PROBE_RECENT_ANSWERS_H_
#define VERIFYD_PROBE_RECENT_ANSWERS_H_

#include <array>
#include <cstddef>

#include "absl/container/flat_hash_set.h"
#include "absl/hash/hash.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/clock.h"

namespace verifyd {

class RecentAnswers {
 public:
  static constexpr absl::Duration kLately = absl::Minutes(1);

  // Notes that a recipient of the domain was accepted, or refused for its own sake.
  void Note(absl::string_view domain, MonoTime now);
  // These return whether a recipient was answered within kLately: one of the domain; of any domain; of a domain that is
  // not among `domains`.
  bool Of(absl::string_view domain, MonoTime now) const;
  bool Any(MonoTime now) const;
  bool Beside(const absl::flat_hash_set<size_t>& domains, MonoTime now) const;

  // Returns the number that stands for a domain here.
  static size_t HashOf(absl::string_view domain) { return absl::HashOf(domain); }

 private:
  struct Answer {
    size_t domain = 0;
    MonoTime when;
    bool given = false;
    bool Lately(MonoTime now) const { return given && now - when < kLately; }
  };
  std::array<Answer, 4> answers_;
};

}  // namespace verifyd

#endif  // VERIFYD_PROBE_RECENT_ANSWERS_H_
