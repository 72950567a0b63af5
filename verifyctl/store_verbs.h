// The verbs about the cache's file as a whole: check, backup, restore, compact. They open it themselves, so they take
// the rights of a user who may; check and backup beside a running daemon, the others only while no process has it open.
#ifndef VERIFYD_VERIFYCTL_STORE_VERBS_H_
#define VERIFYD_VERIFYCTL_STORE_VERBS_H_

#include <string>

#include "verifyctl/console.h"
#include "verifyctl/place.h"

namespace verifyd {

struct StoreOptions {
  std::string file;  // of the backup
  bool json = false;
};

// Each returns the exit code.

// Says what is wrong with which entry, and exits 1 if anything is.
int Check(const StoreOptions& options, const Place& place, Console& console);
// One state of the cache, in a file of its own that is not there yet.
int Backup(const StoreOptions& options, const Place& place, Console& console);
// Puts a backup in the place of the cache, once every entry of it has been read.
int Restore(const StoreOptions& options, const Place& place, Console& console);
// Writes the file anew without what is free in it.
int Compact(const StoreOptions& options, const Place& place, Console& console);

}  // namespace verifyd

#endif  // VERIFYD_VERIFYCTL_STORE_VERBS_H_
