// The daemon's counters in words, for people.
//
// Thread: any (pure functions).
#ifndef VERIFYD_VERIFYCTL_STATS_TEXT_H_
#define VERIFYD_VERIFYCTL_STATS_TEXT_H_

#include <string>

#include "boost/json/fwd.hpp"

namespace verifyd {

// The numbers that matter, a screen of them. Where there is a `before`, from `seconds` ago, with how much each has
// grown in a second since.
std::string StatsText(const boost::json::object& stats, const boost::json::object* before = nullptr,
                      double seconds = 0);
// All of them, by their names, in groups.
std::string AllStatsText(const boost::json::object& stats, const boost::json::object* before = nullptr,
                         double seconds = 0);

}  // namespace verifyd

#endif  // VERIFYD_VERIFYCTL_STATS_TEXT_H_
