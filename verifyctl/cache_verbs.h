// The verbs about all that is held of addresses: list, purge, export, clean. They go through it a page at a time, so
// that their memory does not grow with the cache, and stop at a whole line when they are interrupted.
#ifndef VERIFYD_VERIFYCTL_CACHE_VERBS_H_
#define VERIFYD_VERIFYCTL_CACHE_VERBS_H_

#include <string>

#include "verifyctl/asker.h"
#include "verifyctl/console.h"

namespace verifyd {

// The records that are asked for; an empty field is no condition. Checked by the api.
struct RecordSelection {
  std::string domain;
  std::string status;
  std::string reason;
  std::string mx;
  std::string older;
  std::string newer;
};

struct CacheOptions {
  RecordSelection selection;
  bool dry_run = false;
  std::string format = "jsonl";
  bool json = false;
};

// Each returns the exit code.
int List(const CacheOptions& options, Asker& asker, Console& console);
int Purge(const CacheOptions& options, Asker& asker, Console& console);
// Forgets what has expired, at once.
int Clean(const CacheOptions& options, Asker& asker, Console& console);
int Export(const CacheOptions& options, Asker& asker, Console& console);

}  // namespace verifyd

#endif  // VERIFYD_VERIFYCTL_CACHE_VERBS_H_
