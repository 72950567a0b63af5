#include "verifyd/history/watch.h"

#include <algorithm>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace verifyd {
namespace {

double ShareOf(const DecisionCounts& counts) {
  return counts.total() == 0 ? 0 : static_cast<double>(counts.refused()) / static_cast<double>(counts.total());
}

void NoticeJumps(const Tally& hours, const Tally& before, std::vector<Notice>& notices) {
  for (const auto& [name, domain] : hours.domains()) {
    const auto found = before.domains().find(name);
    if (name == Tally::kOthers || found == before.domains().end()) continue;
    if (domain.counts.refused() < kJumpRefusals || found->second.counts.total() < kJumpDecisions) continue;
    const double mean = ShareOf(found->second.counts);
    const double share = ShareOf(domain.counts);
    if (share < kJump * std::max(mean, kLeastShare)) continue;
    notices.push_back(
        {.kind = "jump",
         .about = name,
         .text = absl::StrFormat("%.0f %% of what was decided on %s is refused or deferred, %.1f %% before",
                                 100 * share, name, 100 * mean)});
  }
}

void NoticeOnlyAccepting(const Tally& week, std::vector<Notice>& notices) {
  for (const auto& [name, domain] : week.domains()) {
    if (name == Tally::kOthers) continue;
    if (domain.accepts_all) {
      notices.push_back({.kind = "accepts_all",
                         .about = name,
                         .text = absl::StrCat(name, " accepts every address: verification is useless there")});
    } else if (domain.counts.refused() == 0 && domain.different_accepted() >= kOnlyAccepts) {
      notices.push_back({.kind = "accepts_all",
                         .about = name,
                         .text = absl::StrFormat("%s has accepted about %.0f addresses and refused none: verification "
                                                 "may be useless there",
                                                 name, domain.different_accepted())});
    }
  }
}

}  // namespace

std::vector<Notice> Notices(const Tally& hours, const Tally& before, const Tally& week) {
  std::vector<Notice> notices;
  NoticeJumps(hours, before, notices);
  if (hours.accepted_before() > 0) {
    notices.push_back({.kind = "accepted_before",
                       .text = absl::StrCat(hours.accepted_before(),
                                            " refusals or deferrals were of addresses that had been accepted before")});
  }
  for (const auto& [address, since] : hours.deferred()) {
    notices.push_back({.kind = "deferred_without_end",
                       .about = address,
                       .text = absl::StrCat("<", address, "> has been deferred since ",
                                            absl::FormatTime("%Y-%m-%d %H:%M:%S", since, absl::LocalTimeZone()))});
  }
  NoticeOnlyAccepting(week, notices);
  absl::c_sort(notices,
               [](const Notice& a, const Notice& b) { return a.kind != b.kind ? a.kind < b.kind : a.about < b.about; });
  return notices;
}

}  // namespace verifyd
