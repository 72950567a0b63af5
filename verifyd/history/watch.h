// Notices trouble with our own decisions: refusals that are probably a mistake, and verification that is useless.
//
// Thread: any (pure functions).
#ifndef VERIFYD_VERIFYD_HISTORY_WATCH_H_
#define VERIFYD_VERIFYD_HISTORY_WATCH_H_

#include <string>
#include <vector>

#include "verifyd/history/tally.h"

namespace verifyd {

struct Notice {
  std::string kind;   // "jump", "accepted_before", "accepts_all", "deferred_without_end"
  std::string about;  // a domain or an address; empty where it is about all
  std::string text;   // for people; printable
};

// The share of refusals jumps if it is so many times what it was before.
constexpr double kJump = 10;
// Fewer decisions or refusals say nothing.
constexpr uint64_t kJumpDecisions = 20;
constexpr uint64_t kJumpRefusals = 10;
// The share before is taken to be at least this, so that the first few refusals are no jump.
constexpr double kLeastShare = 0.01;
// A domain that has accepted so many different addresses and refused none accepts everything, or might as well.
constexpr double kOnlyAccepts = 200;

// `hours` is the time that is looked at, `before` the time before it for comparison, `week` the last seven days.
std::vector<Notice> Notices(const Tally& hours, const Tally& before, const Tally& week);

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_HISTORY_WATCH_H_
