#include "cache/open_mark.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "base/owners_rights.h"

namespace verifyd {
namespace {

constexpr absl::string_view kEnding = "-open.";
constexpr size_t kMaxName = 200;

std::string FirstLine(const std::string& path) {
  std::ifstream in(path);
  std::string line;
  std::getline(in, line);
  return line;
}

// Opens the file at the mark's path; -1: there is no such file. It must have no other name, and nothing that would
// block is opened.
int OpenFile(const std::string& path, int flags) {
  const int fd = ::open(path.c_str(), flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
  struct stat info = {};
  if (fd < 0 || (::fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && info.st_nlink == 1)) return fd;
  ::close(fd);
  return -1;
}

// Empty where it can not be read.
std::string MarkedName(const std::string& mark) {
  const int fd = OpenFile(mark, O_RDONLY);
  if (fd < 0) return "";
  std::string name(kMaxName, '\0');
  const ssize_t got = ::read(fd, name.data(), name.size());
  ::close(fd);
  name.resize(got < 0 ? 0 : static_cast<size_t>(got));
  return name.substr(0, name.find('\n'));
}

// Returns a name that no other process ever has: the boot, and the start time in it. Empty where /proc does not say it.
std::string NameOf(pid_t pid) {
  const std::string boot = FirstLine("/proc/sys/kernel/random/boot_id");
  const std::string stat = FirstLine(absl::StrCat("/proc/", pid, "/stat"));
  // starttime is the twentieth field after the command, which may hold anything; see proc(5).
  const size_t command = stat.rfind(')');
  if (boot.empty() || command == std::string::npos) return "";
  const std::vector<absl::string_view> fields =
      absl::StrSplit(absl::string_view(stat).substr(command + 1), ' ', absl::SkipEmpty());
  return fields.size() < 20 ? "" : absl::StrCat(boot, " ", fields[19]);
}

bool Lives(pid_t pid, const std::string& mark) {
  if (pid == ::getpid() || (::kill(pid, 0) != 0 && errno != EPERM)) return false;
  // Older versions wrote no name, and of another user's process /proc may not tell it.
  const std::string marked = MarkedName(mark);
  const std::string name = NameOf(pid);
  return marked.empty() || name.empty() || marked == name;
}

void ForEachMark(const std::string& path, absl::FunctionRef<void(int pid, const std::string& file)> use) {
  const OwnersRights rights(path);
  const std::filesystem::path store(path);
  const std::string prefix = absl::StrCat(store.filename().string(), kEnding);
  std::error_code error;
  for (std::filesystem::directory_iterator entry(store.parent_path(), error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string name = entry->path().filename();
    absl::string_view number = name;
    int pid = 0;
    if (absl::ConsumePrefix(&number, prefix) && absl::SimpleAtoi(number, &pid) && pid > 0) use(pid, entry->path());
  }
}

}  // namespace

OpenMark::OpenMark(const std::string& path) : file_(absl::StrCat(path, kEnding, ::getpid())) {
  const OwnersRights rights(file_);
  const int fd = OpenFile(file_, O_CREAT | O_WRONLY);
  if (fd < 0) return;
  const std::string name = NameOf(::getpid());
  // A mark without a name is one, too.
  if (::ftruncate(fd, 0) == 0) (void)!::write(fd, name.data(), name.size());
  ::close(fd);
}

OpenMark::~OpenMark() {
  const OwnersRights rights(file_);
  ::unlink(file_.c_str());
}

int OpenMark::Holder(const std::string& path) {
  int holder = 0;
  ForEachMark(path, [&](int pid, const std::string& file) {
    if (Lives(pid, file)) holder = pid;
  });
  return holder;
}

bool OpenMark::TakeLeftOver(const std::string& path) {
  bool found = false;
  ForEachMark(path, [&](int pid, const std::string& file) {
    if (Lives(pid, file)) return;
    found = true;
    ::unlink(file.c_str());
  });
  return found;
}

}  // namespace verifyd
