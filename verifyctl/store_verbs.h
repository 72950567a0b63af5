// The verbs about the cache's file as a whole: check, backup, restore, compact. They open it themselves, so the user
// needs the rights. check and backup work beside a running daemon, the others only while no process has the file open.
#ifndef VERIFYD_VERIFYCTL_STORE_VERBS_H_
#define VERIFYD_VERIFYCTL_STORE_VERBS_H_

#include <string>

#include "verifyctl/console.h"
#include "verifyctl/place.h"

namespace verifyd {

struct StoreOptions {
  std::string file;  // the backup's
  bool json = false;
};

// Each returns the exit code.

// Names the faulty entries and their faults, and exits 1 if there are any.
int Check(const StoreOptions& options, const Place& place, Console& console);
// Writes one state of the cache to a file of its own that is not there yet.
int Backup(const StoreOptions& options, const Place& place, Console& console);
// Puts a backup in the place of the cache, once every entry of it has been read.
int Restore(const StoreOptions& options, const Place& place, Console& console);
// Writes the file anew without the free space in it.
int Compact(const StoreOptions& options, const Place& place, Console& console);

}  // namespace verifyd

#endif  // VERIFYD_VERIFYCTL_STORE_VERBS_H_
