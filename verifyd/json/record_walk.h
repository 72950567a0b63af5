// A walk over what is held of all addresses, a page at a time. The asker gets a part and where the next one begins, so
// a walk of ten million records holds up nothing else, keeps nothing open between two pages, can be stopped anywhere
// and be taken up again. Records that come or go meanwhile may be met or not.
//
// Thread: the front loop only.
#ifndef VERIFYD_VERIFYD_JSON_RECORD_WALK_H_
#define VERIFYD_VERIFYD_JSON_RECORD_WALK_H_

#include <cstddef>
#include <string>

#include "base/line_source.h"
#include "base/loop.h"
#include "cache/cache.h"
#include "cache/lifetime.h"
#include "cache/record_filter.h"

namespace verifyd {

class RecordWalk {
 public:
  // The most records that a page looks at, and that it shows.
  static constexpr size_t kExamined = 4096;
  static constexpr size_t kShown = 512;

  // The walk works on these; they outlive the lines.
  struct Rooms {
    Loop& loop;
    Cache& cache;
    Lifetimes lifetimes;
  };

  // Lists the records behind the key `after` that match, a line of JSON for each: {"address": ..., "record": {...}}.
  // Behind them comes {"examined": N, "next": KEY}; "next" is missing where there are no more.
  static LineSource List(const Rooms& rooms, RecordFilter filter, std::string after);
  // Forgets them, or with `dry_run` only counts. One line: {"examined": N, "matched": N, "deleted": N, "next": KEY}.
  // Where the filter names a domain and nothing else, what is held of that domain as a whole goes, too ("domains": 1).
  static LineSource Purge(const Rooms& rooms, RecordFilter filter, std::string after, bool dry_run);
};

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_JSON_RECORD_WALK_H_
