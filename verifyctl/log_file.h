// A log, line by line: the lines in it, and, as long as it is asked, new ones.
//
// Thread: any, one at a time.
#ifndef VERIFYD_VERIFYCTL_LOG_FILE_H_
#define VERIFYD_VERIFYCTL_LOG_FILE_H_

#include <sys/types.h>

#include <cstddef>
#include <fstream>
#include <istream>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace verifyd {

class LogFile {
 public:
  // syslog(3) and Postfix write shorter lines; the rest of a longer one is passed over.
  static constexpr size_t kLongestLine = size_t{16} * 1024;

  // Opens `path`, or `in`, which outlives it, where that is "-"; for `verb`. Errors as of OpenInputFile and BeginText.
  static absl::StatusOr<std::unique_ptr<LogFile>> Open(const std::string& path, std::istream& in,
                                                       absl::string_view verb);

  // Returns the next whole line, without its end, valid until the next call; nothing where there is none, yet.
  std::optional<absl::string_view> Next();
  // The text behind the last line end: a line that is being written, or whose end was forgotten.
  absl::string_view unfinished() const { return line_; }

  // The reason why there is no next line, where that is not the end of the log. Errors as of ReadErrorOf.
  const absl::Status& status() const { return status_; }

  // To be called once in a while at the end. Where a new file has the name, or the file was cut, this goes on at its
  // beginning. It does so only at the next call: the writer of the old one may not have noticed yet.
  void FollowRotation();

 private:
  // `in` is null where the path is to be opened.
  LogFile(std::string path, std::istream* in) : path_(std::move(path)), in_(in) {}
  bool OpenPath();
  bool IsRotated() const;

  const std::string path_;
  std::ifstream file_;
  std::istream* const in_;
  std::string line_;
  bool line_ended_ = false;  // line_ was returned
  bool rotated_ = false;
  absl::Status status_;
  dev_t device_ = 0;
  ino_t inode_ = 0;
  off_t read_ = 0;
};

}  // namespace verifyd

#endif  // VERIFYD_VERIFYCTL_LOG_FILE_H_
