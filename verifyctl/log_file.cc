#include "verifyctl/log_file.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <ios>
#include <streambuf>

#include "absl/strings/str_cat.h"
#include "base/input_file.h"
#include "base/status_macros.h"
#include "verifyctl/input_text.h"

namespace verifyd {

absl::StatusOr<std::unique_ptr<LogFile>> LogFile::Open(const std::string& path, std::istream& in,
                                                       absl::string_view verb) {
  std::unique_ptr<LogFile> log(new LogFile(path, path == "-" ? &in : nullptr));
  if (log->in_ == nullptr) {
    RETURN_IF_ERROR(CheckInputFile(path));
    if (!log->OpenPath()) return absl::UnavailableError(absl::StrCat(path, ": ", std::strerror(errno)));
  }
  RETURN_IF_ERROR(BeginText(log->in_ != nullptr ? in : log->file_, path, verb));
  return log;
}

bool LogFile::OpenPath() {
  // Look before opening: a file that comes between is taken for a new one, and read twice rather than not at all.
  struct stat found {};
  if (::stat(path_.c_str(), &found) != 0) found = {};
  file_.close();
  file_.clear();
  file_.open(path_);
  device_ = found.st_dev;
  inode_ = found.st_ino;
  read_ = 0;
  line_.clear();
  return file_.is_open();
}

std::optional<absl::string_view> LogFile::Next() {
  if (std::exchange(line_ended_, false)) line_.clear();
  std::streambuf* const bytes = in_ != nullptr ? in_->rdbuf() : file_.rdbuf();
  using Traits = std::streambuf::traits_type;
  // The buffer keeps no state of having ended, so new text is read.
  errno = 0;
  try {
    for (int c = bytes->sbumpc(); c != Traits::eof(); c = bytes->sbumpc()) {
      ++read_;
      if (c == '\n') {
        line_ended_ = true;
        return line_;
      }
      if (line_.size() < kLongestLine) line_.push_back(Traits::to_char_type(c));
    }
  } catch (const std::ios_base::failure&) {
    // The buffer of a file throws this where read(2) fails.
    status_ = ReadErrorOf(errno, path_);
  }
  return std::nullopt;
}

bool LogFile::IsRotated() const {
  struct stat found {};
  if (::stat(path_.c_str(), &found) != 0) return false;  // between the old one and the new one
  return found.st_dev != device_ || found.st_ino != inode_ || found.st_size < read_;
}

void LogFile::FollowRotation() {
  if (in_ != nullptr) return;
  const bool known = std::exchange(rotated_, IsRotated());
  if (!rotated_ || !known) return;
  rotated_ = false;
  OpenPath();
}

}  // namespace verifyd
