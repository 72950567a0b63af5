// The budget of unknown users. A person who asks for many users that do not exist in a domain looks like a harvester of
// addresses, and so do we, who ask in his place. The operator's own domains and routes have no budget.
//
// It is kept by domain, and within a domain by asker (ProbeRequest::asker), so that no asker spends another's:
//
//   - an asker is over budget when it has itself asked for a quarter of the number in vain, and that is the given share
//     of all that it asked for there;
//   - when all together have asked for the number in vain, and that is the given share, then each asker with that share
//     of its own questions in vain is over budget. An asker with none in vain, or a new one, goes on;
//   - questions without an asker (lists, refreshes, doors that do not say for whom) count as one asker that may use up
//     the whole number.
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

  // Notes the result of a question of `asker` about a user of `domain`, at the destination of this name.
  void Note(absl::string_view destination, absl::string_view domain, uint64_t asker, bool unknown, MonoTime now);
  // Returns the share that uses up the budget of the domain: the asker's, or that of all. Null: this asker may ask.
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
