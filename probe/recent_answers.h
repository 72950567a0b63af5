// Whose recipients a destination has answered lately. While others are answered there, what one address meets is its
// own doing, or its domain's, and no fault of the server.
//
// It keeps a few domains only, the ones that were answered last: a destination has one of these, and there are
// thousands.
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

  // A recipient of the domain was taken, or refused for its own sake.
  void Note(absl::string_view domain, MonoTime now);
  // Whether one of the domain was, within kLately; of any domain; of one that is not among these.
  bool Of(absl::string_view domain, MonoTime now) const;
  bool Any(MonoTime now) const;
  bool Beside(const absl::flat_hash_set<size_t>& domains, MonoTime now) const;

  // What stands for a domain here.
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
