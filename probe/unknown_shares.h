// The budget of unknown users: whoever asks for many users of a domain that do not exist there looks like one who
// harvests addresses, and so do we who ask in his place. The operator's own domains and routes have no budget.
//
// It is kept by domain, and within a domain by asker (ProbeRequest::asker), so that nobody spends another's:
//
//   - an asker is over budget when he has asked for a quarter of the number in vain himself, and that is the given
//     share of all he asked for there;
//   - when all together have asked for the number in vain, and that is the given share, then everybody is over budget
//     of whose questions that share was in vain. Whoever has asked for none in vain, or is new, goes on;
//   - questions that nobody can be held to account for (lists, refreshes, doors that do not say for whom) are one asker
//     that may use up the whole number.
//
// Bounded: 50 000 domains are remembered, and as many askers; see base/forgetful_table.h for which are forgotten.
//
// Thread: the prober loop only.
#ifndef VERIFYD_PROBE_UNKNOWN_SHARES_H_
#define VERIFYD_PROBE_UNKNOWN_SHARES_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "base/clock.h"
#include "base/forgetful_table.h"
#include "probe/unknown_share.h"

namespace verifyd {

// `number` 0: no budget.
struct UnknownBudget {
  uint64_t number = 0;
  int percent = 50;
};

class UnknownShares {
 public:
  static constexpr size_t kMost = 50000;

  // What came of a question of `asker` about a user of `domain`, at the destination of this name.
  void Note(absl::string_view destination, absl::string_view domain, uint64_t asker, bool unknown, MonoTime now);
  // Whose questions about the domain use up the budget; null where this asker may ask.
  const UnknownShare* OverBudget(absl::string_view domain, uint64_t asker, const UnknownBudget& budget,
                                 MonoTime now) const;
  void ForgetDestination(absl::string_view destination);

 private:
  struct Entry {
    uint64_t destination = 0;  // a hash
    UnknownShare share;
  };
  using Table = ForgetfulTable<uint64_t, Entry>;
  static void NoteIn(Table& table, uint64_t key, uint64_t destination, bool unknown, MonoTime now);
  static const UnknownShare* FindIn(const Table& table, uint64_t key);

  // The keys are hashes.
  Table domains_{kMost};
  Table askers_{kMost};
};

}  // namespace verifyd

#endif  // VERIFYD_PROBE_UNKNOWN_SHARES_H_
