// The progress of a long verb, on a terminal: one line that is written over a few times a second, and is gone in the
// end.
//
//   1234567 of 10000000 records, 180000 a second, 49 seconds left
//   297.0 MiB of 355.2 MiB, 594.1 MiB a second
//
// The verb's output may go to the same terminal: the line is wiped before it.
//
// Thread: the only one.
#ifndef VERIFYD_VERIFYCTL_PROGRESS_H_
#define VERIFYD_VERIFYCTL_PROGRESS_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "verifyctl/console.h"

namespace verifyd {

class Progress {
 public:
  // `what` is counted: "records"; "bytes" are shown in larger units. `total`: 0 where it is not known. Shows nothing
  // where standard error is no terminal.
  Progress(Console& console, absl::string_view what, uint64_t total);
  // Wipes the line.
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void Show(uint64_t done);
  // Wipes the line until it is shown again.
  void Wipe();

 private:
  Console& console_;
  const std::string what_;
  const uint64_t total_;
  const MonoTime begin_;
  MonoTime next_;
  bool shown_ = false;
};

// "353.1 MiB".
std::string ByteText(uint64_t bytes);

}  // namespace verifyd

#endif  // VERIFYD_VERIFYCTL_PROGRESS_H_
