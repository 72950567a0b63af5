// The daemon's counters in words, for people.
//
// Thread: any (pure functions).
#ifndef VERIFYD_VERIFYCTL_STATS_TEXT_H_
#define VERIFYD_VERIFYCTL_STATS_TEXT_H_

#include <string>

#include "boost/json/fwd.hpp"

namespace verifyd {

// Shows the numbers that matter, a screen of them. Where there is a `before`, from `seconds` ago, each comes with its
// growth in a second since.
std::string StatsText(const boost::json::object& stats, const boost::json::object* before = nullptr,
                      double seconds = 0);
// Shows all of them, by their names, in groups.
std::string AllStatsText(const boost::json::object& stats, const boost::json::object* before = nullptr,
                         double seconds = 0);

}  // namespace verifyd

#endif  // VERIFYD_VERIFYCTL_STATS_TEXT_H_
