// The files of the decision record: one an hour, "2026-11-25T13Z.json", in a folder of their own beside the cache. A
// thread writes each under another name first, so that a file is whole or not there. A file that can not be read is
// logged and passed over; one that can not be written is logged, too, and mail goes on. Other files are left alone.
//
// Thread: Load anywhere; Write and the destructor by one thread (the front loop's).
#ifndef VERIFYD_VERIFYD_HISTORY_HOUR_FILES_H_
#define VERIFYD_VERIFYD_HISTORY_HOUR_FILES_H_

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <thread>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "verifyd/history/tally.h"

namespace verifyd {

class HourFiles {
 public:
  // The largest possible tally takes a third of this.
  static constexpr uint64_t kLargestFile = uint64_t{4} << 20;

  // Makes `directory` if it is missing (mode 0700).
  explicit HourFiles(std::string directory);
  // Writes what waits.
  ~HourFiles();
  HourFiles(const HourFiles&) = delete;
  HourFiles& operator=(const HourFiles&) = delete;

  // Returns the tallies of the hours from `oldest` on, by the hour's number since the epoch.
  std::map<int64_t, Tally> Load(int64_t oldest) const;
  // Replaces the hour's file, and deletes those before `oldest`. If an hour is given several times before the thread
  // comes to it, the last is written.
  void Write(int64_t hour, Tally tally, int64_t oldest);

 private:
  void Run();
  void WriteFile(int64_t hour, const Tally& tally);
  void DeleteBefore(int64_t oldest);
  std::string PathOf(int64_t hour) const;

  const std::string directory_;
  std::mutex mutex_;
  std::condition_variable work_;
  std::map<int64_t, Tally> waiting_;  // guarded by mutex_, as are the next two
  int64_t oldest_ = 0;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_HISTORY_HOUR_FILES_H_
